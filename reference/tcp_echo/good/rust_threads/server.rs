use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::exit;
use std::thread;

const DRAINED: usize = 256 * 1024;

/// Where the line `close` ends in what has come; `line` keeps the beginning of the last line.
fn end_of_close(data: &[u8], line: &mut Vec<u8>) -> Option<usize> {
    for (i, &byte) in data.iter().enumerate() {
        if byte != b'\n' {
            if line.len() < 8 {
                line.push(byte);
            }
            continue;
        }
        let closes = line == b"close" || line == b"close\r";
        line.clear();
        if closes {
            return Some(i + 1);
        }
    }
    None
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 8192];
    let mut line = Vec::new();
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        let end = end_of_close(&buffer[..n], &mut line);
        if end.is_none() {
            stream.write_all(&buffer[..n])?;
            continue;
        }
        let end = end.unwrap_or(n);
        stream.write_all(&buffer[..end])?;
        stream.shutdown(Shutdown::Write)?;
        let mut dropped = n - end;
        while dropped < DRAINED {
            match stream.read(&mut buffer)? {
                0 => break,
                more => dropped += more,
            }
        }
        return Ok(());
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
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            if let Err(error) = serve(stream) {
                println!("lost a client: {error}");
            }
        });
    }
}
