"""Chat room server, two threads per client: one reads, one writes.

Nobody writes to a client but its own writer, so a client that does not read holds up nobody else.  The room has one
lock: all hear what happens in the same order, and no two members get the same name.

Usage: python3 server.py PORT
"""

import re
import socket
import sys
import threading

MAX_LINE = 64 * 1024  # bytes of a line, its end included
MAX_WAITING = 4 * 1024 * 1024  # bytes that may wait for a client that does not read
CHUNK = 64 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted
NAME = re.compile(r"[A-Za-z0-9_-]{1,16}")


class Client:
    """A connection, and what still has to be sent to it.  `name` is empty until it is in the room."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.name = ""
        self._outgoing = bytearray()
        self._ending = False
        self._changed = threading.Condition()

    def tell(self, line: str) -> None:
        """Hand over a line to be sent.  Never waits; a client that has too much to read already is dropped."""
        with self._changed:
            if len(self._outgoing) > MAX_WAITING:
                self._drop()
            else:
                self._outgoing += line.encode() + b"\n"
            self._changed.notify()

    def _drop(self) -> None:
        try:
            self.connection.shutdown(socket.SHUT_RDWR)  # wakes its reader and its writer
        except OSError:
            pass  # it has gone already

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
                self.connection.sendall(data)
            except OSError:
                return  # the client is gone; its reader sees that too


class Room:
    """Everybody who has a name, by that name."""

    def __init__(self) -> None:
        self._members: dict[str, Client] = {}
        self._lock = threading.Lock()

    def enter(self, client: Client, name: str) -> None:
        if not NAME.fullmatch(name):
            client.tell("! a name has 1 to 16 letters, digits, _ and -")
            return
        with self._lock:
            if name in self._members:
                client.tell("! this name is taken")
                return
            client.tell(f"* welcome {name}")
            self._tell_all(f"* {name} joined")
            client.name = name
            self._members[name] = client

    def leave(self, client: Client) -> None:
        if client.name:
            with self._lock:
                del self._members[client.name]
                self._tell_all(f"* {client.name} left")

    def say(self, client: Client, line: str) -> None:
        with self._lock:
            self._tell_all(f"{client.name}: {line}", besides=client)

    def say_to(self, client: Client, name: str, text: str) -> None:
        with self._lock:
            if name in self._members:
                self._members[name].tell(f"[{client.name}] {text}")
            else:
                client.tell(f"! nobody here is called {name}")

    def answer_who(self, client: Client) -> None:
        with self._lock:
            client.tell("* here: " + " ".join(self._members))

    def _tell_all(self, line: str, besides: Client | None = None) -> None:
        for member in self._members.values():
            if member is not besides:
                member.tell(line)


def obey(client: Client, room: Room, line: str) -> bool:
    """Do what a command says; False when the client wants to leave."""
    command, _, rest = line.partition(" ")
    name, _, text = rest.partition(" ")
    if line == "/quit":
        client.tell("* bye")
        return False
    if command == "/ping" and rest:
        client.tell(f"pong {rest}")
    elif line == "/who" and client.name:
        room.answer_who(client)
    elif command == "/msg" and text and client.name:
        room.say_to(client, name, text)
    else:
        client.tell(f"! {command} is not a command, not complete, or not for those without a name")
    return True


def take(client: Client, room: Room, data: bytes) -> bool:
    """Deal with one line; False when the client wants to leave."""
    try:
        line = data.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        client.tell("! this line is not UTF-8")
        return True
    if line.startswith("/"):
        return obey(client, room, line)
    if client.name:
        room.say(client, line)
    else:
        room.enter(client, line)
    return True


def read_lines(client: Client, room: Room) -> None:
    """Deal with every line of a client, until it ends its side or wants to leave."""
    pending = bytearray()
    while chunk := client.connection.recv(CHUNK):
        pending += chunk
        *lines, pending = pending.split(b"\n")
        for line in lines:
            if not take(client, room, bytes(line)):
                return
        if len(pending) > MAX_LINE:
            return


def serve(connection: socket.socket, room: Room) -> None:
    with connection:
        client = Client(connection)
        writer = threading.Thread(target=client.write, daemon=True)
        writer.start()
        try:
            read_lines(client, room)
        except OSError:
            pass  # the client is gone (reset, for instance)
        room.leave(client)
        client.finish()
        writer.join()
        part_from(connection)


def part_from(connection: socket.socket) -> None:
    """End our side, and read what the client still sends: with bytes unread, close() would reset the last answer."""
    try:
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(CHUNK):
            pass
    except OSError:
        pass  # it has gone already


def serve_forever(listener: socket.socket) -> None:
    room = Room()
    while True:
        connection, _ = listener.accept()
        # Daemon threads don't keep the program alive after Ctrl-C; the kernel then closes their sockets.
        threading.Thread(target=serve, args=(connection, room), daemon=True).start()


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        listener = socket.create_server(("", int(sys.argv[1])), backlog=BACKLOG)  # sets SO_REUSEADDR
    except OSError as error:
        print(f"server.py: port {sys.argv[1]}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
