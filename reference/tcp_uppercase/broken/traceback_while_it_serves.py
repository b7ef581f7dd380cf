"""Fault: expects Ctrl-C in accept only: with a client connected it ends with a traceback."""

import socket
import sys


def serve(client):
    pending = bytearray()
    while data := client.recv(65536):
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
        try:
            client, address = listener.accept()
        except KeyboardInterrupt:
            return
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
    serve_forever(listener)


if __name__ == "__main__":
    sys.exit(main())
