"""Well-behaved clients, and crowds of those that come and leave in every way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.checks.measures import at_rest, thread_count
from grader.limits import CROWD_S, SETTLE_S
from grader.model import EventKind
from grader.wire.kernel import TcpState, sockets_in_use
from grader.wire.program import Program

if TYPE_CHECKING:
    from grader.harness.fixtures import Connect
    from grader.harness.listening import Server
    from grader.harness.stage import Stage
    from grader.protocol.script import StreamProtocol
    from grader.wire.facts import Snapshot
    from grader.wire.tcp import ScriptedClient

_CROWD = 200
#: Every way of leaving three times; with fewer, two or so may be a coincidence.
_FEWEST = 12
_FEWEST_TOLERATED = 2
#: After so many clients we look how the program copes with them.
_CROWD_LOOKS = 20


def serves_another(connect: Connect, protocol: StreamProtocol) -> None:
    """A well-behaved client connects, and is served."""
    __tracebackhide__ = True
    with connect() as client:
        client.ask(protocol.exchange(1))


@dataclass(frozen=True)
class Crowd:
    """What a program held before and after many clients came and left.

    `close_wait`: connections it never closed.  `kept`: how many sockets there were more in its network, wherever it
    keeps them; 0 where others use that too.  `doing`: what it was doing then, in words.
    """

    size: int
    before: Snapshot
    after: Snapshot
    close_wait: int
    kept: int
    doing: str

    def tolerated(self, number: int) -> int:
        """The same share of this crowd as `number` is of a whole one."""
        return max(_FEWEST_TOLERATED, number * self.size // _CROWD)


def until_enough(most: int, clock: Callable[[], float] = time.monotonic) -> Iterator[int]:
    """Numbers from 0: for this many clients one after another, or as many as there is time for, but at least a few."""
    enough_at = clock() + CROWD_S
    for number in range(most):
        if number >= _FEWEST and clock() > enough_at:
            return
        yield number


def after_crowd(stage: Stage, server: Server, protocol: StreamProtocol) -> Crowd:
    """Let many clients come and leave, in every way that clients leave; once for all checks."""
    __tracebackhide__ = True
    crowd = stage.once("crowd", lambda: _play_crowd(stage, server, protocol))
    stage.transcript.add(EventKind.NOTE, "grader", f"{crowd.size} clients came and left")
    return crowd


def _play_crowd(stage: Stage, server: Server, protocol: StreamProtocol) -> Crowd:
    __tracebackhide__ = True
    program = server.program
    with stage.client(server) as client:
        client.ask(protocol.exchange(_CROWD))
    before, sockets_before = at_rest(program), _sockets(stage)
    mark = program.transcript.mark()
    size = 0
    for number in until_enough(_CROWD):
        if number and number % _CROWD_LOOKS == 0 and _drowns(program, before, number):
            break
        if stage.over_tcp:
            _come_and_leave(stage.connect(server), protocol, number)
        else:
            with stage.client(server) as client:
                client.ask(protocol.exchange(number))
        size = number + 1
    program.wait_delivered()
    after, kept = at_rest(program), _sockets(stage) - sockets_before
    program.transcript.rewind(mark)
    waiting = sum(row.local.port == server.port for row in stage.table.dump(TcpState.CLOSE_WAIT))
    return Crowd(size, before, after, waiting, kept, program.doing(after))


def _sockets(stage: Stage) -> int:
    """How many there are in the program's network, ours included; 0 where nobody can tell whose they are."""
    return (sockets_in_use() or 0) if stage.private_network else 0


def _drowns(program: Program, before: Snapshot, size: int) -> bool:
    """Whether clients that have left keep it so busy that each new one has to wait longer: threads that never rest."""

    def most_have_stayed() -> bool:
        return thread_count(program.snapshot(files=False)) - thread_count(before) > size // 2

    return most_have_stayed() and not program.wait_rest(SETTLE_S) and most_have_stayed()


def _come_and_leave(client: ScriptedClient, protocol: StreamProtocol, number: int) -> None:
    """A visit that ends in one of four ways."""
    __tracebackhide__ = True
    exchange = protocol.exchange(number)
    half = len(exchange.request) // 2
    with client:
        match number % 4:
            case 0:
                client.ask(exchange)
            case 1:
                pass
            case 2:
                if half:  # else the server speaks unasked
                    client.send(exchange.request[:half], pieces=half)
                client.reset()
            case _:
                if exchange.request:
                    client.send(exchange.request)
                client.leave_unread()
