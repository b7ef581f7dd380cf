"""Fault: at Ctrl-C it takes clients out of the set that it walks through, which raises an error if there are any."""

import re
import socket
import sys
import threading

CHUNK = 64 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted
MAX_DROPPED = 1024 * 1024  # bytes behind the line `close` that are read before we lose patience

CLOSE_LINE = re.compile(rb"^close\r?\n", re.MULTILINE)
LONGEST = len(b"close\r\n")  # of a longer line no more is kept: it is not `close`


def echo(client: socket.socket) -> None:
    """Send back what comes, until the client ends its side or a line says `close`."""
    line = b""  # how the line that is not finished yet begins
    while chunk := client.recv(CHUNK):
        text = line + chunk
        if found := CLOSE_LINE.search(text):
            client.sendall(text[len(line) : found.end()])
            drop_rest(client)
            return
        client.sendall(chunk)
        line = text[text.rfind(b"\n") + 1 :][:LONGEST]


def drop_rest(client: socket.socket) -> None:
    """End our side, then wait for the client's: a close() with bytes unread would destroy the echo on its way."""
    client.shutdown(socket.SHUT_WR)
    dropped = 0
    while dropped < MAX_DROPPED and (chunk := client.recv(CHUNK)):
        dropped += len(chunk)


connected: set[socket.socket] = set()


def serve(client: socket.socket) -> None:
    connected.add(client)
    with client:
        try:
            echo(client)
        except OSError:
            pass  # the client is gone (reset, for instance): nobody is left to answer
        finally:
            connected.discard(client)


def close_clients() -> None:
    for client in connected:
        connected.remove(client)
        client.close()


def serve_forever(listener: socket.socket) -> None:
    while True:
        client, _ = listener.accept()
        # Daemon threads don't keep the program alive after Ctrl-C; the kernel then closes their sockets.
        threading.Thread(target=serve, args=(client,), daemon=True).start()


def open_listener(port: int) -> socket.socket:
    """A socket that listens on every IPv4 address.  Raises OSError, for example when the port is in use."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of an earlier run, still in TIME_WAIT, must not keep us from the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def parse_port(arguments: list[str]) -> int | None:
    """The port in `arguments`, or None if there is none from 1 to 65535."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        return None
    port = int(arguments[0])
    return port if 1 <= port <= 65535 else None


def main() -> int:
    port = parse_port(sys.argv[1:])
    if port is None:
        print("usage: server.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        listener = open_listener(port)
    except OSError as error:
        print(f"server.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            close_clients()
            return 0


if __name__ == "__main__":
    sys.exit(main())
