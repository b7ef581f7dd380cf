"""What UDP clients send, print and survive: datagrams are lost, late, repeated, swapped, and sent by strangers.

Every reply that goes astray does so by script.  A client's own timer decides when it gives up on a reply: that it has
one is read from the kernel, how long it is doesn't matter, and what is counted is datagrams.
"""

from __future__ import annotations

import math
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from grader.catalogue import behaviour
from grader.checks.client_common import GOES_ELSEWHERE_HINTS, must_have_gone, pour
from grader.errors import Reason
from grader.harness.session import OTHER_HOST
from grader.limits import GIVE_UP_S, SETTLE_S, STRAY_S, STRAYS_FOR
from grader.link.settings import SERVER_NAME
from grader.model import EventKind
from grader.protocol.script import Answer
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.stillness import Awaits
from grader.wire.traces import shows_traceback
from grader.wire.waiting import Why

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.harness.fixtures import UdpClients
    from grader.harness.session import Session
    from grader.protocol.script import ClientProtocol, Entry
    from grader.wire.keyboard import Rest
    from grader.wire.udp_server import ScriptedUdpServer

#: The lecture's buffer, more than an Ethernet frame, and all that UDP over IPv4 carries (udp(7)).
_SIZES = (2048, 9000, 65_507)
#: A client that asks more often asks forever: an assignment may require ten (`ClientSpec`).
_MOST_TRIES = 10

#: How often the machine may be too busy to send a client old replies as often as they should arrive.
_STRAY_ATTEMPTS = 4
#: What arrives closer together than this fraction of the time that the client waits keeps it waiting, if anything does:
#: that time was measured, and a busy machine can only have made it longer.
_CLOSE = 0.75

_SAY_SO = (
    "Print the message on stderr, not on standard output{Python:  (print with file=sys.stderr)}{C:  (perror "
    "or fprintf to stderr)}{Java:  (System.err)}; a prompt there is not a message."
)
_NOBODY = "nothing was receiving at the port it was given"

_SET_A_TIMEOUT = (
    "A datagram may get lost: set a timeout{Python:  (settimeout)}{C:  (SO_RCVTIMEO, poll)}{Java:  (setSoTimeout)}; "
    "when it expires, say so and go on.{Python:  Have you set one? settimeout takes seconds.}{C:  Have you set one? "
    "poll takes milliseconds; and signal() makes SIGALRM restart recvfrom, sigaction without SA_RESTART "
    "doesn't.}{Java:  Have you set one? setSoTimeout takes milliseconds.}"
)
_UNITS = (
    "It gives up too early{Python: : settimeout takes seconds}{C: : poll and epoll_wait take milliseconds, tv_usec is "
    "in microseconds, and select counts its timeval down: set it again before each wait}{Java: : setSoTimeout takes "
    "milliseconds}. The last try waits like the others."
)
_COMPARE = (
    "Its reply had arrived: look at how it is compared ({C: a signed char against toupper, }a length, the sender's "
    "address), and at the timeout."
)
_GO_ON_WAITING = (
    "A datagram that is not the reply ends neither the waiting nor a try: keep receiving until the time is up, and "
    "only then send again."
)
_WAIT_AGAIN = (
    "It did not wait for the reply to its second datagram: each try waits a second.{C:  select counts its timeval "
    "down: set it again before each wait.}"
)
_COUNT_FROM_SENDING = (
    "Every datagram that is not the reply restarts its timeout, so it may wait forever: compute when the time is up, "
    "and give each wait only what is left{Python:  (settimeout(end - time.monotonic()))}{C:  (poll's timeout, or "
    "SO_RCVTIMEO, set again from clock_gettime)}{Java:  (setSoTimeout, set again from System.nanoTime)}."
)
_DROP_OTHERS = "recvfrom may return the reply to an earlier line: drop every reply but this line's, and receive again."


