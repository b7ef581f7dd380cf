"""UDP reply server on asyncio: a DatagramProtocol.

Usage: python3 asyncio_protocol.py PORT
"""

import asyncio
import signal
import sys


class Reply(asyncio.DatagramProtocol):
    """Answers every datagram; the transport keeps replies that can't go out at once."""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, datagram: bytes, client: tuple[str, int]) -> None:
        self.transport.sendto(b"OK..." + datagram, client)

    def error_received(self, error: OSError) -> None:
        print(f"asyncio_protocol.py: a reply was not sent: {error.strerror}", file=sys.stderr)


async def serve_until_interrupted(port: int) -> None:
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, interrupted.set)
    transport, _ = await loop.create_datagram_endpoint(Reply, local_addr=("0.0.0.0", port))
    await interrupted.wait()
    transport.close()


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
