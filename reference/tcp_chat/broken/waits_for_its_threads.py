"""Fault: waits at its end for the threads of all clients, so Ctrl-C does not end it while one is connected."""

import queue
import select
import socket
import sys
import threading

MAX_WAITING = 1000

clients = {}
lock = threading.Lock()


def put_out(client):
    del clients[client]
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def say(line):
    line = line.rstrip(b" \t\r\n")
    try:
        line.decode()
    except UnicodeDecodeError:
        return
    if not line:
        return
    with lock:
        for client, outbox in list(clients.items()):
            outbox.put(line + b"\n")
            if outbox.qsize() > MAX_WAITING:
                put_out(client)


def write_lines(client, outbox):
    try:
        while line := outbox.get():
            client.sendall(line)
    except OSError:
        pass


def is_broken(client):
    poll = select.poll()
    poll.register(client, 0)
    return bool(poll.poll(0))


def read_lines(client):
    with client.makefile("rb") as lines:
        for line in lines:
            if client not in clients or (not line.endswith(b"\n") and is_broken(client)):
                return
            say(line)


def serve(client):
    outbox = queue.Queue()
    writer = threading.Thread(target=write_lines, args=(client, outbox), daemon=True)
    writer.start()
    with lock:
        outbox.put(b"Welcome\n")
        clients[client] = outbox
    try:
        read_lines(client)
    except OSError:
        pass
    with lock:
        clients.pop(client, None)
    outbox.put(b"")
    writer.join()
    client.close()


def serve_forever(listener):
    while True:
        client, address = listener.accept()
        threading.Thread(target=serve, args=(client,)).start()


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
