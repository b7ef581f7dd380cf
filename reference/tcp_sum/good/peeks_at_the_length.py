"""TCP sum server, one thread per client, which looks at a frame's length before it takes the frame.

Usage: python3 peeks_at_the_length.py PORT
"""

import array
import socket
import sys
import threading

MAX_LENGTH = 1024 * 1024  # bytes of numbers in a frame
CHUNK = 64 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted


class ConnectionEnded(Exception):
    """The client has ended its side."""


def receive_exactly(client: socket.socket, size: int) -> bytearray:
    """The next `size` bytes; the memory for them grows as they come.

    Raises ConnectionEnded if the client ends its side before.
    """
    data = bytearray()
    while len(data) < size:
        chunk = client.recv(min(size - len(data), CHUNK))
        if not chunk:
            raise ConnectionEnded
        data += chunk
    return data


def sum_of(body: bytearray) -> int:
    numbers = array.array("i", body)
    if sys.byteorder == "little":
        numbers.byteswap()
    return sum(numbers)


def answer_frames(client: socket.socket) -> None:
    """Answer every whole frame until the client breaks the protocol."""
    while True:
        header = client.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL)  # fewer only at the client's end
        length = int.from_bytes(header, "big")
        if len(header) < 4 or length > MAX_LENGTH or length % 4:
            return
        total = sum_of(receive_exactly(client, 4 + length)[4:])
        client.sendall((8).to_bytes(4, "big") + total.to_bytes(8, "big", signed=True))


def serve(client: socket.socket) -> None:
    with client:
        try:
            answer_frames(client)
        except (ConnectionEnded, OSError):
            pass  # OSError: the client is gone (reset, for instance), and nobody is left to answer


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
        print("usage: peeks_at_the_length.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        listener = open_listener(port)
    except OSError as error:
        print(f"peeks_at_the_length.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
