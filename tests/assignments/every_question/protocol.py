"""Questions with random ids, and quotations as long as a datagram."""

from __future__ import annotations

import random
from collections.abc import Mapping

from grader import Reply, Turn, Visit, judged, random_letters, random_words


def question(number: int) -> Reply:
    """The datagram that asks for this number, whatever its id."""

    def judge(data: bytes) -> str | Mapping[str, bytes]:
        if data[2:] != b"%d" % number:
            return f"behind the id is {data[2:]!r}, not the number {number}"
        return {"id": data[:2]}

    return judged(judge, f"an id of two bytes and '{number}'")


def visit(number: int, rng: random.Random) -> Visit:
    """Of every third number there is no quotation."""
    return _visit(rng.randint(1, 10_000), random_words(rng, 5).encode() if number % 3 != 2 else b"")


def visit_sized(size_bytes: int, rng: random.Random) -> Visit:
    """A long one."""
    return _visit(rng.randint(1, 10_000), random_letters(rng, size_bytes - 2))


def _visit(number: int, text: bytes) -> Visit:
    return Visit(
        turns=(Turn(question(number), lambda seen: seen["id"] + text),),
        fill={"number": str(number)},
        shown=text + b"\n" if text else b"",
        status=0 if text else None,
    )
