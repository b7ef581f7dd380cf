"""TCP echo client of two threads: one reads the keyboard and sends, the other receives and shows.

At the end of input it ends its own side of the connection and shows what still comes, until the server ends its side.

Usage: python3 client_thread.py HOST PORT
"""

import os
import socket
import sys
import threading


class Conversation:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sent = self.shown = 0  # lines
        self.no_more_input = False

    def send_lines(self) -> None:
        """Send what is typed, until the input ends or a line says `close`."""
        for line in sys.stdin:
            text = line.removesuffix("\n")
            self.sent += 1
            self.no_more_input = text == "close"
            self.sock.sendall(text.encode() + b"\n")
            if self.no_more_input:
                return
        self.no_more_input = True
        self.sock.shutdown(socket.SHUT_WR)

    def show_echoes(self) -> None:
        """Show what comes, until the server ends the connection; end the program if that is too early."""
        try:
            with self.sock.makefile("rb") as echoes:
                for echo in echoes:
                    if echo.endswith(b"\n"):
                        print("response:", echo.decode().removesuffix("\n"), flush=True)
                        self.shown += 1
        except OSError as error:
            give_up(str(error))
        if not self.no_more_input or self.shown < self.sent:
            give_up("the server has ended the connection")


def give_up(why: str) -> None:
    """End the program, though another thread may wait for the keyboard."""
    print(f"client_thread.py: {why}", file=sys.stderr, flush=True)
    os._exit(1)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_thread.py HOST PORT", file=sys.stderr)
        return 2
    try:
        sock = socket.create_connection((sys.argv[1], sys.argv[2]))
    except OSError as error:
        print(f"client_thread.py: {error}", file=sys.stderr)
        return 1
    with sock:
        conversation = Conversation(sock)
        receiver = threading.Thread(target=conversation.show_echoes, daemon=True)
        receiver.start()
        try:
            try:
                conversation.send_lines()
            except OSError:
                pass  # the receiver learns of it too, and says so
            receiver.join()
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
