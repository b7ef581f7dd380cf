"""A message split in two at every place: on many connections together if the server takes them, else one by one.

Played together, a fault of one connection may show on another, so whatever fails together is played again one by one;
only what fails alone is the fault of a split, and the first that does is the smallest.  A server that does not come to
rest when some clients have left is restarted: one that spins for each of them would get slower with every split.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grader.errors import Reason
from grader.model import EventKind
from grader.wire.faults import FaultError
from grader.wire.transcript import shown

if TYPE_CHECKING:
    from grader.harness.stage import Server, Stage
    from grader.protocol.script import Exchange
    from grader.wire.tcp import ScriptedClient

_AT_ONCE = 16
_SHOWN_BYTES = 60


def every_split(stage: Stage, server: Server, exchange: Exchange, *, at_once: bool, ends: bool) -> Server:
    """Play the exchange once for every place where its request can be split.

    `at_once`: whether the server takes several clients; `ends`: whether the connection ends with the reply.  Returns
    the server that is left: another one if a fault that had nothing to do with a split has ended the first.

    Raises:
        FaultError: the reply to one of them is wrong; the message names the smallest place.
    """
    __tracebackhide__ = True
    places = range(1, len(exchange.request))
    mark = stage.transcript.mark()
    done = 0
    while at_once and not exchange.heard and done < len(places):
        if not _together(stage, server, exchange, places[done : done + _AT_ONCE], ends=ends):
            server = stage.again(server)
            break
        stage.transcript.rewind(mark)
        done += _AT_ONCE
        server = stage.again(server)
    for first in range(done, len(places), _AT_ONCE):
        _one_by_one(stage, server, exchange, places[first : first + _AT_ONCE], ends=ends)
        server = stage.again(server)
    stage.transcript.rewind(mark)
    words = f"{shown(exchange.request[:_SHOWN_BYTES])}: all {len(places)} splits"
    stage.transcript.add(EventKind.NOTE, "grader", words)
    return server


def _together(stage: Stage, server: Server, exchange: Exchange, places: range, *, ends: bool) -> bool:
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


def _one_by_one(stage: Stage, server: Server, exchange: Exchange, places: range, *, ends: bool) -> None:
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
