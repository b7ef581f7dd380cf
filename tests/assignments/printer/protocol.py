"""Lines that nobody answers."""

import random

from grader import Exchange, numbered_line


def exchange(number: int, rng: random.Random) -> Exchange:
    """A line, and no reply."""
    return Exchange(numbered_line(number, rng).encode() + b"\n", b"")
