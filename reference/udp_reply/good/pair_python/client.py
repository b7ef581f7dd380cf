"""UDP reply client, the other half of the pair: a connected socket, to which the kernel lets nobody but the server.

Usage: python3 client.py HOST PORT
"""

import socket
import sys
import time

from reply import LARGEST, reply_to

PATIENCE_S = 1.0


def ask(server: socket.socket, line: bytes) -> bytes:
    """Send a line and return its reply; raise OSError when none has come in time, or nobody receives there."""
    server.send(line)
    deadline = time.monotonic() + PATIENCE_S
    while (left := deadline - time.monotonic()) > 0:
        server.settimeout(left)
        datagram = server.recv(LARGEST)
        if datagram == reply_to(line):
            return datagram  # any other is late, or a second copy
    raise TimeoutError("timed out")


def converse(server: socket.socket) -> None:
    """Until the end of the input, or `quit`."""
    while (line := input("> ")) != "quit":
        try:
            print(ask(server, line.encode()).decode(), flush=True)
        except OSError as error:
            print(f"client.py: no reply: {error}", file=sys.stderr)


def main() -> int:
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.connect((sys.argv[1], int(sys.argv[2])))
            converse(server)
    except EOFError:
        return 0
    except KeyboardInterrupt:
        return 130
    except (OSError, OverflowError) as error:
        print(f"client.py: {sys.argv[1]} port {sys.argv[2]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
