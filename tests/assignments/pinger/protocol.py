"""Words in upper case."""

import random

from grader import Exchange, numbered_line


def exchange(number: int, rng: random.Random) -> Exchange:
    """A line."""
    line = numbered_line(number, rng)
    return Exchange(line.encode(), line.upper().encode())
