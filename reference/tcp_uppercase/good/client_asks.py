"""TCP upper case client that asks for host and port, and takes a reply out of what recv brings.

Usage: python3 client_asks.py
"""

import socket
import sys

QUIT = "quit"


class Replies:
    """The lines that come from a server, whatever the pieces in which they arrive."""

    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.unused = bytearray()

    def next(self) -> str:
        """The next line, without its end; ConnectionError when there will be none."""
        searched = 0
        while (end := self.unused.find(b"\n", searched)) == -1:
            searched = len(self.unused)
            piece = self.server.recv(65536)
            if not piece:
                raise ConnectionError("the server has ended the connection")
            self.unused += piece
        line = self.unused[:end].decode(errors="replace")
        del self.unused[: end + 1]  # what is left belongs to the next reply
        return line


def converse(server: socket.socket) -> None:
    replies = Replies(server)
    while (line := input("Message: ")) != QUIT:
        server.sendall(f"{line}\n".encode())
        print("Response:", replies.next())


def main() -> int:
    try:
        host = input("Server hostname or ip? ")
        port = input("Server port? ")
        with socket.create_connection((host, port)) as server:
            converse(server)
    except EOFError:
        return 0
    except KeyboardInterrupt:
        return 1
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
