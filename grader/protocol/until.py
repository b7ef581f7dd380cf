r"""Everything up to a delimiter: `until(b"\r\n.\r\n")`."""

from __future__ import annotations

import msgspec

from grader.limits import REPLY_BYTES
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch, quoted


class Until(msgspec.Struct, frozen=True):
    """Any bytes that end with this delimiter; made by `until`."""

    delimiter: bytes
    at_most: int
    words: str

    @property
    def examples(self) -> tuple[bytes, ...]:
        """The shortest (`rehearsal.py`)."""
        return (self.delimiter,)

    def begin(self) -> _UpTo:
        return _UpTo(self.delimiter, self.at_most)


def until(delimiter: bytes, *, at_most: int = REPLY_BYTES, words: str = "") -> Until:
    """A reply that ends with the first `delimiter`; its value `data` is what comes before it.

    `at_most`: how many bytes it may have, its delimiter included.  `words`: what it is, for a student.

    Raises:
        ValueError: the delimiter is empty.
    """
    if not delimiter:
        raise ValueError("until needs a delimiter")
    return Until(delimiter, at_most, words or f"anything up to {quoted(delimiter)}")


class _UpTo:
    """What was searched is not searched again, except for the beginning of a delimiter at its end."""

    def __init__(self, delimiter: bytes, at_most: int) -> None:
        self._delimiter = delimiter
        self._at_most = at_most
        self._searched = 0

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — a FIN changes nothing
        at = received.find(self._delimiter, self._searched, self._at_most)
        if at >= 0:
            return Complete(at + len(self._delimiter), {"data": bytes(received[:at])})
        if len(received) > self._at_most:
            problem = f"there is no {quoted(self._delimiter)} in the first {self._at_most} bytes"
            return Mismatch(self._at_most, self._delimiter, problem)
        self._searched = max(0, len(received) - len(self._delimiter) + 1)
        return Incomplete(f"{quoted(self._delimiter)} at its end", 1)
