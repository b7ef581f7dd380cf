"""Echo server: a thread for each client."""

import socket
import sys
import threading


def echo(client: socket.socket) -> None:
    with client:
        while data := client.recv(4096):
            client.sendall(data)


def main() -> None:
    with socket.create_server(("", int(sys.argv[1])), backlog=128) as listener:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=echo, args=(client,)).start()


if __name__ == "__main__":
    main()
