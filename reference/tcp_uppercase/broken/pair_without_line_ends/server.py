"""Fault: answers whatever one recv brings, since the client of this pair sends no line ends."""

import socket
import sys


def serve(client):
    while data := client.recv(65536):
        client.sendall(data.upper())


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
