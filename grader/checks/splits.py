"""A message cut in two at every place: many connections at once where the server takes them, one by one where not.

Played together, a fault of one connection may show on another, so whatever fails together is played again one by one;
only what fails alone is the fault of a split, and the first that does is the smallest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.errors import Reason
from grader.model import EventKind
from grader.wire.faults import FaultError
from grader.wire.transcript import shown

if TYPE_CHECKING:
    from grader.driver.stage import Server, Stage
    from grader.wire.script import Exchange
    from grader.wire.tcp import ScriptedClient

_AT_ONCE = 16
_SHOWN_BYTES = 60


def every_split(stage: Stage, server: Server, exchange: Exchange, *, ends: bool) -> Server:
    """Play the exchange once for every place where its request can be cut; `ends`: the connection ends with the answer.

    The server that is left: another one, where a fault that was none of a split has ended the first.

    Raises:
        FaultError: the answer to one of them is not right; the smallest place is in its words.
    """
    __tracebackhide__ = True
    places = range(1, len(exchange.request))
    width = _AT_ONCE if not exchange.heard and serves_at_once(stage, server, exchange) else 1
    mark = stage.transcript.mark()
    for at in range(0, len(places), width):
        chunk = places[at : at + width]
        if width > 1 and not _together(stage, server, exchange, chunk, ends=ends):
            server, width = stage.again(server), 1
            return _one_by_one(stage, server, exchange, places[at:], ends=ends)
        if width == 1:
            return _one_by_one(stage, server, exchange, places[at:], ends=ends)
        stage.transcript.rewind(mark)
    stage.transcript.add(
        EventKind.NOTE, "grader", f"{shown(exchange.request[:_SHOWN_BYTES])}: all {len(places)} splits"
    )
    return server


def _together(stage: Stage, server: Server, exchange: Exchange, places: range, *, ends: bool) -> bool:
    """Whether all of them are answered right when they are played at the same time."""
    clients: list[ScriptedClient] = []
    try:
        for place in places:
            clients.append(stage.connect(server))
            clients[-1].send(exchange.request[:place], pieces=place)
        for client, place in zip(clients, places, strict=True):
            client.send(exchange.request[place:])
        for client in clients:
            _expect(client, exchange, ends=ends)
    except FaultError:
        return False
    finally:
        for client in clients:
            client.close()
    return True


def _one_by_one(stage: Stage, server: Server, exchange: Exchange, places: range, *, ends: bool) -> Server:
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
    return server


def _expect(client: ScriptedClient, exchange: Exchange, *, ends: bool) -> None:
    __tracebackhide__ = True
    client.expect_answer(exchange)
    if ends:
        client.expect_end()


def _at(fault: FaultError, request: bytes, place: int) -> FaultError:
    before, after = request[:place], request[place:]
    head = ("… " if len(before) > _SHOWN_BYTES else "") + shown(before[-_SHOWN_BYTES:])
    tail = shown(after[:_SHOWN_BYTES]) + (" …" if len(after) > _SHOWN_BYTES else "")
    what = f"{fault.what}: {head} >>> SPLIT HERE <<< {tail} (after byte {place} of {len(request)})"
    return FaultError(fault.reason, what, fault.expected, fault.received, fault.doing)


def serves_at_once(stage: Stage, server: Server, exchange: Exchange) -> bool:
    """Whether the server accepts a client while another one is connected; found out once for each started program."""
    __tracebackhide__ = True
    return stage.once("serves at once", lambda: _try_two(stage, server, exchange))


def _try_two(stage: Stage, server: Server, exchange: Exchange) -> bool:
    __tracebackhide__ = True
    with stage.connect(server) as first, stage.knock(server) as second:
        first.ask(exchange)
        try:
            second.wait_accepted()
            accepted = True
        except FaultError as fault:
            if fault.reason is not Reason.NOT_ACCEPTED:
                raise
            accepted = False
        first.close()
        stage.open(second)
        second.ask(exchange)
    return accepted
