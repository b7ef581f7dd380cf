// A right server in Rust.  Arguments: threads; the port.  See bench/stillness.py.
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn compute(milliseconds: u64) {
    let end = Instant::now() + Duration::from_millis(milliseconds);
    while Instant::now() < end {}
}

fn answer(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let amount: u64 = words[1].parse().unwrap();
    match words[0] {
        "compute" => compute(amount),
        "hand" => {
            let (done, waiting) = mpsc::channel();
            thread::spawn(move || {
                compute(amount);
                done.send(()).unwrap();
            });
            waiting.recv().unwrap();
        }
        "sleep" => thread::sleep(Duration::from_millis(amount)),
        "file" => drop(std::fs::read("/proc/self/exe")),
        "collect" => drop((1..500).map(|size| vec![1u8; size * 1000]).collect::<Vec<_>>()),
        "ignore" => return String::new(),
        "stuck" => {
            let (_never, waiting) = mpsc::channel::<()>();
            waiting.recv().unwrap();
        }
        _ => (),
    }
    words[2].to_uppercase() + "\n"
}

fn serve(mut client: TcpStream) {
    for line in BufReader::new(client.try_clone().unwrap()).lines() {
        let Ok(line) = line else { return };
        if client.write_all(answer(&line).as_bytes()).is_err() {
            return;
        }
    }
}

fn main() {
    let port = std::env::args().nth(2).unwrap();
    for client in TcpListener::bind(format!("127.0.0.1:{port}")).unwrap().incoming() {
        let client = client.unwrap();
        thread::spawn(move || serve(client));
    }
}
