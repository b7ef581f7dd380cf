"""Fault: sends to everybody with the lock held, so one client that does not read stops all."""

import select
import socket
import sys
import threading

clients = []
lock = threading.Lock()


def say(line):
    line = line.rstrip(b" \t\r\n")
    try:
        line.decode()
    except UnicodeDecodeError:
        return
    if not line:
        return
    with lock:
        for client in clients:
            try:
                client.sendall(line + b"\n")
            except OSError:
                pass


def is_broken(client):
    poll = select.poll()
    poll.register(client, 0)
    return bool(poll.poll(0))


def read_lines(client):
    with client.makefile("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n") and is_broken(client):
                return
            say(line)


def serve(client):
    try:
        with lock:
            client.sendall(b"Welcome\n")
            clients.append(client)
        read_lines(client)
    except OSError:
        pass
    with lock:
        if client in clients:
            clients.remove(client)
    client.close()


def serve_forever(listener):
    while True:
        client, address = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


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
