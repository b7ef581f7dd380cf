"""Fault: throws away what has come when a reply was lost, but only before the next line."""

import socket
import sys
import time


def clear(sock):
    sock.setblocking(False)
    try:
        while True:
            sock.recvfrom(65535)
    except BlockingIOError:
        pass


def receive(sock, server, last):
    end = time.monotonic() + 1
    while time.monotonic() < end:
        sock.settimeout(max(end - time.monotonic(), 0.001))
        try:
            data, source = sock.recvfrom(65535)
        except TimeoutError:
            return None
        if source == server and data != last:
            return data
    return None


def ask(sock, server, line, last):
    for _ in range(3):
        sock.sendto(line, server)
        reply = receive(sock, server, last)
        if reply is not None:
            return reply
    return None


def talk(sock, server):
    last = reply = b""
    while True:
        line = input("> ")
        if line == "quit":
            break
        if reply is None:
            clear(sock)
        reply = ask(sock, server, line.encode(), last)
        if reply is None:
            print("no answer", file=sys.stderr)
        else:
            print(reply.decode(), flush=True)
            last = reply


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server = socket.gethostbyname(sys.argv[1]), int(sys.argv[2])
        talk(sock, server)
    except (EOFError, KeyboardInterrupt):
        print()
    except (OSError, ValueError) as error:
        print("client.py:", error, file=sys.stderr)
        return 1
    sock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
