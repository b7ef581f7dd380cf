"""Echo server: one thread, which asks select() for those that have sent something."""

import select
import socket
import sys


def echo(client: socket.socket) -> bool:
    """Send back what has come; False when the client has left."""
    try:
        data = client.recv(4096)
        client.sendall(data)
    except OSError:
        return False
    return bool(data)


def main() -> None:
    with socket.create_server(("", int(sys.argv[1])), backlog=128) as listener:
        clients: list[socket.socket] = []
        while True:
            readable, _, _ = select.select([listener, *clients], [], [])
            for sock in readable:
                if sock is listener:
                    clients.append(listener.accept()[0])
                elif not echo(sock):
                    clients.remove(sock)
                    sock.close()


if __name__ == "__main__":
    main()
