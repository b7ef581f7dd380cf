"""Sends a file to a server and prints the reply.

Usage: python3 client.py HOST PORT FILE
"""

import socket
import struct
import sys


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: client.py HOST PORT FILE")
    try:
        with open(sys.argv[3], "rb") as file:
            content = file.read()
        with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as sock, sock.makefile("rb") as replies:
            sock.sendall(struct.pack("!I", len(content)) + content)
            reply = replies.readline()
            if not reply.endswith(b"\n"):
                sys.exit("client.py: the server has closed the connection")
            print(reply.decode(), end="")
    except OSError as error:
        sys.exit(f"client.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
