"""A scripted UDP server: it receives the client's datagrams, and replies, loses, repeats and delays by script."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from grader.errors import Reason
from grader.limits import DATAGRAM_WORTH_BYTES, DELAY_PART, LEAST_WAIT_S
from grader.model import EventKind
from grader.protocol.datagrams import decide_datagram, silence
from grader.protocol.reply import Complete, Decision, Incomplete, Reply, Values
from grader.protocol.script import Answer
from grader.wire.datagram_sockets import Datagram, bound, received
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint, SocketRow, SocketTable
from grader.wire.mismatch import not_the_reply
from grader.wire.program import Program
from grader.wire.tcp_server import THE_SERVER, not_come, printed_by_now, way_to
from grader.wire.udp import BROADCAST, Courier
from grader.wire.waiting import NoProgressError, Why, no_more

#: Of a flood just enough is read to show it.
_MOST_DATAGRAMS = 1000
#: So much of the least wait a program may take to meet a stranger's datagram: well within the time for our answer.
_MEET_PART = 0.6
#: Another address of this machine.
_STRANGE_HOST = "127.0.0.3"


class Stranger(NamedTuple):
    """A stranger, whom the client never asked: where it sends from (port 0: any), and that in words."""

    address: Endpoint
    words: str


class ScriptedUdpServer:
    """Bound to several addresses for one program.  A party to its conversations (`Talk`).

    `least_wait_s`: a program that asks again or gives up sooner has not waited.
    """

    name = THE_SERVER

    def __init__(
        self, addresses: Iterable[Endpoint], table: SocketTable, courier: Courier, least_wait_s: float = LEAST_WAIT_S
    ) -> None:
        self._table = table
        self._courier = courier
        self._least_wait_s = least_wait_s
        self._program: Program | None = None
        self.answered_at = 0
        self._sockets = [sock for address in addresses if (sock := bound(address))]
        self._came: list[Datagram] = []
        self._last: Datagram | None = None
        self._answered: Datagram | None = None
        #: What was expected since the last reply.
        self.unanswered: tuple[Datagram, ...] = ()
        #: What is sent after the next reply, and before it.
        self._held: list[tuple[Datagram, bytes]] = []
        self._early: list[tuple[Datagram, bytes]] = []
        #: How many datagrams have arrived in all.
        self.count = 0

    @property
    def _its_program(self) -> Program:
        assert self._program is not None  # noqa: S101 — nobody comes before it has begun
        return self._program

    def begin(self, program: Program) -> None:
        """Wait for this program."""
        self._program = program
        program.talks.meet(self)

    def close(self) -> None:
        """Close all sockets: whoever keeps sending meets a closed port."""
        while self._sockets:
            self._sockets.pop().close()
        if self._program is not None:
            self._program.talks.forget(self)

    def refuse(self) -> None:
        """Keep the ports, and receive nothing any more: what is sent there is refused.

        A connected socket receives from its peer only (udp(7)); these have themselves as their peer.
        """
        for sock in self._sockets:
            sock.connect(sock.getsockname())

    def was_left(self) -> bool:
        """Never: datagrams have no connection."""
        return False

    def hang_up(self) -> None:
        """Datagrams have no connection that could end."""

    def dismiss(self) -> None:
        """Datagrams have no connection that could end."""

    # What waiting asks (`Talk`)

    def row(self) -> SocketRow | None:
        """None: datagrams have no connection."""
        return None

    def delivered(self) -> bool:
        """Whether nothing is on its way: always, after waiting for it."""
        self._courier.wait_arrived()
        return True

    def traffic(self) -> tuple[int, ...]:
        """What the datagrams that arrived count for."""
        return (self.count * DATAGRAM_WORTH_BYTES,)

    # Receiving

    def came_to(self) -> Endpoint | None:
        """Which of our addresses the program has sent to last; None: none yet."""
        self._take()
        latest = self._came[-1] if self._came else self._last
        return Endpoint(*latest.sock.getsockname()[:2]) if latest else None

    def take(self, most_bytes: int) -> None:  # noqa: ARG002 — as of every `Peer`
        """Read what has arrived so far."""
        self._take()

    def untold(self) -> bytes:
        """Nothing: what has arrived may have been sent again."""
        return b""

    def _take(self) -> None:
        for sock in self._sockets:
            while self.count < _MOST_DATAGRAMS and (came := received(sock)):
                self.count += 1
                self._came.append(came)
                what = "a datagram" if came.data else "an empty datagram"  # each is an event of its own
                ends = _ends(sock, came.source)
                self._its_program.transcript.add(EventKind.RECEIVED, self.name, what, came.data, ends=ends)

    def waiting(self) -> int:
        """How many datagrams have arrived that were not expected yet."""
        self._take()
        return len(self._came)

    def wait_came(self) -> Endpoint:
        """Until a datagram has arrived, whatever it contains; which of our addresses it was sent to.

        Raises:
            FaultError: none arrives.
        """
        __tracebackhide__ = True
        self._wait_datagram(b"")
        return Endpoint(*self._came[0].sock.getsockname()[:2])

    def expect(self, request: bytes | Reply) -> Values:
        """The program's next datagram is this; what was captured in it.

        Raises:
            FaultError: a different one arrived, or none and none can arrive.
        """
        __tracebackhide__ = True
        if (silent := silence(request)) and not self._any_comes():
            return silent.values
        self._wait_datagram(request)
        before, self._last = self._last, self._came.pop(0)
        got = self._last.data
        decision = decide_datagram(request, got)
        if isinstance(decision, Complete):
            self.unanswered += (self._last,)
            return decision.values
        if before and got == before.data:
            raise self._repeated(before, request)
        what = "the server received a different datagram than the program must send"
        raise self._wrong(request, decision, Reason.WRONG_REQUEST, what, got)

    def _wrong(  # noqa: PLR0917 — as its one line of work
        self, request: bytes | Reply, decision: Decision, reason: Reason, what: str, got: bytes, doing: str = ""
    ) -> FaultError:
        doing = doing or self._its_program.doing()
        return not_the_reply(request, decision, got, reason=reason, what=what, doing=doing)

    def _any_comes(self) -> bool:
        """Whether a datagram arrives before the program is still, or has had the time for one."""
        try:
            self._its_program.wait(lambda: self.waiting() or None, [sock.fileno() for sock in self._sockets])
        except NoProgressError:
            return False
        return True

    def expect_after_wait(self, request: bytes | Reply) -> Values:
        """The same, and the datagram before it, which is not answered, had the least time that a reply may take.

        Raises:
            FaultError: a different one arrived, or none and none can arrive; or it arrived too soon.
        """
        __tracebackhide__ = True
        before = self._asked
        values = self.expect(request)
        if self._waited_s(before) < self._least_wait_s:
            what = f"it waited only {_told(self._waited_s(before))} for a reply to its datagram"
            raise FaultError(Reason.GAVE_UP_EARLY, what, doing=self._its_program.doing())
        return values

    def _waited_s(self, before: Datagram) -> float:
        """Between that datagram and the last one; a busy machine can only make it longer."""
        return self._asked.arrived_s - before.arrived_s

    def _repeated(self, before: Datagram, request: bytes | Reply) -> FaultError:
        waited_s = self._waited_s(before)
        if waited_s < self._least_wait_s:
            why = f", {_told(waited_s)} after the first, although its time was not up"
        elif before is self._answered:
            why = ", although it had replied to it"
        else:
            why = ", which the program should not send"
        what = f"the server received the same datagram again{why}"
        return self._wrong(request, Incomplete(""), Reason.EXTRA_REQUEST, what, self._asked.data)

    def _wait_datagram(self, request: bytes | Reply) -> None:
        __tracebackhide__ = True
        try:
            limits = self._its_program.limits
            self._its_program.wait(
                lambda: self.waiting() or None,
                [sock.fileno() for sock in self._sockets],
                limits.reply_s if self._last else limits.ready_s,  # it may have been started just now
                hurried=True,
            )
        except NoProgressError as stop:
            raise self._missing(request, stop) from None

    def _missing(self, request: bytes | Reply, stop: NoProgressError) -> FaultError:
        ending = self._its_program.ending() if stop.why is Why.ENDED else None
        if ending and (self._last or reason_of(ending) is not Reason.EXITED):
            doing = self._its_program.doing()
            what = "the server received no datagram: the program exited"
            return self._wrong(request, Incomplete(""), reason_of(ending), what, b"", doing)
        if self._last is None:
            return not_come(self._its_program, stop, "the server received no datagram")
        what = f"the server received no datagram, and {no_more(stop)}"
        return self._wrong(request, Incomplete(""), Reason.NO_REQUEST, what, b"", stop.doing)

    def expect_nothing_more(self) -> None:
        """Nothing arrived besides what was expected.

        Raises:
            FaultError: something did.
        """
        __tracebackhide__ = True
        self._courier.wait_arrived()
        if self.waiting():
            raise self._one_more()

    def _one_more(self) -> FaultError:
        what = "the server received another datagram, which the program should not send"
        return FaultError(Reason.EXTRA_REQUEST, what, b"", self._came[0].data, self._its_program.doing())

    def expect_nothing_too_soon(self) -> None:
        """Nothing arrived besides what was expected, and what its own timer sent again on a busy machine.

        Raises:
            FaultError: something else did, or the same again before its time was up.
        """
        __tracebackhide__ = True
        self._courier.wait_arrived()
        while self.waiting():
            before = self._asked
            if self._came[0].data != before.data:
                raise self._one_more()
            self._last = self._came.pop(0)
            if self._waited_s(before) < self._least_wait_s:
                raise self._repeated(before, b"")

    def since_asked_s(self) -> float:
        """How long ago the last datagram that was expected has come."""
        return time.time() - self._asked.arrived_s

    def last_wait_s(self) -> float:
        """How long before the last datagram that was expected the one before it has come."""
        return self._asked.arrived_s - self.unanswered[-2].arrived_s

    def had_its_time(self) -> bool:
        """Whether the program may have given up by now on the reply to the last datagram that was expected."""
        return self._last is not None and self.since_asked_s() > self._least_wait_s

    # Replying

    @property
    def _asked(self) -> Datagram:
        assert self._last is not None  # noqa: S101 — an answer comes after what it answers
        return self._last

    def answer(self, reply: bytes, how: Answer = Answer.WHOLE) -> None:
        """Reply to the last datagram that was expected.

        Raises:
            UnprovedError: the machine was too busy to do it in time.
        """
        __tracebackhide__ = True
        self.answered_at = printed_by_now(self._its_program)
        held, self._held = self._held, []
        self._send_early()
        way_to(how, ANSWERS)(self, self._asked, reply)
        self._answered = self._asked if how in _AT_ONCE else None
        self.unanswered = ()
        for datagram, late in held:
            self.send(datagram, late)

    def send(self, to: Datagram, reply: bytes, note: str = "") -> None:
        """Send one datagram to whoever has sent that one, and see that it has arrived or was dropped there."""
        what = note or ("" if reply else "an empty datagram")
        self._its_program.transcript.add(EventKind.SENT, self.name, what, reply, ends=_sent_from(to.sock, to.source))
        self._its_program.told(len(reply))
        to.sock.sendto(reply, to.source)
        self._courier.wait_arrived()

    def _send_early(self) -> None:
        early, self._early = self._early, []
        for datagram, late in early:
            self.send(datagram, late)

    def answer_from(self, host: str, reply: bytes) -> None:
        """Another server, at that address of this machine and our port, replies to the same datagram.

        Raises:
            UnprovedError: this machine has no such address, or somebody else has its port, or it was too busy.
        """
        __tracebackhide__ = True
        address = Endpoint(host, self._asked.sock.getsockname()[1])
        sock = next((sock for sock in self._sockets if sock.getsockname()[:2] == address), None) or bound(address)
        if sock is None:
            raise UnprovedError(f"this machine has no address {host} from which another server could reply")
        if sock not in self._sockets:  # what the program sends there is heard
            self._sockets.append(sock)
        self.answered_at = printed_by_now(self._its_program)
        self._send_early()
        self.send(self._asked._replace(sock=sock), reply, f"from {host}, another server")
        self.must_be_in_time(self._asked)

    def must_be_in_time(self, to: Datagram) -> None:
        """What was just sent to whoever has sent that one has come before the client may have given up.

        Raises:
            UnprovedError: the machine was too busy for that.
        """
        late_s = time.time() - to.arrived_s
        if late_s > self._least_wait_s:
            what = f"the machine was too busy: a reply was sent {late_s:.1f} s after the request"
            raise UnprovedError(what, Reason.STARVED)

    def send_late(self, reply: bytes) -> None:
        """One for each time that the program has asked."""
        for datagram in self.unanswered:
            self.send(datagram, reply)

    def hold(self, to: Datagram, reply: bytes) -> None:
        """Send it only when the next datagram has got its reply."""
        self._held.append((to, reply))

    def hold_until_asked(self, to: Datagram, reply: bytes) -> None:
        """Send it only when the next datagram has come, just before that one's reply."""
        self._early.append((to, reply))

    def delay(self, to: Datagram) -> None:
        """Let half of the least wait pass since a datagram has come; what the program prints meanwhile is read."""
        until = to.arrived_s + self._least_wait_s * DELAY_PART
        while (left_s := until - time.time()) > 0 and not self._its_program.ending():
            self._its_program.pump(left_s)

    def answer_as_strangers(self, reply: bytes) -> None:
        """Everybody sends the reply but us."""
        for stranger in self.strangers():
            self.send_as_stranger(stranger, reply)

    def strangers(self) -> Iterator[Stranger]:
        """Who else may send to the program: from our address, and from our port."""
        host, port = self._asked.sock.getsockname()[:2]
        yield Stranger(Endpoint(host, 0), "another port than the server's")
        if ":" not in host:
            yield Stranger(Endpoint(_STRANGE_HOST, port), f"another address, {_STRANGE_HOST},")

    def send_stray(self, number: int, words: bytes) -> None:
        """Send the program something other than the reply to its last datagram: from us and a stranger in turn."""
        if number % 2 == 0:
            self.send(self._asked, words)
            return
        to = self._asked
        with socket.socket(to.sock.family, socket.SOCK_DGRAM) as sock:
            sock.bind((to.sock.getsockname()[0], 0))
            ends = _sent_from(sock, to.source)
            self._its_program.transcript.add(EventKind.SENT, "a stranger", "which was never asked", words, ends=ends)
            self._its_program.told(len(words))
            sock.sendto(words, to.source)
            self._courier.wait_arrived()

    def send_as_stranger(self, stranger: Stranger, words: bytes) -> None:
        """Another socket than ours sends something first.

        The program has read it and rests, or it sleeps and will find it before our reply.
        """
        to = self._asked
        with socket.socket(to.sock.family, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind(stranger.address)
            except OSError:  # this machine has no such address, or somebody else has it
                return
            note = "from {} port {}, which was never asked".format(*sock.getsockname()[:2])
            ends = _sent_from(sock, to.source)
            self._its_program.transcript.add(EventKind.SENT, "a stranger", note, words, ends=ends)
            self._its_program.told(len(words))
            sock.sendto(words, to.source)
            self._courier.wait_arrived()
            self._wait_met(to)

    def _wait_met(self, asked: Datagram) -> None:
        """Until the program has read every datagram that it was sent, and rests; or has exited.

        One that rests without reading, or reads without resting, is not waited for so long that its reply comes late.
        """

        def met() -> bool | None:
            rows = [row for row in self._table.dump_udp() if row.local.port == asked.source.port]
            read = not any(row.receive_queue for row in rows)
            waited = time.time() - asked.arrived_s > self._least_wait_s * _MEET_PART
            return (read and waited) or ((read or waited) and self._its_program.at_rest()) or None

        with suppress(NoProgressError):
            self._its_program.wait(met)


def _in_time(server: ScriptedUdpServer, to: Datagram, reply: bytes) -> None:
    server.send(to, reply)
    server.must_be_in_time(to)


def _twice(server: ScriptedUdpServer, to: Datagram, reply: bytes) -> None:
    server.send(to, reply)
    _in_time(server, to, reply)


def _delayed(server: ScriptedUdpServer, to: Datagram, reply: bytes) -> None:
    server.delay(to)
    _in_time(server, to, reply)


#: What each way to answer does.
ANSWERS: Final[Mapping[Answer, Callable[[ScriptedUdpServer, Datagram, bytes], None]]] = {
    Answer.WHOLE: _in_time,
    Answer.LATE: lambda server, _, reply: server.send_late(reply),
    Answer.TWICE: _twice,
    Answer.BEHIND_THE_NEXT: ScriptedUdpServer.hold,
    Answer.BEFORE_THE_NEXT: ScriptedUdpServer.hold_until_asked,
    Answer.DELAYED: _delayed,
    Answer.FROM_STRANGERS: lambda server, _, reply: server.answer_as_strangers(reply),
    Answer.NOTHING: lambda *_: None,
}


#: A client that gets such a reply has no reason to ask again.
_AT_ONCE = frozenset({Answer.WHOLE, Answer.TWICE, Answer.DELAYED})


def _ends(sock: socket.socket, theirs: Endpoint) -> tuple[Endpoint, Endpoint]:
    return Endpoint(*sock.getsockname()[:2]), theirs


def _sent_from(sock: socket.socket, theirs: Endpoint) -> tuple[Endpoint, Endpoint]:
    """The same of what we send: nothing is sent from a broadcast address, but from the network's own (ip(7))."""
    ours, _ = _ends(sock, theirs)
    return ours._replace(host="127.0.0.1") if ours.host == BROADCAST else ours, theirs


def _told(seconds: float) -> str:
    return f"{max(seconds * 1000, 0.1):.1f} ms"
