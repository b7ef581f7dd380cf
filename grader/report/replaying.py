"""A failed check's conversation as steps, and these as a script of its own that needs nothing but Python.

What was sent is sent again: the same bytes in the same pieces, each once the one before has been read.  What comes back
is read and shown beside what the report has.  The player is `player.py`, and `relay.py` where two programs talk to each
other; their text is part of the script.  Pure.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from importlib import resources
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import structs

from grader.errors import UsageError
from grader.model import CheckResult, Event, EventKind, Part, Report, Role, found_file, part_of
from grader.protocol.network import THE_NETWORK, OnItsWay, on_its_way
from grader.report import safe, text, transcript
from grader.report.player import Step
from grader.wire.transcript import AROUND_BYTES

#: What a player does for each event; the others are notes.
_DEEDS: Final[dict[EventKind, str]] = {
    EventKind.CONNECTED: "connect",
    EventKind.SENT: "send",
    EventKind.RECEIVED: "receive",
    EventKind.HALF_CLOSED: "half-close",
    EventKind.CLOSED: "close",
    EventKind.RESET: "reset",
    EventKind.TYPED: "type",
    EventKind.VERDICT: "verdict",
}
#: What the program itself did this time is no part of what is played.
_ITS_OWN: Final = frozenset({EventKind.STARTED, EventKind.LISTENING, EventKind.OUTPUT, EventKind.EXITED})
#: Of a note, which may have all of a file: four lines of a terminal.
_NOTE_CHARACTERS: Final = 300
#: Stands for a byte that the report does not have.
_FILLER: Final = b"a"
#: So many of them take the place of what a report lacks of one message: a report may claim any number.
_MOST_FILLERS: Final = 1 << 20


#: What a check of both programs calls them, and the scripted server that takes the place of one.
_PROGRAMS: Final[dict[str, Role]] = {"your server": "server", "your client": "client"}
_SCRIPTED: Final = "the server"


#: A word of a command that is filled in for each check.
_FILLED: Final = re.compile(r"{(?!host}|port)\w+}")


class Act(NamedTuple):
    """What of a check is played: these events, with one of the programs or both."""

    plays: Part
    events: tuple[Event, ...]


def last_act(check: CheckResult) -> Act:
    """What led to the verdict: of a check of both programs, the last of what they did together or one by one."""
    part, events = part_of(check.id), check.evidence
    if part == "server":
        return Act(part, events)
    if part == "client":
        return Act(part, _last_run(events))
    starts = [
        (at, _PROGRAMS[event.who])
        for at, event in enumerate(events)
        if event.kind is EventKind.STARTED and event.who in _PROGRAMS
    ]
    if not starts:
        return Act(part, ())
    (before, first), (at, last) = (starts[-2:-1] or starts)[0], starts[-1]
    alone = first == last or any(event.kind is EventKind.CONNECTED for event in events[before:at])
    if last == "server" or alone or any(event.who == _SCRIPTED for event in events[at:]):
        return Act(last, events[at:])
    return Act(part, events[before:])


def _last_run(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """A client's last run in which anybody talked."""
    starts = [at for at, event in enumerate(events) if event.kind is EventKind.STARTED]
    runs = [events[at:until] for at, until in pairwise([*starts, len(events)])]
    return next((run for run in reversed(runs) if _talks(run)), events)


def found_files(events: Iterable[Event]) -> dict[str, bytes]:
    """The files that a program finds in its folder, by path there, as far as the report has them."""
    notes = (event for event in events if event.kind is EventKind.NOTE and event.who != "grader")
    return {path: _whole(event) for event in notes if (path := found_file(event.text))}


def as_started(run: Iterable[str], role: Role, events: Iterable[Event]) -> tuple[str, ...]:
    """A program's command with what was filled in for the check, but for {host} and {port}."""
    names = {"program", f"your {role}"}
    said = [event.text for event in events if event.kind is EventKind.STARTED and event.who in names]
    try:
        words = shlex.split(said[-1]) if said else []
    except ValueError:  # a report may say anything
        words = []
    told = [*run]
    # Variables of its environment come before the command.
    values = words[-len(told) :] if len(words) >= len(told) else told
    return tuple(value if _FILLED.fullmatch(word) else word for word, value in zip(told, values, strict=True))


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
    act = last_act(check)
    if not (_talks(act.events) or (act.plays == "pair" and act.events)):
        raise UsageError(f"in {check.id} nobody talked to the program ({text.OUTCOMES[check.outcome]})")
    return check


def _talks(events: Iterable[Event]) -> bool:
    return any(event.kind in {EventKind.CONNECTED, EventKind.SENT, EventKind.RECEIVED} for event in events)


