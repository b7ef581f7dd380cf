"""Fault: its longest line is a byte short of the longest allowed, since it counts the LF."""

import socket
import sys

MAX_LINE = 1024 * 1024


def answer_lines(client: socket.socket) -> None:
    """Answer every whole line until the client ends its side; what follows the last LF gets no answer."""
    with client.makefile("rb") as lines:
        # The file object collects pieces until a line is whole, and keeps what came too early for the next one.
        while (line := lines.readline(MAX_LINE)).endswith(b"\n"):
            client.sendall(line.upper())  # upper() of bytes changes a-z and nothing else


def serve_forever(listener: socket.socket) -> None:
    while True:
        client, _ = listener.accept()
        with client:
            try:
                answer_lines(client)
            except OSError:
                pass  # this client is gone; the next one must not suffer for it


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
        # Sets SO_REUSEADDR, binds every IPv4 address, listens.
        listener = socket.create_server(("", port))
    except OSError as error:
        print(f"server.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
