"""Fault: puts a client that sends a line that is not UTF-8 out of the room."""

import selectors
import socket
import sys

MAX_WAITING = 4 * 1024 * 1024

selector = selectors.DefaultSelector()
clients = {}


class Client:
    def __init__(self):
        self.pending = b""
        self.outgoing = bytearray(b"Welcome\n")
        self.ended = False


def say(line):
    line = line.rstrip(b" \t\r")
    if line.decode():
        for client in clients.values():
            client.outgoing += line + b"\n"


def receive(sock, client):
    data = sock.recv(65536)
    if not data:
        say(client.pending)
        client.ended = True
        return
    *lines, client.pending = (client.pending + data).split(b"\n")
    for line in lines:
        say(line)


def leave(sock):
    selector.unregister(sock)
    del clients[sock]
    sock.close()


def attend(sock, client, events):
    if events & selectors.EVENT_WRITE:
        sent = sock.send(client.outgoing)
        del client.outgoing[:sent]
    if events & selectors.EVENT_READ:
        receive(sock, client)


def watch():
    for sock, client in list(clients.items()):
        if len(client.outgoing) > MAX_WAITING or (client.ended and not client.outgoing):
            leave(sock)
            continue
        events = 0 if client.ended else selectors.EVENT_READ
        if client.outgoing:
            events |= selectors.EVENT_WRITE
        selector.modify(sock, events)


def serve_forever(listener):
    selector.register(listener, selectors.EVENT_READ)
    while True:
        watch()
        for key, events in selector.select():
            if key.fileobj is listener:
                sock, address = listener.accept()
                sock.setblocking(False)
                clients[sock] = Client()
                selector.register(sock, selectors.EVENT_READ)
                continue
            try:
                attend(key.fileobj, clients[key.fileobj], events)
            except (OSError, UnicodeDecodeError):
                leave(key.fileobj)


def open_listener(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(100)
    return listener


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
