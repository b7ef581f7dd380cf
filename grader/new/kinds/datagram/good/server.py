"""Reverses datagrams.

Usage: python3 server.py PORT
"""

import socket
import sys

LARGEST = 65535  # bytes: no datagram is longer


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        sys.exit("usage: server.py PORT   (1 to 65535)")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind(("", int(sys.argv[1])))
    except OSError as error:
        sys.exit(f"server.py: port {sys.argv[1]}: {error.strerror}")
    try:
        while True:
            datagram, client = sock.recvfrom(LARGEST)
            sock.sendto(datagram[::-1], client)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
