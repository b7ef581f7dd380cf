"""TCP upper case server, one coroutine per client: asyncio streams.

Usage: python3 asyncio_streams.py PORT
"""

import asyncio
import signal
import sys

MAX_LINE = 1024 * 1024  # bytes, the LF not counted
BACKLOG = 128  # clients that may wait until they are accepted


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every whole line until the client ends its side; what follows the last LF gets no answer."""
    try:
        while True:
            # Not readline(): at the end of the stream that would give an unfinished line as well.
            line = await reader.readuntil(b"\n")
            writer.write(line.upper())  # upper() of bytes changes a-z and nothing else
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        pass  # the client has ended its side, sent an endless line, or is gone
    except asyncio.CancelledError:
        pass  # the server ends, and nobody awaits this task: Python 3.11 would print a traceback for it
    finally:
        writer.close()


async def serve_until_interrupted(port: int) -> None:
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    # The default limit of a StreamReader is 64 KiB, too short for our lines.  SO_REUSEADDR is set by asyncio.
    server = await asyncio.start_server(serve, "0.0.0.0", port, limit=MAX_LINE, backlog=BACKLOG)
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
