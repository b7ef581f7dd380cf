"""What a client may say whether it is in the room or not, and what is typed and shown; the room is in test_room.py.

A client that has no name yet hears nothing of the others, so these exchanges are right whatever else goes on.
"""

from __future__ import annotations

import random

from grader import Entry, Exchange, not_utf8, numbered_line, random_characters, random_letters, random_words

#: A line may have as many, its end included (5.7).
_LONGEST_LINE_BYTES = 64 * 1024


def _ping(text: str, ending: str = "\n") -> Exchange:
    return Exchange(f"/ping {text}{ending}".encode(), f"pong {text}\n".encode())


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short line of ASCII text, different for every number."""
    return _ping(numbered_line(number, rng))


def text(rng: random.Random) -> tuple[Exchange, ...]:
    """Characters of two, three and four bytes, also at the end of a line."""
    return (
        _ping(f"{random_characters(rng)} {random_words(rng)} {random_characters(rng)}"),
        _ping(f"{random_words(rng)} お元気ですか"),
        _ping(f"good 👍🏽, 12 € each, {random_words(rng)}"),  # two characters that are shown as one
    )


def invalid_text(rng: random.Random) -> tuple[bytes, ...]:
    """Lines that are not UTF-8: a letter of Latin-1, a character cut short, a surrogate, an overlong NUL."""
    kinds = (not_utf8(rng), b"\xe2" + bytes([rng.randint(0x80, 0xBF)]), b"\xed\xa0\x80", b"\xc0\x80")
    return tuple(b"/ping %b %b\n" % (random_words(rng).encode(), kind) for kind in kinds)


def line_endings(rng: random.Random) -> tuple[Exchange, ...]:
    """One line with both line endings.  That the spaces before them belong to the line, is tried in the room."""
    words = random_words(rng, 2)
    return (_ping(words), _ping(words, "\r\n"))


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """One line of letters, so many bytes including its LF."""
    return _ping(random_letters(rng, size_bytes - len("/ping \n")).decode())


def longest(rng: random.Random) -> Exchange:
    """The longest line that the handout allows."""
    return _ping(random_letters(rng, _LONGEST_LINE_BYTES - len("/ping \n")).decode())


def closing(_: random.Random) -> Exchange:
    """After its answer the server closes the connection."""
    return Exchange(b"/quit\n", b"* bye\n")


def _typed(text: str) -> Entry:
    """A line whose answer is the same from every server, whether its user has a name or not."""
    ping = _ping(text)
    return Entry(f"/ping {text}".encode(), ping.request, f"pong {text}\n".encode(), f"pong {text}".encode())


def typed(number: int, rng: random.Random) -> Entry:
    """A short line of ASCII text, different for every number."""
    return _typed(numbered_line(number, rng))


def typed_awkward(rng: random.Random) -> tuple[Entry, ...]:
    """Characters of two, three and four bytes, and spaces at the end; those at the beginning have a check of their own.

    A line that begins with a space is no command, and what each server answers to it is its own.
    """
    return (
        _typed(f"{random_words(rng)}, {random_characters(rng)}"),
        _typed(f"お元気ですか, {random_words(rng)}"),
        _typed(f"good 👍🏽, 12 € each, {random_words(rng)}"),
        _typed(f"  spaces at both ends, {random_words(rng)}  "),
    )


def unasked(rng: random.Random) -> Entry:
    """What another member says."""
    said = f"{random_letters(rng, 6).decode()}: {random_words(rng)}, is it only me? {random_characters(rng)}".encode()
    return Entry(b"", b"", said + b"\n", said)
