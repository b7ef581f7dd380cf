"""What is said in the guessing game; the secret is the server's, so it is found by halving."""

import random
from collections.abc import Generator, Mapping

from grader import Exchange, form


def greeting(_: random.Random) -> bytes:
    return b"Guess a number from 1 to 100\n"


def exchange(number: int, rng: random.Random) -> Exchange:
    return Exchange(b"GUESS %d\n" % rng.randint(1, 100), form(b"HIGH", b"LOW", b"OK tries={n:[1-9][0-9]*}"))


def dialogue(number: int, rng: random.Random) -> Generator[Exchange, Mapping[str, bytes], None]:
    yield Exchange(b"HELLO %d\n" % number, form(b"ERR {reason}"))
    low, high, tries, guess = 1, 100, 0, rng.randint(1, 100)
    while low <= high:
        tries += 1
        seen = yield Exchange(b"GUESS %d\n" % guess, form(b"HIGH", b"LOW", b"OK tries=%d" % tries))
        if seen["line"].startswith(b"OK"):
            return
        low, high = (low, guess - 1) if seen["line"] == b"HIGH" else (guess + 1, high)
        guess = (low + high) // 2
