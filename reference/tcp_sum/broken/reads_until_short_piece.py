"""Fault: reads 1024 bytes at a time until a piece is shorter, so a request of 1024 bytes waits for more."""

import socket
import struct
import sys

MAX_LENGTH = 1024 * 1024


def serve(client):
    pending = bytearray()
    while data := client.recv(1024):
        pending += data
        if len(data) == 1024:
            continue
        while len(pending) >= 4:
            (length,) = struct.unpack_from("!I", pending)
            if length > MAX_LENGTH or length % 4 != 0:
                return
            if len(pending) < 4 + length:
                break
            numbers = struct.unpack_from(f"!{length // 4}i", pending, 4)
            client.sendall(struct.pack("!Iq", 8, sum(numbers)))
            del pending[: 4 + length]


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
