"""Fault: sends for the third time and gives up at once."""

import socket
import sys
import time


def receive(sock, wanted, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sock.settimeout(max(end - time.monotonic(), 0.001))
        try:
            if sock.recv(65535) == wanted:
                return True
        except TimeoutError:
            return False
    return False


def ask(sock, line):
    sock.send(line)
    for _ in range(2):
        if receive(sock, line.upper(), 1):
            return True
        sock.send(line)
    return False


def talk(sock):
    while (line := input("> ")) != "quit":
        try:
            if ask(sock, line.encode()):
                print(line.encode().upper().decode(), flush=True)
            else:
                print("no answer", file=sys.stderr)
        except ConnectionRefusedError as error:
            print(error, file=sys.stderr)


if __name__ == "__main__":
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.connect((sys.argv[1], int(sys.argv[2])))
        talk(sock)
    except (EOFError, KeyboardInterrupt):
        print()
