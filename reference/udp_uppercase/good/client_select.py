"""UDP upper case client with one select for keyboard and socket; it tells of each try that it makes.

Usage: python3 client_select.py HOST PORT
"""

import os
import select
import socket
import sys
import time

TRIES = 3
PATIENCE_S = 1.0


class Client:
    """Lines that were typed and not asked yet, and the one that is asked now."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.typed = b""
        self.ended = False
        self.asked: bytes | None = None
        self.tries = 0
        self.deadline = 0.0

    def next_line(self) -> bytes | None:
        """The next whole line; the last one may have no end."""
        line, end, rest = self.typed.partition(b"\n")
        if not end and not (self.ended and line):
            return None
        self.typed = rest
        return line

    def ask(self) -> None:
        """Send the line, again if it was sent, or give it up."""
        if self.tries == TRIES:
            print("no answer", file=sys.stderr)
            self.asked = None
            return
        self.tries += 1
        self.sock.sendto(self.asked, self.server)
        if self.tries > 1:
            print(f"no answer yet: sent for the {self.tries}. time", file=sys.stderr)
        self.deadline = time.monotonic() + PATIENCE_S

    def receive(self) -> None:
        """Take the answer, and drop whatever else comes."""
        datagram, source = self.sock.recvfrom(65535)
        if self.asked is not None and source == self.server and datagram == self.asked.upper():
            os.write(1, datagram + b"\n")
            self.asked = None

    def run(self) -> None:
        """Until the line `quit`, or the end of the input."""
        while True:
            if self.asked is None:
                line = self.next_line()
                if line == b"quit" or (line is None and self.ended):
                    return
                self.asked, self.tries = line, 0
                if line is not None:
                    self.ask()
            watched = [self.sock, *([] if self.ended else [0])]
            patience = None if self.asked is None else max(0, self.deadline - time.monotonic())
            ready, _, _ = select.select(watched, [], [], patience)
            if self.sock in ready:
                self.receive()
            if 0 in ready:
                typed = os.read(0, 65536)
                self.typed, self.ended = self.typed + typed, not typed
            if self.asked is not None and time.monotonic() >= self.deadline:
                self.ask()


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_select.py HOST PORT", file=sys.stderr)
        return 2
    try:
        Client((socket.gethostbyname(sys.argv[1]), int(sys.argv[2]))).run()
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, OverflowError) as error:
        print(f"client: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
