"""Lines, one for each connection, which the server closes."""

from __future__ import annotations

import random

from tickets import (
    awkward,
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
    "exchange",
    "greeting",
    "hostile_lengths",
    "invalid_text",
    "large",
    "line_endings",
    "numbers",
    "sized",
    "surprise",
    "text",
    "unfinished",
    "unterminated",
]


def exchange(number: int, rng: random.Random) -> Exchange:
    """A ticket, which is the first one always."""
    first: Exchange = ticket(name_of(number, rng), number=b"1")
    return first
