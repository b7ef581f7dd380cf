"""Fault: sends lines without their ends, and takes one recv for the reply, as the server of this pair answers."""

import socket
import sys


def converse(server):
    while (line := input("> ")) != "quit":
        if not line:
            print()
            continue
        server.sendall(line.encode())
        reply = server.recv(65536)
        if not reply:
            raise ConnectionError("the server has ended the connection")
        print(reply.decode(), flush=True)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as server:
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
