"""Fault: decodes every datagram as UTF-8 and puts question marks where it is not."""

import socket
import sys


def reply(server, data, address):
    try:
        server.sendto(b"OK..." + data, address)
    except OSError as error:
        print("no reply to", address, error)


def serve_forever(server):
    while True:
        data, address = server.recvfrom(65535)
        text = data.decode(errors="replace")
        reply(server, text.encode(), address)


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
