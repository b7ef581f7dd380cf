"""Requests split in two at every place: on many connections together if the server takes them, else one by one.

At each place *every* request of the dialogue is split there, so that there are as many connections as the longest
request has bytes; those that are shorter come whole.  Played together, the dialogues go on in lockstep.

Played together, a fault of one connection may show on another, so whatever fails together is played again one by one;
only what fails alone is the fault of a split, and the first that does is the smallest.  A server that does not come to
rest when some clients have left is restarted: one that spins for each of them would get slower with every split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from grader.errors import Reason
from grader.limits import SPLITS_S, SPLITS_SAMPLED
from grader.model import EventKind
from grader.wire.faults import FaultError
from grader.wire.transcript import shown

if TYPE_CHECKING:
    import random

    from grader.harness.listening import Server
    from grader.harness.part import Part
    from grader.harness.stage import Stage
    from grader.protocol.dialogues import Dialogue
    from grader.protocol.script import Exchange
    from grader.wire.tcp import ScriptedClient

_AT_ONCE = 16
_SHOWN_BYTES = 60


@dataclass(frozen=True)
class Splits:
    """A dialogue to be split.  `dialogue`: makes it anew.  `ends`: the connection ends with its last reply.

    `rng` chooses among the places that there is no time for.  `at_once`: whether the server takes several clients.
    """

    stage: Stage
    dialogue: Callable[[], Dialogue]
    rng: random.Random
    at_once: bool
    ends: bool = False

    def play(self, server: Server) -> Server:
        """Play it once for every place, or for some of the last if the server is slow.

        Returns the server that is left: another one if a fault that had nothing to do with a split has ended the first.

        Raises:
            FaultError: the reply to one of them is wrong; the message names the smallest place.
        """
        __tracebackhide__ = True
        stage = self.stage
        mark = stage.transcript.mark()
        first, longest = self._first_and_longest(server)
        places = _Places(longest, stage, self.rng)
        together = self.at_once and not first.heard
        while some := places.next():
            if not (together and self._together(server, some)):
                if together:
                    server = stage.again(server)
                    together = False
                self._one_by_one(server, some)
            stage.transcript.rewind(mark)
            server = stage.again(server)
        words = f"{shown(first.request[:_SHOWN_BYTES])}: {places.told()}"
        stage.transcript.add(EventKind.NOTE, "grader", words)
        return server

    def _first_and_longest(self, server: Server) -> tuple[Exchange, int]:
        """Its first exchange, and how many bytes its longest request has: with state, that shows when it is played."""
        __tracebackhide__ = True
        dialogue = self.dialogue()
        if not dialogue.has_state:
            exchanges = list(dialogue.turns)
            return exchanges[0], max(len(exchange.request) for exchange in exchanges)
        sizes: list[int] = []

        def measured(client: ScriptedClient, request: bytes) -> None:
            sizes.append(len(request))
            client.send(request)

        with self.stage.begin_dialogue(server, dialogue) as part:
            assert part.due is not None  # noqa: S101 — a dialogue has an exchange (`promises.py`)
            first = part.due
            part.play(measured)
        return first, max(sizes)

    def _together(self, server: Server, places: Sequence[int]) -> bool:
        """Whether all of them are answered correctly when they are played at the same time."""
        parts: list[Part] = []
        try:
            for place in places:
                parts.append(self.stage.begin_dialogue(server, self.dialogue()))
                _send_head(parts[-1], place)
            while going := [(part, place) for part, place in zip(parts, places, strict=True) if part.due is not None]:
                for part, place in going:
                    _send_tail(part, place)
                for part, _ in going:
                    self._hear(part)
                for part, place in going:
                    _send_head(part, place)
        except FaultError as fault:
            if fault.reason is Reason.TOO_SLOW:  # one by one it would take even longer
                raise
            return False
        finally:
            for part in parts:
                part.client.close()
        return True

    def _one_by_one(self, server: Server, places: Sequence[int]) -> None:
        __tracebackhide__ = True
        mark = self.stage.transcript.mark()
        for place in places:
            self.stage.transcript.rewind(mark)
            request = b""
            try:
                with self.stage.begin_dialogue(server, self.dialogue()) as part:
                    while part.due is not None:
                        request = part.due.request
                        _send_head(part, place)
                        _send_tail(part, place)
                        self._hear(part)
            except FaultError as fault:
                raise _at(fault, request, place) from None

    def _hear(self, part: Part) -> None:
        __tracebackhide__ = True
        part.hear()
        if self.ends and part.due is None:
            part.client.expect_end()


class _Places:
    """Where requests are split: everywhere, unless the program is so slow that it would take too long.

    Then, of the places that are left, at some and at the last.
    """

    def __init__(self, size: int, stage: Stage, rng: random.Random) -> None:
        self._count = size - 1
        self._left = list(range(1, size))
        self._left_out = 0
        self._stage = stage
        self._rng = rng

    def next(self) -> list[int]:
        """The next few, in order; none when all have been given."""
        others = self._left[:-1]
        if self._stage.taken_s > SPLITS_S and not self._left_out and len(others) > SPLITS_SAMPLED:
            self._left_out = len(others) - SPLITS_SAMPLED
            self._left = [*sorted(self._rng.sample(others, SPLITS_SAMPLED)), self._left[-1]]
        some, self._left = self._left[:_AT_ONCE], self._left[_AT_ONCE:]
        return some

    def told(self) -> str:
        """Where it was, in words."""
        if not self._left_out:
            return f"all {self._count} splits"
        played = self._count - self._left_out
        return f"{played} of {self._count} splits, since it takes so long; the seed chose the last {SPLITS_SAMPLED}"


def _send_head(part: Part, place: int) -> None:
    """Send what is due up to the place, and see that it was read."""
    __tracebackhide__ = True
    part.turn(lambda client, request: client.send(request[:place], pieces=place))


def _send_tail(part: Part, place: int) -> None:
    """Send the rest of it; nothing, if it has come whole."""
    __tracebackhide__ = True
    if part.due is not None and part.due.request[place:]:
        part.client.send(part.due.request[place:])


def _at(fault: FaultError, request: bytes, place: int) -> FaultError:
    if fault.reason is Reason.TOO_SLOW or place >= len(request):
        return fault  # of all of them together; or of a request that was not split
    before, after = request[:place], request[place:]
    head = ("… " if len(before) > _SHOWN_BYTES else "") + shown(before[-_SHOWN_BYTES:])
    tail = shown(after[:_SHOWN_BYTES]) + (" …" if len(after) > _SHOWN_BYTES else "")
    what = f"{fault.what}: {head} >>> SPLIT HERE <<< {tail} (after byte {place} of {len(request)})"
    return replace(fault, what=what)


def serves_at_once(stage: Stage, server: Server, exchange: Exchange) -> bool:
    """Whether the server serves a client while another one is connected.  This may leave it in disorder."""
    with stage.connect(server) as first:
        _be_there(stage, first, exchange)
        with stage.peers.knock(server) as second:
            try:
                second.wait_accepted()
                first.close()
                stage.greeting.hear(second)
                stage.greeting.open(second)
                second.ask(exchange)
            except FaultError:
                return False  # if there is more to it, the splits will show it
    return True


def _be_there(stage: Stage, client: ScriptedClient, exchange: Exchange) -> None:
    """Stay connected: after a reply, unless the server closes the connection then."""
    __tracebackhide__ = True
    if stage.one_request:
        client.wait_accepted()
    else:
        client.ask(exchange)
