r"""The head of an HTTP reply, read line by line as leniently as a browser reads it.

What a browser forgives is a deviation: it is remembered, in a sentence, and reading goes on, so that one check of the
form fails and all others tell what they are about.  What leaves open what the reply is, is a mismatch: no status line,
a line without a colon where the empty line must be, a length that can't be read, two that contradict each other.
Rules: RFC 9112, sections 2.2 (lines), 4 (status line), 5 (headers), 6 (length).
"""

from __future__ import annotations

import re
from typing import Final

from grader.limits import HEAD_BYTES
from grader.protocol.reply import Mismatch, quoted

_BEGINNING: Final = b"HTTP/"
#: What may come before it: Python's triple quotes begin with a line ending, and browsers skip a few bytes.
_BLANKS: Final = b" \t\r\n"
_STATUS_LINE: Final = re.compile(rb"(?i:HTTP)/(\d+(?:\.\d)?)[ \t]*(\d{3})(?!\d)[ \t]*(.*)", re.DOTALL)
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

#: What holds for a right status line, and what is wrong with one for which it doesn't.
_STATUS_RULES: Final = (
    (re.compile(rb"HTTP"), "HTTP is not written in capitals in the status line"),
    (re.compile(rb"(?i:HTTP)/1\.[01](?!\d\d\d\d)"), "the version in the status line is neither HTTP/1.1 nor HTTP/1.0"),
    (
        re.compile(rb"[^ \t]+ \d{3} (?![ \t])"),
        "version, status code and reason are not separated by one space each in the status line",
    ),
    (re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*\Z"), "there is a control character in the status line"),
)
BARE_LF: Final = r"a line ends with '\n' instead of '\r\n'"


class Header:
    """One header as it came: its name in lower case, its value, and the offset of the value in the reply."""

    def __init__(self, name: str, value: bytes, at: int) -> None:
        self.name = name
        self.value = value
        self.at = at


class Head:
    """A head being read.  Whoever has it reads on with each piece, until it is `complete`.

    `at`: where in the reply the next line begins, which behind the last one is the body's first byte.  `deviations`:
    what a browser forgives, with the offset of the line it is in.
    """

    def __init__(self) -> None:
        self.at = 0
        self.status = 0
        self.status_at = 0
        self.reason = b""
        self.version = b""
        self.headers: list[Header] = []
        self.deviations: dict[str, int] = {}
        self.complete = False
        self._searched = 0

    def read(self, received: bytearray) -> Mismatch | None:
        """Read the next line if all of it has come; `complete` and `at` show whether it has."""
        if not self.status:
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
        return self._take_header(line, start) if self.status else self._take_status(line, start)

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
        self.status, self.complete, self.headers = 0, False, []

    def _skip_blanks(self, received: bytearray) -> None:
        """Skip what may come before the status line."""
        self.deviates("there is white space before the status line", self.at)
        rest = bytes(received[self.at : HEAD_BYTES])
        self.at += len(rest) - len(rest.lstrip(_BLANKS))

    def _at_blank(self, received: bytearray) -> bool:
        return self.at < min(len(received), HEAD_BYTES) and received[self.at] in _BLANKS

    def _wrong_beginning(self, received: bytearray) -> Mismatch | None:
        """What is wrong with the beginning of the status line, which is there before its end."""
        beginning = received[self.at : min(self.at + len(_BEGINNING), HEAD_BYTES)]
        for at, byte in enumerate(beginning.upper()):
            if byte != _BEGINNING[at]:
                return Mismatch(
                    self.at + at, _BEGINNING[at:], "it does not begin with a status line, such as 'HTTP/1.1 200 OK'"
                )
        return None

    def _take_status(self, line: bytes, at: int) -> Mismatch | None:
        parts = _STATUS_LINE.match(line)
        if parts is None:
            return Mismatch(at + len(_BEGINNING), "", f"there is no status code of three digits in {quoted(line[:80])}")
        self.version, self.status, self.reason = parts[1], int(parts[2]), parts[3]
        self.status_at = at + parts.start(2)
        for rule, words in _STATUS_RULES:
            if not rule.match(line):
                self.deviates(words, at)
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
            return Mismatch(at, "a header", "the line behind the status line is not a header")
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
        if _CONTROLS.search(value):
            self.deviates("there is a control character in the value of a header", at)
