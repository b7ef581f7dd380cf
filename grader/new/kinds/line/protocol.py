"""What a message of @NAME@ is, and its correct reply: each function is asked with a source of randomness of its own."""

from __future__ import annotations

import random

from grader import Exchange, numbered_line, random_letters


def _answered(line: bytes) -> Exchange:
    """A line, and what must come back."""
    return Exchange(line + b"\n", line[::-1] + b"\n")


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short line, different for every number, and right whatever came before it."""
    return _answered(numbered_line(number, rng).encode())


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A line of so many bytes, its LF included."""
    return _answered(random_letters(rng, size_bytes - 1))


def longest(rng: random.Random) -> Exchange:
    """The longest line that the handout promises to be answered: 1 MiB, its LF not counted."""
    return _answered(random_letters(rng, 1 << 20))
