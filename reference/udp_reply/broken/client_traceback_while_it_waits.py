"""Catches KeyboardInterrupt at its prompt only."""

import socket
import sys
import time

TIMEOUT_S = 1


def ask(sock, server, line):
    """The reply to a line, or None: it did not come in time.  Anything else that comes is dropped."""
    sock.sendto(line, server)
    give_up_at = time.monotonic() + TIMEOUT_S
    try:
        while (left := give_up_at - time.monotonic()) > 0:
            sock.settimeout(left)
            reply, source = sock.recvfrom(65536)
            if source == server and reply == b"OK..." + line:
                return reply
    except TimeoutError:
        pass
    return None


def next_line():
    try:
        return input("> ")
    except KeyboardInterrupt:
        sys.exit(130)


def talk(host, port):
    family, kind, _, _, server = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as sock:
        while (line := next_line()) != "quit":
            reply = ask(sock, server, line.encode())
            if reply is None:
                print("client: no reply", file=sys.stderr)
            else:
                print(reply.decode(), flush=True)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: client.py HOST PORT")
    try:
        talk(sys.argv[1], int(sys.argv[2]))
    except EOFError:
        pass
    except (OSError, ValueError) as error:
        sys.exit(f"client: {error}")


main()
