"""Compares the sender's port with the server's, but not its address."""

import select
import socket
import sys
import time


def wait_reply(sock, port, wanted):
    """Whether the reply comes within a second."""
    deadline = time.monotonic() + 1
    while select.select([sock], [], [], max(0, deadline - time.monotonic()))[0]:
        reply, source = sock.recvfrom(65536)
        if source[1] == port and reply == wanted:
            return True
    return False


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while (line := input("> ")) != "quit":
        sock.sendto(line.encode(), (host, port))
        if wait_reply(sock, port, b"OK..." + line.encode()):
            print("OK..." + line, flush=True)
        else:
            print("no reply came", file=sys.stderr)


try:
    main()
except (EOFError, KeyboardInterrupt):
    print()
