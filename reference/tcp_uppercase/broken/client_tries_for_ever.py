"""Fault: tries to connect again and again while nobody listens."""

import socket
import sys
import time


def converse(server):
    with server.makefile("rb") as replies:
        while (line := input("> ")) != "quit":
            server.sendall(line.encode() + b"\n")
            reply = replies.readline()
            if not reply.endswith(b"\n"):
                raise ConnectionError("the server has ended the connection")
            print(reply[:-1].decode(), flush=True)


def connect(address):
    while True:
        try:
            return socket.create_connection(address)
        except ConnectionRefusedError:
            time.sleep(0.1)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    host, port = sys.argv[1:]
    try:
        with connect((host, port)) as server:
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
