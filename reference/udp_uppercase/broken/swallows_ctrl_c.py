"""Fault: a bare except in its loop swallows KeyboardInterrupt, so Ctrl-C does not end it."""

import socket
import sys


def serve_forever(server):
    while True:
        try:
            data, address = server.recvfrom(65535)
            server.sendto(data.upper(), address)
        except:
            print("something went wrong")


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
    serve_forever(server)


if __name__ == "__main__":
    sys.exit(main())
