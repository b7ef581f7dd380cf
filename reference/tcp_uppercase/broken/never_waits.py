"""Fault: starts a process for each client and never waits for one, so each stays as a zombie."""

import os
import signal
import socket
import sys

CHILDREN = []


def end_with_children(signal_number, frame):
    for child in CHILDREN:
        os.kill(child, signal.SIGTERM)
    sys.exit(0)


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
        client, address = listener.accept()
        with client:
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                listener.close()
                try:
                    serve(client)
                except (OSError, KeyboardInterrupt):
                    pass
                os._exit(0)
            CHILDREN.append(child)


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    try:
        listener = open_listener(int(sys.argv[1]))
    except OSError as error:
        print("server.py: can't listen:", error, file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, end_with_children)
    try:
        serve_forever(listener)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
