"""Fault: starts two threads for each client, and the one that counts its lines never ends."""

import queue
import socket
import sys
import threading


def count(counted):
    lines = 0
    while True:
        lines += counted.get()
        print("lines so far:", lines)


def serve(client):
    pending = bytearray()
    counted = queue.Queue()
    threading.Thread(target=count, args=(counted,), daemon=True).start()
    while data := client.recv(65536):
        pending += data
        end = pending.rfind(b"\n", len(pending) - len(data)) + 1
        if end:
            client.sendall(pending[:end].upper())
            counted.put(pending[:end].count(b"\n"))
            del pending[:end]


def open_listener(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(100)
    return listener


def talk(client):
    with client:
        try:
            serve(client)
        except OSError:
            pass


def serve_forever(listener):
    while True:
        client, address = listener.accept()
        threading.Thread(target=talk, args=(client,), daemon=True).start()


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
