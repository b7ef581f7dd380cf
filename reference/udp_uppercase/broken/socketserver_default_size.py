"""Fault: keeps the max_packet_size of socketserver, so datagrams of more than 8192 bytes are cut."""

import socketserver
import sys


class Handler(socketserver.DatagramRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.read().upper())


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    try:
        server = socketserver.ThreadingUDPServer(("", int(sys.argv[1])), Handler)
    except OSError as error:
        print("server.py: can't bind:", error, file=sys.stderr)
        return 1
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
