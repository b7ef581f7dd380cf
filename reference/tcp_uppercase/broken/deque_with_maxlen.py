"""Fault: keeps answers that can't go out yet in a deque of eight, which drops the oldest when one more comes."""

import selectors
import socket
import sys
from collections import deque

MOST = 8  # answers that wait for one client


class Client:
    def __init__(self, connection):
        self.connection = connection
        self.pending = bytearray()
        self.answers = deque(maxlen=MOST)
        self.sent = 0  # bytes of the first answer that have gone out
        self.ended = False

    def events(self):
        reads = 0 if self.ended else selectors.EVENT_READ
        return reads | (selectors.EVENT_WRITE if self.answers else 0)

    def read(self):
        data = self.connection.recv(65536)
        self.ended = not data
        self.pending += data
        end = self.pending.rfind(b"\n", len(self.pending) - len(data)) + 1
        if end:
            self.answers.append(self.pending[:end].upper())
            del self.pending[:end]

    def write(self):
        self.sent += self.connection.send(memoryview(self.answers[0])[self.sent :])
        if self.sent >= len(self.answers[0]):
            self.answers.popleft()
            self.sent = 0


def open_listener(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(100)
    return listener


def proceed(client, events):
    """False when the connection is over."""
    try:
        if events & selectors.EVENT_WRITE:
            client.write()
        if events & selectors.EVENT_READ:
            client.read()
    except BlockingIOError:
        pass
    except OSError:
        return False
    return bool(client.events())


def serve_forever(listener):
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():
            if key.data is None:
                connection, address = listener.accept()
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, Client(connection))
            elif proceed(key.data, events):
                selector.modify(key.fileobj, key.data.events(), key.data)
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()


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
