"""Fault: knows no quit: it sends the word like any other line."""

import socket
import sys


def converse(server):
    with server.makefile("rb") as replies:
        while True:
            line = input("> ")
            server.sendall(line.encode() + b"\n")
            reply = replies.readline()
            if not reply.endswith(b"\n"):
                raise ConnectionError("the server has ended the connection")
            print(reply[:-1].decode(), flush=True)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    host, port = sys.argv[1:]
    try:
        with socket.create_connection((host, port)) as server:
            converse(server)
    except EOFError:
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print("client.py:", error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
