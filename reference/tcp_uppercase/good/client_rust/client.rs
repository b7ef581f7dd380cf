use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::exit;

fn talk(host: &str, port: u16) -> io::Result<()> {
    let stream = TcpStream::connect((host, port))?;
    let mut out = stream.try_clone()?;
    let mut server = BufReader::new(stream);
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line == "quit" {
            break;
        }
        out.write_all(format!("{line}\n").as_bytes())?;
        let mut reply = Vec::new();
        server.read_until(b'\n', &mut reply)?;
        if reply.pop() != Some(b'\n') {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server has closed the connection"));
        }
        println!("{}", String::from_utf8_lossy(&reply));
    }
    Ok(())
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let port: u16 = words.get(2).and_then(|word| word.parse().ok()).unwrap_or(0);
    if port == 0 {
        eprintln!("usage: client HOST PORT");
        exit(2);
    }
    if let Err(error) = talk(&words[1], port) {
        eprintln!("client: {error}");
        exit(1);
    }
}
