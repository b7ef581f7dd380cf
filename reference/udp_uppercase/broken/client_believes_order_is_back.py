"""Fault: after a loss it compares, until an answer is the first thing to come; from then on it believes what comes."""

import socket
import sys
import time


def receive(sock, server, end):
    while time.monotonic() < end:
        sock.settimeout(max(end - time.monotonic(), 0.001))
        try:
            data, source = sock.recvfrom(65535)
        except TimeoutError:
            return None
        if source == server:
            return data
    return None


class Client:
    def __init__(self, server):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server = server
        self.last = None
        self.astray = False

    def try_once(self, line):
        self.sock.sendto(line, self.server)
        end = time.monotonic() + 1
        first = True
        while (data := receive(self.sock, self.server, end)) is not None:
            if data == self.last:
                continue
            if not self.astray or data == line.upper():
                self.astray = self.astray and not first
                self.last = data
                return data
            first = False
        return None

    def ask(self, line):
        for _ in range(3):
            data = self.try_once(line)
            if data is not None:
                return data
        self.astray = True
        return None

    def talk(self):
        while (line := input("> ")) != "quit":
            data = self.ask(line.encode())
            if data is None:
                print("no answer", file=sys.stderr)
            else:
                print(data.decode(), flush=True)


if __name__ == "__main__":
    try:
        Client((socket.gethostbyname(sys.argv[1]), int(sys.argv[2]))).talk()
    except (EOFError, KeyboardInterrupt):
        print()
