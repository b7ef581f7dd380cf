"""TCP chat server, one coroutine per client: asyncio streams.

Usage: python3 asyncio_streams.py PORT
"""

import asyncio
import signal
import sys

MAX_LINE = 64 * 1024  # bytes of a line, its end included
MAX_WAITING = 4 * 1024 * 1024  # bytes that may wait for a client that does not read
BACKLOG = 128  # clients that may wait until they are accepted


class Room:
    """Everybody who is connected."""

    def __init__(self) -> None:
        self._members: set[asyncio.StreamWriter] = set()

    def say(self, line: bytes) -> None:
        """Send a line to all, if it is one to be sent.  Never waits: what can't go out at once is kept by asyncio."""
        line = line.rstrip(b" \t\r\n")
        try:
            line.decode()
        except UnicodeDecodeError:
            return
        if line:
            for member in list(self._members):
                member.write(line + b"\n")
                if member.transport.get_write_buffer_size() > MAX_WAITING:
                    self._members.discard(member)
                    member.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Welcome\n")
        self._members.add(writer)
        try:
            # readline() gives an unfinished last line as well, and b"" when there is none.
            while (line := await reader.readline()) and writer in self._members:
                self.say(line)
                await writer.drain()  # who does not read is not read either
        except (ValueError, OSError):
            pass  # the client has sent an endless line, or is gone
        except asyncio.CancelledError:
            pass  # the server ends, and nobody awaits this task: Python 3.11 would print a traceback for it
        finally:
            self._members.discard(writer)
            writer.close()  # when all that waits has gone out


async def serve_until_interrupted(port: int) -> None:
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    # SO_REUSEADDR is set by asyncio.
    server = await asyncio.start_server(Room().serve, "0.0.0.0", port, limit=MAX_LINE, backlog=BACKLOG)
    await interrupted.wait()
    # No `async with server`: in Python 3.12 and later that waits until every client has left.
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
        print("usage: asyncio_streams.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve_until_interrupted(port))
    except OSError as error:
        print(f"asyncio_streams.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
