"""TCP upper case client that waits for the keyboard and the server at once, so that it sees the server leave.

Usage: python3 client_select.py HOST PORT
"""

import os
import select
import socket
import sys

STDIN = 0


class Client:
    """`typed` and `received` hold what has come and is no whole line yet."""

    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.typed = bytearray()
        self.received = bytearray()
        self.input_ended = False
        self.awaits_reply = False

    def run(self) -> None:
        """Until the end of input or the line quit; ConnectionError when the server is gone before."""
        while True:
            if not self.awaits_reply:
                line = self.next_line()
                if line is None or line == b"quit":
                    return
                self.server.sendall(line + b"\n")
                self.awaits_reply = True
            self.show_reply()

    def next_line(self) -> bytes | None:
        """The next line that was typed; None when there is none to come."""
        searched = 0
        while (end := self.typed.find(b"\n", searched)) == -1 and not self.input_ended:
            searched = len(self.typed)
            self.wait(STDIN)
        if end == -1 and not self.typed:
            return None
        line = bytes(self.typed if end == -1 else self.typed[:end])
        del self.typed[: len(line) + 1]
        return line

    def show_reply(self) -> None:
        searched = 0
        while (end := self.received.find(b"\n", searched)) == -1:
            searched = len(self.received)
            self.wait()
        print(self.received[:end].decode(errors="replace"), flush=True)
        del self.received[: end + 1]
        self.awaits_reply = False

    def wait(self, *others: int) -> None:
        """Take what comes first."""
        ready, _, _ = select.select([self.server, *others], [], [])
        if self.server in ready:
            piece = self.server.recv(65536)
            if not piece:
                raise ConnectionError("the server has ended the connection")
            self.received += piece
        if STDIN in ready:
            piece = os.read(STDIN, 65536)
            self.typed += piece
            self.input_ended = not piece


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_select.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as server:
            Client(server).run()
    except OSError as error:
        print(f"client_select.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
