"""Fault: takes CR LF for the end of a line, which the client of this pair never sends."""

import socket
import sys


def serve(client):
    pending = bytearray()
    while data := client.recv(65536):
        pending += data
        while (end := pending.find(b"\r\n")) != -1:
            client.sendall(pending[: end + 2].upper())
            del pending[: end + 2]


def serve_forever(listener):
    while True:
        client, _ = listener.accept()
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
        listener = socket.create_server(("", int(sys.argv[1])))
    except OSError as error:
        print("server.py: can't listen:", error, file=sys.stderr)
        return 1
    try:
        serve_forever(listener)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
