"""Fault: only acknowledges a datagram by OK..., while the client of this pair waits for its text as well."""

import socket
import sys


def serve_forever(server):
    while True:
        data, address = server.recvfrom(65535)
        try:
            server.sendto(b"OK...", address)
        except OSError as error:
            print("no reply to", address, error)


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server.bind(("", int(sys.argv[1])))
    except OSError as error:
        print("server.py: can't bind:", error, file=sys.stderr)
        return 1
    try:
        serve_forever(server)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
