use std::net::UdpSocket;
use std::process::exit;

fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    if port == 0 {
        eprintln!("usage: server PORT");
        exit(2);
    }
    let socket = match UdpSocket::bind(("0.0.0.0", port)) {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("can't receive on port {port}: {error}");
            exit(1);
        }
    };
    let mut buffer = vec![0; 65536];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((n, client)) => {
                buffer[..n].make_ascii_uppercase();
                let _ = socket.send_to(&buffer[..n], client);
            }
            Err(error) => println!("{error}"),
        }
    }
}
