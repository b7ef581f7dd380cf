"""Fault: catches KeyboardInterrupt at its prompt only, and not while it waits for an echo.

Usage: python3 client_traceback_while_it_waits.py HOST PORT
"""

import socket
import sys


def converse(sock: socket.socket) -> None:
    """Send each line that is typed and show its echo, until the input ends or a line says `close`."""
    with sock.makefile("rb") as echoes:
        line = ""
        while line != "close":
            try:
                line = input("message: ")
            except (EOFError, KeyboardInterrupt):
                return
            sock.sendall(line.encode() + b"\n")
            echo = echoes.readline()
            if not echo.endswith(b"\n"):
                raise ConnectionError("the server has ended the connection")
            # On a pipe nothing appears before it is flushed.
            print("response:", echo.decode().removesuffix("\n"), flush=True)


def main() -> int:
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
        print("usage: client_traceback_while_it_waits.py HOST PORT", file=sys.stderr)
        return 2
    host, port = sys.argv[1], int(sys.argv[2])
    try:
        with socket.create_connection((host, port)) as sock:
            converse(sock)
    except (OSError, OverflowError) as error:  # no such host, nobody listens, a reset; a port above 65535
        print(f"client_traceback_while_it_waits.py: {host} port {port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
