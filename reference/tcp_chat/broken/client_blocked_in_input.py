"""Fault: takes turns: it hears nothing while it waits in input().

Usage: python3 client_blocked_in_input.py HOST PORT
"""

import contextlib
import socket
import sys


def chat(sock: socket.socket) -> None:
    with sock.makefile("rb") as lines, contextlib.suppress(EOFError):
        while True:
            sock.sendall(input("> ").encode() + b"\n")
            line = lines.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("the server has ended the connection")
            print(line.decode().removesuffix("\n"), flush=True)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_blocked_in_input.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as sock:
            chat(sock)
    except OSError as error:
        print(f"client_blocked_in_input.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
