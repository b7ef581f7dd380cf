"""The word that ends a conversation; server and client share it."""

CLOSE = b"close"


class Watch:
    """Finds the line that says `close` in a stream, whatever the pieces in which it comes."""

    LINES = (CLOSE, CLOSE + b"\r")  # without their LF
    ENOUGH = len(CLOSE) + 2  # bytes of an unfinished line that are kept: with so many it is another one

    def __init__(self) -> None:
        self.line = b""  # how the unfinished line begins

    def find(self, piece: bytes) -> int | None:
        """Where the line `close` ends in the next piece of the stream, its LF included; None if it does not."""
        start = 0
        while (end := piece.find(b"\n", start)) != -1:
            if self.line + piece[start:end] in self.LINES:
                return end + 1
            self.line = b""
            start = end + 1
        self.line = (self.line + piece[start : start + self.ENOUGH])[: self.ENOUGH]
        return None
