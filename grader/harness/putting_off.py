"""Datagrams that are not the reply: they must not keep a client waiting for longer than it waits by itself.

How long that is, is the client's business, so it is measured first, where nothing comes.  Then something else comes
more often than that, for twice as long.  A client whose timer each datagram restarts does nothing in that time; any
other sends again, goes on, or gives up.
"""

from __future__ import annotations

import math
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from grader.errors import Reason
from grader.harness.tasks import VisitTask
from grader.limits import STRAY_S, STRAYS_FOR
from grader.protocol.visit import heard_in
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.waiting import Why

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.harness.fixtures import UdpClients
    from grader.harness.session import Session
    from grader.harness.tasks import Task
    from grader.protocol.reply import Values
    from grader.protocol.visit import Visit
    from grader.wire.udp_server import ScriptedUdpServer

#: How often the machine may be too busy to send a client old replies as often as they should arrive.
_STRAY_ATTEMPTS = 4
#: What arrives closer together than this fraction of the time that the client waits keeps it waiting, if anything does:
#: that time was measured, and a busy machine can only have made it longer.
_CLOSE = 0.75


def must_not_be_put_off(
    clients: UdpClients, ask: Callable[[Session[ScriptedUdpServer]], bytes], usual_s: float, task: Task | None = None
) -> None:
    """It is not answered, and other datagrams arrive meanwhile: they don't restart the client's timeout.

    `ask`: has it ask in a new run of `task`, and gives the old reply that comes then, again and again.  `usual_s`: how
    long it waits where nothing comes.  One that comes to its prompt or its end has believed what came, or died of it:
    that is another check's matter.

    Raises:
        FaultError: it has neither given up nor asked again in twice that time.
        UnprovedError: the machine was too busy to send often enough, several times.
    """
    __tracebackhide__ = True
    for _ in range(_STRAY_ATTEMPTS):
        with clients.start(task) as session:
            far_apart_s = _put_off(session, ask(session), usual_s)
        if far_apart_s < _CLOSE * usual_s:
            return
    what = f"the machine was too busy: what should arrive every {STRAY_S:g} s arrived {far_apart_s:.1f} s later"
    raise UnprovedError(what, Reason.STARVED)


def must_go_on_in_time(clients: UdpClients, visit: Visit, stray: bytes) -> None:
    """The first turn of a visit is not answered, and `stray` arrives meanwhile: the second turn comes all the same.

    The datagram comes again and again, from the server and from a stranger in turn; it answers nothing.

    Raises:
        FaultError: the second turn has not come in twice the time that it takes where nothing arrives.
        UnprovedError: the machine was too busy to send often enough, several times.
    """
    __tracebackhide__ = True
    task, (first, second, *_) = VisitTask(visit), visit.turns

    def begin(session: Session[ScriptedUdpServer]) -> Values:
        __tracebackhide__ = True
        task.begin(session)
        return session.server.expect(heard_in(first, ()))

    def ask(session: Session[ScriptedUdpServer]) -> bytes:
        __tracebackhide__ = True
        begin(session)
        return stray

    with clients.start(task) as session:
        heard = begin(session)
        session.server.expect_after_wait(heard_in(second, (heard,)))
        usual_s = session.server.last_wait_s()
    must_not_be_put_off(clients, ask, usual_s, task)


def _put_off(session: Session[ScriptedUdpServer], stray: bytes, usual_s: float) -> float:
    """Send it other datagrams than the reply until it does something; how far apart two of them were at most.

    Raises:
        FaultError: it does nothing.
    """
    __tracebackhide__ = True
    tells = tells_of_loss(session)
    transcript = session.program.transcript
    mark = transcript.mark()
    most = math.ceil(STRAYS_FOR * usual_s / STRAY_S)
    sent_at = [time.monotonic()]
    for number in range(most):
        transcript.rewind(mark + 2)  # one of each kind tells it all
        sent_at.append(time.monotonic())
        session.server.send_stray(number, stray)
        rest = session.keyboard.wait_rest(
            lambda: session.server.waiting() > 0 or tells() or None, STRAY_S, in_suspense=True
        )
        if rest is None or rest.why is not Why.DEADLINE:
            return max(after - before for before, after in pairwise([*sent_at, time.monotonic()]))
    what = (
        f"while {most} datagrams arrived that were not the reply, it kept waiting for {STRAYS_FOR * usual_s:.1f} s and "
        f"more; without them it waits {usual_s:.1f} s"
    )
    raise FaultError(Reason.PUT_OFF, what, doing=session.program.doing())


def tells_of_loss(session: Session[ScriptedUdpServer]) -> Callable[[], bool]:
    """Whether it says something on stderr; what it says as soon as it has asked is about its request."""
    said = session.program.stderr
    before = len(said.data)

    def tells() -> bool:
        nonlocal before
        if not session.server.had_its_time():
            before = len(said.data)
        return len(said.data) > before

    return tells
