r"""The body of an HTTP message as its head frames it: by its length, in chunks, up to the end, or none at all.

Each is an object that takes what has been received and appends it to `body`, once, piece by piece and never beyond a
step after which somebody must have looked at it: so that of two faults the first in the bytes is told, in whatever
pieces they came.  Rules: RFC 9112, sections 6.3 (which of them it is) and 7.1 (chunks).

Not left to h11: it doesn't say which byte is wrong, it refuses chunks whose lines end with '\n' alone, which browsers
take, and whether it refuses a long size line depends on the pieces in which it came.  Our tests compare the bodies with
what h11 makes of the same bytes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, Protocol

from grader.limits import HEAD_BYTES
from grader.protocol.http_head import BARE_LF, Head
from grader.protocol.reply import Mismatch, quoted

_NUMBER: Final = re.compile(rb"\d+")
#: More digits than any length has that can be meant: Python refuses to convert thousands of them.
_MOST_DIGITS: Final = 18
_SIZE_LINE: Final = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
#: The line with a chunk's size, and extensions that nobody uses.
_SIZE_LINE_BYTES: Final = 1024
#: A chunk of one byte has five bytes of frame; more than this for each byte is no body but an endless frame.
_FRAME_PER_BYTE: Final = 8


class Body(Protocol):
    """A body being received."""

    body: bytearray
    complete: bool

    def take(self, received: bytearray, *, ended: bool) -> Mismatch | bool:
        """Take the next step; whether there was one to take.  After each the body may have grown."""

    def place(self, offset: int) -> int:
        """Where in the reply this byte of the body is; for its length, where its next byte would be."""

    @property
    def at(self) -> int:
        """Where in the reply the next byte to take is; behind the last one, where the reply ends."""

    @property
    def lacking(self) -> tuple[str, int]:
        """What is lacking, in words, and how many bytes at the least."""


class ByLength:
    """So many bytes."""

    def __init__(self, head: int, length: int) -> None:
        self.body = bytearray()
        self.complete = not length
        self._head = head
        self._length = length

    def take(self, received: bytearray, *, ended: bool) -> bool:  # noqa: ARG002 — a FIN changes nothing
        piece = received[self.at : self._head + self._length]
        self.body += piece
        self.complete = len(self.body) == self._length
        return bool(piece)

    def place(self, offset: int) -> int:
        return self._head + offset

    @property
    def at(self) -> int:
        return self._head + len(self.body)

    @property
    def lacking(self) -> tuple[str, int]:
        missing = self._length - len(self.body)
        return f"{missing} of the {self._length} bytes that Content-Length announces", missing


class ToTheEnd:
    """All bytes up to the end of the connection."""

    def __init__(self, head: int, at_most: int) -> None:
        self.body = bytearray()
        self.complete = False
        self._head = head
        self._at_most = at_most

    def take(self, received: bytearray, *, ended: bool) -> Mismatch | bool:
        piece = received[self.at : self._head + self._at_most]
        if not piece and len(received) > self.at:
            return _too_long(self.at, self._at_most)
        self.body += piece
        self.complete = ended and self.at == len(received)
        return bool(piece)

    def place(self, offset: int) -> int:
        return self._head + offset

    @property
    def at(self) -> int:
        return self._head + len(self.body)

    @property
    def lacking(self) -> tuple[str, int]:
        return "the end of the connection, since no header gives the length of the body", 0


class Chunked:
    """Chunks, each with its size in front, the last one empty; then trailers, and an empty line."""

    def __init__(self, head: Head, at_most: int) -> None:
        self.body = bytearray()
        self.complete = False
        self._deviates = head.deviates
        self._at_most = at_most
        self._start = self._at = self._searched = head.at
        #: Whether the size line of a chunk has come, and not yet its end; its size, and how much of it is missing.
        self._in_chunk = False
        self._size = self._missing = 0
        self._last = False
        #: Where in the body each chunk begins, and where in the reply.
        self._offsets = [0]
        self._places = [head.at]

    def take(self, received: bytearray, *, ended: bool) -> Mismatch | bool:  # noqa: ARG002 — a FIN changes nothing
        if self._last:
            return self._take_trailer(received)
        if not self._in_chunk:
            return self._take_size(received)
        return self._take_data(received) if self._missing else self._take_end(received)

    def place(self, offset: int) -> int:
        chunk = bisect_right(self._offsets, offset) - 1
        return self._places[chunk] + offset - self._offsets[chunk]

    @property
    def at(self) -> int:
        return self._at

    @property
    def lacking(self) -> tuple[str, int]:
        if self._missing:
            return f"{self._missing} of the {self._size} bytes of a chunk", self._missing
        if self._in_chunk:
            return "the line ending behind a chunk", 1
        return ("the empty line behind the last chunk" if self._last else "the line with the size of the next chunk"), 1

    def _take_size(self, received: bytearray) -> Mismatch | bool:
        start = self._at
        line = self._line(received, start + _SIZE_LINE_BYTES)
        if not isinstance(line, bytes):
            return line or False
        parts = _SIZE_LINE.fullmatch(line)
        if parts is None:
            problem = f"before each chunk there must be its size, a hexadecimal number, and not {quoted(line[:80])}"
            return Mismatch(start, "a hexadecimal number", problem)
        self._size = int(parts[1], 16)
        if len(self.body) + self._size > self._at_most:
            return _too_long(start, self._at_most)
        if self._at - self._start - len(self.body) > HEAD_BYTES + _FRAME_PER_BYTE * len(self.body):
            return Mismatch(start, "", "there is much more of chunk sizes and extensions than of the body itself")
        self._last = not self._size
        self._missing = self._size
        self._in_chunk = not self._last
        self._offsets.append(len(self.body))
        self._places.append(self._at)
        return True

    def _take_data(self, received: bytearray) -> bool:
        piece = received[self._at : self._at + self._missing]
        self.body += piece
        self._at += len(piece)
        self._missing -= len(piece)
        return bool(piece)

    def _take_end(self, received: bytearray) -> Mismatch | bool:
        ending = bytes(received[self._at : self._at + 2])
        if ending[:1] == b"\n":
            self._deviates(BARE_LF, self._at)
            ending = b"\n"
        elif not b"\r\n".startswith(ending):
            wrong = self._at + (ending[:1] == b"\r")
            return Mismatch(wrong, b"\r\n", f"the chunk is longer than its size says, which is {self._size}")
        elif len(ending) < 2:
            return False
        self._at += len(ending)
        self._searched = self._at
        self._in_chunk = False
        return True

    def _take_trailer(self, received: bytearray) -> Mismatch | bool:
        line = self._line(received, self._places[-1] + HEAD_BYTES)
        if not isinstance(line, bytes):
            return line or False
        self.complete = not line
        return True

    def _line(self, received: bytearray, limit: int) -> Mismatch | bytes | None:
        """The next line without its ending; None: not all of it has come."""
        stop = received.find(b"\n", self._searched, limit)
        if stop < 0:
            self._searched = len(received)
            return Mismatch(limit, b"\r\n", "a line among the chunks does not end") if len(received) > limit else None
        line = bytes(received[self._at : stop])
        if not line.endswith(b"\r"):
            self._deviates(BARE_LF, self._at)
        self._at = self._searched = stop + 1
        return line.removesuffix(b"\r")


def body_of(head: Head, at_most: int, *, bodiless: bool, unframed: Body) -> Body | Mismatch:
    """How the body behind this head is framed, or what leaves that open.

    `at_most`: bytes that it may have.  `bodiless`: a message that never has one, whatever its head says.  `unframed`:
    what it is if the head says nothing.
    """
    length = _length(head)
    if isinstance(length, Mismatch):
        return length
    codings = [coding for coding in head.tokens_of("transfer-encoding") if coding != b"identity"]
    if head.tokens_of("transfer-encoding") and not codings:
        head.deviates(
            "Transfer-Encoding is 'identity', which does not exist", head.values_of("transfer-encoding")[0].at
        )
    if bodiless:
        return ByLength(head.at, 0)
    if codings:
        return _by_coding(head, codings, at_most, has_length=length is not None)
    if length is None:
        return unframed
    if length > at_most:
        problem = f"Content-Length announces {length} bytes, and no body here has more than {at_most}"
        return Mismatch(head.values_of("content-length")[0].at, "", problem)
    return ByLength(head.at, length)


def _by_coding(head: Head, codings: list[bytes], at_most: int, *, has_length: bool) -> Body | Mismatch:
    coding = head.values_of("transfer-encoding")[0]
    if codings != [b"chunked"]:
        problem = f"its Transfer-Encoding, {quoted(coding.value[:80])}, is not one that can be read here"
        return Mismatch(coding.at, b"chunked", problem)
    if has_length:
        head.deviates("it has both a Content-Length and a Transfer-Encoding", coding.at)
    if head.start.version == b"1.0":
        head.deviates("it has a Transfer-Encoding, which HTTP/1.0 does not know", coding.at)
    return Chunked(head, at_most)


def _length(head: Head) -> int | Mismatch | None:
    """What Content-Length says; None: there is none."""
    headers = head.values_of("content-length")
    said = [(word.strip(b" \t"), header) for header in headers for word in header.value.split(b",")]
    if not said:
        return None
    for word, header in said:
        if not _NUMBER.fullmatch(word) or len(word) > _MOST_DIGITS:
            problem = f"its Content-Length, {quoted(header.value[:80])}, is not a number of bytes"
            return Mismatch(header.at, "a number of bytes", problem)
        if int(word) != int(said[0][0]):
            problem = f"it has two lengths that contradict each other, {int(said[0][0])} and {int(word)}"
            return Mismatch(header.at, said[0][0], problem)
    if len(said) > 1:
        head.deviates("it has its Content-Length twice", said[1][1].at)
    return int(said[0][0])


def _too_long(at: int, at_most: int) -> Mismatch:
    return Mismatch(at, "", f"the body is longer than the {at_most} bytes that it may have")