def required(check: CheckResult) -> bytes:
    """What should have come when it failed; empty if the report doesn't have all of it."""
    compared = check.compared
    if compared is None or compared.at_bytes or len(compared.expected) >= compared.difference + AROUND_BYTES:
        return b""
    return compared.expected


def steps(events: Iterable[Event], plays: Part = "server", required: bytes = b"") -> Iterator[Step]:
    """What to do, in order; `required`: what should have come in the end, if it is known.

    A network that stood between two programs does so again (`relay.py`); of one between a client and an end of ours
    what the client said and heard is played.
    """
    for given in events:
        event, on_way = given, _on_its_way(given)
        if event.kind in _ITS_OWN or (on_way and not _is_the_clients(event, on_way, plays)):
            continue
        if on_way:
            event = structs.replace(event, who=_SCRIPTED)
        its_own = event.kind is EventKind.CONNECTED and event.who in {"program", *_PROGRAMS}
        who = _SCRIPTED if its_own else safe.one_line(event.who)
        said = safe.one_line(event.text)
        if event.kind is EventKind.VERDICT:
            yield _DEEDS[event.kind], who, required, (), f"in the report, the verdict: {said}"
            return  # what comes then is ours to clear away
        elif event.kind not in _DEEDS:
            yield "note", who, b"", (), f"in the report, {safe.shortened(transcript.what(event), _NOTE_CHARACTERS)}"
        elif event.kind is EventKind.RECEIVED and event.omitted_bytes:
            yield "receive", who, b"", (), f"{event.size_bytes} bytes in the report"
        else:
            if event.omitted_bytes:
                lacking, fillers = event.omitted_bytes, len(_fillers(event))
                words = f"the report lacks {lacking} of the next bytes: {fillers} letters a take their place"
                yield "note", "grader", b"", (), words
            yield _DEEDS[event.kind], who, _whole(event), event.pieces, said


def _on_its_way(event: Event) -> OnItsWay | None:
    return on_its_way(event.text) if event.who == THE_NETWORK else None


def _is_the_clients(event: Event, on_way: OnItsWay, plays: Part) -> bool:
    return plays == "client" and (event.kind is EventKind.RECEIVED) == (on_way.to == "server")


def fates(events: Iterable[Event]) -> dict[str, list[str]]:
    """What a network between two programs did with their datagrams, by whom they were for, in order."""
    found: dict[str, list[str]] = {}
    for event in events:
        if (on_way := _on_its_way(event)) and on_way.fate:
            found.setdefault(on_way.to, []).append(on_way.fate)
    return found


def _fillers(event: Event) -> bytes:
    return _FILLER * min(event.omitted_bytes, _MOST_FILLERS)


def _whole(event: Event) -> bytes:
    return event.data[: event.head_bytes] + _fillers(event) + event.data[event.head_bytes :]


#: What the second part of a script needs of the first, which stands before it there.
_OF_THE_FIRST: Final = re.compile(r"^from grader\.report\.player import \([^)]*\)\n+", re.MULTILINE)


def script(report: Report, check: CheckResult) -> str:
    """A Python script that plays it, with the standard library alone."""
    usage, code = _source("player")
    told = [
        f"{safe.one_line(report.assignment)}, seed {report.grader.seed}: {text.title(check)}",
        safe.one_line(check.id),
        text.requirement_line(check),
        *text.message_lines(check),
    ]
    about = "\n".join(f"# {line}".rstrip() for line in told)
    act = last_act(check)
    rows = "\n".join(f"    {step!r}," for step in steps(act.events, act.plays, required(check)))
    if act.plays == "pair":
        usage, more = _source("relay")
        code = f"{code}\n\n{_OF_THE_FIRST.sub('', more.partition('annotations')[2].lstrip())}"
        end = f'FATES = {fates(act.events)!r}\n\nif __name__ == "__main__":\n    main_between(STEPS, FATES)\n'
    else:
        over_udp = any(event.ends for event in act.events if event.kind in {EventKind.SENT, EventKind.RECEIVED})
        how = f"over_udp={over_udp}, we_listen={act.plays == 'client'}"
        end = f'if __name__ == "__main__":\n    main(STEPS, {how})\n'
    return (
        f"#!/usr/bin/env python3\n{about}\n"
        f'"""{usage}"""\n{code}\n\n'
        f"#: What is done, by whom, with which bytes, in pieces of which lengths, and words.\n"
        f"STEPS: list[Step] = [\n{rows}\n]\n\n{end}"
    )


def _source(module: str) -> tuple[str, str]:
    """The docstring of a module beside this one, and its code."""
    whole = resources.files("grader.report").joinpath(f"{module}.py").read_text("utf-8")
    usage, code = whole.removeprefix('"""').split('"""\n', 1)
    return usage, code
