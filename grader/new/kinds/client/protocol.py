"""What is typed into a client of @NAME@, and what follows from it; each function has a source of randomness of its own."""

from __future__ import annotations

import random

from grader import Entry, numbered_line, random_characters, random_letters, random_words


def _typed(line: str) -> Entry:
    """A line, what the client must send, what the server replies, and what the client must print."""
    reply = line[::-1].encode()
    return Entry(line.encode(), line.encode() + b"\n", reply + b"\n", shown=reply)


def typed(number: int, rng: random.Random) -> Entry:
    """A short line, different for every number."""
    return _typed(numbered_line(number, rng))


def typed_awkward(rng: random.Random) -> tuple[Entry, ...]:
    """Lines that are easily changed or misread."""
    return (_typed(f"{random_words(rng)}, {random_characters(rng)}"), _typed(f"  {random_words(rng)}  "), _typed(""))


def typed_sized(size_bytes: int, rng: random.Random) -> Entry:
    """A line whose reply has so many bytes, its LF included."""
    return _typed(random_letters(rng, size_bytes - 1).decode())
