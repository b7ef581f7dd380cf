"""Fault: keeps a thread for each client that waits for its next datagram."""

import queue
import socket
import sys
import threading


def reply(server, data, address):
    try:
        server.sendto(data.upper(), address)
    except OSError as error:
        print("no reply to", address, error)


def talk(server, address, datagrams):
    while True:
        reply(server, datagrams.get(), address)


def serve_forever(server):
    clients = {}
    while True:
        data, address = server.recvfrom(65535)
        if address not in clients:
            clients[address] = queue.SimpleQueue()
            threading.Thread(target=talk, args=(server, address, clients[address]), daemon=True).start()
        clients[address].put(data)


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server.bind(("", int(sys.argv[1])))
    except OSError as error:
        print("server.py: can't bind:", error, file=sys.stderr)
        return 1
    try:
        serve_forever(server)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
