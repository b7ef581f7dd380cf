"""Fault: at the end of its input it waits for a word from the server that nobody has asked for."""

import socket
import sys


def read_line() -> str | None:
    """The next line that is typed, without its end, or None when there is none to come."""
    try:
        line = input("> ")
    except EOFError:
        return None
    return None if line == "quit" else line


def converse(server: socket.socket) -> None:
    """Send line after line and show the replies; raise ConnectionError when the server ends before its reply."""
    with server.makefile("rb") as replies:
        # The file object collects pieces until a reply is whole, and keeps what came too early for the next one.
        while (line := read_line()) is not None:
            server.sendall(line.encode() + b"\n")
            reply = replies.readline()
            if not reply.endswith(b"\n"):
                raise ConnectionError("the server has ended the connection")
            print(reply[:-1].decode(errors="replace"), flush=True)
        server.recv(1)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_waits_at_the_end.py HOST PORT", file=sys.stderr)
        return 2
    host, port = sys.argv[1:]
    try:
        with socket.create_connection((host, port)) as server:
            converse(server)
    except OSError as error:  # socket.gaierror and ConnectionError are among them
        print(f"client_waits_at_the_end.py: {host} port {port}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as shells say it: 128 and the signal's number
    return 0


if __name__ == "__main__":
    sys.exit(main())
