"""A dialogue: a client's tickets are numbered, and the last one is repeated as it was."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping

from tickets import (
    awkward,
    closing,
    exchange,
    greeting,
    hostile_lengths,
    invalid_text,
    large,
    line_endings,
    name_of,
    numbers,
    sized,
    surprise,
    text,
    ticket,
    unfinished,
    unterminated,
)

from grader import Exchange

__all__ = [
    "awkward",
    "closing",
    "dialogue",
    "exchange",
    "greeting",
    "hostile_lengths",
    "invalid_text",
    "large",
    "line_endings",
    "numbers",
    "pipelined",
    "sized",
    "surprise",
    "text",
    "unfinished",
    "unterminated",
]


def dialogue(number: int, rng: random.Random) -> Generator[Exchange, Mapping[str, bytes], None]:
    """Two tickets or three, each asked for once more."""
    for count in range(2 + number % 2):
        seen = yield ticket(name_of(number, rng), number=b"%d" % (count + 1))
        yield Exchange(b"AGAIN\n", seen["line"] + b"\n")


def pipelined(count: int, rng: random.Random) -> tuple[Exchange, ...]:
    """Tickets, numbered from 1."""
    return tuple(ticket(name_of(number, rng), number=b"%d" % (number + 1)) for number in range(count))
