"""Does not look who has sent a reply."""

import select
import socket
import sys
import time


def reply_to(sock, line):
    """What the server answers within a second, or None."""
    deadline = time.monotonic() + 1
    while True:
        readable, _, _ = select.select([sock], [], [], max(0, deadline - time.monotonic()))
        if not readable:
            return None
        reply = sock.recv(65536)
        if reply == b"OK..." + line:
            return reply


def main():
    server = socket.gethostbyname(input("Server hostname or ip? ")), int(input("Server port? "))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        line = input("message: ")
        if line == "quit":
            break
        sock.sendto(line.encode(), server)
        reply = reply_to(sock, line.encode())
        if reply:
            print("response:", reply.decode(), flush=True)
        else:
            print("no response in a second", file=sys.stderr)
    sock.close()


try:
    main()
except EOFError:
    print()
except KeyboardInterrupt:
    pass
except (OSError, ValueError) as error:
    sys.exit(str(error))
