"""Sends each line of its standard input to a server and prints the reply.

Usage: python3 client.py HOST PORT
"""

import socket
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: client.py HOST PORT")
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as sock, sock.makefile("rb") as replies:
            for line in sys.stdin:
                sock.sendall(line.rstrip("\n").encode() + b"\n")
                reply = replies.readline()
                if not reply.endswith(b"\n"):
                    sys.exit("client.py: the server has closed the connection")
                print(reply.decode(), end="", flush=True)
    except OSError as error:
        sys.exit(f"client.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
