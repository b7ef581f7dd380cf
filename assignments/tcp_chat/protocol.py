"""What a message of tcp_chat is, and what everyone hears of it; and what a client shows."""

from __future__ import annotations

import random

from grader import Entry, Exchange, numbered_line, random_characters, random_letters, random_words


def _heard(sent: bytes, line: str) -> Exchange:
    """What one member sends, and the line that everyone receives, including the sender."""
    said = line.encode() + b"\n"
    return Exchange(sent, said, said)


def _said(line: str) -> Exchange:
    return _heard(line.encode() + b"\n", line)


def greeting(_: random.Random) -> bytes:
    """What comes unasked, and only to the newcomer."""
    return b"Welcome\n"


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short line of ASCII text, different for every number."""
    return _said(numbered_line(number, rng))


def text(rng: random.Random) -> tuple[Exchange, ...]:
    """Lines with characters of two, three and four bytes, also at the beginning and end of a line."""
    return (
        _said(f"{random_characters(rng)} {random_words(rng)} {random_characters(rng)}"),
        _said(f"{random_words(rng)} お元気ですか"),
        _said(f"good 👍🏽, 12 € each, {random_words(rng)}"),  # two characters that are shown as one
    )


def invalid_text(rng: random.Random) -> tuple[bytes, ...]:
    """Lines that are not UTF-8: no first byte, Latin-1, cut short, a surrogate, overlong NULs, beyond Unicode."""
    kinds = (
        bytes(rng.choices(range(0xF8, 0x100), k=2)),
        bytes([rng.randint(0xE0, 0xEF)]),
        b"\xe2" + bytes([rng.randint(0x80, 0xBF)]),
        bytes([0xED, rng.randint(0xA0, 0xBF), rng.randint(0x80, 0xBF)]),
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xf4\x90\x80\x80",
    )
    return tuple(random_words(rng).encode() + b" " + kind + b"\n" for kind in kinds)


def line_endings(rng: random.Random) -> tuple[Exchange, ...]:
    """One line with every allowed line ending, with white space before the ending, and with empty lines before it."""
    line = random_words(rng, 2)
    sent = line.encode()
    return (
        _heard(sent + b"\n", line),
        _heard(sent + b"\r\n", line),
        _heard(sent + b" " * rng.randint(1, 4) + b"\n", line),
        _heard(sent + b"\t \r\n", line),
        _heard(b" \t" + sent + b"\r\n", f" \t{line}"),
        _heard(b"\n" + sent + b"\n", line),
        _heard(b"\r\n \t\r\n" + sent + b"\r\n", line),
    )


def unterminated(rng: random.Random) -> Exchange:
    """A last line without a line ending."""
    line = f"bye, {random_words(rng)}"
    return _heard(line.encode(), line)


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """One line of letters, so many bytes including its LF."""
    return _said(random_letters(rng, size_bytes - 1).decode())


def _typed(line: str) -> Entry:
    """A line that is typed into a client, which hears it like everyone else: without the white space at its end."""
    heard = line.rstrip(" \t").encode()
    return Entry(line.encode(), line.encode() + b"\n", heard + b"\n", heard)


def typed(number: int, rng: random.Random) -> Entry:
    """A short line of ASCII text, different for every number."""
    return _typed(numbered_line(number, rng))


def typed_awkward(rng: random.Random) -> tuple[Entry, ...]:
    """Characters of two, three and four bytes, and spaces at either end."""
    return (
        _typed(f"{random_words(rng)}, {random_characters(rng)}"),
        _typed(f"お元気ですか, {random_words(rng)}"),
        _typed(f"good 👍🏽, 12 € each, {random_words(rng)}"),
        _typed(f"  spaces at both ends, {random_words(rng)}  "),
    )


def unasked(rng: random.Random) -> Entry:
    """What another member says."""
    said = f"{random_words(rng)}, am I the only one for {random_characters(rng)}?".encode()
    return Entry(b"", b"", said + b"\n", said)
