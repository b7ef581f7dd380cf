"""What a message of tcp_echo is, and its correct reply: any bytes, which come back unchanged; a client's are lines."""

from __future__ import annotations

import random

from grader import (
    Entry,
    Exchange,
    every_byte,
    not_utf8,
    numbered_line,
    random_characters,
    random_letters,
    random_words,
)


def _echoed(line: bytes) -> Exchange:
    """A line, which comes back; only the one of `closing` may be `close`."""
    return Exchange(line + b"\n", line + b"\n")


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short line, different for every number."""
    return _echoed(numbered_line(number, rng).encode())


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Bytes that are not text, and text that is not ASCII."""
    words = random_words(rng).encode()
    return (
        _echoed(every_byte(rng, without=b"\n")),
        _echoed(f"{random_words(rng)} {random_characters(rng)}".encode()),
        _echoed(words + b" " + not_utf8(rng)),
        _echoed(words + b" \x00 inside"),
        _echoed(b"\t tabs and spaces, " + words + b" \t "),
        _echoed(random_words(rng).encode() + b"\r"),  # as telnet sends it
        _echoed(b""),
    )


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """One line of letters, of a size that includes its LF."""
    return _echoed(random_letters(rng, size_bytes - 1))


def surprise(rng: random.Random) -> Exchange:
    """Random bytes without a line ending."""
    return _echoed(rng.randbytes(rng.randint(100, 200)).replace(b"\n", b""))


def closing(_: random.Random) -> Exchange:
    """The line after whose echo the server closes."""
    return _echoed(b"close")


def _typed(line: str) -> Entry:
    """A line that is typed into the client, and what follows from it."""
    text = line.encode()
    return Entry(text, text + b"\n", text + b"\n", text)


def typed(number: int, rng: random.Random) -> Entry:
    """A short line, different for every number."""
    return _typed(numbered_line(number, rng))


def typed_awkward(rng: random.Random) -> tuple[Entry, ...]:
    """Characters of two, three and four bytes, spaces at either end, and nothing."""
    return (
        _typed(f"{random_words(rng)}, {random_characters(rng)} and {random_words(rng)}"),
        _typed(f"  spaces at both ends, {random_words(rng)}  "),
        _typed(""),
    )


def typed_sized(size_bytes: int, rng: random.Random) -> Entry:
    """A line of letters that has so many bytes including its LF."""
    return _typed(random_letters(rng, size_bytes - 1).decode())


def leaving(_: random.Random) -> Entry:
    """The line that is echoed like any other, and ends the conversation."""
    return _typed("close")
