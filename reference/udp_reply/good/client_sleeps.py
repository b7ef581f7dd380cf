"""UDP reply client that sleeps a second after each line, and then looks what has come.

Usage: python3 client_sleeps.py HOST PORT
"""

import socket
import sys
import time


def came(sock: socket.socket) -> list[bytes]:
    """All datagrams that have come; the socket is connected and does not block."""
    datagrams = []
    try:
        while True:
            datagrams.append(sock.recv(65536))
    except BlockingIOError:
        return datagrams


def talk(sock: socket.socket) -> None:
    """Until the line `quit`; EOFError at the end of the input."""
    while (line := input("> ")) != "quit":
        wanted = b"OK..." + line.encode()
        try:
            sock.send(line.encode())
            time.sleep(1)
            found = wanted in came(sock)
        except OSError as error:
            print(error, file=sys.stderr)
            continue
        if found:
            print(wanted.decode(), flush=True)
        else:
            print("no reply came", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: client_sleeps.py HOST PORT")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((sys.argv[1], int(sys.argv[2])))
            sock.setblocking(False)
            talk(sock)
    except (EOFError, KeyboardInterrupt):
        print()
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(f"client: {error}")
