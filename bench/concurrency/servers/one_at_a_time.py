"""Echo server: one client after another."""

import socket
import sys


def echo(client: socket.socket) -> None:
    with client:
        while data := client.recv(4096):
            client.sendall(data)


def main() -> None:
    with socket.create_server(("", int(sys.argv[1])), backlog=128) as listener:
        while True:
            client, _ = listener.accept()
            echo(client)


if __name__ == "__main__":
    main()
