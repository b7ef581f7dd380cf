"""What a datagram of udp_reply is, and its correct reply."""

from __future__ import annotations

import random

from grader import (
    Entry,
    Exchange,
    every_byte,
    not_utf8,
    numbered_line,
    random_blanks,
    random_characters,
    random_letters,
    random_words,
)

#: The longest that can be answered: a reply is 5 bytes longer, and IPv4 carries 65 507 (65 535 less 20 of IP and 8 of
#: UDP headers; udp(7)).
LARGEST_BYTES = 65_502
_MOST_BYTES = 65_507

_OK = b"OK..."


def _answered(datagram: bytes) -> Exchange:
    return Exchange(datagram, _OK + datagram)


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short text of ASCII, different for every number."""
    return _answered(numbered_line(number, rng).encode())


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Bytes that text functions lose or replace: white space at either end, NULs, what is not ASCII or not text."""
    words = random_words(rng).encode()
    return (
        _answered(b"  spaces around " + words + b"  "),
        _answered(b"a line end behind " + words + b"\r\n"),
        _answered(random_blanks(rng)),
        _answered(words + b" \x00 inside, and one at the end \x00"),
        _answered(b"\x00"),
        _answered(b"OK..." + words),
        _answered(f"{random_words(rng)} {random_characters(rng)}".encode()),
        _answered(words + b" " + not_utf8(rng)),
        _answered(every_byte(rng)),
    )


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """Letters and digits."""
    return _answered(random_letters(rng, size_bytes))


def oversized(rng: random.Random) -> tuple[bytes, ...]:
    """They can be sent, but their replies can't."""
    sizes = LARGEST_BYTES + 1, rng.randint(LARGEST_BYTES + 2, _MOST_BYTES - 1), _MOST_BYTES
    return tuple(random_letters(rng, size_bytes) for size_bytes in sizes)


def empty(_: random.Random) -> Exchange:
    """An empty datagram, which is a message like any other."""
    return _answered(b"")


def garbage(rng: random.Random) -> tuple[bytes, ...]:
    """Bytes that are not text, or contain no words."""
    return (
        not_utf8(rng) + b", %s%s%s%s%s%s%n {} {0}",
        random_words(rng).encode() + b", cut in the middle: \xe2\x82",
        b"\x00" * rng.randint(2, 64),
        random_blanks(rng),
        every_byte(rng),
    )


def _typed(line: str) -> Entry:
    reply = _OK + line.encode()
    return Entry(line.encode(), line.encode(), reply, reply)


def typed(number: int, rng: random.Random) -> Entry:
    """A short line, different for every number."""
    return _typed(numbered_line(number, rng))


def typed_awkward(rng: random.Random) -> tuple[Entry, ...]:
    """Multi-byte text, white space at either end, what looks like a reply, the quit word or a printf format."""
    lines = (
        f"{random_words(rng)}, {random_characters(rng)} and so on",
        f"  spaces around {random_words(rng)}  ",
        f"OK...not yet, {random_words(rng)}",
        f"quit now, {random_words(rng)}",
        f"100% %s %d %n of {random_words(rng)}",
    )
    return tuple(map(_typed, lines))


def typed_sized(size_bytes: int, rng: random.Random) -> Entry:
    """A line whose reply has so many bytes."""
    return _typed(random_letters(rng, size_bytes - len(_OK)).decode())


def leaving(_: random.Random) -> Entry:
    """The line that makes the client exit; it is not sent."""
    return Entry(b"quit", b"", b"", b"")
