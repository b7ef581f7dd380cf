"""Fault: makes a new connection for each line, as the client of the lecture for its only one."""

import socket
import sys


def ask(address, line):
    with socket.create_connection(address) as server, server.makefile("rb") as replies:
        server.sendall(line.encode() + b"\n")
        reply = replies.readline()
    if not reply.endswith(b"\n"):
        raise ConnectionError("the server has ended the connection")
    return reply[:-1].decode()


def converse(address):
    while (line := input("> ")) != "quit":
        print(ask(address, line), flush=True)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    host, port = sys.argv[1:]
    try:
        converse((host, port))
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
