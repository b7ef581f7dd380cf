"""Fault: reads what waits behind the line `close`, and closes without waiting for more.

Usage: python3 reads_only_what_waits.py PORT
"""

import re
import socket
import sys
import threading

CHUNK = 64 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted

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
    """Read what has come, so that close() has nothing unread."""
    client.setblocking(False)
    try:
        while client.recv(CHUNK):
            pass
    except BlockingIOError:
        pass


def serve(client: socket.socket) -> None:
    with client:
        try:
            echo(client)
        except OSError:
            pass  # the client is gone (reset, for instance): nobody is left to answer


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
        print("usage: reads_only_what_waits.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        listener = open_listener(port)
    except OSError as error:
        print(f"reads_only_what_waits.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
