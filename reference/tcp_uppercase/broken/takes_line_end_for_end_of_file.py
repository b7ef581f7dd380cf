"""Fault: reads a line in parts of 64 KiB, and takes a last part that is only the LF for the end of the connection."""

import socket
import sys

PART = 65536


def read_line(stream):
    line = stream.readline(PART)
    while not line.endswith(b"\n"):
        part = stream.readline(PART)
        if not part.strip():
            return b""
        line += part
    return line


def serve(client):
    with client.makefile("rb") as stream:
        while line := read_line(stream):
            client.sendall(line.upper())


def open_listener(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(100)
    return listener


def serve_forever(listener):
    while True:
        client, address = listener.accept()
        with client:
            try:
                serve(client)
            except OSError:
                pass


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    try:
        listener = open_listener(int(sys.argv[1]))
    except OSError as error:
        print("server.py: can't listen:", error, file=sys.stderr)
        return 1
    try:
        serve_forever(listener)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
