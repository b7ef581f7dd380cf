"""Fault: ends at every line that begins with close.

Usage: python3 client_anything_with_close.py HOST PORT < lines
"""

import contextlib
import socket
import sys


def converse(sock: socket.socket) -> str | None:
    """Send each line of standard input and show its echo; what went wrong, or None."""
    with sock, sock.makefile("rwb") as server:
        for line in sys.stdin.buffer:
            text = line.removesuffix(b"\n")
            server.write(text + b"\n")  # a last line may lack its end
            server.flush()
            echo = server.readline()
            if not echo.endswith(b"\n"):
                return "the server has ended the connection"
            sys.stdout.buffer.write(echo)
            sys.stdout.buffer.flush()
            if text.startswith(b"close"):
                break
    return None


def main() -> str | None:
    try:
        host, port = sys.argv[1:]
    except ValueError:
        return "usage: client_anything_with_close.py HOST PORT"
    try:
        with contextlib.suppress(KeyboardInterrupt):
            return converse(socket.create_connection((host, port)))
    except OSError as error:
        return f"client_anything_with_close.py: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
