"""What is awaited on a connection: a reply, nothing, or the end; and the fault if something else comes.

A reply is recognised (`protocol/reply.py`): its matching is asked whenever more has arrived, and never again once it
has decided.  Before the first byte it is not asked at all, since most replies come while we wait for them.  Four things
end the wait: the decision; the connection's end, which the matching hears of if it is a FIN, for a reset completes
nothing; the program's rest, when nothing more can come; the deadline.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from grader.errors import Reason
from grader.model import EventKind
from grader.protocol.exactly import Exactly, as_reply
from grader.protocol.reply import NO_VALUES, Complete, Decision, Incomplete, Mismatch, Reply, Values
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import TcpState
from grader.wire.mismatch import not_the_reply
from grader.wire.own_time import Deadline
from grader.wire.stream import CHUNK_BYTES, Stream
from grader.wire.waiting import LATER, NoProgressError, no_more, stays_silent

#: More than the kernel keeps for us, so that of a program that has stopped sending nothing is left; of one that never
#: stops no more is taken between two looks at the clock.
_MOST_AT_A_TIME = 16 << 20
#: How long a program that closed a connection may take to die from the same cause, when the kernel can't tell.
DYING_S = 1.0


@dataclass(frozen=True)
class Wording:
    """How it is named when the wrong thing arrives: of a server's reply, or of what a client must send.

    Each `(reason, what)`, where `what` has the place of our end's name, and `partly` that of how much there is, too.
    """

    connection: str
    different: tuple[Reason, str]
    partly: tuple[Reason, str]
    nothing: tuple[Reason, str]
    cut_short: str
    ended_first: str


A_REPLY = Wording(
    connection="{name}'s connection",
    different=(Reason.WRONG_REPLY, "{name} received a different reply"),
    partly=(Reason.INCOMPLETE_REPLY, "{name} did not receive its whole reply{much}"),
    nothing=(Reason.NO_REPLY, "{name} received no reply"),
    cut_short="before its reply was complete",
    ended_first="instead of replying",
)
A_REQUEST = Wording(
    connection="its connection",
    different=(Reason.WRONG_REQUEST, "{name} received different bytes than the program must send"),
    partly=(Reason.INCOMPLETE_REQUEST, "{name} did not receive everything{much}"),
    nothing=(Reason.NO_REQUEST, "{name} received nothing"),
    cut_short="before it had sent everything",
    ended_first="without having sent anything",
)


class _Awaited:
    """One reply that is awaited on a stream, from its first byte to its decision."""

    def __init__(self, reply: Reply, stream: Stream) -> None:
        self.reply = reply
        self._matching = reply.begin()
        self._stream = stream
        #: How much it was asked about.
        self._asked_bytes = 0
        self.decision: Decision | None = None

    def decided(self) -> bool | None:
        """Whether it has decided, or the connection has ended before it could; None: neither, by all that has come.

        A reply whose length nobody knows is taken piece by piece.  None of them may be left behind: what we have not
        read seems to be on no way any more, and a program that has sent it all, still.
        """
        stream = self._stream
        stream.feed()
        most_bytes = stream.received_bytes + _MOST_AT_A_TIME
        while True:
            stream.take()
            has_come = len(stream.received) != self._asked_bytes
            if has_come or stream.ended:
                self.ask()
            if stream.ended or isinstance(self.decision, Complete | Mismatch):
                return True
            if not has_come or stream.received_bytes >= most_bytes:
                return None

    def ask(self) -> Decision:
        """What it says now; the same as before once it has decided."""
        if isinstance(self.decision, Complete | Mismatch):
            return self.decision
        stream = self._stream
        self._asked_bytes = len(stream.received)
        self.decision = self._matching.match(stream.received, ended=stream.ended is EventKind.PEER_CLOSED)
        if isinstance(self.decision, Incomplete):
            stream.wanted_bytes = self._asked_bytes + self.decision.needed + CHUNK_BYTES
        return self.decision

    def at_rest(self) -> Complete | None:
        """What the reply is if nothing more comes; None: it has not come."""
        decision = self.ask()
        return decision.at_rest if isinstance(decision, Incomplete) else None

    @property
    def much(self) -> str:
        """How much of it there is, where its length is known."""
        if isinstance(self.reply, Exactly):
            return f" ({len(self._stream.received)} of {len(self.reply.data)} bytes)"
        return ""

    def fault(self, reason: Reason, what: str, doing: str) -> FaultError:
        """A fault with what was expected, what arrived, and where it went wrong."""
        received = bytes(self._stream.received)
        return not_the_reply(self.reply, self.ask(), received, reason=reason, what=what, doing=doing)


class Receiver:
    """Awaits what arrives on one stream, and names what doesn't (`wording`)."""

    def __init__(self, stream: Stream, wording: Wording = A_REPLY) -> None:
        self._stream = stream
        self._wording = wording
        #: Whether the last reply said that the connection ends with it.
        self.ends = False

    def expect(self, reply: bytes | Reply) -> Values:
        """See `Connection.expect`."""
        __tracebackhide__ = True
        if reply == b"":
            return NO_VALUES
        stream, program = self._stream, self._stream.program
        awaited = _Awaited(as_reply(reply), stream)
        stream.read_on()
        decision = self._decision(awaited)
        if isinstance(decision, Complete):
            return self._take_out(decision)
        if isinstance(decision, Mismatch):
            reason, what = self._wording.different
            raise awaited.fault(reason, what.format(name=stream.name), program.doing())
        if stream.ended is EventKind.PEER_CLOSED and decision.at_rest is not None:
            return self._take_out(decision.at_rest)
        when = self._wording.cut_short if stream.received else self._wording.ended_first
        raise self.lost(when, awaited)

    def _decision(self, awaited: _Awaited) -> Decision:
        """What the reply is decided to be; Incomplete: the connection ended before it was.

        That a program has come to rest is presumed early enough for a fault, but where a reply is complete by that, it
        is waited for once more, to be proved.

        Raises:
            FaultError: nothing more will come.
        """
        __tracebackhide__ = True
        stream = self._stream
        # With more to send we look for space as well, which no readable descriptor shows.
        watched = [] if stream.unsent else [stream.sock.fileno()]
        rest: Complete | None = None
        for hurried in (True, False):
            try:
                stream.program.wait(awaited.decided, watched, hurried=hurried)
                return awaited.ask()
            except NoProgressError as stop:
                if (rest := awaited.at_rest()) is None:
                    raise self._missing(awaited, stop) from None
        assert rest is not None  # noqa: S101 — both rounds have ended in it
        return rest

    def _take_out(self, decision: Complete) -> Values:
        """The reply has come: what follows it belongs to the next."""
        del self._stream.received[: decision.length]
        self.ends = decision.ends
        return decision.values

    def _missing(self, awaited: _Awaited, stop: NoProgressError) -> FaultError:
        """Nothing arrived, or not all of it."""
        stream = self._stream
        row = stream.row()
        if row is not None and row.inode == 0 and row.state is TcpState.ESTABLISHED:
            return awaited.fault(Reason.NOT_ACCEPTED, f"{stream.name} was never accepted", stop.doing)
        reason, what = self._wording.partly if stream.received else self._wording.nothing
        words = what.format(name=stream.name, much=awaited.much)
        return awaited.fault(reason, f"{words}, and {no_more(stop)}", stop.doing)

    def lost(self, when: str, awaited: _Awaited | None = None) -> FaultError:
        """The connection's end as a fault; a crash of the program comes first, since it is the cause.

        `when`: when it ended, as the end of a sentence.
        """
        stream, program = self._stream, self._stream.program
        # A dying program's connections end before the program itself does.
        program.wait_rest(DYING_S)
        ending = program.ending()
        if ending is not None:
            reason, what = reason_of(ending), f"the program exited while {stream.name} was connected"
        elif stream.ended is EventKind.PEER_RESET:
            reason, what = Reason.RESET, f"the program reset {self._its_connection} {when}"
        else:
            reason, what = Reason.CLOSED_EARLY, f"the program closed {self._its_connection} {when}"
        if awaited is None:
            return FaultError(reason, what, doing=program.doing())
        return awaited.fault(reason, what, program.doing())

    def lost_while_sending(self) -> FaultError:
        """The same, when we were sending; what had arrived until then may say why."""
        fault = self.lost("while its message was being sent")
        return replace(fault, expected=b"", received=got) if (got := bytes(self._stream.received)) else fault

    @property
    def _its_connection(self) -> str:
        return self._wording.connection.format(name=self._stream.name)

    def expect_nothing(self, reason: Reason, what: str, silence_s: float = 0.0) -> None:
        """See `Connection.expect_nothing`."""
        __tracebackhide__ = True
        program = self._stream.program
        # What it has kept before tells nothing of a timer that is running now.
        stop = self._silent() if silence_s <= program.limits.reply_s else self._silent(program.limits.reply_s)
        if stop and stop.verdict in LATER and silence_s > program.limits.reply_s:
            stop = self._silent(silence_s)
        if stop:
            self._stream.transcript.add(EventKind.KERNEL, program.name, f"{stays_silent(stop)}: {stop.doing}")
            return
        if self._stream.received:
            raise self._too_much(reason, what)
        raise self.lost("too early")

    def _silent(self, within_s: float | None = None) -> NoProgressError | None:
        """Why nothing more will arrive, or does not from now on in this time; None if something does, or the end."""
        program, watched = self._stream.program, [self._stream.sock.fileno()]
        try:
            if within_s is None:
                program.wait_silent(self._came, watched)
            else:
                program.wait(self._came, watched, within_s, silent=True)
        except NoProgressError as stop:
            return stop
        return None

    def _came(self) -> bool | None:
        self._stream.take()
        return True if self._stream.received or self._stream.ended else None

    def _too_much(self, reason: Reason, what: str) -> FaultError:
        """Something arrived where nothing was expected."""
        return FaultError(reason, what, b"", bytes(self._stream.received), self._stream.program.doing())

    def expect_no_reply(self, reason: Reason, what: str) -> None:
        """See `Connection.expect_no_reply`."""
        __tracebackhide__ = True
        self._silent()
        if self._stream.received:
            raise self._too_much(reason, what)

    def expect_end(self) -> None:
        """See `Connection.expect_end`."""
        __tracebackhide__ = True
        stream = self._stream
        self.wait_ended()
        if stream.received:
            what = f"{stream.name} received more than it should before the connection ended"
            raise self._too_much(Reason.EXTRA_REPLY, what)
        if stream.ended is EventKind.PEER_RESET:
            what = f"the program reset {self._its_connection} instead of closing it"
            raise FaultError(Reason.RESET, what, doing=stream.program.doing())

    def wait_ended(self) -> None:
        """Until the connection has ended, or something has arrived.

        Raises:
            FaultError: neither does.
        """
        __tracebackhide__ = True
        try:
            self._stream.program.wait(self._came, [self._stream.sock.fileno()], hurried=True)
        except NoProgressError as stop:
            what = f"the program does not close {self._its_connection}"
            raise FaultError(Reason.NOT_CLOSED, what, doing=stop.doing) from None

    def take_unasked(self, most_s: float, most_bytes: int) -> bytes:
        """See `Connection.take_unasked`."""
        stream = self._stream
        within = Deadline(most_s)
        at_rest = False
        while not at_rest and stream.ended is None and len(stream.received) < most_bytes:
            before = len(stream.received)

            def came(before: int = before) -> bool | None:
                stream.take()
                return True if len(stream.received) > before or stream.ended else None

            try:
                stream.program.wait(came, [stream.sock.fileno()], within=within, rests=lambda *_: True, hurried=True)
            except (NoProgressError, UnprovedError):
                at_rest = True
        said = bytes(stream.received)
        stream.received.clear()
        return said

    def wait_left_out(self) -> None:
        """See `Connection.wait_left_out`."""
        stream = self._stream

        def come() -> bool | None:
            stream.take()
            return True if stream.ended or not stream.leaves_out else None

        with suppress(NoProgressError):
            stream.program.wait(come, [stream.sock.fileno()], hurried=True)

    def take_leave(self) -> None:
        """See `Connection.take_leave`."""
        __tracebackhide__ = True
        stream = self._stream

        def ended() -> bool | None:
            stream.take()
            stream.received.clear()
            return True if stream.ended else None

        if stream.ended is None:
            stream.half_close()
            with suppress(NoProgressError):
                stream.program.wait(ended, [stream.sock.fileno()], hurried=True)
        stream.close()

    def leave_unread(self) -> None:
        """See `Connection.leave_unread`."""
        __tracebackhide__ = True
        stream = self._stream
        try:
            stream.program.wait(lambda: stream.readable() or None, [stream.sock.fileno()], hurried=True)
        except NoProgressError as stop:
            what = f"{stream.name} received nothing, and {no_more(stop)}"
            raise FaultError(Reason.NO_REPLY, what, doing=stop.doing) from None
        stream.abandon()
