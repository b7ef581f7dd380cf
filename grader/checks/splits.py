"""A message split in two at every place: on many connections together if the server takes them, else one by one.

Played together, a fault of one connection may show on another, so whatever fails together is played again one by one;
only what fails alone is the fault of a split, and the first that does is the smallest.  A server that does not come to
rest when some clients have left is restarted: one that spins for each of them would get slower with every split.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grader.errors import Reason
from grader.limits import SPLITS_S, SPLITS_SAMPLED
from grader.model import EventKind
from grader.wire.faults import FaultError
from grader.wire.transcript import shown

if TYPE_CHECKING:
    import random

    from grader.harness.stage import Server, Stage
    from grader.protocol.script import Exchange
    from grader.wire.tcp import ScriptedClient

_AT_ONCE = 16
_SHOWN_BYTES = 60


def every_split(
    stage: Stage, server: Server, exchange: Exchange, rng: random.Random, *, at_once: bool, ends: bool
) -> Server:
    """Play the exchange once for every place where its request can be split.

    `rng`: chooses among the places that there is no time for.  `at_once`: whether the server takes several clients;
    `ends`: whether the connection ends with the reply.  Returns the server that is left: another one if a fault that
    had nothing to do with a split has ended the first.

    Raises:
        FaultError: the reply to one of them is wrong; the message names the smallest place.
    """
    __tracebackhide__ = True
    places = _Places(len(exchange.request), stage, rng)
    together = at_once and not exchange.heard
    mark = stage.transcript.mark()
    while some := places.next():
        if not (together and _together(stage, server, exchange, some, ends=ends)):
            if together:
                server = stage.again(server)
                together = False
            _one_by_one(stage, server, exchange, some, ends=ends)
        stage.transcript.rewind(mark)
        server = stage.again(server)
    words = f"{shown(exchange.request[:_SHOWN_BYTES])}: {places.told()}"
    stage.transcript.add(EventKind.NOTE, "grader", words)
    return server


class _Places:
    """Where one request is split: everywhere, unless the program is so slow that it would take too long.

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


def _together(stage: Stage, server: Server, exchange: Exchange, places: list[int], *, ends: bool) -> bool:
    """Whether all of them are answered correctly when they are played at the same time."""
    clients: list[ScriptedClient] = []
    try:
        for place in places:
            clients.append(stage.connect(server))
            clients[-1].send(exchange.request[:place], pieces=place)
        for client, place in zip(clients, places, strict=True):
            client.send(exchange.request[place:])
        for client in clients:
            _expect(client, exchange, ends=ends)
    except FaultError as fault:
        if fault.reason is Reason.TOO_SLOW:  # one by one it would take even longer
            raise
        return False
    finally:
        for client in clients:
            client.close()
    return True


def _one_by_one(stage: Stage, server: Server, exchange: Exchange, places: list[int], *, ends: bool) -> None:
    __tracebackhide__ = True
    mark = stage.transcript.mark()
    for place in places:
        stage.transcript.rewind(mark)
        try:
            with stage.connect(server) as client:
                client.send(exchange.request[:place], pieces=place)
                client.send(exchange.request[place:])
                _expect(client, exchange, ends=ends)
        except FaultError as fault:
            raise _at(fault, exchange.request, place) from None


def _expect(client: ScriptedClient, exchange: Exchange, *, ends: bool) -> None:
    __tracebackhide__ = True
    client.expect_answer(exchange)
    if ends:
        client.expect_end()


def _at(fault: FaultError, request: bytes, place: int) -> FaultError:
    if fault.reason is Reason.TOO_SLOW:
        return fault  # of all of them together
    before, after = request[:place], request[place:]
    head = ("… " if len(before) > _SHOWN_BYTES else "") + shown(before[-_SHOWN_BYTES:])
    tail = shown(after[:_SHOWN_BYTES]) + (" …" if len(after) > _SHOWN_BYTES else "")
    what = f"{fault.what}: {head} >>> SPLIT HERE <<< {tail} (after byte {place} of {len(request)})"
    return replace(fault, what=what)


def serves_at_once(stage: Stage, server: Server, exchange: Exchange) -> bool:
    """Whether the server serves a client while another one is connected.  This may leave it in disorder."""
    with stage.connect(server) as first:
        first.ask(exchange)
        with stage.knock(server) as second:
            try:
                second.wait_accepted()
                first.close()
                stage.open(second)
                second.ask(exchange)
            except FaultError:
                return False  # if there is more to it, the splits will show it
    return True
