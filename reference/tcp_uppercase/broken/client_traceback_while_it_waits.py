"""Fault: expects Ctrl-C at its prompt only: while it waits for a reply, it ends with a traceback."""

import socket
import sys


def next_reply(server, pending):
    while b"\n" not in pending:
        data = server.recv(65536)
        if not data:
            raise ConnectionError("the server has ended the connection")
        pending += data
    reply, _, rest = pending.partition(b"\n")
    pending[:] = rest
    return reply.decode()


def converse(server):
    pending = bytearray()
    while True:
        try:
            line = input("message: ")
        except KeyboardInterrupt:
            break
        if line == "quit":
            break
        server.sendall((line + "\n").encode())
        print("response:", next_reply(server, pending), flush=True)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        server = socket.create_connection((sys.argv[1], sys.argv[2]))
    except OSError as error:
        print(f"can't connect to {sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    with server:
        try:
            converse(server)
        except EOFError:
            pass
        except OSError as error:
            print(f"lost the server: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
