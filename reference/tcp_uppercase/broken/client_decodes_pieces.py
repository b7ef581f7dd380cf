"""Fault: decodes each piece by itself, which fails when one ends inside a character."""

import socket
import sys


def next_reply(server, pending):
    text = pending.pop()
    while "\n" not in text:
        data = server.recv(65536)
        if not data:
            raise ConnectionError("the server has ended the connection")
        text += data.decode()
    reply, _, rest = text.partition("\n")
    pending.append(rest)
    return reply


def converse(server):
    pending = [""]
    while True:
        line = input("message: ")
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
        except (EOFError, KeyboardInterrupt):
            pass
        except OSError as error:
            print(f"lost the server: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
