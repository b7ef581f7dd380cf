"""Whatever is sent comes back."""

import random

from grader import Exchange, every_byte, not_utf8, numbered_line, random_letters


def _echoed(data: bytes) -> Exchange:
    return Exchange(data, data)


def exchange(number: int, rng: random.Random) -> Exchange:
    """A line."""
    return _echoed(numbered_line(number, rng).encode() + b"\n")


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Bytes that are not text."""
    return (_echoed(every_byte(rng)), _echoed(b"\x00\x01" + not_utf8(rng)))


def surprise(rng: random.Random) -> Exchange:
    """Random bytes."""
    return _echoed(rng.randbytes(150))


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """Letters, of that size."""
    return _echoed(random_letters(rng, size_bytes))
