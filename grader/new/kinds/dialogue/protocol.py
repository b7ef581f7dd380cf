"""What is said in @NAME@: each function is asked with a source of randomness of its own."""

from __future__ import annotations

import random
from collections.abc import Generator

from grader import Exchange, Values, form


def greeting(_: random.Random) -> bytes:
    """What the server says first."""
    return b"Guess a number from 1 to 100\n"


def exchange(number: int, rng: random.Random) -> Exchange:
    """A request that is right whatever came before it, and all replies that may be right then."""
    return Exchange(b"GUESS %d\n" % rng.randint(1, 100), form(b"LOW", b"HIGH", b"YES tries={tries:[1-9][0-9]*}"))


def dialogue(number: int, rng: random.Random) -> Generator[Exchange, Values, None]:
    """A game on a new connection, until the number is found: what is asked next depends on what was answered."""
    low, high, tries, guess = 1, 100, 0, rng.randint(1, 100)
    while True:
        tries += 1
        found = b"YES tries=%d" % tries
        # Where only one number is left, the server must not say anything else.
        seen = yield Exchange(b"GUESS %d\n" % guess, form(b"LOW", b"HIGH", found) if low < high else form(found))
        if seen["line"] == found:
            return
        low, high = (guess + 1, high) if seen["line"] == b"LOW" else (low, guess - 1)
        guess = (low + high) // 2
