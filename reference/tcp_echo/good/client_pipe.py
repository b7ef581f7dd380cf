"""TCP echo client for pipes and scripts: no prompts, and nothing on standard output but the echoes.

Usage: python3 client_pipe.py HOST PORT < lines
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
            if text == b"close":
                break
    return None


def main() -> str | None:
    try:
        host, port = sys.argv[1:]
    except ValueError:
        return "usage: client_pipe.py HOST PORT"
    try:
        with contextlib.suppress(KeyboardInterrupt):
            return converse(socket.create_connection((host, port)))
    except OSError as error:
        return f"client_pipe.py: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
