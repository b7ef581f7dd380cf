"""Chat room server with asyncio: one task that reads and one that writes for each client, all in one thread.

Usage: python3 asyncio_streams.py PORT
"""

import asyncio
import string
import sys

MAX_LINE = 64 * 1024  # bytes of a line, its end included
MAX_WAITING = 1000  # lines that may wait for a client that does not read; the last is MAX_LINE long at most
ALLOWED = frozenset(string.ascii_letters + string.digits + "_-")


class Client:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.name = ""  # until it is in the room
        self.outgoing: asyncio.Queue[str] = asyncio.Queue()

    def tell(self, line: str) -> None:
        """Never waits; who has too much to read already is dropped."""
        if self.outgoing.qsize() < MAX_WAITING:
            self.outgoing.put_nowait(line)
        else:
            self.writer.transport.abort()

    async def write(self) -> None:
        """Send what is told, as fast as the client reads."""
        while True:
            line = await self.outgoing.get()
            try:
                self.writer.write(line.encode() + b"\n")
                await self.writer.drain()
            except ConnectionError:
                pass  # the client is gone; its reader sees that too
            self.outgoing.task_done()


class Room:
    """Everybody who has a name, by that name.  Nothing here waits, so nobody comes in between."""

    def __init__(self) -> None:
        self.members: dict[str, Client] = {}

    def tell_all(self, line: str, besides: Client | None = None) -> None:
        for member in self.members.values():
            if member is not besides:
                member.tell(line)

    def enter(self, client: Client, name: str) -> None:
        if not 1 <= len(name) <= 16 or not ALLOWED.issuperset(name):
            client.tell("! that is no name: 1 to 16 letters, digits, _ and -")
        elif name in self.members:
            client.tell(f"! somebody is called {name} already")
        else:
            client.tell(f"* welcome {name}")
            self.tell_all(f"* {name} joined")
            client.name = name
            self.members[name] = client

    def leave(self, client: Client) -> None:
        if client.name:
            del self.members[client.name]
            self.tell_all(f"* {client.name} left")
            client.name = ""

    def obey(self, client: Client, line: str) -> None:
        match line.split(" ", 2):
            case ["/ping", *_] if len(line) > len("/ping "):
                client.tell("pong " + line.removeprefix("/ping "))
            case ["/who"] if client.name:
                client.tell("* here: " + " ".join(self.members))
            case ["/msg", name, text] if client.name and text:
                if name in self.members:
                    self.members[name].tell(f"[{client.name}] {text}")
                else:
                    client.tell(f"! there is nobody called {name}")
            case _:
                client.tell("! no such command, or not now")

    def take(self, client: Client, data: bytes) -> None:
        """Deal with one line."""
        try:
            line = data.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            client.tell("! that was not UTF-8")
            return
        if line.startswith("/"):
            self.obey(client, line)
        elif client.name:
            self.tell_all(f"{client.name}: {line}", besides=client)
        else:
            self.enter(client, line)


async def read_lines(reader: asyncio.StreamReader, client: Client, room: Room) -> None:
    """Deal with every line until the client ends its side, or says /quit."""
    while (line := await reader.readline()).endswith(b"\n"):
        line = line.removesuffix(b"\n")
        if line.removesuffix(b"\r") == b"/quit":
            client.tell("* bye")
            return
        room.take(client, line)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, room: Room) -> None:
    client = Client(writer)
    writing = asyncio.create_task(client.write())
    try:
        await read_lines(reader, client, room)
        room.leave(client)
        await client.outgoing.join()
        writer.write_eof()
        while await reader.read(MAX_LINE):
            pass  # with bytes unread, closing would reset the last answer
    except (OSError, ValueError):
        pass  # a reset, or a line that is too long
    finally:
        room.leave(client)
        writing.cancel()
        writer.close()


async def main(port: int) -> None:
    room = Room()
    server = await asyncio.start_server(lambda *streams: serve(*streams, room), "0.0.0.0", port, limit=MAX_LINE)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
        sys.exit("usage: asyncio_streams.py PORT")
    try:
        asyncio.run(main(int(sys.argv[1])))
    except KeyboardInterrupt:
        pass
