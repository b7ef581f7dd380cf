"""Fault: a client that goes away before the rest of its echo could be sent ends the server."""

import re
import selectors
import socket
import sys

CLOSE = re.compile(rb"^close\r?\n", re.MULTILINE)


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.line = b""
        self.outgoing = b""
        self.closing = False
        self.dropped = 0

    def read(self):
        data = self.sock.recv(4096)
        if self.closing:
            self.dropped += len(data)
            return data != b"" and self.dropped < 1 << 20
        text = self.line + data
        found = CLOSE.search(text)
        if found:
            data = data[: found.end() - len(self.line)]
            self.closing = True
        self.line = text[text.rfind(b"\n") + 1 :][:7]
        self.outgoing = data
        return data != b"" and self.write()

    def write(self):
        sent = self.sock.send(self.outgoing)
        self.outgoing = self.outgoing[sent:]
        if self.closing and not self.outgoing:
            self.sock.shutdown(socket.SHUT_WR)
        return True

    def proceed(self):
        if self.outgoing:
            return self.write()
        try:
            return self.read()
        except BlockingIOError:
            return True
        except OSError:
            return False


def open_listener(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(128)
    return listener


def serve_forever(listener):
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():
            client = key.data
            if client is None:
                sock, address = listener.accept()
                sock.setblocking(False)
                selector.register(sock, selectors.EVENT_READ, Client(sock))
            elif client.proceed():
                wanted = selectors.EVENT_WRITE if client.outgoing else selectors.EVENT_READ
                selector.modify(client.sock, wanted, client)
            else:
                selector.unregister(client.sock)
                client.sock.close()


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
