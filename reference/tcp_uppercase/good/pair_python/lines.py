"""The lines of a connection, whatever the pieces in which they arrive; server and client share it."""

import socket
from collections.abc import Iterator


class Lines:
    """An iterator over whole lines, without their LF.  What follows the last LF when the connection ends is dropped."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.pending = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        searched = 0
        while (end := self.pending.find(b"\n", searched)) == -1:
            searched = len(self.pending)
            piece = self.connection.recv(65536)
            if not piece:
                raise StopIteration
            self.pending += piece
        line = bytes(self.pending[:end])
        del self.pending[: end + 1]
        return line
