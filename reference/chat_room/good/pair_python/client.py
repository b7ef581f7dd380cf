"""Chat room client of two threads: one reads the keyboard and sends, the other receives and shows.

Usage: python3 client.py HOST PORT
"""

import contextlib
import os
import socket
import sys
import threading


class Visit:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.leaving = False

    def talk(self) -> None:
        """Send each line that is typed; when there are no more, end our side of the connection."""
        for line in sys.stdin:
            self.sock.sendall(line.removesuffix("\n").encode() + b"\n")  # a last line may lack its end
        self.leaving = True
        self.sock.shutdown(socket.SHUT_WR)

    def listen(self) -> None:
        """Show each line that comes, until the server ends the connection; end the program if we are not leaving."""
        try:
            with self.sock.makefile("rb") as lines:
                for line in lines:  # whole lines, so that no character is cut
                    print(harmless(line.decode(errors="replace").removesuffix("\n")), flush=True)
        except OSError as error:
            give_up(str(error))
        if not self.leaving:
            give_up("the server has ended the connection")


def harmless(line: str) -> str:
    """What a stranger has written, with something else for what would control the terminal."""
    return "".join(character if character.isprintable() or character == "\t" else "?" for character in line)


def give_up(why: str) -> None:
    """End the program, though the other thread may wait for the keyboard."""
    print(f"client.py: {why}", file=sys.stderr, flush=True)
    os._exit(1)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        sock = socket.create_connection((sys.argv[1], sys.argv[2]))
    except OSError as error:
        print(f"client.py: {error}", file=sys.stderr)
        return 1
    with sock:
        visit = Visit(sock)
        listener = threading.Thread(target=visit.listen, daemon=True)
        listener.start()
        try:
            with contextlib.suppress(OSError):  # the listener learns of it too, and says so
                visit.talk()
            listener.join()
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
