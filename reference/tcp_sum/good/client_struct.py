"""TCP sum client: lines are read by readline, replies through a file object of the connection.

Usage: python3 client_struct.py HOST PORT
"""

import socket
import struct
import sys
from typing import BinaryIO

ANSWER = struct.Struct("!q")  # what a reply's length announces
LARGEST, SMALLEST = 2**31 - 1, -(2**31)


class ProtocolError(Exception):
    """The server has broken the protocol, or ended the connection."""


def numbers_in(line: str) -> list[int]:
    """The numbers of a line.  Raises ValueError if it has anything else."""
    numbers = [int(word) for word in line.split()]
    for number in numbers:
        if not SMALLEST <= number <= LARGEST:
            raise ValueError(f"{number} does not fit in 32 bits")
    return numbers


def read_exactly(replies: BinaryIO, size: int) -> bytes:
    data = replies.read(size)
    if len(data) < size:
        raise ProtocolError("the server has closed the connection")
    return data


def read_sum(replies: BinaryIO) -> int:
    length = int.from_bytes(read_exactly(replies, 4), "big")
    if length != ANSWER.size:
        raise ProtocolError(f"the server announces {length} bytes, but a sum has {ANSWER.size}")
    (total,) = ANSWER.unpack(read_exactly(replies, ANSWER.size))
    return total


def converse(sock: socket.socket) -> None:
    """Send the numbers of each line and show their sum, until the input ends."""
    with sock.makefile("rb") as replies:
        for line in iter(sys.stdin.readline, ""):
            try:
                numbers = numbers_in(line)
            except ValueError as error:
                print(f"not sent: {error}", file=sys.stderr)
                continue
            sock.sendall(struct.pack(f"!I{len(numbers)}i", 4 * len(numbers), *numbers))
            # On a pipe nothing appears before it is flushed.
            print(read_sum(replies), flush=True)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_struct.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as sock:
            converse(sock)
    except (OSError, ProtocolError) as error:
        print(f"client_struct.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
