r"""The head of an HTTP message, read line by line as leniently as a browser reads it.

What a browser forgives is a deviation: it is remembered, in a sentence, and reading goes on, so that one check of the
form fails and all others tell what they are about.  What leaves open what the message is, is a mismatch: no first line
of its kind (`http.py`, `http_request.py`), a line without a colon where the empty line must be, a length that can't be
read, two that contradict each other.  Rules: RFC 9112, sections 2.2 (lines), 5 (headers), 6 (length).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

from grader.limits import HEAD_BYTES
from grader.protocol.reply import Mismatch

#: What may come before the first line: Python's triple quotes begin with a line ending, and browsers skip a few bytes.
_BLANKS: Final = b" \t\r\n"
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROLS: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

BARE_LF: Final = r"a line ends with '\n' instead of '\r\n'"


class Header:
    """One header as it came: its name in lower case, its value, and the offset of the value in the message."""

    def __init__(self, name: str, value: bytes, at: int) -> None:
        self.name = name
        self.value = value
        self.at = at


class StartLine(Protocol):
    """The first line of a head, which says what the message is."""

    version: bytes

    @property
    def beginning(self) -> bytes:
        """What each such line begins with, in capitals; it is compared before the line has ended."""

    @property
    def wanted(self) -> str:
        """What is wrong if it does not, in a sentence."""

    def take(self, line: bytes, at: int, deviates: Callable[[str, int], None]) -> Mismatch | None:
        """Read the line, which begins at that offset, and tell what a browser forgives in it."""


class Head:
    """A head being read.  Whoever has it reads on with each piece, until it is `complete`.

    `start`: its first line, which has come if `started`.  `at`: where in the message the next line begins, which behind
    the last one is the body's first byte.  `deviations`: what a browser forgives, with the offset of the line it is in.
    """

    def __init__(self, start: StartLine) -> None:
        self.start = start
        self.started = False
        self.at = 0
        self.headers: list[Header] = []
        self.deviations: dict[str, int] = {}
        self.complete = False
        self._searched = 0

    def read(self, received: bytearray) -> Mismatch | None:
        """Read the next line if all of it has come; `complete` and `at` show whether it has."""
        if not self.started:
            if self._at_blank(received):
                self._skip_blanks(received)
                return None
            if fault := self._wrong_beginning(received):
                return fault
        stop = received.find(b"\n", max(self.at, self._searched), HEAD_BYTES)
        if stop < 0:
            self._searched = len(received)
            if len(received) <= HEAD_BYTES:
                return None
            return Mismatch(HEAD_BYTES, "", f"its head is longer than {HEAD_BYTES} bytes: the empty line is missing")
        start, line = self.at, bytes(received[self.at : stop])
        self.at = stop + 1
        if line.endswith(b"\r"):
            line = line[:-1]
        else:
            self.deviates(BARE_LF, start)
        if self.started:
            return self._take_header(line, start)
        self.started = True
        return self.start.take(line, start, self.deviates)

    def deviates(self, words: str, at: int) -> None:
        """Remember what a browser forgives, once."""
        self.deviations.setdefault(words, at)

    def values_of(self, name: str) -> list[Header]:
        """The headers of this name, in lower case."""
        return [header for header in self.headers if header.name == name]

    def tokens_of(self, name: str) -> list[bytes]:
        """The words of a header's list, in lower case."""
        listed = (word for header in self.values_of(name) for word in header.value.split(b","))
        return [word.strip(b" \t").lower() for word in listed]

    def restart(self) -> None:
        """Read another head behind this one, which was an interim one."""
        self.started, self.complete, self.headers = False, False, []

    def _skip_blanks(self, received: bytearray) -> None:
        """Skip what may come before the status line."""
        self.deviates("there is white space before the first line", self.at)
        rest = bytes(received[self.at : HEAD_BYTES])
        self.at += len(rest) - len(rest.lstrip(_BLANKS))

    def _at_blank(self, received: bytearray) -> bool:
        return self.at < min(len(received), HEAD_BYTES) and received[self.at] in _BLANKS

    def _wrong_beginning(self, received: bytearray) -> Mismatch | None:
        """What is wrong with the beginning of the first line, which is there before its end."""
        wanted = self.start.beginning
        there = received[self.at : min(self.at + len(wanted), HEAD_BYTES)].upper()
        for at, byte in enumerate(there):
            if byte != wanted[at]:
                return Mismatch(self.at + at, wanted[at:], self.start.wanted)
        return None

    def _take_header(self, line: bytes, at: int) -> Mismatch | None:
        if not line:
            self.complete = True
            return None
        if not line.strip(_BLANKS):
            return Mismatch(at, b"\r\n", "there are spaces in the line that must be empty, behind the headers")
        name, colon, value = line.partition(b":")
        if line[:1] in {b" ", b"\t"} and not (colon and _TOKEN.fullmatch(name.strip(b" \t"))):
            return self._continue(line, at)
        if not colon:
            return Mismatch(at, b"\r\n", "an empty line must separate the headers from the body: this is not a header")
        self._note_form(name, value, at)
        leading = len(value) - len(value.lstrip(b" \t"))
        known = name.strip(b" \t").decode("latin-1").lower()
        self.headers.append(Header(known, value.strip(b" \t"), at + len(name) + 1 + leading))
        return None

    def _continue(self, line: bytes, at: int) -> Mismatch | None:
        if not self.headers:
            return Mismatch(at, "a header", "the line behind the first one is not a header")
        self.deviates("a header goes on in the next line", at)
        self.headers[-1].value += b" " + line.strip(b" \t")
        return None

    def _note_form(self, name: bytes, value: bytes, at: int) -> None:
        if name.startswith((b" ", b"\t")):
            self.deviates("there is white space before the name of a header", at)
        if name.endswith((b" ", b"\t")):
            self.deviates("there is a space between the name of a header and its colon", at)
        if not _TOKEN.fullmatch(name.strip(b" \t")):
            self.deviates("there is a character in the name of a header that can't be in one", at)
        if CONTROLS.search(value):
            self.deviates("there is a control character in the value of a header", at)
