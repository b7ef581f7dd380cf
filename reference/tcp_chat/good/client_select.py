"""TCP chat client of one thread, which waits for the keyboard and the server at once, by select.

Usage: python3 client_select.py HOST PORT
"""

import os
import select
import socket
import sys

CHUNK = 4096  # bytes that one read may bring
KEYBOARD = 0


def show_lines(text: bytes) -> bytes:
    """Show the lines that are complete; the rest, which may end inside a character."""
    *lines, rest = text.split(b"\n")
    for line in lines:
        print(line.decode(), flush=True)
    return rest


def chat(sock: socket.socket) -> None:
    """Until the input has ended, and then the server's side.  Raises OSError when the server ends it before."""
    unsent = heard = b""
    typed = b"\n"  # the last that was typed; nothing when the input has ended
    leaving = False
    while True:
        # What was typed last is sent before more is read: nobody types faster than that.
        watched = [sock] if unsent or not typed else [sock, KEYBOARD]
        readable, writable, _ = select.select(watched, [sock] if unsent else [], [])
        if KEYBOARD in readable:
            in_line = not typed.endswith(b"\n")
            typed = os.read(KEYBOARD, CHUNK)
            unsent = typed or (b"\n" if in_line else b"")  # a last line may lack its end
        if writable:
            unsent = unsent[sock.send(unsent) :]
        if not (typed or unsent or leaving):
            leaving = True
            sock.shutdown(socket.SHUT_WR)
        if sock in readable:
            chunk = sock.recv(CHUNK)
            if not chunk and leaving:
                return
            if not chunk:
                raise ConnectionError("the server has ended the connection")
            heard = show_lines(heard + chunk)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_select.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as sock:
            sock.setblocking(False)
            chat(sock)
    except OSError as error:
        print(f"client_select.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
