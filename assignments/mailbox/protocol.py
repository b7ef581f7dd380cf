"""What is said at the SMTP port (RFC 5321), and what a reply of each of the two protocols looks like."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from grader import Complete, Exchange, Incomplete, Mismatch, form, random_words

#: Who has a mailbox, with the password.
USERS = dict(line.split() for line in (Path(__file__).parent / "files" / "users.txt").read_text().splitlines())
#: Whose mail nobody fetches: the catalogue's checks send to it.
_POST = "post"
#: Of a reply's line: a code, a space or hyphen, a text, CRLF (RFC 5321, 4.5.3.1.5).
_LINE_BYTES = 512
_LINES = 20


class SmtpReply:
    """One with one of these codes: a line, or several with a hyphen behind the code in all but the last."""

    def __init__(self, *codes: int) -> None:
        self._codes = tuple(b"%d" % code for code in codes)
        self.words = f"a reply with the code {' or '.join(map(str, codes))}"
        #: `grader lint` tries these.
        self.examples = tuple(b"%b well\r\n" % code for code in self._codes)
        self.wrong = (b"599 no such code\r\n", b"%b\n" % self._codes[0], b"%b_\r\n" % self._codes[0])

    def begin(self) -> _Lines:
        return _Lines(self._codes)


class _Lines:
    """The lines of one reply; those that were complete are not looked at again."""

    def __init__(self, codes: tuple[bytes, ...]) -> None:
        self._codes = codes
        self._at = 0
        self._count = 0

    def match(
        self,
        received: bytearray,
        *,
        ended: bool,  # noqa: ARG002 — a FIN changes nothing
    ) -> Complete | Incomplete | Mismatch:
        while (end := received.find(b"\n", self._at, self._at + _LINE_BYTES) + 1) > 0:
            line = bytes(received[self._at : end])
            self._count += 1
            if problem := self._problem(line):
                return Mismatch(self._at, self._codes[0], problem)
            if line[3:4] != b"-":
                return Complete(end)
            self._at = end
        if len(received) - self._at >= _LINE_BYTES:
            return Mismatch(self._at + _LINE_BYTES, "", f"a line of a reply has at most {_LINE_BYTES} bytes")
        return Incomplete("the end of the line" if len(received) > self._at else "a line", 1)

    def _problem(self, line: bytes) -> str:
        if not line.endswith(b"\r\n"):
            return "each line of a reply ends with \\r\\n"
        if line[:3] not in self._codes:
            return f"the code is not {self._codes[0].decode()}"
        if self._count > _LINES:
            return f"a reply has at most {_LINES} lines"
        return "" if line[3:4] in b" -\r" else "behind the code comes a space, or a hyphen if more lines follow"


#: Replies of POP3: `+OK` or `-ERR`, and any text.
OK = form(b"+OK", b"+OK {text:.*}", ending=b"\r\n")
ERR = form(b"-ERR", b"-ERR {text:.*}", ending=b"\r\n")


def greeting(_: random.Random) -> SmtpReply:
    """At the SMTP port."""
    return SmtpReply(220)


def command(line: bytes, *codes: int) -> Exchange:
    """A command of SMTP, and the codes that its reply may have."""
    return Exchange(line + b"\r\n", SmtpReply(*codes))


def stuffed(content: bytes) -> bytes:
    """A message as it is transmitted, its last line included: a dot more before each that begins with one."""
    return b"".join(b"." + line if line[:1] == b"." else line for line in _lines(content)) + b".\r\n"


def _lines(content: bytes) -> list[bytes]:
    """The lines of a message, which end with CRLF."""
    return [line + b"\r\n" for line in content.split(b"\r\n")[:-1]]


def sending(content: bytes, *users: str) -> list[Exchange]:
    """How a client says hello and sends a message to these users."""
    return [
        command(b"HELO client.example.test", 250),
        command(b"MAIL FROM:<friend@example.test>", 250),
        *(command(b"RCPT TO:<%b@mail.test>" % user.encode(), 250) for user in users),
        command(b"DATA", 354),
        Exchange(stuffed(content), SmtpReply(250)),
    ]


def message(rng: random.Random, words: int = 5) -> bytes:
    """A short message, with its header."""
    header = f"From: friend@example.test\r\nSubject: {random_words(rng)}\r\n\r\n"
    return f"{header}{random_words(rng, words)}\r\n{random_words(rng, words)}\r\n".encode()


def exchange(number: int, rng: random.Random) -> Exchange:
    """What is right at any time."""
    return command(f"NOOP {number} {random_words(rng)}".encode(), 250)


def dialogue(number: int, rng: random.Random) -> Generator[Exchange, Mapping[str, Any], None]:
    """A short mail with a dot in it, from the first command to the last but one."""
    yield from sending(b"Subject: %d\r\n\r\n.%b\r\n" % (number, random_words(rng, 1).encode()), _POST)
    yield exchange(number, rng)


def pipelined(count: int, rng: random.Random) -> tuple[Exchange, ...]:
    """Commands that nobody needs to wait for."""
    return tuple(exchange(number, rng) for number in range(count))


def closing(_: random.Random) -> Exchange:
    """The client leaves."""
    return command(b"QUIT", 221)
