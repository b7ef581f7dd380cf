"""Fault: writes replies into a buffer that is not flushed before the program ends."""

import socket
import sys


def converse(server):
    with server.makefile("rb") as replies:
        for line in sys.stdin:
            line = line.removesuffix("\n")
            if line == "quit":
                break
            server.sendall(line.encode() + b"\n")
            reply = replies.readline()
            if not reply.endswith(b"\n"):
                raise ConnectionError("the server has ended the connection")
            sys.stdout.buffer.write(reply)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    host, port = sys.argv[1:]
    try:
        with socket.create_connection((host, port)) as server:
            converse(server)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print("client.py:", error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
