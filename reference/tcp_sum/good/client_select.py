"""TCP sum client of one thread, which waits for the keyboard and the connection together, by select.

Lines are sent without waiting for the sums of those before.

Usage: python3 client_select.py HOST PORT
"""

import os
import re
import select
import socket
import sys

CHUNK = 64 * 1024  # bytes that one read may bring
KEYBOARD = 0
NUMBER = re.compile(rb"[+-]?[0-9]+")
FRAME_OF_A_SUM = (8).to_bytes(4, "big")


class ProtocolError(Exception):
    """The server has broken the protocol, or ended the connection."""


def frame_of(line: bytes) -> bytes:
    """The frame of a line's numbers.  Raises ValueError or OverflowError if it has anything else."""
    body = bytearray()
    for word in line.split():
        if not NUMBER.fullmatch(word):
            raise ValueError(f"{word.decode(errors='replace')!r} is not a number")
        body += int(word).to_bytes(4, "big", signed=True)
    return len(body).to_bytes(4, "big") + body


class Conversation:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.typed = b""  # a line whose end has not been typed yet
        self.unsent = b""
        self.reply = b""  # the beginning of a reply
        self.sums_due = 0
        self.input_ended = False

    def read_keyboard(self) -> None:
        chunk = os.read(KEYBOARD, CHUNK)
        self.input_ended = not chunk
        *lines, self.typed = (self.typed + chunk).split(b"\n")
        if self.input_ended and self.typed:
            lines.append(self.typed)  # a last line without its end
        for line in lines:
            self.send_later(line)

    def send_later(self, line: bytes) -> None:
        try:
            self.unsent += frame_of(line)
        except (ValueError, OverflowError) as error:
            print(f"not sent: {error}", file=sys.stderr)
        else:
            self.sums_due += 1

    def receive(self) -> None:
        chunk = self.sock.recv(CHUNK)
        if not chunk:
            raise ProtocolError("the server has ended the connection")
        self.reply += chunk
        while len(self.reply) >= 4:
            if not self.reply.startswith(FRAME_OF_A_SUM):
                raise ProtocolError("a reply has another length than 8")
            if len(self.reply) < 12:
                return
            print(int.from_bytes(self.reply[4:12], "big", signed=True), flush=True)
            self.reply = self.reply[12:]
            self.sums_due -= 1

    def play(self) -> None:
        """Until the input has ended and every sum was shown."""
        while not self.input_ended or self.sums_due > 0:
            read_from = [self.sock] if self.input_ended else [self.sock, KEYBOARD]
            readable, writable, _ = select.select(read_from, [self.sock] if self.unsent else [], [])
            if KEYBOARD in readable:
                self.read_keyboard()
            if self.sock in readable:
                self.receive()
            if writable:
                self.unsent = self.unsent[self.sock.send(self.unsent) :]


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_select.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as sock:
            sock.setblocking(False)
            Conversation(sock).play()
    except (OSError, ProtocolError) as error:
        print(f"client_select.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
