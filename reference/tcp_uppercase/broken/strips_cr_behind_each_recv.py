"""Fault: strips a CR from the end of what recv returned, so a line cut between CR and LF loses it."""

import socket
import sys


def serve(client):
    pending = bytearray()
    while data := client.recv(65536):
        data = data.rstrip(b"\r")  # of telnet
        pending += data
        end = pending.rfind(b"\n", len(pending) - len(data)) + 1
        if end:
            client.sendall(pending[:end].upper())
            del pending[:end]


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
