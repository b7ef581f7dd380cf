"""TCP echo server, one coroutine per client: asyncio streams.

Usage: python3 asyncio_streams.py PORT
"""

import asyncio
import re
import signal
import sys

CHUNK = 64 * 1024  # bytes that one recv may bring
BACKLOG = 128  # clients that may wait until they are accepted
MAX_DROPPED = 1024 * 1024  # bytes behind the line `close` that are read before we lose patience

CLOSE_LINE = re.compile(rb"^close\r?\n", re.MULTILINE)
LONGEST = len(b"close\r\n")  # of a longer line no more is kept: it is not `close`


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, until the client ends its side or a line says `close`."""
    line = b""  # how the line that is not finished yet begins
    while chunk := await reader.read(CHUNK):
        text = line + chunk
        if found := CLOSE_LINE.search(text):
            writer.write(text[len(line) : found.end()])
            await drop_rest(reader, writer)
            return
        writer.write(chunk)
        await writer.drain()  # a client that does not read is not read either
        line = text[text.rfind(b"\n") + 1 :][:LONGEST]


async def drop_rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End our side, then wait for the client's: a close() with bytes unread would destroy the echo on its way."""
    writer.write_eof()
    dropped = 0
    while dropped < MAX_DROPPED and (chunk := await reader.read(CHUNK)):
        dropped += len(chunk)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await echo(reader, writer)
    except OSError:
        pass  # the client is gone (reset, for instance): nobody is left to answer
    except asyncio.CancelledError:
        pass  # the server ends, and nobody awaits this task: Python 3.11 would print a traceback for it
    finally:
        writer.close()


async def serve_until_interrupted(port: int) -> None:
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    # SO_REUSEADDR is set by asyncio.
    server = await asyncio.start_server(serve, "0.0.0.0", port, backlog=BACKLOG)
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
