"""TCP echo server, one thread for all clients: an event loop around `selectors`.

No call on a socket may block.  A client whose echo does not go out is not read either, so that a client that never
reads costs one chunk of memory and nobody's time.

Usage: python3 selectors_loop.py PORT
"""

import re
import selectors
import socket
import sys

CHUNK = 64 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted
MAX_DROPPED = 1024 * 1024  # bytes behind the line `close` that are read before we lose patience

CLOSE_LINE = re.compile(rb"^close\r?\n", re.MULTILINE)
LONGEST = len(b"close\r\n")  # of a longer line no more is kept: it is not `close`


class Connection:
    """One client: its unfinished line, what still has to go out, and whether a line has said `close`."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.line = b""
        self.outgoing = b""
        self.closing = False
        self.dropped = 0

    def interest(self) -> int:
        return selectors.EVENT_WRITE if self.outgoing else selectors.EVENT_READ

    def proceed(self) -> bool:
        """Send or read once, as announced by `interest`.  False when the connection is over."""
        try:
            return self._send() if self.outgoing else self._receive()
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _send(self) -> bool:
        sent = self.client.send(self.outgoing)
        self.outgoing = self.outgoing[sent:]
        if self.closing and not self.outgoing:
            self.client.shutdown(socket.SHUT_WR)
        return True

    def _receive(self) -> bool:
        chunk = self.client.recv(CHUNK)
        if self.closing:
            # A close() with bytes unread would destroy the echo on its way: read on until the client's end.
            self.dropped += len(chunk)
            return bool(chunk) and self.dropped < MAX_DROPPED
        text = self.line + chunk
        found = CLOSE_LINE.search(text)
        self.closing = found is not None
        self.outgoing = text[len(self.line) : found.end()] if found else chunk
        self.line = text[text.rfind(b"\n") + 1 :][:LONGEST]
        return bool(chunk)


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
