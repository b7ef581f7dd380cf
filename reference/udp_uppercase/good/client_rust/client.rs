use std::io::{self, BufRead};
use std::net::UdpSocket;
use std::process::exit;
use std::time::{Duration, Instant};

fn ask(socket: &UdpSocket, line: &[u8]) -> io::Result<bool> {
    let wanted = line.to_ascii_uppercase();
    let mut buffer = vec![0; 65536];
    for _ in 0..3 {
        let until = Instant::now() + Duration::from_secs(1);
        let _ = socket.send(line);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left))?;
            if let Ok(n) = socket.recv(&mut buffer) {
                if buffer[..n] == wanted[..] {
                    println!("{}", String::from_utf8_lossy(&wanted));
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn talk(host: &str, port: u16) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect((host, port))?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line == "quit" {
            break;
        }
        if !ask(&socket, line.as_bytes())? {
            eprintln!("no answer");
        }
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
