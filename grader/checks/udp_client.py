"""What UDP clients send, print and survive: datagrams are lost, late, repeated, swapped, and come from strangers.

Every reply that goes astray does so by script.  A client's own timer decides when it gives a reply up: that it has one
is read from the kernel, how long it is does not matter, and what is counted is datagrams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.catalogue import behaviour
from grader.checks.client import GOES_ELSEWHERE_HINTS, must_have_gone, pour
from grader.errors import Reason
from grader.harness.session import OTHER_HOST
from grader.limits import GIVE_UP_S, SETTLE_S
from grader.link.settings import SERVER_NAME
from grader.model import EventKind
from grader.protocol.script import Answer
from grader.wire.faults import FaultError
from grader.wire.program import Why, reason_of, shows_traceback
from grader.wire.stillness import Awaits

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.harness.fixtures import UdpClients
    from grader.harness.session import Session
    from grader.protocol.script import ClientProtocol, Entry
    from grader.wire.keyboard import Rest
    from grader.wire.udp_server import ScriptedUdpServer

#: The lecture's buffer, more than an Ethernet frame, and all that UDP over IPv4 carries (udp(7)).
_SIZES = (2048, 9000, 65_507)
#: Who asks more often asks for ever: an assignment may want ten (`ClientSpec`).
_MOST_TRIES = 10

_NOBODY = "nobody received at the port it was told"

_SET_A_TIMEOUT = (
    "A datagram may get lost: set a timeout{Python:  (settimeout)}{C:  (SO_RCVTIMEO, poll)}{Java:  (setSoTimeout)}; "
    "when it runs out, say so and go on.{Python:  Is one set? settimeout takes seconds.}{C:  Is one set? poll takes "
    "milliseconds; and signal() lets SIGALRM start recvfrom anew, sigaction without SA_RESTART does not.}{Java:  Is "
    "one set? setSoTimeout takes milliseconds.}"
)
_UNITS = (
    "It gives up too soon{Python: : settimeout counts seconds}{C: : poll and epoll_wait count milliseconds, tv_usec "
    "millionths of a second, and select counts its timeval down: set it anew before each wait}{Java: : setSoTimeout "
    "counts milliseconds}. The last try waits like the others."
)
_COMPARE = (
    "Its reply had come: look at how it is compared ({C: a signed char against toupper, }a length, the sender's "
    "address), and at the timeout."
)
_GO_ON_WAITING = (
    "What comes and is not the reply ends neither the waiting nor a try: receive again until the time is up, and only "
    "then send again."
)
_WAIT_AGAIN = (
    "It did not wait for the reply to its second datagram: each try waits a second.{C:  select counts its timeval "
    "down: set it anew before each wait.}"
)
_DROP_OTHERS = "What recvfrom brings may answer an earlier line: drop what is no answer to this one, and receive again."


@behaviour(
    does=f"the client is told to go to a free port, by address ({OTHER_HOST}) and by name ({SERVER_NAME}), "
    "and a line is typed, unless it has sent something before",
    proves="its first datagram is here, whatever it holds, on the address and port that were told",
    catches="an address or port that stands in the program, a name that must be an address or is not looked up",
    hint="Take host and port from the arguments (or from what it asks), and give them to sendto as they are.",
    hints=GOES_ELSEWHERE_HINTS,
    says=("typed",),
)
def test_sends_where_told(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Sends to the host and port that it is told"""
    for host, addresses in udp_clients.hosts.items():
        with udp_clients.start(host=host) as session:
            # A first datagram of its own went where it was told, too; that it sends too much is another check's affair.
            if not session.comes_before_first_line():
                session.enter(script.typed(0).line)
            must_have_gone(session, session.server.wait_came(), addresses)


