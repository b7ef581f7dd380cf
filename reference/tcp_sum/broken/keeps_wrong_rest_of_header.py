"""Fault: when the length comes in two pieces it drops 4 bytes of the second, not just those that were missing."""

import socket
import struct
import sys

MAX_LENGTH = 1024 * 1024


def serve(client):
    header = bytearray()
    body = bytearray()
    while data := client.recv(65536):
        while data:
            if len(header) < 4:
                header += data[: 4 - len(header)]
                data = data[4:]
            if len(header) < 4:
                break
            (length,) = struct.unpack("!I", header)
            if length > MAX_LENGTH or length % 4 != 0:
                return
            missing = length - len(body)
            body += data[:missing]
            data = data[missing:]
            if len(body) == length:
                numbers = struct.unpack(f"!{length // 4}i", body)
                client.sendall(struct.pack("!Iq", 8, sum(numbers)))
                header.clear()
                body.clear()


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
