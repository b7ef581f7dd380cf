"""TCP chat server, one thread for all clients: an event loop around `selectors`.

No call on a socket may block.  A client whose own lines don't go out to it is not read meanwhile; one for which the
others have said too much is put out.

Usage: python3 selectors_loop.py PORT
"""

import selectors
import socket
import sys

MAX_LINE = 64 * 1024  # bytes of a line, its end included
ENOUGH_WAITING = 256 * 1024  # bytes that wait for a client, above which it is not read
MAX_WAITING = 4 * 1024 * 1024  # bytes that wait for a client, above which it is put out
CHUNK = 64 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted


class Member:
    """A client in the room: what came of its unfinished line, and what still has to go out."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.pending = bytearray()
        self.outgoing = bytearray(b"Welcome\n")
        self.ended = False  # it has ended its side, and gets only what waits for it
        self.gone = False

    def interest(self) -> int:
        reads = not self.ended and len(self.outgoing) < ENOUGH_WAITING
        return (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if self.outgoing else 0)


class Room:
    """Everybody who is connected, and the loop that serves them."""

    def __init__(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        self._listener = listener
        self._selector = selector
        self._members: set[Member] = set()

    def serve_forever(self) -> None:
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        while True:
            for key, events in self._selector.select():
                if key.data is None:
                    self._accept()
                elif not key.data.gone:
                    self._attend(key.data, events)
            # Only now, since what one member does concerns the others.
            for member in list(self._members):
                self._settle(member)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # it left before we came
        client.setblocking(False)
        member = Member(client)
        self._members.add(member)
        self._selector.register(client, member.interest(), member)

    def _attend(self, member: Member, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                sent = member.client.send(member.outgoing)
                del member.outgoing[:sent]
            if events & selectors.EVENT_READ:
                self._receive(member)
        except BlockingIOError:
            pass
        except OSError:
            member.gone = True

    def _receive(self, member: Member) -> None:
        chunk = member.client.recv(CHUNK)
        member.pending += chunk
        *lines, member.pending = member.pending.split(b"\n")
        for line in lines:
            self._say(line)
        if not chunk:
            self._say(member.pending)
            member.ended = True
        elif len(member.pending) > MAX_LINE:
            member.gone = True

    def _say(self, line: bytearray) -> None:
        """Send a line to all, if it is one to be sent."""
        line = line.rstrip(b" \t\r\n")
        try:
            line.decode()
        except UnicodeDecodeError:
            return
        if line:
            for member in self._members:
                member.outgoing += line + b"\n"

    def _settle(self, member: Member) -> None:
        """Close what is over; for the others, wait for what is to be done next."""
        over = member.ended and not member.outgoing
        if over or member.gone or len(member.outgoing) > MAX_WAITING:
            self._selector.unregister(member.client)
            self._members.discard(member)
            member.gone = True
            member.client.close()
        elif self._selector.get_key(member.client).events != member.interest():
            self._selector.modify(member.client, member.interest(), member)


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
            Room(listener, selector).serve_forever()
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