@behaviour(
    does=f"the client is told to send to a free port, by address ({OTHER_HOST}) and by name ({SERVER_NAME}), and a "
    "line is typed, unless it has sent something before",
    proves="its first datagram has arrived, whatever it contains, at the given address and port",
    catches="a hard-coded address or port, a program that accepts only names or only addresses",
    hint="Take host and port from the arguments (or from what it asks for), and pass them to sendto unchanged.",
    hints=GOES_ELSEWHERE_HINTS,
    says=("typed",),
)
def test_sends_where_told(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Sends to the host and port it is given"""
    for host, addresses in udp_clients.hosts.items():
        with udp_clients.start(host=host) as session:
            # A first datagram of its own went where it was told, too; whether it may send one is not asked here.
            if not session.comes_before_first_line():
                session.enter(script.typed(0).line)
            must_have_gone(session, session.server.wait_came(), addresses)


@behaviour(
    does=f"lines whose replies have {_SIZES[0]} and {_SIZES[1]} bytes, and as many as fit in one datagram, through a "
    "pipe",
    proves="the reply has arrived at its socket; the program has exited or rests",
    catches="recvfrom(2048), a line buffer of fixed size",
    hint="When a datagram is longer than the buffer, the rest of it is lost: give recvfrom room for 65536 bytes.",
    hints={
        Reason.NO_REQUEST: "A long line was not sent: look at its buffer for a line, and at what sendto returns.",
        Reason.WRONG_REQUEST: "The line was cut before it was sent: look at its buffer for a line{C:  (fgets, scanf)}.",
        Reason.CRASHED: "A long line crashes it: look at its buffers for a line and for a reply{C:  (scanf, strcpy)}.",
        Reason.EXTRA_REQUEST: _COMPARE,
    },
    says=("typed", "typed_sized"),
)
def test_large_reply(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Shows a large reply completely"""
    for size_bytes in _SIZES:
        entry = script.typed_sized(size_bytes)
        with udp_clients.start(terminal=False) as session:
            pour(session, (entry,))
            session.must_show(entry)


@behaviour(
    does="three lines, of which the second is never answered, however often the client asks; then another that is not "
    "answered either, while an old reply arrives every 125 ms, alternately from the server and from a stranger",
    proves="its datagram has arrived; the kernel shows that the client waits with a timeout of its own; twice as much "
    "of its own time has passed as it took before to give up, and no two of the old replies were nearly as far apart",
    catches="recvfrom without a timeout waits forever; a timeout that is not caught, or that restarts with whatever "
    "arrives",
    hint=_SET_A_TIMEOUT,
    hints={
        Reason.CRASHED: "When the time is up, receiving fails{Python:  (TimeoutError)}{C:  (EAGAIN)}{Java:  "
        "(SocketTimeoutException)}: say so and go on.",
        Reason.NO_REQUEST: "The next line was typed, but it is still waiting for the reply to the last one: set a "
        "timeout.",
        Reason.EXTRA_REQUEST: "Retrying must stop at some point: count how often a datagram was sent, and give up.",
        Reason.PUT_OFF: _COUNT_FROM_SENDING,
    },
    says=("typed",),
)
def test_lost_reply(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Gives up on a lost reply and goes on"""
    with udp_clients.start() as session:
        session.converse(script.typed(0))
        _lose(session, script.typed(1))
        usual_s = session.server.since_asked_s()
        session.converse(script.typed(2))
    _must_not_be_put_off(udp_clients, script.typed(0), script.typed(1), usual_s)


@behaviour(
    does="a line is answered, once for each time it was sent, when the client has given up on its reply; then two "
    "lines are typed and answered, the second after another copy of the late reply",
    proves="the client waits for a line when the late reply arrives; the second time its next datagram has arrived",
    catches="whatever arrives is taken for the reply to the last line, so that from then on each reply is one line "
    "late; what has arrived is thrown away before a line is sent, but what arrives afterwards is believed; a late "
    "reply uses up a try",
    hint=_DROP_OTHERS,
    hints={Reason.EXTRA_REQUEST: _GO_ON_WAITING},
    says=("typed",),
)
def test_late_reply(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Does not mistake a late reply for the next one"""
    late, second, third = (script.typed(number) for number in range(3))
    with udp_clients.start() as session:
        _lose(session, late)
        *_, asked = session.server.unanswered
        session.wait_prompt()
        session.server.answer(late.reply, Answer.LATE)
        _must_drop(session, late)
        _must_show_its_own(session, second, late)
        _must_show_its_own(session, third, late, lambda: session.server.send(asked, late.reply))


@behaviour(
    does="a line's reply comes twice; then the next line is typed and answered",
    proves="both copies have arrived before the next line is typed",
    catches="the second copy is taken for the next line's reply",
    hint=_DROP_OTHERS,
    hints={Reason.EXTRA_REQUEST: _GO_ON_WAITING},
    says=("typed",),
)
def test_duplicate_reply(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Does not mistake a repeated reply for the next one"""
    plain, twice, entry = (script.typed(number) for number in range(3))
    with udp_clients.start() as session:
        usual = _times_shown(session, plain)
        if _times_shown(session, twice, Answer.TWICE) > usual:
            raise FaultError(Reason.WRONG_SHOWN, "a reply that came twice was shown twice")
        _must_show_its_own(session, entry, twice)


@behaviour(
    does="the first line's reply arrives after the second's; then a third line is typed and answered",
    proves="the client had given up on the first reply; both have arrived before the third line is typed",
    catches="the reply that came last is taken for the next line's",
    hint=_DROP_OTHERS,
    hints={Reason.EXTRA_REQUEST: _GO_ON_WAITING},
    says=("typed",),
)
def test_reordered_replies(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Can tell replies apart that arrive out of order"""
    late, second, third = (script.typed(number) for number in range(3))
    with udp_clients.start() as session:
        _lose(session, late)
        session.server.answer(late.reply, Answer.BEHIND_THE_NEXT)
        session.converse(second)
        _must_drop(session, late)
        _must_show_its_own(session, third, late)


@behaviour(
    does="two sockets other than the one that was asked send exactly the right reply, one from another port, one from "
    "another address with the server's port (over IPv4); then the server replies",
    proves="the client has read the stranger's datagram and rests, or its socket has not taken it, or it looks only "
    "later and finds it first",
    catches="a reply is accepted from anyone; only the sender's address is checked, or only its port; a stranger's "
    "datagram uses up a try",
    hint="recvfrom tells you who has sent a datagram: drop those from others, or connect the socket, which does it for "
    "you.",
    hints={Reason.EXTRA_REQUEST: _GO_ON_WAITING},
    says=("typed",),
)
def test_foreign_reply_ignored(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Accepts replies from the server only"""
    entry = script.typed(1)
    with udp_clients.start() as session:
        session.converse(script.typed(0))
        session.enter(entry.line)
        session.server.expect(entry.request)
        for stranger in session.server.strangers():
            session.server.send_as_stranger(stranger, entry.reply)
            session.program.catch_up()
            if entry.shown in session.said:
                raise FaultError(Reason.WRONG_SHOWN, f"it showed a reply that {stranger.words} had sent")
        session.server.answer(entry.reply)
        _must_show_unhurried(session, entry)


@behaviour(
    does="it is given a port where nothing receives, and a line through a pipe",
    proves="we hold the port, and what is sent there is refused; the client waits for the next line, or has exited",
    catches="a ConnectionRefusedError traceback, no message, waiting forever",
    hint="sendto and recvfrom may fail{Python:  (ConnectionRefusedError)}{C:  (ECONNREFUSED)}: say so on stderr.",
    hints={Reason.NO_TIMEOUT: _SET_A_TIMEOUT, Reason.SILENT: _SAY_SO},
    says=("typed",),
)
def test_dead_port_reported(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Reports that nothing is listening on the port it is given"""
    with udp_clients.start(terminal=False) as session:
        session.server.refuse()
        session.enter(script.typed(0).line)
        before = session.complained_from
        # A prompt on stderr is there before each line: it is not a complaint.
        prompt = bytes(session.program.stderr.data[:before]).splitlines()[-1:]
        if rest := _rests_or_sends(session, lambda: len(session.program.stderr.data) > before):
            _must_not_wait_on(rest)
        ending = session.program.ending()
        if shows_traceback(session.complaints):
            raise FaultError(Reason.TRACEBACK, f"{_NOBODY}; it printed a traceback")
        if ending and ending.status < 0:
            raise FaultError(Reason.CRASHED, f"{_NOBODY}; it crashed", doing=session.program.doing())
        _must_have_complained(session, before, b"".join(prompt), _NOBODY)


@behaviour(
    does="the first datagram of a line is not answered; the second one is; then one is not answered while an old reply "
    "arrives every 125 ms, alternately from the server and from a stranger",
    proves="the first datagram has arrived; the client waits with a timeout of its own; the kernel's time stamps; "
    "twice as much of its own time has passed as it took before to ask again, and no two of the old replies were "
    "nearly as far apart",
    catches="a lost datagram is not sent again, or immediately, or a different one is sent instead; a timeout that "
    "restarts with whatever arrives",
    hint="When no reply has arrived in time, send the same datagram again before giving up.",
    hints={
        Reason.NO_TIMEOUT: _SET_A_TIMEOUT,
        Reason.GAVE_UP_EARLY: _UNITS,
        Reason.NOT_SHOWN: _WAIT_AGAIN,
        Reason.PUT_OFF: _COUNT_FROM_SENDING,
    },
    says=("typed",),
)
def test_retransmits(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Sends its datagram again when no reply comes"""
    entry = script.typed(0)
    with udp_clients.start() as session:
        session.enter(entry.line)
        session.server.expect(entry.request)
        _wait_datagram(session, "send its datagram again")
        session.server.expect_after_wait(entry.request)
        usual_s = session.server.last_wait_s()
        session.server.answer(entry.reply)
        session.must_show(entry)
        session.converse(script.typed(1))
        session.wait_prompt()
        session.server.expect_nothing_more()
    _must_not_be_put_off(udp_clients, script.typed(1), entry, usual_s)


@behaviour(
    does="three lines through a pipe; the second is never answered, the others are",
    proves="each of its datagrams has arrived, with the kernel's time stamp; between them nothing was sent to it",
    catches="asks too often, too rarely or forever; does not wait a second; exits instead of going on; says nothing",
    hint="Count how often it was sent; after the last time say on stderr that no reply came, and go on.",
    hints={Reason.NO_TIMEOUT: _SET_A_TIMEOUT, Reason.GAVE_UP_EARLY: _UNITS, Reason.SILENT: _SAY_SO},
    says=("typed",),
)
def test_gives_up(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Reports that no reply came, and goes on"""
    plain, lost, entry = (script.typed(number) for number in range(3))
    with udp_clients.start(terminal=False) as session:
        session.feed(b"\n".join((plain.line, lost.line, entry.line)))
        session.server.expect(plain.request)
        asked_at = _complained_bytes(session)
        session.server.answer(plain.reply)
        session.server.expect(lost.request)
        lost_at = _complained_bytes(session)
        for _ in range(1, udp_clients.spec.tries):
            _wait_datagram(session, "send its datagram as often as it must")
            session.server.expect_after_wait(lost.request)
        _wait_datagram(session, "go on with the next line")
        session.server.expect_after_wait(entry.request)
        usual = bytes(session.program.stderr.data[asked_at:lost_at])
        _must_have_complained(session, lost_at, usual, "no reply came")
        session.server.answer(entry.reply)
        session.must_end("after the end of its input")
        session.must_show(entry)


def _lose(session: Session[ScriptedUdpServer], entry: Entry) -> None:
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
        if rest := _rests_or_sends(session, _tells_of_loss(session)):
            _must_not_wait_on(rest)
            return
        session.server.expect(entry.request)
    raise FaultError(Reason.EXTRA_REQUEST, f"it asked {_MOST_TRIES} more times, and does not give up")


def _must_not_be_put_off(clients: UdpClients, old: Entry, entry: Entry, usual_s: float) -> None:
    """A line is not answered, and other datagrams arrive meanwhile: they don't restart the client's timeout.

    `old`: a line whose reply comes then, again and again.  `usual_s`: how long it waits where nothing comes.  One that
    comes to its prompt or its end has believed what came, or died of it: that is another check's matter.

    Raises:
        FaultError: it has neither given up nor asked again in twice that time.
        UnprovedError: the machine was too busy to send often enough, several times.
    """
    __tracebackhide__ = True
    for _ in range(_STRAY_ATTEMPTS):
        with clients.start() as session:
            session.converse(old)
            session.enter(entry.line)
            session.server.expect(entry.request)
            far_apart_s = _put_off(session, old.reply, usual_s)
        if far_apart_s < _CLOSE * usual_s:
            return
    what = f"the machine was too busy: what should arrive every {STRAY_S:g} s arrived {far_apart_s:.1f} s later"
    raise UnprovedError(what, Reason.STARVED)


def _put_off(session: Session[ScriptedUdpServer], stray: bytes, usual_s: float) -> float:
    """Send it other datagrams than the reply until it does something; how far apart two of them were at most.

    Raises:
        FaultError: it does nothing.
    """
    __tracebackhide__ = True
    tells = _tells_of_loss(session)
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


def _must_drop(session: Session[ScriptedUdpServer], late: Entry) -> None:
    """What arrives while it waits for a line is not shown."""
    __tracebackhide__ = True
    session.wait_prompt()
    if late.shown in session.said:
        raise FaultError(Reason.WRONG_SHOWN, "it showed a reply that it had given up on")


def _must_show_its_own(
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
        _must_show_unhurried(session, entry)
    except FaultError as error:
        fault = error
    if other.shown in session.said:
        shown, wanted = (reply.shown.decode(errors="replace") for reply in (other, entry))
        what = f"it showed an earlier line's reply, {shown!r}, instead of {wanted!r}"
        raise FaultError(Reason.WRONG_SHOWN, what, doing=fault.doing if fault else "") from None
    if fault:
        raise fault


def _must_show_unhurried(session: Session[ScriptedUdpServer], entry: Entry) -> None:
    """The reply is shown, and the line was not sent again before its time was up: what else arrives ends no try."""
    __tracebackhide__ = True
    try:
        session.must_show(entry)
        session.wait_prompt()
    except FaultError:
        session.server.expect_nothing_too_soon()
        raise
    session.server.expect_nothing_too_soon()


def _times_shown(session: Session[ScriptedUdpServer], entry: Entry, how: Answer = Answer.WHOLE) -> int:
    """How often it shows the reply to a line before it waits for the next."""
    __tracebackhide__ = True
    session.converse(entry, how)
    session.wait_prompt()
    return session.said.count(entry.shown)


def _wait_datagram(session: Session[ScriptedUdpServer], for_what: str) -> None:
    """Until another datagram has arrived, whatever it contains.

    Raises:
        FaultError: none will.
    """
    __tracebackhide__ = True
    if rest := _rests_or_sends(session):
        _must_not_wait_on(rest)
        ending = session.program.ending()
        what = f"it exited, and did not {for_what}" if ending else f"it does not {for_what}"
        raise FaultError(reason_of(ending) if ending else Reason.NO_REQUEST, what, doing=rest.doing)


def _rests_or_sends(session: Session[ScriptedUdpServer], gives_up: Callable[[], bool] = lambda: False) -> Rest | None:
    """What it is doing, or None: another datagram from it has arrived.

    While a timer of its own may be running for the reply, one that watches its input beside its socket has not reached
    its prompt: that is over when `gives_up`, or when the timer is.
    """
    keyboard, server = session.keyboard, session.server

    def sent() -> bool | None:
        return server.waiting() > 0 or None

    rest = keyboard.wait_rest(lambda: sent() or gives_up() or None, GIVE_UP_S, in_suspense=True, hurried=True)
    return rest or keyboard.wait_rest(sent, GIVE_UP_S, hurried=True)


def _tells_of_loss(session: Session[ScriptedUdpServer]) -> Callable[[], bool]:
    """Whether it says something on stderr; what it says as soon as it has asked is about its request."""
    said = session.program.stderr
    before = len(said.data)

    def tells() -> bool:
        nonlocal before
        if not session.server.had_its_time():
            before = len(said.data)
        return len(said.data) > before

    return tells


def _must_not_wait_on(rest: Rest) -> None:
    """It has exited or shows its prompt; anything else is waiting for a reply that will not come."""
    __tracebackhide__ = True
    if rest.why is Why.ENDED or rest.what is not Awaits.OTHER:
        return
    waits = "waits for its reply without a timeout, so forever"
    what = waits if rest.why is Why.STILL else f"does not give up on its reply within {GIVE_UP_S:.0f} s"
    raise FaultError(Reason.NO_TIMEOUT, f"it {what}", doing=rest.doing)


def _complained_bytes(session: Session[ScriptedUdpServer]) -> int:
    """How much it has written to stderr so far."""
    session.program.catch_up()
    return len(session.program.stderr.data)


def _must_have_complained(session: Session[ScriptedUdpServer], start: int, usual: bytes, situation: str) -> None:
    """It has written to stderr, from `start` on, something that is not `usual` there: a prompt, a log of each line."""
    __tracebackhide__ = True
    session.program.catch_up()
    said = bytes(session.program.stderr.data[start:])
    if all(line.strip() in usual for line in said.splitlines()):
        raise FaultError(Reason.SILENT, f"{situation}; it said nothing about that on stderr")
