"""Echo server: 16 threads, each of which serves one client at a time."""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor


def echo(client: socket.socket) -> None:
    with client:
        while data := client.recv(4096):
            client.sendall(data)


def main() -> None:
    with (
        socket.create_server(("", int(sys.argv[1])), backlog=128) as listener,
        ThreadPoolExecutor(max_workers=16) as pool,
    ):
        while True:
            client, _ = listener.accept()
            pool.submit(echo, client)


if __name__ == "__main__":
    main()
