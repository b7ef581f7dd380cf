"""TCP chat server, two threads per client: one reads, one writes.

Nobody writes to a client but its own writer, so a client that does not read holds up nobody else.

Usage: python3 threads.py PORT
"""

import select
import socket
import sys
import threading

MAX_LINE = 64 * 1024  # bytes of a line, its end included
MAX_WAITING = 4 * 1024 * 1024  # bytes that may wait for a client that does not read
CHUNK = 64 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted


class Member:
    """A client in the room, and what still has to be sent to it."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.welcome = True
        self._outgoing = bytearray()
        self._ending = False
        self._changed = threading.Condition()

    def tell(self, data: bytes) -> None:
        """Hand over what is to be sent.  Never waits; a member that has too much to read already is put out."""
        with self._changed:
            self._outgoing += data
            if len(self._outgoing) > MAX_WAITING and self.welcome:
                self.welcome = False
                try:
                    self.client.shutdown(socket.SHUT_RDWR)  # wakes its reader and its writer
                except OSError:
                    pass  # it has gone already
            self._changed.notify()

    def finish(self) -> None:
        """Nothing more will be told: the writer ends when all has gone out."""
        with self._changed:
            self._ending = True
            self._changed.notify()

    def write(self) -> None:
        """Send what is told, until the end.  Runs in a thread of its own."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._outgoing or self._ending)
                data, self._outgoing = self._outgoing, bytearray()
            if not data:
                return
            try:
                self.client.sendall(data)
            except OSError:
                return  # the client is gone; its reader sees that too


class Room:
    """Everybody who is connected."""

    def __init__(self) -> None:
        self._members: set[Member] = set()
        self._lock = threading.Lock()

    def enter(self, member: Member) -> None:
        with self._lock:
            self._members.add(member)
            member.tell(b"Wellcome\n")  # with the lock held, so that no line comes before it

    def leave(self, member: Member) -> None:
        with self._lock:
            self._members.discard(member)

    def say(self, line: bytes) -> None:
        """Send a line to all, if it is one to be sent."""
        line = line.rstrip(b" \t\r\n")
        try:
            line.decode()
        except UnicodeDecodeError:
            return
        if line:
            with self._lock:  # all hear the lines in the same order
                for member in self._members:
                    member.tell(line + b"\n")


def is_broken(client: socket.socket) -> bool:
    """Whether the connection is gone, and not only the client's side ended.

    recv can't always tell: when the writer has met the error first, recv returns b"" as at an end.
    """
    poll = select.poll()
    poll.register(client, 0)  # errors are told unasked
    return bool(poll.poll(0))


def read_lines(member: Member, room: Room) -> None:
    """Say every line of a member, until it ends its side or is put out."""
    pending = bytearray()
    while chunk := member.client.recv(CHUNK):
        if not member.welcome:
            return
        pending += chunk
        *lines, pending = pending.split(b"\n")
        for line in lines:
            room.say(line)
        if len(pending) > MAX_LINE:
            return
    if not is_broken(member.client):
        room.say(pending)


def serve(client: socket.socket, room: Room) -> None:
    with client:
        member = Member(client)
        writer = threading.Thread(target=member.write, daemon=True)
        writer.start()
        room.enter(member)
        try:
            read_lines(member, room)
        except OSError:
            pass  # the client is gone (reset, for instance)
        room.leave(member)
        member.finish()
        writer.join()


def serve_forever(listener: socket.socket) -> None:
    room = Room()
    while True:
        client, _ = listener.accept()
        # Daemon threads don't keep the program alive after Ctrl-C; the kernel then closes their sockets.
        threading.Thread(target=serve, args=(client, room), daemon=True).start()


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
        print("usage: threads.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        listener = open_listener(port)
    except OSError as error:
        print(f"threads.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