@behaviour(
    does=f"lines whose replies have {_SIZES[0]} and {_SIZES[1]} bytes, and as many as one datagram holds, down a pipe",
    proves="the reply has arrived at its socket; the program has ended or rests",
    catches="recvfrom(2048), a line buffer of fixed size",
    hint="Of a datagram that is longer than the buffer the rest is lost: give recvfrom room for 65536 bytes.",
    hints={
        Reason.NO_REQUEST: "A long line was not sent: look at its buffer for a line, and at what sendto returns.",
        Reason.WRONG_REQUEST: "The line was cut before it was sent: look at its buffer for a line{C:  (fgets, scanf)}.",
        Reason.CRASHED: "A long line ends it: look at its buffers for a line and for a reply{C:  (scanf, strcpy)}.",
        Reason.EXTRA_REQUEST: _COMPARE,
    },
    says=("typed", "typed_sized"),
)
def test_large_reply(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Shows a large reply whole"""
    for size_bytes in _SIZES:
        entry = script.typed_sized(size_bytes)
        with udp_clients.start(terminal=False) as session:
            pour(session, (entry,))
            session.must_show(entry)


@behaviour(
    does="three lines, of which the second is never answered, however often the client asks",
    proves="its datagram is here; the kernel shows that the client waits with a timeout of its own",
    catches="recvfrom without a timeout waits for ever; a timeout that is not caught",
    hint=_SET_A_TIMEOUT,
    hints={
        Reason.CRASHED: "When the time is up, receiving fails{Python:  (TimeoutError)}{C:  (EAGAIN)}{Java:  "
        "(SocketTimeoutException)}: say so and go on.",
        Reason.NO_REQUEST: "The next line was typed, but it waits on for the reply to the last one: set a timeout.",
        Reason.EXTRA_REQUEST: "Asking again must have an end: count how often a datagram was sent, and give up.",
    },
    says=("typed",),
)
def test_lost_reply(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Gives up a reply that was lost, and goes on"""
    with udp_clients.start() as session:
        session.converse(script.typed(0))
        _lose(session, script.typed(1))
        session.converse(script.typed(2))


@behaviour(
    does="a line is answered, each time that it was sent, when the client has given its reply up; then two lines are "
    "typed and answered, the second one behind the late reply once more",
    proves="the client waits for a line when the late reply arrives; the second time its next datagram is here",
    catches="whatever arrives is taken for the reply to the last line, and from then on each is one line late; what "
    "has come is thrown away before a line is sent, and what comes then is believed; a late reply costs a try",
    hint=_DROP_OTHERS,
    hints={Reason.EXTRA_REQUEST: _GO_ON_WAITING},
    says=("typed",),
)
def test_late_reply(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Does not take a late reply for the next one"""
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
    """Does not take a repeated reply for the next one"""
    plain, twice, entry = (script.typed(number) for number in range(3))
    with udp_clients.start() as session:
        usual = _times_shown(session, plain)
        if _times_shown(session, twice, Answer.TWICE) > usual:
            raise FaultError(Reason.WRONG_SHOWN, "a reply that came twice was shown twice")
        _must_show_its_own(session, entry, twice)


@behaviour(
    does="the first line's reply comes behind the second's; then a third line is typed and answered",
    proves="the client had given up the first reply; both have arrived before the third line is typed",
    catches="the reply that came last is taken for the next line's",
    hint=_DROP_OTHERS,
    hints={Reason.EXTRA_REQUEST: _GO_ON_WAITING},
    says=("typed",),
)
def test_reordered_replies(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Tells replies apart that arrive in another order"""
    late, second, third = (script.typed(number) for number in range(3))
    with udp_clients.start() as session:
        _lose(session, late)
        session.server.answer(late.reply, Answer.BEHIND_THE_NEXT)
        session.converse(second)
        _must_drop(session, late)
        _must_show_its_own(session, third, late)


@behaviour(
    does="two other sockets than the one that was asked send exactly the right reply, one from another port, one from "
    "another address with the server's port (over IPv4); then the server answers",
    proves="the client has read the stranger's datagram and rests, or its socket has not taken it, or it looks only "
    "later and meets it first",
    catches="a reply is taken from anybody; only the sender's address is looked at, or only its port; a stranger's "
    "datagram costs a try",
    hint="recvfrom tells who has sent a datagram: drop those of others, or connect the socket, which does it for you.",
    hints={Reason.EXTRA_REQUEST: _GO_ON_WAITING},
    says=("typed",),
)
def test_foreign_reply_ignored(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Takes replies from the server only"""
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
    does="it is told a port where nobody receives, and gets a line down a pipe",
    proves="we hold the port, and what is sent there is refused; the client waits for the next line, or has ended",
    catches="a traceback of ConnectionRefusedError, silence, waiting for ever",
    hint="sendto and recvfrom may fail{Python:  (ConnectionRefusedError)}{C:  (ECONNREFUSED)}: say so on standard "
    "error.",
    hints={Reason.NO_TIMEOUT: _SET_A_TIMEOUT},
    says=("typed",),
)
def test_dead_port_reported(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Says that nobody receives where it was told to send"""
    with udp_clients.start(terminal=False) as session:
        session.server.refuse()
        session.enter(script.typed(0).line)
        before = session.complained_from
        # A prompt on standard error stands there before each line: it is no complaint.
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
    does="the first datagram of a line is not answered; the second one is",
    proves="the first datagram is here; the client waits with a timeout of its own; the kernel's time stamps",
    catches="a lost datagram is not sent again, or at once, or another one is sent in its place",
    hint="When no reply has come in time, send the same datagram again before giving up.",
    hints={Reason.NO_TIMEOUT: _SET_A_TIMEOUT, Reason.GAVE_UP_EARLY: _UNITS, Reason.NOT_SHOWN: _WAIT_AGAIN},
    says=("typed",),
)
def test_retransmits(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Asks again when no reply comes"""
    entry = script.typed(0)
    with udp_clients.start() as session:
        session.enter(entry.line)
        session.server.expect(entry.request)
        _wait_datagram(session, "send its datagram again")
        session.server.expect_after_wait(entry.request)
        session.server.answer(entry.reply)
        session.must_show(entry)
        session.converse(script.typed(1))
        session.wait_prompt()
        session.server.expect_nothing_more()


@behaviour(
    does="three lines down a pipe; the second is never answered, the others are",
    proves="each of its datagrams is here, with the kernel's time stamp; between them nothing was sent to it",
    catches="asks too often, too seldom or for ever; does not wait a second; ends instead of going on; says nothing",
    hint="Count how often it was sent; after the last time say on standard error that no reply came, and go on.",
    hints={Reason.NO_TIMEOUT: _SET_A_TIMEOUT, Reason.GAVE_UP_EARLY: _UNITS},
    says=("typed",),
)
def test_gives_up(udp_clients: UdpClients, script: ClientProtocol) -> None:
    """Says that no reply came, and goes on"""
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
    """A line that is never answered, until the client has given its reply up; what it sends again is taken.

    Raises:
        FaultError: it waits without a timer, or asks for ever.
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
    raise FaultError(Reason.EXTRA_REQUEST, f"it asked {_MOST_TRIES} times more, and does not give up")


def _must_drop(session: Session[ScriptedUdpServer], late: Entry) -> None:
    """What comes while it waits for a line is not shown."""
    __tracebackhide__ = True
    session.wait_prompt()
    if late.shown in session.said:
        raise FaultError(Reason.WRONG_SHOWN, "it showed a reply that it had given up")


def _must_show_its_own(
    session: Session[ScriptedUdpServer], entry: Entry, other: Entry, before: Callable[[], None] = lambda: None
) -> None:
    """A line is typed and answered, and its own reply is shown, not the one that came before it.

    `before`: what is done when its datagram is here, before it is answered.
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
        what = f"it showed an earlier line's reply, {shown!r}, where {wanted!r} belongs"
        raise FaultError(Reason.WRONG_SHOWN, what, doing=fault.doing if fault else "") from None
    if fault:
        raise fault


def _must_show_unhurried(session: Session[ScriptedUdpServer], entry: Entry) -> None:
    """The reply is shown, and the line was not sent again before its time was up: what came besides ends no try."""
    __tracebackhide__ = True
    try:
        session.must_show(entry)
        session.wait_prompt()
    except FaultError:
        session.server.expect_nothing_too_soon()
        raise
    session.server.expect_nothing_too_soon()


def _times_shown(session: Session[ScriptedUdpServer], entry: Entry, how: Answer = Answer.WHOLE) -> int:
    """How often it shows the reply to a line until it waits for the next."""
    __tracebackhide__ = True
    session.converse(entry, how)
    session.wait_prompt()
    return session.said.count(entry.shown)


def _wait_datagram(session: Session[ScriptedUdpServer], for_what: str) -> None:
    """Until another datagram has come, whatever it holds.

    Raises:
        FaultError: none will.
    """
    __tracebackhide__ = True
    if rest := _rests_or_sends(session):
        _must_not_wait_on(rest)
        ending = session.program.ending()
        what = f"it ended, and did not {for_what}" if ending else f"it does not {for_what}"
        raise FaultError(reason_of(ending) if ending else Reason.NO_REQUEST, what, doing=rest.doing)


def _rests_or_sends(session: Session[ScriptedUdpServer], gives_up: Callable[[], bool] = lambda: False) -> Rest | None:
    """Where it has come to, or None: another datagram of it is here.

    While a timer of its own may run for the reply, one that watches its input beside its socket has not come to its
    prompt: that is over when `gives_up`, or when the timer is.
    """
    keyboard, server = session.keyboard, session.server

    def sent() -> bool | None:
        return server.waiting() > 0 or None

    rest = keyboard.wait_rest(lambda: sent() or gives_up() or None, GIVE_UP_S, in_suspense=True)
    return rest or keyboard.wait_rest(sent, GIVE_UP_S)


def _tells_of_loss(session: Session[ScriptedUdpServer]) -> Callable[[], bool]:
    """Whether it says something on standard error; what it says as soon as it has asked is about its asking."""
    said = session.program.stderr
    before = len(said.data)

    def tells() -> bool:
        nonlocal before
        if not session.server.had_its_time():
            before = len(said.data)
        return len(said.data) > before

    return tells


def _must_not_wait_on(rest: Rest) -> None:
    """What it has come to is its end or its prompt; anything else is waiting for a reply that will not come."""
    __tracebackhide__ = True
    if rest.why is Why.ENDED or rest.what is not Awaits.OTHER:
        return
    waits = "waits for its reply without a timeout, so for ever"
    what = waits if rest.why is Why.STILL else f"has not given up its reply in {GIVE_UP_S:.0f} s"
    raise FaultError(Reason.NO_TIMEOUT, f"it {what}", doing=rest.doing)


def _complained_bytes(session: Session[ScriptedUdpServer]) -> int:
    """How much it has written to standard error so far."""
    session.program.catch_up()
    return len(session.program.stderr.data)


def _must_have_complained(session: Session[ScriptedUdpServer], start: int, usual: bytes, situation: str) -> None:
    """It has written to standard error, from `start` on, what is not `usual` there: a prompt, a log of each line."""
    __tracebackhide__ = True
    session.program.catch_up()
    said = bytes(session.program.stderr.data[start:])
    if all(line.strip() in usual for line in said.splitlines()):
        raise FaultError(Reason.SILENT, f"{situation}; it said nothing about that on standard error")
