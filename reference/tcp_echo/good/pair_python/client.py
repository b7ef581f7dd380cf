"""TCP echo client, the other half of the pair: it reads the echo of a long line while it is still sending.

Usage: python3 client.py HOST PORT
"""

import select
import socket
import sys

from word import CLOSE

PIECE = 32 * 1024  # bytes that one send may take


def exchange(server: socket.socket, line: bytes) -> bytes:
    """Send a line and return its echo, which is as long; raise ConnectionError when the server ends before."""
    unsent, echo = memoryview(line), bytearray()
    while len(echo) < len(line):
        readable, writable, _ = select.select([server], [server] if unsent else [], [])
        if writable:
            unsent = unsent[server.send(unsent[:PIECE]) :]
        if readable:
            piece = server.recv(len(line) - len(echo))
            if not piece:
                raise ConnectionError("the server has ended the connection")
            echo += piece
    return bytes(echo)


def converse(server: socket.socket) -> None:
    """Until the end of the input, or the echo of `close`."""
    server.setblocking(False)
    text = None
    while text != CLOSE:
        text = input("message: ").encode()
        print("response:", exchange(server, text + b"\n").decode().removesuffix("\n"), flush=True)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as server:
            converse(server)
    except EOFError:
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"client.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
