use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        line.make_ascii_uppercase();
        out.write_all(&line)?;
    }
}

fn main() {
    let port: u16 = std::env::args().nth(1).expect("usage: server PORT").parse().unwrap();
    let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => {
                thread::spawn(move || {
                    if let Err(error) = serve(stream) {
                        println!("lost a client: {error}");
                    }
                });
            }
            Err(error) => println!("accept: {error}"),
        }
    }
}
