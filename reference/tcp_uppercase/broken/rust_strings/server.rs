use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::exit;
use std::thread;

fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Ok(());
        }
        out.write_all(line.to_uppercase().as_bytes())?;
    }
}

fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    if port == 0 {
        eprintln!("usage: server PORT");
        exit(2);
    }
    let listener = match TcpListener::bind(("0.0.0.0", port)) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("can't listen on port {port}: {error}");
            exit(1);
        }
    };
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
