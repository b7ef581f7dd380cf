"""TCP sum server, one thread for all clients: an event loop around `selectors`.

No call on a socket may block.  A client whose answers don't go out is not read either, so that a client that
never reads costs one frame of memory and nobody's time.

Usage: python3 selectors_loop.py PORT
"""

import selectors
import socket
import struct
import sys

MAX_LENGTH = 1024 * 1024  # bytes of numbers in a frame
CHUNK = 64 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted


class ProtocolError(Exception):
    """A length that no frame may have."""


class Connection:
    """One client: what came of its unfinished frame, and what still has to go out."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.pending = bytearray()
        self.outgoing = bytearray()

    def interest(self) -> int:
        return selectors.EVENT_WRITE if self.outgoing else selectors.EVENT_READ

    def proceed(self) -> bool:
        """Send or read once, as announced by `interest`.  False when the connection is over."""
        try:
            return self._send() if self.outgoing else self._receive()
        except BlockingIOError:
            return True
        except (ProtocolError, OSError):
            return False

    def _send(self) -> bool:
        sent = self.client.send(self.outgoing)
        del self.outgoing[:sent]
        return True

    def _receive(self) -> bool:
        chunk = self.client.recv(CHUNK)
        self.pending += chunk
        start = 0
        while (end := self._end_of_frame(start)) is not None:
            numbers = struct.unpack_from(f"!{(end - start) // 4 - 1}i", self.pending, start + 4)
            self.outgoing += struct.pack("!Iq", 8, sum(numbers))
            start = end
        del self.pending[:start]
        return bool(chunk)

    def _end_of_frame(self, start: int) -> int | None:
        """Where the frame that begins at `start` ends, or None while a part of it is missing."""
        if len(self.pending) - start < 4:
            return None
        (length,) = struct.unpack_from("!I", self.pending, start)
        if length > MAX_LENGTH or length % 4:
            raise ProtocolError
        end = start + 4 + length
        return end if end <= len(self.pending) else None


def accept(listener: socket.socket, selector: selectors.BaseSelector) -> None:
    try:
        client, _ = listener.accept()
    except (BlockingIOError, ConnectionAbortedError):
        return  # it left before we came
    client.setblocking(False)
    connection = Connection(client)
    selector.register(client, connection.interest(), connection)


def serve_forever(listener: socket.socket, selector: selectors.BaseSelector) -> None:
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            connection = key.data
            if connection is None:
                accept(listener, selector)
            elif connection.proceed():
                selector.modify(connection.client, connection.interest(), connection)
            else:
                selector.unregister(connection.client)
                connection.client.close()


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
        print("usage: selectors_loop.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        listener = open_listener(port)
    except OSError as error:
        print(f"selectors_loop.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener, selectors.DefaultSelector() as selector:
        try:
            serve_forever(listener, selector)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
