"""Fault: keeps the 64 KiB limit of asyncio's StreamReader, so a longer line ends its connection."""

import asyncio
import sys


async def serve(reader, writer):
    try:
        while (line := await reader.readline()).endswith(b"\n"):
            writer.write(line.upper())
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def run(port):
    await asyncio.start_server(serve, "0.0.0.0", port)
    await asyncio.Event().wait()


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    try:
        asyncio.run(run(int(sys.argv[1])))
    except OSError as error:
        print("server.py: can't listen:", error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
