"""Fault: after a length that is not allowed it reads and drops whatever comes, and does not close the connection."""

import socket
import struct
import sys

MAX_LENGTH = 1024 * 1024


def recv_exactly(client, size):
    data = bytearray()
    while len(data) < size:
        piece = client.recv(min(size - len(data), 65536))
        if not piece:
            raise EOFError
        data += piece
    return data


def serve(client):
    while True:
        (length,) = struct.unpack("!I", recv_exactly(client, 4))
        if length > MAX_LENGTH or length % 4 != 0:
            while client.recv(65536):
                pass
            return
        numbers = struct.unpack(f"!{length // 4}i", recv_exactly(client, length))
        client.sendall(struct.pack("!Iq", 8, sum(numbers)))


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
            except (EOFError, OSError):
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
