"""Echo server: a process for each client."""

import os
import socket
import sys


def echo(client: socket.socket) -> None:
    while data := client.recv(4096):
        client.sendall(data)


def main() -> None:
    with socket.create_server(("", int(sys.argv[1])), backlog=128) as listener:
        while True:
            client, _ = listener.accept()
            with client:
                if os.fork() == 0:
                    listener.close()
                    echo(client)
                    os._exit(0)


if __name__ == "__main__":
    main()
