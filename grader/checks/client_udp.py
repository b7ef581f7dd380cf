"""What UDP clients send, print and survive: datagrams are lost, late, repeated, swapped, and sent by strangers.

Every reply that goes astray does so by script.  A client's own timer decides when it gives up on a reply: that it has
one is read from the kernel, how long it is doesn't matter, and what is counted is datagrams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.catalogue import behaviour
from grader.checks.client_common import GOES_ELSEWHERE_HINTS, must_have_gone, pour
from grader.checks.lost_replies import (
    asking,
    complained_bytes,
    lose,
    must_drop,
    must_give_up_in_words,
    must_have_complained,
    must_not_wait_on,
    must_show_its_own,
    must_show_unhurried,
    rests_or_sends,
    times_shown,
    wait_datagram,
)
from grader.errors import Reason
from grader.harness.clients import OTHER_HOST
from grader.harness.putting_off import must_not_be_put_off
from grader.link.settings import SERVER_NAME
from grader.protocol.script import Answer
from grader.wire.faults import FaultError
from grader.wire.traces import shows_traceback

if TYPE_CHECKING:
    from grader.harness.fixtures import UdpClients
    from grader.harness.session import Session
    from grader.harness.tasks import Tasks, VisitTask
    from grader.protocol.script import ClientProtocol
    from grader.wire.udp_server import ScriptedUdpServer

#: The lecture's buffer, more than an Ethernet frame, and all that UDP over IPv4 carries (udp(7)).
_SIZES = (2048, 9000, 65_507)

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
    visits=("visit",),
)
def test_sends_where_told(udp_clients: UdpClients, tasks: Tasks) -> None:
    """Sends to the host and port it is given"""
    task = tasks.plain(0)
    for host, addresses in udp_clients.hosts.items():
        with udp_clients.start(task, host=host) as session:
            # A first datagram of its own went where it was told, too; whether it may send one is not asked here.
            if not session.comes_before_first_line():
                task.begin(session)
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
    visits=("visit_sized",),
)
def test_large_reply(udp_clients: UdpClients, script: ClientProtocol, tasks: Tasks) -> None:
    """Shows a large reply completely"""
    for size_bytes in _SIZES:
        if not tasks.typed:
            visit = tasks.sized(size_bytes)
            with udp_clients.start(visit, terminal=False) as session:
                session.server.answer(visit.ask(session))
                visit.must_succeed(session)
            continue
        entry = script.typed_sized(size_bytes)
        with udp_clients.start(terminal=False) as session:
            pour(session, (entry,))
            session.output.must_show(entry)


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
        lose(session, script.typed(1))
        usual_s = session.server.since_asked_s()
        session.converse(script.typed(2))
    must_not_be_put_off(udp_clients, asking(script.typed(1), script.typed(0)), usual_s)


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
        lose(session, late)
        *_, asked = session.server.unanswered
        session.wait_prompt()
        session.server.answer(late.reply, Answer.LATE)
        must_drop(session, late)
        must_show_its_own(session, second, late)
        must_show_its_own(session, third, late, lambda: session.server.send(asked, late.reply))


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
        usual = times_shown(session, plain)
        if times_shown(session, twice, Answer.TWICE) > usual:
            raise FaultError(Reason.WRONG_SHOWN, "a reply that came twice was shown twice")
        must_show_its_own(session, entry, twice)


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
        lose(session, late)
        session.server.answer(late.reply, Answer.BEHIND_THE_NEXT)
        session.converse(second)
        must_drop(session, late)
        must_show_its_own(session, third, late)


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
    visits=("visit",),
)
def test_foreign_reply_ignored(udp_clients: UdpClients, script: ClientProtocol, tasks: Tasks) -> None:
    """Accepts replies from the server only"""
    if not tasks.typed:
        _must_ignore_strangers(udp_clients, tasks.visit(1))
        return
    entry = script.typed(1)
    with udp_clients.start() as session:
        session.converse(script.typed(0))
        session.enter(entry.line)
        session.server.expect(entry.request)
        for stranger in session.server.strangers():
            session.server.send_as_stranger(stranger, entry.reply)
            session.program.catch_up()
            if entry.shown in session.output.said:
                raise FaultError(Reason.WRONG_SHOWN, f"it showed a reply that {stranger.words} had sent")
        session.server.answer(entry.reply)
        must_show_unhurried(session, entry)


@behaviour(
    does="it is given a port where nothing receives, and a line through a pipe",
    proves="we hold the port, and what is sent there is refused; the client waits for the next line, or has exited",
    catches="a ConnectionRefusedError traceback, no message, waiting forever",
    hint="sendto and recvfrom may fail{Python:  (ConnectionRefusedError)}{C:  (ECONNREFUSED)}: say so on stderr.",
    hints={Reason.NO_TIMEOUT: _SET_A_TIMEOUT, Reason.SILENT: _SAY_SO},
    says=("typed",),
    visits=("visit",),
)
def test_dead_port_reported(udp_clients: UdpClients, script: ClientProtocol, tasks: Tasks) -> None:
    """Reports that nothing is listening on the port it is given"""
    if not tasks.typed:
        visit = tasks.plain(0)
        with udp_clients.start(visit, terminal=False) as session:
            session.server.refuse()
            visit.begin_if_asked(session)
            must_give_up_in_words(session, _NOBODY)
        return
    with udp_clients.start(terminal=False) as session:
        session.server.refuse()
        session.enter(script.typed(0).line)
        before = session.output.complained_from
        # A prompt on stderr is there before each line: it is not a complaint.
        prompt = bytes(session.program.stderr.data[:before]).splitlines()[-1:]
        if rest := rests_or_sends(session, lambda: len(session.program.stderr.data) > before):
            must_not_wait_on(rest, session.program.limits.give_up_s)
        ending = session.program.ending()
        if shows_traceback(session.output.complaints):
            raise FaultError(Reason.TRACEBACK, f"{_NOBODY}; it printed a traceback")
        if ending and ending.status < 0:
            raise FaultError(Reason.CRASHED, f"{_NOBODY}; it crashed", doing=session.program.doing())
        must_have_complained(session, before, b"".join(prompt), _NOBODY)


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
    visits=("visit",),
)
def test_retransmits(udp_clients: UdpClients, script: ClientProtocol, tasks: Tasks) -> None:
    """Sends its datagram again when no reply comes"""
    if not tasks.typed:
        visit = tasks.visit(0)
        with udp_clients.start(visit) as session:
            visit.ask(session)
            wait_datagram(session, "send its datagram again")
            old = visit.ask_again(session)
            usual_s = session.server.last_wait_s()
            session.server.answer(old)
            visit.must_succeed(session)

        def ask(session: Session[ScriptedUdpServer]) -> bytes:
            __tracebackhide__ = True
            visit.ask(session)
            return old

        must_not_be_put_off(udp_clients, ask, usual_s, visit)
        return
    entry = script.typed(0)
    with udp_clients.start() as session:
        session.enter(entry.line)
        session.server.expect(entry.request)
        wait_datagram(session, "send its datagram again")
        session.server.expect_after_wait(entry.request)
        usual_s = session.server.last_wait_s()
        session.server.answer(entry.reply)
        session.output.must_show(entry)
        session.converse(script.typed(1))
        session.wait_prompt()
        session.server.expect_nothing_more()
    must_not_be_put_off(udp_clients, asking(entry, script.typed(1)), usual_s)


@behaviour(
    does="three lines through a pipe; the second is never answered, the others are",
    proves="each of its datagrams has arrived, with the kernel's time stamp; between them nothing was sent to it",
    catches="asks too often, too rarely or forever; does not wait a second; exits instead of going on; says nothing",
    hint="Count how often it was sent; after the last time say on stderr that no reply came, and go on.",
    hints={Reason.NO_TIMEOUT: _SET_A_TIMEOUT, Reason.GAVE_UP_EARLY: _UNITS, Reason.SILENT: _SAY_SO},
    says=("typed",),
    visits=("visit",),
)
def test_gives_up(udp_clients: UdpClients, script: ClientProtocol, tasks: Tasks) -> None:
    """Reports that no reply came, and goes on"""
    if not tasks.typed:
        visit = tasks.visit(0)
        with udp_clients.start(visit, terminal=False) as session:
            visit.ask(session)
            for _ in range(1, udp_clients.spec.tries):
                wait_datagram(session, "send its datagram as often as it must")
                visit.ask_again(session)
            must_give_up_in_words(session, "no reply came")
            session.server.expect_nothing_more()
        return
    plain, lost, entry = (script.typed(number) for number in range(3))
    with udp_clients.start(terminal=False) as session:
        session.feed(b"\n".join((plain.line, lost.line, entry.line)))
        session.server.expect(plain.request)
        asked_at = complained_bytes(session)
        session.server.answer(plain.reply)
        session.server.expect(lost.request)
        lost_at = complained_bytes(session)
        for _ in range(1, udp_clients.spec.tries):
            wait_datagram(session, "send its datagram as often as it must")
            session.server.expect_after_wait(lost.request)
        wait_datagram(session, "go on with the next line")
        session.server.expect_after_wait(entry.request)
        usual = bytes(session.program.stderr.data[asked_at:lost_at])
        must_have_complained(session, lost_at, usual, "no reply came")
        session.server.answer(entry.reply)
        session.must_end("after the end of its input")
        session.output.must_show(entry)


def _must_ignore_strangers(clients: UdpClients, visit: VisitTask) -> None:
    """Strangers answer first, correctly, and the client goes on waiting for its server."""
    __tracebackhide__ = True
    with clients.start(visit) as session:
        reply = visit.ask(session)
        for stranger in session.server.strangers():
            session.server.send_as_stranger(stranger, reply)
            if session.program.ending():
                raise FaultError(Reason.WRONG_SHOWN, f"it took a reply that {stranger.words} had sent, and exited")
        session.server.answer(reply)
        visit.must_succeed(session)
