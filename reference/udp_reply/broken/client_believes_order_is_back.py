"""After a lost reply it looks closely, until a line's reply is the first thing to come: then it believes what comes."""

import select
import socket
import sys
import time


def receive(sock, server, deadline):
    """The server's next datagram, or None when the time is up."""
    while select.select([sock], [], [], max(0, deadline - time.monotonic()))[0]:
        datagram, source = sock.recvfrom(65536)
        if source == server:
            return datagram
    return None


class Client:
    """One that remembers its last reply, and whether others may still be on their way."""

    def __init__(self, server):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server = server
        self.last = None
        self.astray = False

    def reply_to(self, line):
        self.sock.sendto(line, self.server)
        deadline = time.monotonic() + 1
        first = True
        while (reply := receive(self.sock, self.server, deadline)) is not None:
            if reply == self.last:
                continue
            if not self.astray or reply == b"OK..." + line:
                self.astray = self.astray and not first
                self.last = reply
                return reply
            first = False
        self.astray = True
        return None

    def talk(self):
        while (line := input("> ")) != "quit":
            reply = self.reply_to(line.encode())
            if reply is None:
                print("no reply came", file=sys.stderr)
            else:
                print(reply.decode(), flush=True)


try:
    Client((socket.gethostbyname(sys.argv[1]), int(sys.argv[2]))).talk()
except (EOFError, KeyboardInterrupt):
    print()
