"""TCP chat server, two threads per client, with a queue of limited size between them.

Usage: python3 waits_for_room_in_a_queue.py PORT
"""

import queue
import socket
import sys
import threading

WAITING = 200  # lines that may wait for a client

lock = threading.Lock()
members = {}


def broadcast(line):
    with lock:
        for waiting in members.values():
            waiting.put(line)  # the fault: waits, with the lock held, until a client that does not read has room


def write(client, waiting):
    gone = False
    while (line := waiting.get()) is not None:
        if not gone:
            try:
                client.sendall(line)
            except OSError:
                gone = True


def said(raw):
    """The line as the others hear it, or None."""
    try:
        line = raw.decode()
    except UnicodeDecodeError:
        return None
    return line.removesuffix("\n").removesuffix("\r").rstrip(" \t") or None


def serve(client):
    waiting = queue.Queue(WAITING)
    waiting.put(b"Welcome\n")
    with lock:
        members[client] = waiting
    writer = threading.Thread(target=write, args=(client, waiting), daemon=True)
    writer.start()
    try:
        with client.makefile("rb") as lines:
            for raw in lines:
                if raw.endswith(b"\n") or ended(client):
                    line = said(raw)
                    if line is not None:
                        broadcast(line.encode() + b"\n")
    except OSError:
        pass
    with lock:
        del members[client]
    waiting.put(None)
    writer.join()
    client.close()


def ended(client):
    """Whether the client has closed its side, and not broken its connection (OSError)."""
    return client.recv(1) == b""


def main():
    listener = socket.create_server(("", int(sys.argv[1])), backlog=128)
    try:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()
    except KeyboardInterrupt:
        pass


main()
