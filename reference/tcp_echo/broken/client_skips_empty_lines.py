"""Fault: takes an empty line for nothing typed, and does not send it.

Usage: python3 client_skips_empty_lines.py HOST PORT
"""

import os
import select
import socket
import sys

CHUNK = 64 * 1024  # bytes that one read may bring
KEYBOARD = 0


class Conversation:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.typed = b""  # a line whose end has not been typed yet
        self.unsent = b""
        self.echo = b""  # an echo whose end has not come yet
        self.echoes_due = 0
        self.input_ended = False

    def read_keyboard(self) -> None:
        """Take what was typed.  The input ends after a line that says `close`, too."""
        chunk = os.read(KEYBOARD, CHUNK)
        *lines, self.typed = (self.typed + chunk).split(b"\n")
        if not chunk and self.typed:
            lines.append(self.typed)  # a last line without its end
        if b"close" in lines:
            del lines[lines.index(b"close") + 1 :]
        self.input_ended = not chunk or b"close" in lines
        lines = [line for line in lines if line]
        self.unsent += b"".join(line + b"\n" for line in lines)
        self.echoes_due += len(lines)

    def receive(self) -> None:
        """Show each echo that is complete; raises ConnectionError when the server has ended the connection."""
        chunk = self.sock.recv(CHUNK)
        if not chunk:
            raise ConnectionError("the server has ended the connection")
        *echoes, self.echo = (self.echo + chunk).split(b"\n")
        for echo in echoes:
            print(echo.decode(), flush=True)
        self.echoes_due -= len(echoes)

    def play(self) -> None:
        """Until the input has ended and every echo was shown."""
        while not self.input_ended or self.echoes_due > 0:
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
        print("usage: client_skips_empty_lines.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as sock:
            sock.setblocking(False)
            Conversation(sock).play()
    except OSError as error:
        print(f"client_skips_empty_lines.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
