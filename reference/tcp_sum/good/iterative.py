"""TCP sum server, one client after another: the simplest right one.

Usage: python3 iterative.py PORT
"""

import socket
import struct
import sys

MAX_LENGTH = 1024 * 1024  # bytes of numbers in a frame


def answer_frames(client: socket.socket) -> None:
    """Answer every whole frame until the client ends its side or breaks the protocol."""
    with client.makefile("rb") as frames:
        # read() of the file object collects pieces until it has all, or less than all at the end.
        while len(header := frames.read(4)) == 4:
            (length,) = struct.unpack("!I", header)
            if length > MAX_LENGTH or length % 4:
                return
            body = frames.read(length)
            if len(body) < length:
                return
            numbers = struct.unpack(f"!{length // 4}i", body)
            client.sendall(struct.pack("!Iq", 8, sum(numbers)))


def serve_forever(listener: socket.socket) -> None:
    while True:
        client, _ = listener.accept()
        with client:
            try:
                answer_frames(client)
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
        print("usage: iterative.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        # Sets SO_REUSEADDR, binds every IPv4 address, listens.
        listener = socket.create_server(("", port))
    except OSError as error:
        print(f"iterative.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
