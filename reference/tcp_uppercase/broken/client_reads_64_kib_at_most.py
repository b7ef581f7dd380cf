"""Fault: reads at most 64 KiB of a reply."""

import socket
import sys


def converse(server):
    with server.makefile("rb") as replies:
        while (line := input("> ")) != "quit":
            server.sendall(line.encode() + b"\n")
            reply = replies.readline(65536)
            if not reply.endswith(b"\n") and len(reply) < 65536:
                raise ConnectionError("the server has ended the connection")
            print(reply.decode().rstrip("\n"), flush=True)


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
