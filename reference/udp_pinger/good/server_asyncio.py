"""Answers by asyncio's datagram endpoint."""

import asyncio
import contextlib
import signal
import sys


class Pinger(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        words = data.split(b" ")
        if len(words) != 3 or words[0] != b"PING" or not words[1].isdigit() or not words[2]:
            return
        if int(words[1]) % 5 != 0:
            self.transport.sendto(data, addr)


async def serve(port):
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    transport, _ = await loop.create_datagram_endpoint(Pinger, ("0.0.0.0", port))
    await stopped.wait()
    transport.close()


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdigit() or not 0 < int(sys.argv[1]) < 65536:
        sys.exit("usage: server PORT")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(int(sys.argv[1])))
    except OSError as error:
        sys.exit(f"server: {error}")


main()
