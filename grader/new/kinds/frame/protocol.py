"""What a message of @NAME@ is, and its correct reply: each function is asked with a source of randomness of its own."""

from __future__ import annotations

import random
import struct

from grader import Exchange, numbered_line, random_letters

#: The longest message that the handout allows, its length not counted.
_LONGEST = 1 << 20


def _framed(body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + body


def _answered(body: bytes) -> Exchange:
    """A message, and what must come back."""
    return Exchange(_framed(body), _framed(body[::-1]))


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short message, different for every number, and right whatever came before it."""
    return _answered(numbered_line(number, rng).encode())


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A message of so many bytes, its length included."""
    return _answered(random_letters(rng, size_bytes - 4))


def longest(rng: random.Random) -> Exchange:
    """The longest message that is allowed."""
    return _answered(random_letters(rng, _LONGEST))


def hostile_lengths(rng: random.Random) -> tuple[bytes, ...]:
    """Lengths that are not allowed, followed by some bytes."""
    start = rng.randbytes(8)
    return tuple(struct.pack("!I", length) + start for length in (_LONGEST + 1, 1 << 31, (1 << 32) - 1))
