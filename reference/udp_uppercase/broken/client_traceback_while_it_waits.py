"""Fault: expects KeyboardInterrupt at its prompt only: while it waits for a reply, it ends with a traceback."""

import socket
import sys
import time


def receive(sock, server, wanted):
    end = time.monotonic() + 1
    while time.monotonic() < end:
        sock.settimeout(max(end - time.monotonic(), 0.001))
        try:
            data, source = sock.recvfrom(65535)
        except TimeoutError:
            return None
        if source == server and data == wanted:
            return data
    return None


def ask(sock, server, line):
    for _ in range(3):
        sock.sendto(line, server)
        reply = receive(sock, server, line.upper())
        if reply is not None:
            return reply
    return None


def talk(sock, server):
    while True:
        try:
            line = input("> ")
        except KeyboardInterrupt:
            break
        if line == "quit":
            break
        reply = ask(sock, server, line.encode())
        if reply is None:
            print("no answer", file=sys.stderr)
        else:
            print(reply.decode(), flush=True)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server = socket.gethostbyname(sys.argv[1]), int(sys.argv[2])
        talk(sock, server)
    except EOFError:
        print()
    except (OSError, ValueError) as error:
        print("client.py:", error, file=sys.stderr)
        return 1
    sock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
