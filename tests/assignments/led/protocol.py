"""The server asks, the client answers, and the last word is the server's."""

import random

from grader import Turn, Visit, random_letters


def visit(number: int, rng: random.Random) -> Visit:
    """Some sums and a flag; in every third one the server does not know the id."""
    return _visit(3 + number, rng, known=number % 3 != 2)


def visit_in_turns(rng: random.Random) -> Visit:
    """The flag needs not wait for the last sum."""
    return _visit(2, rng, known=True)


def _visit(sums: int, rng: random.Random, *, known: bool) -> Visit:
    name = random_letters(rng, 8).decode()
    asked = [(rng.randint(0, 1000), rng.randint(0, 1000)) for _ in range(sums)]
    questions = [b"ASK %d + %d\n" % pair for pair in asked]
    answers = [b"%b %d\n" % (name.encode(), sum(pair)) for pair in asked]
    flag = random_letters(rng, 64) if known else b"unknown"
    turns = [Turn(heard, said) for heard, said in zip([b"", *answers], [*questions, b"BYE %b\n" % flag], strict=True)]
    return Visit(tuple(turns), fill={"id": name}, shown=flag if known else b"", status=0 if known else None)
