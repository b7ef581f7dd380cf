"""What kind of value each function of an assignment's `protocol.py` gives.  Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from grader.limits import MOST_UDP_BYTES
from grader.protocol.reply import Reply
from grader.protocol.script import Answer, Entry, Exchange
from grader.protocol.visit import Turn, Visit

#: What a function of sizes is tried with: near a usual buffer, and more than a frame.
SIZES = (1024, 9000)
#: So much shorter than asked for a message may be, where its format has units, or longer.
UNIT_BYTES = 64


class Form(NamedTuple):
    """What a function gives.  `words`: what follows "must give"."""

    words: str
    fits: Callable[[object], bool]


class Promise(NamedTuple):
    """What it promises besides.  `words`: what follows "must give".  `holds`: whether it does in one run."""

    words: str
    holds: Callable[[Any], bool]


def _is_exchange(given: object) -> bool:
    return (
        isinstance(given, Exchange)
        and isinstance(given.request, bytes)
        and isinstance(given.reply, bytes | Reply)
        and isinstance(given.heard, bytes)
    )


def _is_message(given: object) -> bool:
    return isinstance(given, Exchange) and _is_exchange(given) and len(given.request) > 1


def _is_message_or_unasked(given: object) -> bool:
    return _is_exchange(given) and isinstance(given, Exchange) and len(given.request) != 1


def _are_exchanges(given: object) -> bool:
    return isinstance(given, tuple) and bool(given) and all(map(_is_exchange, given))


def _is_greeting(given: object) -> bool:
    return isinstance(given, Reply) or (isinstance(given, bytes) and bool(given))


def _are_bytes(given: object) -> bool:
    return isinstance(given, tuple) and all(isinstance(part, bytes) for part in given)


def _is_size(given: object) -> bool:
    return isinstance(given, int) and 0 < given <= MOST_UDP_BYTES


def _is_entry(given: object) -> bool:
    return isinstance(given, Entry) and all(
        isinstance(part, bytes) for part in (given.line, given.request, given.reply, given.shown)
    )


def _is_shown_entry(given: object) -> bool:
    return isinstance(given, Entry) and _is_entry(given) and bool(given.shown) and b"\n" not in given.line


def _are_entries(given: object) -> bool:
    return isinstance(given, tuple) and bool(given) and all(map(_is_entry, given))


def _is_visit(given: object) -> bool:
    return (
        isinstance(given, Visit)
        and isinstance(given.turns, tuple)
        and bool(given.turns)
        and all(map(_is_turn, given.turns))
        and all(isinstance(value, str) for value in given.fill.values())
        and all(isinstance(content, bytes) for content in given.files.values())
        and isinstance(given.shown, bytes | Reply)
        and isinstance(given.complaint, bytes)
        and all(content is None or isinstance(content, bytes | Reply) for content in given.written.values())
    )


def _is_turn(given: object) -> bool:
    return (
        isinstance(given, Turn)
        and (callable(given.hears) or isinstance(given.hears, bytes | Reply))
        and (callable(given.says) or isinstance(given.says, bytes) or _are_bytes(given.says))
        and isinstance(given.how, Answer)
    )


_EXCHANGE = Form("an Exchange of bytes and a reply", _is_exchange)
_MESSAGE = Form("an Exchange whose request has two bytes or more", _is_message)
_UNASKED_TOO = Form("an Exchange whose request has two bytes or more, or none", _is_message_or_unasked)
_BEGINNING = Form("a generator whose first item is an Exchange", _is_exchange)
_EXCHANGES = Form("a tuple of one Exchange or more", _are_exchanges)
_GREETING = Form("bytes, at least one, or a reply", _is_greeting)
_BYTES = Form("a tuple of bytes", _are_bytes)
_ENTRY = Form("an Entry of bytes", _is_entry)
_SHOWN_ENTRY = Form("an Entry of bytes, whose line has no line ending and which shows something", _is_shown_entry)
_ENTRIES = Form("a tuple of one Entry or more", _are_entries)
_VISIT = Form("a Visit with a tuple of one Turn or more", _is_visit)

#: What each function gives.
FORMS: dict[str, Form] = {
    "exchange": _UNASKED_TOO,
    "dialogue": _BEGINNING,
    "pipelined": _EXCHANGES,
    "large": _MESSAGE,
    "unfinished": _EXCHANGE,
    "greeting": _GREETING,
    "opening": _MESSAGE,
    "awkward": _EXCHANGES,
    "surprise": _EXCHANGE,
    "sized": _MESSAGE,
    "longest": _MESSAGE,
    "closing": _MESSAGE,
    "unterminated": _EXCHANGE,
    "text": _EXCHANGES,
    "invalid_text": _BYTES,
    "line_endings": _EXCHANGES,
    "numbers": _EXCHANGES,
    "hostile_lengths": _BYTES,
    "empty": _EXCHANGE,
    "oversized": _BYTES,
    "garbage": _BYTES,
    "typed": _SHOWN_ENTRY,
    "typed_awkward": _ENTRIES,
    "typed_sized": _SHOWN_ENTRY,
    "leaving": _ENTRY,
    "unasked": _ENTRY,
    "visit": _VISIT,
    "visit_sized": _VISIT,
    "visit_in_turns": _VISIT,
}
#: What must be there as a constant.
CONSTANTS: dict[str, Form] = {"LARGEST_BYTES": Form(f"a number from 1 to {MOST_UDP_BYTES}", _is_size)}
