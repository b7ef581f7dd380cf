"""Replies that get lost, come late or come from strangers: what a UDP client does then.

A datagram that is not answered is answered by a timer of the client's own, and how long that takes is its business.  So
each wait here ends with what it does: it sends again, says that no reply came, reads the next line or exits.  That it
has a timer at all is read from the kernel; how often it asks is counted in datagrams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.checks.ending import must_refuse_in_words
from grader.errors import Reason
from grader.harness.putting_off import tells_of_loss
from grader.limits import SETTLE_S
from grader.model import EventKind
from grader.protocol.script import Answer
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError
from grader.wire.stillness import Awaits
from grader.wire.waiting import Why

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.harness.session import Session
    from grader.protocol.script import Entry
    from grader.wire.keyboard import Rest
    from grader.wire.udp_server import ScriptedUdpServer

#: A client that asks more often asks forever: an assignment may require ten (`ClientSpec`).
_MOST_TRIES = 10


def lose(session: Session[ScriptedUdpServer], entry: Entry) -> None:
    """A line that is never answered, until the client has given up on its reply; what it sends again is read.

    Raises:
        FaultError: it waits without a timer, or asks forever.
    """
    __tracebackhide__ = True
    session.enter(entry.line)
    session.server.expect(entry.request)
    if session.program.wait_rest(SETTLE_S):
        session.program.transcript.add(EventKind.KERNEL, "program", session.program.doing())
    for _ in range(_MOST_TRIES):
        if rest := rests_or_sends(session, tells_of_loss(session)):
            must_not_wait_on(rest, session.program.limits.give_up_s)
            return
        session.server.expect(entry.request)
    raise FaultError(Reason.EXTRA_REQUEST, f"it asked {_MOST_TRIES} more times, and does not give up")


def asking(entry: Entry, old: Entry) -> Callable[[Session[ScriptedUdpServer]], bytes]:
    """A line is typed and sent after another one, `old`, was answered, whose reply is old then."""

    def ask(session: Session[ScriptedUdpServer]) -> bytes:
        __tracebackhide__ = True
        session.converse(old)
        session.enter(entry.line)
        session.server.expect(entry.request)
        return old.reply

    return ask


def must_drop(session: Session[ScriptedUdpServer], late: Entry) -> None:
    """What arrives while it waits for a line is not shown."""
    __tracebackhide__ = True
    session.wait_prompt()
    if late.shown in session.output.said:
        raise FaultError(Reason.WRONG_SHOWN, "it showed a reply that it had given up on")


def must_show_its_own(
    session: Session[ScriptedUdpServer], entry: Entry, other: Entry, before: Callable[[], None] = lambda: None
) -> None:
    """A line is typed and answered, and its own reply is shown, not the one that came before it.

    `before`: what is done when its datagram has arrived, before it is answered.
    """
    __tracebackhide__ = True
    fault = None
    try:
        session.enter(entry.line)
        session.server.expect(entry.request)
        before()
        session.server.answer(entry.reply)
        must_show_unhurried(session, entry)
    except FaultError as error:
        fault = error
    if other.shown in session.output.said:
        shown, wanted = (reply.shown.decode(errors="replace") for reply in (other, entry))
        what = f"it showed an earlier line's reply, {shown!r}, instead of {wanted!r}"
        raise FaultError(Reason.WRONG_SHOWN, what, doing=fault.doing if fault else "") from None
    if fault:
        raise fault


def must_show_unhurried(session: Session[ScriptedUdpServer], entry: Entry) -> None:
    """The reply is shown, and the line was not sent again before its time was up: what else arrives ends no try."""
    __tracebackhide__ = True
    try:
        session.output.must_show(entry)
        session.wait_prompt()
    except FaultError:
        session.server.expect_nothing_too_soon()
        raise
    session.server.expect_nothing_too_soon()


def times_shown(session: Session[ScriptedUdpServer], entry: Entry, how: Answer = Answer.WHOLE) -> int:
    """How often it shows the reply to a line before it waits for the next."""
    __tracebackhide__ = True
    session.converse(entry, how)
    session.wait_prompt()
    return session.output.said.count(entry.shown)


def wait_datagram(session: Session[ScriptedUdpServer], for_what: str) -> None:
    """Until another datagram has arrived, whatever it contains.

    Raises:
        FaultError: none will.
    """
    __tracebackhide__ = True
    if rest := rests_or_sends(session):
        must_not_wait_on(rest, session.program.limits.give_up_s)
        ending = session.program.ending()
        what = f"it exited, and did not {for_what}" if ending else f"it does not {for_what}"
        raise FaultError(reason_of(ending) if ending else Reason.NO_REQUEST, what, doing=rest.doing)


def rests_or_sends(session: Session[ScriptedUdpServer], gives_up: Callable[[], bool] = lambda: False) -> Rest | None:
    """What it is doing, or None: another datagram from it has arrived.

    While a timer of its own may be running for the reply, one that watches its input beside its socket has not reached
    its prompt: that is over when `gives_up`, or when the timer is.
    """
    keyboard, server = session.keyboard, session.server

    def sent() -> bool | None:
        return server.waiting() > 0 or None

    most_s = session.program.limits.give_up_s
    rest = keyboard.wait_rest(lambda: sent() or gives_up() or None, most_s, in_suspense=True, hurried=True)
    return rest or keyboard.wait_rest(sent, most_s, hurried=True)


def must_not_wait_on(rest: Rest, give_up_s: float) -> None:
    """It has exited or shows its prompt; anything else is waiting for a reply that will not come."""
    __tracebackhide__ = True
    if rest.why is Why.ENDED or rest.what is not Awaits.OTHER:
        return
    waits = "waits for its reply without a timeout, so forever"
    what = waits if rest.why is Why.STILL else f"does not give up on its reply within {give_up_s:.0f} s"
    raise FaultError(Reason.NO_TIMEOUT, f"it {what}", doing=rest.doing)


def complained_bytes(session: Session[ScriptedUdpServer]) -> int:
    """How much it has written to stderr so far."""
    session.program.catch_up()
    return len(session.program.stderr.data)


def must_have_complained(session: Session[ScriptedUdpServer], start: int, usual: bytes, situation: str) -> None:
    """It has written to stderr, from `start` on, something that is not `usual` there: a prompt, a log of each line."""
    __tracebackhide__ = True
    session.program.catch_up()
    said = bytes(session.program.stderr.data[start:])
    if all(line.strip() in usual for line in said.splitlines()):
        doing = session.program.doing()
        raise FaultError(Reason.SILENT, f"{situation}; it said nothing about that on stderr", doing=doing)


def must_give_up_in_words(session: Session[ScriptedUdpServer], situation: str) -> None:
    """A client that acts by itself gives up on its reply: it says so on stderr, and exits with a non-zero status."""
    __tracebackhide__ = True
    limits = session.program.limits
    rest = session.keyboard.wait_rest(deadline_s=limits.give_up_s, hurried=True)
    if rest and rest.why is Why.DEADLINE and session.server.waiting():
        what = f"{situation}; it asks again and again, and does not give up"
        raise FaultError(Reason.EXTRA_REQUEST, what, doing=rest.doing)
    if rest:
        must_not_wait_on(rest, limits.give_up_s)
    must_refuse_in_words(session.program, situation, ran_on=Reason.STILL_RUNNING, deadline_s=limits.exit_s)
