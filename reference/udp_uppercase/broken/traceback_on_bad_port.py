"""Fault: does not look at its arguments: a missing or wrong port is a traceback."""

import socket
import sys


def reply(server, data, address):
    try:
        server.sendto(data.upper(), address)
    except OSError as error:
        print("no reply to", address, error)


def serve_forever(server):
    while True:
        data, address = server.recvfrom(65535)
        reply(server, data, address)


def main():
    port = int(sys.argv[1])
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server.bind(("", port))
    except OSError as error:
        print("server.py: can't bind:", error, file=sys.stderr)
        return 1
    try:
        serve_forever(server)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
