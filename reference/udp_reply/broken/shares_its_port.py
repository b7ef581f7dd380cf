"""UDP reply server, one loop: the simplest right one.

Usage: python3 shares_its_port.py PORT
"""

import socket
import sys

LARGEST = 65535  # bytes: no UDP datagram is longer


def serve_forever(server: socket.socket) -> None:
    while True:
        datagram, client = server.recvfrom(LARGEST)
        try:
            server.sendto(b"OK..." + datagram, client)
        except OSError as error:
            # Too long with its OK..., for instance; the next one must not suffer for it.
            print(f"shares_its_port.py: no reply to {client}: {error.strerror}", file=sys.stderr)


def parse_port(arguments: list[str]) -> int | None:
    """The port in `arguments`, or None if there is none from 1 to 65535."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        return None
    port = int(arguments[0])
    return port if 1 <= port <= 65535 else None


def main() -> int:
    port = parse_port(sys.argv[1:])
    if port is None:
        print("usage: shares_its_port.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("", port))
        except OSError as error:
            print(f"shares_its_port.py: port {port}: {error.strerror}", file=sys.stderr)
            return 1
        try:
            serve_forever(server)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
