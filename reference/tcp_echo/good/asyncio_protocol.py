"""TCP echo server, callbacks for all clients: an asyncio protocol.

Usage: python3 asyncio_protocol.py PORT
"""

import asyncio
import re
import signal
import sys

BACKLOG = 128  # clients that may wait until they are accepted
MAX_DROPPED = 1024 * 1024  # bytes behind the line `close` that are read before we lose patience

CLOSE_LINE = re.compile(rb"^close\r?\n", re.MULTILINE)
LONGEST = len(b"close\r\n")  # of a longer line no more is kept: it is not `close`


class Echo(asyncio.Protocol):
    """One client's connection: asyncio calls these when something has happened to it.

    When the client ends its side, asyncio sends what is left and closes: Protocol.eof_received does not object.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.line = b""  # how the line that is not finished yet begins
        self.closing = False
        self.dropped = 0

    def data_received(self, data: bytes) -> None:
        if self.closing:
            self.drop(data)
            return
        text = self.line + data
        if found := CLOSE_LINE.search(text):
            self.closing = True
            self.transport.write(text[len(self.line) : found.end()])
            # Only our side ends.  A close() with bytes unread would destroy the echo on its way.
            self.transport.write_eof()
            return
        self.transport.write(data)
        self.line = text[text.rfind(b"\n") + 1 :][:LONGEST]

    def drop(self, data: bytes) -> None:
        self.dropped += len(data)
        if self.dropped > MAX_DROPPED:
            self.transport.close()

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # a client that does not read is not read either

    def resume_writing(self) -> None:
        self.transport.resume_reading()


async def serve_until_interrupted(port: int) -> None:
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, interrupted.set)
    # SO_REUSEADDR is set by asyncio.
    server = await loop.create_server(Echo, "0.0.0.0", port, backlog=BACKLOG)
    await interrupted.wait()
    server.close()


def parse_port(arguments: list[str]) -> int | None:
    """The port in `arguments`, or None if there is none from 1 to 65535."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        return None
    port = int(arguments[0])
    return port if 1 <= port <= 65535 else None


def main() -> int:
    port = parse_port(sys.argv[1:])
    if port is None:
        print("usage: asyncio_protocol.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve_until_interrupted(port))
    except OSError as error:
        print(f"asyncio_protocol.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
