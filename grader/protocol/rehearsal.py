"""What an author's recognisers and dialogues do when bytes come, tried without a program.  Pure.

A recogniser may have `examples`, replies that are right, and `wrong`, replies that are not; ready-made ones have
examples of their own, except where a function of the author's judges.  With them two things can be tried that would
otherwise show only in front of a program, and perhaps of a single student's: a recogniser that refuses what is right,
takes what is wrong, or raises at what nobody expected; and dialogues that go on differently because something in
`protocol.py` remembers what others have said.

A dialogue is told the examples of its replies one after the other, so that it meets each alternative of a form.  It is
followed until a reply has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, zip_longest
from typing import Final, NamedTuple

from grader.protocol.dialogues import dialogue_of, go_on
from grader.protocol.exactly import as_reply, examples_of
from grader.protocol.frame import Frame
from grader.protocol.http import Http
from grader.protocol.http_request import HttpRequest
from grader.protocol.judged import judged
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch, Reply, Values, quoted
from grader.protocol.script import Exchange, Seeded
from grader.protocol.visit import Visit, heard_in, said

#: What programs send that nobody expects: nothing, an empty line, no text, no number or too large a one, a lot.
UNEXPECTED: Final = (
    *(b"", b"\n", b"\r\n\r\n", b" ", b"\0", b"\xff\xfe\x80\n", b"hello\n", b"-1\n", b"1 2 3 4 5 6 7 8 9\n"),
    *(b"9" * 5000 + b"\n", b"A" * 5000),
)
#: A number for which a function's own limits may be too low: int() takes 4300 digits, float() makes infinity of 400.
_HUGE: Final = b"9" * 5000
_A_NUMBER: Final = re.compile(rb"\d+")
#: So many numbers of an example are replaced, one at a time.
_MOST_NUMBERS: Final = 20
#: A dialogue is followed for so many of its exchanges: a server may have it go on without end.
_MOST_EXCHANGES: Final = 200
#: Of bytes so many are quoted.
_QUOTED_BYTES: Final = 60
_NUMBERS: Final = range(4)


def faults_of(protocol: Seeded) -> Iterator[tuple[str, str]]:
    """(function, what is wrong with what it gives, behind its name) for each that has a fault.

    `protocol`: one whose functions keep their promises otherwise.
    """
    for name, find in _FAULTS.items():
        if hasattr(protocol, name) and (fault := find(protocol)):
            yield name, fault


def fault_of(reply: bytes | Reply) -> str | None:
    """What is wrong with a recogniser; None: nothing that can be seen without a program."""
    if isinstance(reply, bytes):
        return None
    right, wrong = examples_of(reply), tuple(getattr(reply, "wrong", ()))
    for data in (*right, *wrong, *_unexpected(right)):
        try:
            decision = _decided(reply, data)
        except Exception as error:  # noqa: BLE001 — whatever an author's function raises is told to its author
            return f"raises {error!r} when {_short(data)} comes: a program may send anything"
        complete = isinstance(decision, Complete) and decision.length == len(data)
        if data in right and not complete:
            return f"does not take its own example {_short(data)}{_why(decision)}"
        if data in wrong and complete:
            return f"takes {_short(data)}, which is an example of what is wrong"
    return next(filter(None, map(fault_of, _within(reply))), None)


def _within(reply: Reply) -> Iterator[Reply | bytes]:
    """What recognises parts of it, which what is unexpected as a whole never reaches."""
    if isinstance(reply, Frame):
        yield judged(reply.judge, reply.words)
    if isinstance(reply, Http | HttpRequest):
        yield from (value for _, value in reply.rules.headers)
        yield from () if reply.rules.body is None else (reply.rules.body,)


def _unexpected(right: Iterable[bytes]) -> Iterator[bytes]:
    """What nobody sends, and what is left of a right reply that was cut short or has something wrong in it."""
    yield from UNEXPECTED
    for data in right:
        for at in {0, len(data) // 2, max(0, len(data) - 1)}:
            yield data[:at]
            yield data[:at] + b"\xff" + data[at + 1 :]
        for number in islice(_A_NUMBER.finditer(data), _MOST_NUMBERS):
            yield data[: number.start()] + _HUGE + data[number.end() :]


def _decided(reply: Reply, data: bytes) -> Decision:
    """What is decided when all of it has come in one piece, and its end after that."""
    matching, received = reply.begin(), bytearray(data)
    decision = matching.match(received, ended=False) if data else Incomplete("all of it")
    return matching.match(received, ended=True) if isinstance(decision, Incomplete) else decision


def _why(decision: Decision) -> str:
    if isinstance(decision, Mismatch):
        return f": {decision.problem or f'at byte {decision.at} it expects {decision.expected!r}'}"
    if isinstance(decision, Incomplete):
        return f": it lacks {decision.lacking}"
    return f": it takes {decision.length} bytes of it"


def _short(data: bytes) -> str:
    return quoted(data) if len(data) <= _QUOTED_BYTES else f"{quoted(data[:_QUOTED_BYTES])} and so on"


def _fault_of_exchanges(protocol: Seeded) -> str | None:
    return _first("gives a reply that", (protocol.exchange(number).reply for number in _NUMBERS))


def _fault_of_greeting(protocol: Seeded) -> str | None:
    return _first("gives a recogniser that", (protocol.greeting(),))


def _fault_of_opening(protocol: Seeded) -> str | None:
    return _first("gives a reply that", (protocol.opening(number).reply for number in _NUMBERS))


def _fault_of_visits(protocol: Seeded) -> str | None:
    visits: list[Visit] = [protocol.visit(number) for number in _NUMBERS]
    return (
        _first("has a `shown` that", (visit.shown for visit in visits))
        or _first("has something `written` that", (content for visit in visits for content in visit.written.values()))
        or next(filter(None, map(_fault_of_turns, visits)), None)
    )


def _first(what: str, replies: Iterable[bytes | Reply | None]) -> str | None:
    faults = (fault_of(reply) for reply in replies if reply is not None)
    return next((f"{what} {fault}" for fault in faults if fault), None)


def _fault_of_turns(visit: Visit) -> str | None:
    """What is wrong with what the server hears and says; where no example is known, with what doesn't depend on it."""
    heard: list[Values] = []
    known = True
    for turn in visit.turns:
        try:
            hears = heard_in(turn, heard) if known or not callable(turn.hears) else b""
        except Exception as error:  # noqa: BLE001 — as above
            return f"has a turn whose `hears` raises {error!r}"
        if fault := fault_of(hears):
            return f"has a turn whose `hears` {fault}"
        examples = examples_of(hears) if known else ()
        known = bool(examples)
        if not known:
            continue
        decision = _decided(as_reply(hears), examples[0])
        heard.append(decision.values if isinstance(decision, Complete) else {})
        try:
            said(turn, heard)
        except Exception as error:  # noqa: BLE001 — as above
            return f"has a turn whose `says` raises {error!r} when {_short(examples[0])} has come"
    return None


