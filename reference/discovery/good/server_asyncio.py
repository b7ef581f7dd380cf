"""Answers by asyncio's datagram endpoint, with a regular expression for what is for it."""

import asyncio
import contextlib
import re
import signal
import socket
import sys


class Server(asyncio.DatagramProtocol):
    def __init__(self, service, service_port, name):
        self.query = re.compile(rb"FIND 1 %b ([A-Za-z0-9]{8,32})" % re.escape(service.encode()))
        self.answer = f"HERE 1 {service} {{}} {service_port} {name}"

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if query := self.query.fullmatch(data):
            self.transport.sendto(self.answer.format(query[1].decode()).encode(), addr)


async def serve(port, *about):
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", port))
    transport, _ = await loop.create_datagram_endpoint(lambda: Server(*about), sock=sock)
    await stopped.wait()
    transport.close()


def main():
    if len(sys.argv) != 5 or not sys.argv[1].isdigit() or not 0 < int(sys.argv[1]) < 65536:
        sys.exit("usage: server PORT SERVICE SERVICEPORT NAME")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(int(sys.argv[1]), *sys.argv[2:]))
    except OSError as error:
        sys.exit(f"server: {error}")


main()
