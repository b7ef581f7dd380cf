"""UDP upper case server, a thread for each datagram: socketserver.ThreadingUDPServer.

Usage: python3 threading_server.py PORT
"""

import socketserver
import sys


class UpperCase(socketserver.BaseRequestHandler):
    """Answers one datagram; the thread ends with it."""

    def handle(self) -> None:
        datagram, server = self.request
        try:
            server.sendto(datagram.upper(), self.client_address)
        except OSError as error:
            print(f"threading_server.py: no reply to {self.client_address}: {error.strerror}", file=sys.stderr)


class Server(socketserver.ThreadingUDPServer):
    max_packet_size = 65535  # the default of 8192 would cut longer datagrams
    daemon_threads = True


def parse_port(arguments: list[str]) -> int | None:
    """The port in `arguments`, or None if there is none from 1 to 65535."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        return None
    port = int(arguments[0])
    return port if 1 <= port <= 65535 else None


def main() -> int:
    port = parse_port(sys.argv[1:])
    if port is None:
        print("usage: threading_server.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        server = Server(("", port), UpperCase)
    except OSError as error:
        print(f"threading_server.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
