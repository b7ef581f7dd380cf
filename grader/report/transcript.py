"""The words for a transcript: what happened when, who did it, and the bytes with their split points.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Final, Literal, NamedTuple

from grader.model import CheckResult, Event, EventKind
from grader.report.safe import one_line
from grader.report.text import plural

#: The name of an event, which follows the name of whoever did or saw it.
EVENTS: Final[dict[EventKind, str]] = {
    EventKind.STARTED: "started",
    EventKind.LISTENING: "listening",
    EventKind.TYPED: "typed",
    EventKind.CONNECTED: "connected",
    EventKind.SENT: "sent",
    EventKind.RECEIVED: "received",
    EventKind.HALF_CLOSED: "shut down its sending side",
    EventKind.CLOSED: "closed the connection",
    EventKind.RESET: "reset the connection",
    EventKind.PEER_CLOSED: "connection closed by the other side",
    EventKind.PEER_RESET: "connection reset by the other side",
    EventKind.SIGNAL: "signal",
    EventKind.FROZEN: "stopped (SIGSTOP)",
    EventKind.THAWED: "continued (SIGCONT)",
    EventKind.OUTPUT: "printed",
    EventKind.EXITED: "exited",
    EventKind.KERNEL: "kernel",
    EventKind.NOTE: "note",
    EventKind.VERDICT: "verdict",
}

#: Above this number, pieces of equal length are counted instead of shown separately: eight still fit on a line.
MOST_PIECES_DRAWN: Final = 8


class Part(NamedTuple):
    """A stretch of an event's bytes as it is shown, a split point between two pieces, or a gap of bytes left out."""

    kind: Literal["bytes", "split", "gap"]
    text: str


def timeline(check: CheckResult) -> list[str]:
    """The transcript in columns: when, who, what.  Times are milliseconds since the check began."""
    rows = [(moment(event), one_line(event.who), what(event)) for event in check.evidence]
    when_width = max((len(when) for when, _, _ in rows), default=0)
    who_width = max((len(who) for _, who, _ in rows), default=0)
    return [f"{when:>{when_width}}  {who:<{who_width}}  {done}".rstrip() for when, who, done in rows]


def moment(event: Event) -> str:
    """When it happened."""
    return f"+{event.at_ms:.2f} ms"


def what(event: Event) -> str:
    """What happened, in words and bytes."""
    said = words_of(event)
    drawn = " ".join("|" if part.kind == "split" else part.text for part in parts(event)) if has_bytes(event) else ""
    return " ".join(filter(None, [EVENTS[event.kind] + (":" if said else ""), said, drawn, pieces(event)]))


def words_of(event: Event) -> str:
    """The event in words, with what its bytes mean."""
    said, means = one_line(event.text), one_line(event.means)
    return said if means in said else "; ".join(filter(None, [said, means]))


def has_bytes(event: Event) -> bool:
    """Whether the event has bytes, as an empty datagram also does."""
    return bool(
        event.data or event.omitted_bytes or event.kind in {EventKind.SENT, EventKind.RECEIVED, EventKind.TYPED}
    )


def pieces(event: Event) -> str:
    """How the bytes were split, in brackets; empty if they went in one piece."""
    if len(event.pieces) < 2:
        return ""
    each = f" of {plural(event.pieces[0], 'byte')}" if len(set(event.pieces)) == 1 else ""
    return f"({plural(len(event.pieces), 'piece')}{each})"


def parts(event: Event) -> list[Part]:
    """The event's bytes as they are shown, with split points and a gap for what is left out.

    Split points of many equal pieces are left to `pieces`; those inside the gap can't be shown.
    """
    head = event.data[: max(0, event.head_bytes)] if event.omitted_bytes else event.data
    tail = event.data[len(head) :]
    equal = len(set(event.pieces)) == 1 and len(event.pieces) > MOST_PIECES_DRAWN
    splits = [] if equal else list(accumulate(event.pieces))[:-1]
    drawn = _cut(head, 0, splits)
    if event.omitted_bytes:
        drawn.append(Part("gap", f"\u2026 {plural(event.omitted_bytes, 'byte')} \u2026"))
        drawn += _cut(tail, len(head) + event.omitted_bytes, splits)
    return drawn or [Part("bytes", "''")]


def _cut(data: bytes, offset_bytes: int, splits: Iterable[int]) -> list[Part]:
    """`data`, which begins at `offset_bytes` of the whole, divided at the split points inside it."""
    if not data:
        return []
    inside = sorted({split - offset_bytes for split in splits if 0 < split - offset_bytes < len(data)})
    shown = [Part("bytes", bytes_shown(data[start:end])) for start, end in pairwise([0, *inside, len(data)])]
    return [part for piece in shown for part in (Part("split", "|"), piece)][1:]


def bytes_shown(data: bytes) -> str:
    r"""Bytes as Python writes them, without the b: `'llo\n'`."""
    return repr(data)[1:]


# a whole report
