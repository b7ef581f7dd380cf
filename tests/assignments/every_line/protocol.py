"""Lines: requests may be sent before others are answered."""

from tickets import (
    awkward,
    closing,
    exchange,
    greeting,
    hostile_lengths,
    invalid_text,
    large,
    line_endings,
    numbers,
    sized,
    surprise,
    text,
    unfinished,
    unterminated,
)

__all__ = [
    "awkward",
    "closing",
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
