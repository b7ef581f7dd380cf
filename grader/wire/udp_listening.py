"""What a scripted UDP server hears: the datagrams of one program, each once it is expected, and none too soon."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable

from grader.errors import Reason
from grader.limits import DATAGRAM_WORTH_BYTES, LEAST_WAIT_S
from grader.model import EventKind
from grader.protocol.datagrams import decide_datagram, silence
from grader.protocol.reply import Complete, Decision, Incomplete, Reply, Values
from grader.wire.courier import Courier
from grader.wire.datagram_sockets import Datagram, bound, received
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError
from grader.wire.kernel import Endpoint, SocketRow, SocketTable
from grader.wire.mismatch import not_the_reply
from grader.wire.program import Program
from grader.wire.tcp_server import THE_SERVER, not_come
from grader.wire.waiting import NoProgressError, Why, no_more

#: Of a flood just enough is read to show it.
_MOST_DATAGRAMS = 1000


class ListeningUdpServer:
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
                ends = ends_of(sock, came.source)
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
            what = f"it went on only {_told(self._waited_s(before))} after a datagram to which no reply had come"
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

    @property
    def _asked(self) -> Datagram:
        assert self._last is not None  # noqa: S101 — an answer comes after what it answers
        return self._last


def ends_of(sock: socket.socket, theirs: Endpoint) -> tuple[Endpoint, Endpoint]:
    """Our end and theirs."""
    return Endpoint(*sock.getsockname()[:2]), theirs


def _told(seconds: float) -> str:
    return f"{max(seconds * 1000, 0.1):.1f} ms"
