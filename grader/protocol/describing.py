"""A message in words, as an assignment's `describe` says them, for those who read a report.  Pure.

The bytes are the program's, whatever they are, and the words are made of them: they are one line without control
characters, and not longer than a line should be.  A `describe` that fails on some bytes has no words for them: its
author hears of that from `grader lint`, and no verdict depends on it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import msgspec

from grader.limits import DESCRIBED_CHARACTERS
from grader.model import Event, EventKind

#: An author's function: a message in words; empty: these bytes are none, or say all by themselves.
Describe = Callable[[bytes], str]
#: What may be a message.
_MESSAGES = frozenset({EventKind.SENT, EventKind.RECEIVED})


def describer(protocol: object) -> Describe:
    """What a protocol's `describe` says, fit for a line of a report; nothing if there is no such function."""
    said = getattr(protocol, "describe", None)
    return (lambda message: _in_words(said, message)) if callable(said) else no_words


def described(events: tuple[Event, ...], describe: Describe) -> tuple[Event, ...]:
    """Events with what those that are whole messages mean."""
    return tuple(
        msgspec.structs.replace(event, means=means)
        if event.kind in _MESSAGES and not event.omitted_bytes and (means := describe(event.data))
        else event
        for event in events
    )


def no_words(_: bytes) -> str:
    """Says nothing of any message."""
    return ""


def _in_words(said: Callable[[bytes], object], message: bytes) -> str:
    try:
        words = said(message)
    except Exception:  # noqa: BLE001 — whatever an author's function raises at hostile bytes costs nobody a mark
        return ""
    line = "".join(" " if _breaks(char) else char for char in words) if isinstance(words, str) else ""
    return line if len(line) <= DESCRIBED_CHARACTERS else f"{line[: DESCRIBED_CHARACTERS - 1]}…"


def _breaks(char: str) -> bool:
    """Whether it is a control character, a line's end, or changes the direction of writing."""
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def fault_of(protocol: object, messages: tuple[bytes, ...]) -> str | None:
    """What is wrong with a protocol's `describe`, tried with these messages; None: nothing, or there is none."""
    said = getattr(protocol, "describe", None)
    if said is None:
        return None
    for message in messages:
        try:
            words = said(message)
        except Exception as error:  # noqa: BLE001 — whatever an author's function raises is told to its author
            return f"raises {error!r} for {message[:40]!r}: a program may send anything"
        if not isinstance(words, str):
            return f"must give a str, but gives {words!r} for {message[:40]!r}"
    return None
