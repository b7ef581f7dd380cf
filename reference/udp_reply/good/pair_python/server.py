"""UDP reply server, the half of a pair: one loop.

Usage: python3 server.py PORT
"""

import socket
import sys

from reply import LARGEST, reply_to


def serve_forever(server: socket.socket) -> None:
    while True:
        datagram, client = server.recvfrom(LARGEST)
        try:
            server.sendto(reply_to(datagram), client)
        except OSError as error:  # five bytes too long, for instance
            print(f"server.py: no reply to {client}: {error.strerror}", file=sys.stderr)


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind(("", int(sys.argv[1])))
            serve_forever(server)
        except OSError as error:
            print(f"server.py: port {sys.argv[1]}: {error.strerror}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
