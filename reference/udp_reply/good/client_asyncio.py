"""UDP reply client with asyncio: one loop watches the keyboard and the socket all the time.

Usage: python3 client_asyncio.py HOST PORT
"""

import asyncio
import contextlib
import sys

PATIENCE_S = 1.0


class Replies(asyncio.DatagramProtocol):
    """Puts what comes, errors too, into a queue."""

    def __init__(self) -> None:
        self.come: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def datagram_received(self, data: bytes, _: tuple[str, int]) -> None:
        """A datagram of the server's: the socket is connected."""
        self.come.put_nowait(data)

    def error_received(self, error: Exception) -> None:
        """Nobody receives there."""
        self.come.put_nowait(error)

    async def wait_for(self, wanted: bytes) -> None:
        """Until the reply that is wanted has come; others are dropped.  Raises OSError when nobody receives."""
        while (come := await self.come.get()) != wanted:
            if isinstance(come, Exception):
                raise come


async def main(host: str, port: int) -> None:
    """Until the line `quit`, or the end of the input."""
    loop = asyncio.get_running_loop()
    transport, replies = await loop.create_datagram_endpoint(Replies, remote_addr=(host, port))
    keyboard = asyncio.StreamReader(limit=1 << 17)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(keyboard), sys.stdin)
    with contextlib.closing(transport):
        while (line := await keyboard.readline()) not in {b"", b"quit", b"quit\n"}:
            text = line.removesuffix(b"\n")
            transport.sendto(text)
            try:
                await asyncio.wait_for(replies.wait_for(b"OK..." + text), PATIENCE_S)
            except asyncio.TimeoutError:
                print("no reply came", file=sys.stderr)
            except OSError as error:
                print(error, file=sys.stderr)
            else:
                print("OK..." + text.decode(), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: client_asyncio.py HOST PORT")
    try:
        asyncio.run(main(sys.argv[1], int(sys.argv[2])))
    except KeyboardInterrupt:
        pass
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(f"client: {error}")
