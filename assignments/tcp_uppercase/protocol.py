"""What a message of tcp_uppercase is, and its correct reply."""

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


def _answered(line: bytes) -> Exchange:
    return Exchange(line + b"\n", line.upper() + b"\n")  # bytes.upper changes ASCII letters only


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short line, different for every number."""
    return _answered(numbered_line(number, rng).encode())


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Bytes that are not text, and text that is not ASCII."""
    words = random_words(rng).encode()
    return (
        _answered(every_byte(rng, without=b"\n")),
        _answered(f"{random_words(rng)} {random_characters(rng)} stay, letters change".encode()),
        _answered(words + b" " + not_utf8(rng)),
        _answered(words + b" \x00 and an end of file \x1a inside"),
        _answered(b"\t tabs and trailing spaces, " + words + b" \t  "),
        _answered(random_words(rng).encode() + b"\r"),  # as telnet sends it
        _answered(b""),
    )


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """One line of letters, so many bytes including its LF."""
    return _answered(random_letters(rng, size_bytes - 1))


def longest(rng: random.Random) -> Exchange:
    """One line of 1 MiB, its LF not counted."""
    return _answered(random_letters(rng, 1 << 20))


def surprise(rng: random.Random) -> Exchange:
    """Random bytes without a line ending."""
    return _answered(rng.randbytes(rng.randint(100, 200)).replace(b"\n", b""))


def _typed(line: str) -> Entry:
    sent = line.encode()
    return Entry(sent, sent + b"\n", sent.upper() + b"\n", shown=sent.upper())


def typed(number: int, rng: random.Random) -> Entry:
    """A short line, different for every number."""
    return _typed(numbered_line(number, rng))


def typed_awkward(rng: random.Random) -> tuple[Entry, ...]:
    """Characters of two, three and four bytes, and lines that are easily changed or misread."""
    return (
        _typed(f"{random_words(rng)}, {random_characters(rng)} stay, letters change"),
        _typed(f"  spaces at both ends, {random_words(rng)}  "),
        _typed(""),
        _typed(f"quit? Not yet, {random_words(rng)}"),
        _typed(f"100 %x of {random_words(rng)}"),  # a format, where a reply is given to printf as one
        _typed("quit "),  # one that is stripped before it is compared with the word
    )


def typed_sized(size_bytes: int, rng: random.Random) -> Entry:
    """One line of letters, whose reply has so many bytes with its LF."""
    return _typed(random_letters(rng, size_bytes - 1).decode())


def leaving(_: random.Random) -> Entry:
    """The line that makes the client exit; the server never hears of it."""
    return Entry(line=b"quit", request=b"", reply=b"", shown=b"")
