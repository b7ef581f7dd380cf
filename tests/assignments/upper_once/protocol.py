"""One line to each connection, and its reply."""

import random

from grader import Exchange, numbered_line, random_letters


def _answered(line: bytes) -> Exchange:
    return Exchange(line + b"\n", line.upper() + b"\n")


def exchange(number: int, rng: random.Random) -> Exchange:
    return _answered(numbered_line(number, rng).encode())


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    return _answered(random_letters(rng, size_bytes - 1))


def large(size_bytes: int, _: random.Random) -> Exchange:
    return Exchange(b"FILL %d\n" % size_bytes, b"x" * (size_bytes - 1) + b"\n")
