"""What a datagram of udp_uppercase is, and its correct reply; and what a line that is typed into the client becomes."""

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

#: All that IPv4 carries (65 535 less 20 of IP and 8 of UDP headers; udp(7)); a reply is as long as its request.
LARGEST_BYTES = 65_507


def _answered(datagram: bytes) -> Exchange:
    return Exchange(datagram, datagram.upper())  # bytes.upper changes ASCII letters only


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short text of ASCII, different for every number."""
    return _answered(numbered_line(number, rng).encode())


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Bytes that text functions lose or change: white space at either end, NULs, letters and bytes beyond ASCII."""
    words = random_words(rng).encode()
    return (
        _answered(b"  spaces around " + words + b"  "),
        _answered(b"a line end behind " + words + b"\r\n"),
        _answered(words + b" \x00 inside, and one at the end \x00"),
        _answered(words + b" next to letters: @[ and `{, far from them: 0 9 | } ~ \x7f"),
        _answered(f"{random_words(rng)} {random_characters(rng)} stay, letters change".encode()),
        _answered(words + b" " + not_utf8(rng)),
        _answered(words + b" " + every_byte(rng)),
    )


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """Letters and digits."""
    return _answered(random_letters(rng, size_bytes))


def oversized(_: random.Random) -> tuple[bytes, ...]:
    """None: whatever can be sent can get a reply."""
    return ()


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


def _typed(line: bytes) -> Entry:
    return Entry(line, line, line.upper(), line.upper())


def typed(number: int, rng: random.Random) -> Entry:
    """A short line of ASCII, different for every number."""
    return _typed(numbered_line(number, rng).encode())


def typed_awkward(rng: random.Random) -> tuple[Entry, ...]:
    """Multi-byte characters, white space at either end, a beginning like `quit`, a printf format, what is not text."""
    lines = (
        f"{random_words(rng)}, {random_characters(rng)} stay, letters change",
        f"  spaces around {random_words(rng)}  ",
        f"quit, or not, {random_words(rng)}?",
        f"100% %s %d %n of {random_words(rng)}",
        "",
        "quit ",
    )
    return tuple(_typed(line.encode()) for line in lines)


def typed_sized(size_bytes: int, rng: random.Random) -> Entry:
    """A line whose reply has exactly this many bytes."""
    return _typed(random_letters(rng, size_bytes))


def leaving(_: random.Random) -> Entry:
    """The word that makes the client exit, which is not sent."""
    return Entry(b"quit", b"", b"", b"")
