"""Lines, one for each connection; everything up to its end is the reply, which a function judges."""

from __future__ import annotations

import random
import re
import struct
import zlib

from tickets import greeting, hostile_lengths, invalid_text, name_of, pairs, unfinished

from grader import Exchange, every_byte, judged, not_utf8, random_characters, random_letters

__all__ = ["greeting", "hostile_lengths", "invalid_text", "unfinished"]

_STAMP = re.compile(rb"1 \d\d:\d\d:\d\d ")


def _ticket(request: bytes, name: bytes) -> Exchange:
    def judge(data: bytes) -> str | None:
        stamp = _STAMP.match(data)
        if not stamp:
            return "it does not begin with the number 1 and a time"
        return None if data[stamp.end() :] == name + b"\n" else "the name on the ticket is another one"

    return Exchange(request, judged(judge, f"a ticket for {len(name)} bytes, and the end of the connection"))


def _named(name: bytes, ending: bytes = b"\n") -> Exchange:
    return _ticket(b"TICKET " + name + ending, name)


def _counted(data: bytes) -> Exchange:
    return _ticket(b"BYTES %d\n%b" % (len(data), data), b"%08x" % zlib.crc32(data))


def exchange(number: int, rng: random.Random) -> Exchange:
    """A ticket."""
    return _named(name_of(number, rng))


def unterminated(rng: random.Random) -> Exchange:
    """A request at the end of input."""
    return _named(name_of(0, rng), ending=b"")


def line_endings(rng: random.Random) -> tuple[Exchange, ...]:
    """Both that are allowed."""
    name = name_of(0, rng)
    return (_named(name), _named(name, ending=b"\r\n"))


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A long name, and a long reply."""
    return _named(random_letters(rng, size_bytes - len(b"TICKET \n")))


def large(size_bytes: int, _: random.Random) -> Exchange:
    """A long reply."""
    return _ticket(b"FILL %d\n" % size_bytes, b"x" * size_bytes)


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Line endings, NULs and whatever else."""
    return (_counted(every_byte(rng)), _counted(b"a\0b\nBYTES 4\n"), _counted(not_utf8(rng)), _counted(b""))


def surprise(rng: random.Random) -> Exchange:
    """Random bytes."""
    return _counted(rng.randbytes(150))


def text(rng: random.Random) -> tuple[Exchange, ...]:
    """Names in UTF-8."""
    return tuple(_named(f"{random_characters(rng)}-{number}".encode()) for number in range(3))


def numbers(rng: random.Random) -> tuple[Exchange, ...]:
    """Tickets for sums of two numbers of four bytes."""
    return tuple(_ticket(b"ADD\n" + struct.pack("!ii", *pair), b"%d" % sum(pair)) for pair in pairs(rng))
