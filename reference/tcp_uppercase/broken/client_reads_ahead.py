"""Fault: select on standard input and readline, which reads ahead: of two lines at once the second one stays behind."""

import select
import socket
import sys


def converse(server):
    with server.makefile("rb") as replies:
        while select.select([sys.stdin], [], []):
            line = sys.stdin.readline()
            if line in ("", "quit\n", "quit"):
                return
            server.sendall(line.removesuffix("\n").encode() + b"\n")
            reply = replies.readline()
            if not reply.endswith(b"\n"):
                raise ConnectionError("the server has ended the connection")
            print(reply[:-1].decode(), flush=True)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: client.py HOST PORT")
    try:
        with socket.create_connection(sys.argv[1:]) as server:
            converse(server)
    except OSError as error:
        sys.exit(f"client.py: {error}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
