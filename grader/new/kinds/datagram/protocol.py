"""What a datagram of @NAME@ is, and its correct reply: each function is asked with a source of randomness of its own."""

from __future__ import annotations

import random

from grader import Exchange, every_byte, not_utf8, numbered_line, random_letters

#: The longest request that has a correct reply.
LARGEST_BYTES = 65_507


def _answered(datagram: bytes) -> Exchange:
    """A datagram, and what must come back."""
    return Exchange(datagram, datagram[::-1])


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short text, different for every number, and right whatever came before it."""
    return _answered(numbered_line(number, rng).encode())


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A datagram of exactly so many bytes."""
    return _answered(random_letters(rng, size_bytes))


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Bytes that functions for text lose or change."""
    return (_answered(b" NUL \x00 inside and at the end \x00"), _answered(not_utf8(rng)), _answered(every_byte(rng)))


def empty(_: random.Random) -> Exchange:
    """The empty datagram, a request like any other."""
    return _answered(b"")


def oversized(_: random.Random) -> tuple[bytes, ...]:
    """None: whatever can be sent has a reply."""
    return ()
