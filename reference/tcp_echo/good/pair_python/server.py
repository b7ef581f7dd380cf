"""TCP echo server, the half of a pair: a thread for each client.

Usage: python3 server.py PORT
"""

import socket
import sys
import threading

from word import Watch

PIECE = 32 * 1024  # bytes that one recv may bring
WAITING = 128  # clients that have not been accepted yet
PATIENCE = 1024 * 1024  # bytes behind the line `close` that are read and dropped


def echo(client: socket.socket) -> None:
    """Send everything back until the client ends its side, or says `close`."""
    watch = Watch()
    while piece := client.recv(PIECE):
        end = watch.find(piece)
        client.sendall(piece[:end])
        if end is not None:
            part_from(client)
            return


def part_from(client: socket.socket) -> None:
    """End our side and wait for the client's: with bytes unread, close() would reset what is still on its way."""
    client.shutdown(socket.SHUT_WR)
    left = PATIENCE
    while left > 0 and (piece := client.recv(PIECE)):
        left -= len(piece)


def serve(client: socket.socket) -> None:
    with client:
        try:
            echo(client)
        except OSError:
            pass  # the client is gone, and nobody else is concerned


def serve_forever(listener: socket.socket) -> None:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()  # daemon: Ctrl-C waits for none of them


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        listener = socket.create_server(("", int(sys.argv[1])), backlog=WAITING)  # sets SO_REUSEADDR
    except OSError as error:
        print(f"server.py: port {sys.argv[1]}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
