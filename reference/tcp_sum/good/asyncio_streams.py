"""TCP sum server, one coroutine per client: asyncio streams.

Usage: python3 asyncio_streams.py PORT
"""

import asyncio
import signal
import struct
import sys

MAX_LENGTH = 1024 * 1024  # bytes of numbers in a frame
BACKLOG = 128  # clients that may wait until they are accepted


async def answer_frames(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every whole frame until the client breaks the protocol.

    Raises asyncio.IncompleteReadError when the client ends its side.
    """
    while True:
        (length,) = struct.unpack("!I", await reader.readexactly(4))
        if length > MAX_LENGTH or length % 4:
            return
        body = await reader.readexactly(length)
        total = sum(number for (number,) in struct.iter_unpack("!i", body))
        writer.write(struct.pack("!Iq", 8, total))
        await writer.drain()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await answer_frames(reader, writer)
    except (asyncio.IncompleteReadError, OSError):
        pass  # the client has ended its side, or is gone
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
