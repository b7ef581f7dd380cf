"""A failed check's conversation as steps, and these as a script of its own that needs nothing but Python.

What was sent is sent again: the same bytes in the same pieces, each once the one before has been read.  What comes back
is read and shown beside what the report has.  The player is `player.py`, whose text is part of the script.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Final

from grader.errors import UsageError
from grader.model import CheckResult, Event, EventKind, Report, part_of
from grader.report import safe, text, transcript
from grader.report.player import Step

#: What a player does for each event; the others are notes.
_DEEDS: Final[dict[EventKind, str]] = {
    EventKind.CONNECTED: "connect",
    EventKind.SENT: "send",
    EventKind.RECEIVED: "receive",
    EventKind.HALF_CLOSED: "half-close",
    EventKind.CLOSED: "close",
    EventKind.RESET: "reset",
    EventKind.TYPED: "type",
}
#: What the program itself did this time is no part of what is played.
_ITS_OWN: Final = frozenset({EventKind.STARTED, EventKind.LISTENING, EventKind.OUTPUT, EventKind.EXITED})
#: Stands for a byte that the report does not have.
_FILLER: Final = b"a"
#: So many of them take the place of what a report lacks of one message: a report may claim any number.
_MOST_FILLERS: Final = 1 << 20


def failed_check(report: Report, name: str) -> CheckResult:
    """The check with this id, or with this name without its role.

    Raises:
        UsageError: there is none, or its conversation can't be played.
    """
    found = [check for check in report.checks if name in {check.id, check.id.partition(".")[2]}]
    if not found:
        known = ", ".join(check.id for check in report.checks if _talks(check.evidence))
        raise UsageError(f"this report has no check {name!r}; with a conversation: {known or 'none'}")
    check = next((one for one in found if _talks(one.evidence)), found[0])
    if part_of(check.id) == "pair":
        raise UsageError(f"in {check.id} your two programs talk to each other, so there is nothing to replay")
    if not _talks(check.evidence):
        raise UsageError(f"in {check.id} nobody talked to the program ({text.OUTCOMES[check.outcome]})")
    return check


def _talks(events: Iterable[Event]) -> bool:
    return any(event.kind in {EventKind.CONNECTED, EventKind.SENT, EventKind.RECEIVED} for event in events)


def steps(events: Iterable[Event]) -> Iterator[Step]:
    """What to do, in order."""
    for event in events:
        if event.kind in _ITS_OWN:
            continue
        who = "the server" if event.kind is EventKind.CONNECTED and event.who == "program" else safe.one_line(event.who)
        said = safe.one_line(event.text)
        if event.kind not in _DEEDS:
            yield "note", who, b"", (), f"in the report, {transcript.what(event)}"
        elif event.kind is EventKind.RECEIVED and event.omitted_bytes:
            yield "receive", who, b"", (), f"{event.size_bytes} bytes in the report"
        else:
            if event.omitted_bytes:
                lacking, fillers = event.omitted_bytes, len(_fillers(event))
                words = f"the report lacks {lacking} of the next bytes: {fillers} letters a take their place"
                yield "note", "grader", b"", (), words
            yield _DEEDS[event.kind], who, _whole(event), event.pieces, said


def _fillers(event: Event) -> bytes:
    return _FILLER * min(event.omitted_bytes, _MOST_FILLERS)


def _whole(event: Event) -> bytes:
    return event.data[: event.head_bytes] + _fillers(event) + event.data[event.head_bytes :]


def script(report: Report, check: CheckResult) -> str:
    """A Python script that plays it, with the standard library alone."""
    player = resources.files("grader.report").joinpath("player.py").read_text("utf-8")
    usage, code = player.removeprefix('"""').split('"""\n', 1)
    told = [
        f"{safe.one_line(report.assignment)}, seed {report.grader.seed}: {text.title(check)}",
        safe.one_line(check.id),
        text.requirement_line(check),
        *text.message_lines(check)[:1],
    ]
    about = "\n".join(f"# {line}" for line in told)
    rows = "\n".join(f"    {step!r}," for step in steps(check.evidence))
    over_udp = any(event.ends for event in check.evidence if event.kind in {EventKind.SENT, EventKind.RECEIVED})
    we_listen = part_of(check.id) == "client"
    return (
        f"#!/usr/bin/env python3\n{about}\n"
        f'"""{usage}"""\n{code}\n\n'
        f"#: What is done, by whom, with which bytes, in pieces of which lengths, and words.\n"
        f"STEPS: list[Step] = [\n{rows}\n]\n\n"
        f'if __name__ == "__main__":\n    main(STEPS, over_udp={over_udp}, we_listen={we_listen})\n'
    )
