"""UDP reply server, a child process for each datagram: socketserver.ForkingUDPServer.

Usage: python3 forking_server.py PORT
"""

import socketserver
import sys


class Reply(socketserver.BaseRequestHandler):
    """Answers one datagram; the process ends with it."""

    def handle(self) -> None:
        datagram, server = self.request
        try:
            server.sendto(b"OK..." + datagram, self.client_address)
        except OSError as error:
            print(f"forking_server.py: no reply to {self.client_address}: {error.strerror}", file=sys.stderr)


class Server(socketserver.ForkingUDPServer):
    max_packet_size = 65535  # the default of 8192 would cut longer datagrams


def parse_port(arguments: list[str]) -> int | None:
    """The port in `arguments`, or None if there is none from 1 to 65535."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        return None
    port = int(arguments[0])
    return port if 1 <= port <= 65535 else None


def main() -> int:
    port = parse_port(sys.argv[1:])
    if port is None:
        print("usage: forking_server.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        server = Server(("", port), Reply)
    except OSError as error:
        print(f"forking_server.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
