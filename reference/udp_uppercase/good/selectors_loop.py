"""UDP upper case server, an event loop around `selectors` with a socket that never blocks.

A reply that can't go out at once is kept until it can; no other datagram is read meanwhile, they wait in the kernel.

Usage: python3 selectors_loop.py PORT
"""

import selectors
import socket
import sys

LARGEST = 65535  # bytes: no UDP datagram is longer


class Replier:
    """The socket, and the reply that still has to go out."""

    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.waiting: tuple[bytes, tuple[str, int]] | None = None

    def interest(self) -> int:
        return selectors.EVENT_WRITE if self.waiting else selectors.EVENT_READ

    def proceed(self) -> None:
        """Send or receive, as announced by `interest`, until the socket would block."""
        try:
            while True:
                if self.waiting is None:
                    datagram, client = self.server.recvfrom(LARGEST)
                    self.waiting = datagram.upper(), client
                self._send(*self.waiting)
                self.waiting = None
        except BlockingIOError:
            pass

    def _send(self, reply: bytes, client: tuple[str, int]) -> None:
        try:
            self.server.sendto(reply, client)
        except BlockingIOError:
            raise
        except OSError as error:
            print(f"selectors_loop.py: no reply to {client}: {error.strerror}", file=sys.stderr)


def serve_forever(server: socket.socket, selector: selectors.BaseSelector) -> None:
    server.setblocking(False)
    replier = Replier(server)
    selector.register(server, replier.interest())
    while True:
        selector.select()
        replier.proceed()
        selector.modify(server, replier.interest())


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
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, selectors.DefaultSelector() as selector:
        try:
            server.bind(("", port))
        except OSError as error:
            print(f"selectors_loop.py: port {port}: {error.strerror}", file=sys.stderr)
            return 1
        try:
            serve_forever(server, selector)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
