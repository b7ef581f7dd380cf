"""What is said to the ticket machine and what it replies, in all variants but HTTP's."""

from __future__ import annotations

import random
import struct
import zlib

from grader import (
    Complete,
    Exchange,
    Incomplete,
    Mismatch,
    every_byte,
    form,
    not_utf8,
    random_characters,
    random_letters,
    random_words,
)

#: How a ticket begins.
_STAMP = b"{number:[1-9][0-9]*} {time:[0-9]{2}:[0-9]{2}:[0-9]{2}} "


class Stamped:
    """A ticket whose name is too long for a form: behind a number and a time, exactly these bytes and a line feed."""

    def __init__(self, name: bytes) -> None:
        self.words = f"a number, a time and the {len(name)} bytes of the name"
        self.head = form(_STAMP[:-1], ending=b" ")
        self.rest = name + b"\n"

    def begin(self) -> _Matching:
        return _Matching(self)


class _Matching:
    """First its head, then the rest, of which no byte is compared twice."""

    def __init__(self, reply: Stamped) -> None:
        self._head, self._rest = reply.head.begin(), reply.rest
        self._at, self._right = 0, 0

    def match(self, received: bytearray, *, ended: bool) -> Complete | Incomplete | Mismatch:
        if not self._at:
            head = self._head.match(received, ended=ended)
            if not isinstance(head, Complete):
                return head
            self._at = head.length
        came = received[self._at + self._right : self._at + len(self._rest)]
        wanted = self._rest[self._right : self._right + len(came)]
        if came != wanted:
            wrong = next(at for at, byte in enumerate(came) if byte != wanted[at])
            return Mismatch(self._at + self._right + wrong, self._rest[self._right + wrong :], "")
        self._right += len(came)
        if self._right == len(self._rest):
            return Complete(self._at + self._right)
        return Incomplete(f"{len(self._rest) - self._right} bytes of the ticket", len(self._rest) - self._right)


def ticket(name: bytes, ending: bytes = b"\n", number: bytes = b"{number:[1-9][0-9]*}") -> Exchange:
    """A ticket for a short name."""
    return Exchange(b"TICKET " + name + ending, form(number + _STAMP[_STAMP.index(b" ") :] + name))


def name_of(number: int, rng: random.Random) -> bytes:
    """Of three in a row the second is the longest."""
    return b"%b-%d" % (random_words(rng, (2, 4, 1)[number % 3]).replace(" ", "-").encode(), number)


def _counted(data: bytes) -> Exchange:
    """Any bytes, and a ticket for their checksum."""
    return Exchange(b"BYTES %d\n%b" % (len(data), data), form(_STAMP + b"%08x" % zlib.crc32(data)))


def greeting(_: random.Random) -> bytes:
    """The machine is ready."""
    return b"READY\n"


def exchange(number: int, rng: random.Random) -> Exchange:
    """A ticket."""
    return ticket(name_of(number, rng))


def closing(_: random.Random) -> Exchange:
    """The last request."""
    return Exchange(b"BYE\n", b"BYE\n")


def unterminated(rng: random.Random) -> Exchange:
    """A request at the end of input."""
    return ticket(name_of(0, rng), ending=b"")


def unfinished(_: random.Random) -> Exchange:
    """What is no request yet at the end of input."""
    return Exchange(b"TICK", b"")


def line_endings(rng: random.Random) -> tuple[Exchange, ...]:
    """Both that are allowed."""
    name = name_of(0, rng)
    return (ticket(name), ticket(name, ending=b"\r\n"))


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A long name, and a long reply."""
    name = random_letters(rng, size_bytes - len(b"TICKET \n"))
    return Exchange(b"TICKET %b\n" % name, Stamped(name))


def large(size_bytes: int, _: random.Random) -> Exchange:
    """A long reply."""
    return Exchange(b"FILL %d\n" % size_bytes, Stamped(b"x" * size_bytes))


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Line endings, NULs and whatever else."""
    return (_counted(every_byte(rng)), _counted(b"a\0b\nBYTES 4\n"), _counted(not_utf8(rng)), _counted(b""))


def surprise(rng: random.Random) -> Exchange:
    """Random bytes."""
    return _counted(rng.randbytes(150))


def text(rng: random.Random) -> tuple[Exchange, ...]:
    """Names in UTF-8."""
    return tuple(ticket(f"{random_characters(rng)}-{number}".encode()) for number in range(3))


def invalid_text(rng: random.Random) -> tuple[bytes, ...]:
    """Names that are not."""
    return (b"TICKET %b\n" % not_utf8(rng), b"TICKET \xff\xfe\n")


def pairs(rng: random.Random) -> tuple[tuple[int, int], ...]:
    """Numbers that change when their bytes are swapped, or their sign is lost."""
    return ((1, 2), (-1, -300), (rng.randint(1 << 20, 1 << 24), -rng.randint(1 << 28, 1 << 30)))


def numbers(rng: random.Random) -> tuple[Exchange, ...]:
    """Tickets for sums of two numbers of four bytes."""
    return tuple(
        Exchange(b"ADD\n" + struct.pack("!ii", *pair), form(_STAMP + b"%d" % sum(pair))) for pair in pairs(rng)
    )


def hostile_lengths(rng: random.Random) -> tuple[bytes, ...]:
    """More than there is memory."""
    return tuple(b"BYTES %d\n%b" % (size, random_letters(rng, 20)) for size in (1 << 31, 1 << 62))