# dialogues


class _Said(NamedTuple):
    """One exchange of a dialogue: its request, and its reply in words."""

    request: bytes
    reply: str


class _Rehearsal:
    """One dialogue, told examples.  `said`: its exchanges so far; `fault`: why it can't go on, in words."""

    def __init__(self, protocol: Seeded, number: int) -> None:
        self.said: list[_Said] = []
        self.fault = ""
        self._turns = dialogue_of(protocol, number).turns
        self._due: Exchange | None = None
        self._step(lambda: next(self._turns, None), "at its start")

    def go_on(self) -> bool:
        """Answer its last request; whether there was one, and an example of its reply."""
        if self._due is None or len(self.said) >= _MOST_EXCHANGES or not (examples := examples_of(self._due.reply)):
            return False
        answer = examples[(len(self.said) - 1) % len(examples)]
        decision = _decided(as_reply(self._due.reply), answer)
        seen: Values = decision.values if isinstance(decision, Complete) else {}
        self._step(lambda: go_on(self._turns, seen), f"when {_short(answer)} comes")
        return True

    def _step(self, act: Callable[[], Exchange | None], when: str) -> None:
        self._due = None
        try:
            due: object = act()
        except Exception as error:  # noqa: BLE001 — as above
            self.fault = f"raises {error!r} {when}"
            return
        if due is None:
            return
        if not isinstance(due, Exchange):
            self.fault = f"must yield exchanges, and yields {due!r} {when}"
            return
        self.said.append(_Said(due.request, as_reply(due.reply).words))
        if fault := fault_of(due.reply):
            self.fault = f"asks {_short(due.request)}, and the reply that it expects {fault}"
            return
        self._due = due


def _fault_of_dialogues(protocol: Seeded) -> str | None:
    """What is wrong with a protocol's dialogues; None: nothing that can be seen.

    Two are played alone, one after the other in both orders, and in lockstep: each must ask the same every time.
    """
    alone = [_rehearsed(protocol, [number])[0] for number in (0, 1)]
    if fault := next((each.fault for each in alone if each.fault), None):
        return fault
    for first, second in ((0, 1), (1, 0)):
        after = [*_rehearsed(protocol, [first]), *_rehearsed(protocol, [second])]
        together = _rehearsed(protocol, [first, second])
        for how, pair in (("after", after), ("beside", together)):
            for number, other, played in ((first, second, pair[0]), (second, first, pair[1])):
                if difference := _difference(alone[number], played):
                    return f"says something else in dialogue {number} {how} dialogue {other}: {difference}"
    return None


def _rehearsed(protocol: Seeded, numbers: list[int]) -> list[_Rehearsal]:
    """Dialogues in lockstep, each told examples until it ends."""
    played = [_Rehearsal(protocol, number) for number in numbers]
    while [each for each in played if each.go_on()]:
        pass
    return played


def _difference(alone: _Rehearsal, played: _Rehearsal) -> str:
    """The first exchange in which they differ, in words; empty: there is none."""
    if played.fault:
        return played.fault
    for one, other in zip_longest(alone.said, played.said):
        if one != other:
            told = "nothing" if other is None else f"{_short(other.request)}, which expects {other.reply}"
            meant = "nothing" if one is None else f"{_short(one.request)}, which expects {one.reply}"
            return f"{told}, instead of {meant}"
    return ""


_FAULTS: Final[dict[str, Callable[[Seeded], str | None]]] = {
    "exchange": _fault_of_exchanges,
    "greeting": _fault_of_greeting,
    "opening": _fault_of_opening,
    "dialogue": _fault_of_dialogues,
    "visit": _fault_of_visits,
}
