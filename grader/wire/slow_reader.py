"""A client that reads nothing while it sends: the program's replies fill the buffers of both sides.

What is awaited is a program that *rests* with a reply that it can't get rid of.  While it works it may still read, or
send what our window takes; so we look at the program, and at its queues before and after that look, and send again
whatever fits.  Only when nothing fits any more, nothing moves, and bytes wait in its send queue, is the situation there
that the check is about.  A program that spins never rests: it gets a while in which nothing moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from grader.errors import Reason
from grader.limits import READS_LATE_S, SETTLE_S, UNREST_S
from grader.model import EventKind
from grader.wire.faults import FaultError
from grader.wire.receiving import Receiver
from grader.wire.sending import Sender
from grader.wire.stream import CLOSED_BY_PROGRAM, Stream
from grader.wire.waiting import NoProgressError, Why


class SlowReader:
    """Sends on one stream without reading."""

    def __init__(self, stream: Stream, sender: Sender, receiver: Receiver) -> None:
        self._stream = stream
        self._sender = sender
        self._receiver = receiver

    def send(self, data: bytes, *, may_close: bool) -> None:
        """See `Connection.send_without_reading`."""
        __tracebackhide__ = True
        stream = self._stream
        stream.begin_to_feed(stream.transcript.sending(stream.name, data, "without reading the replies"))
        self._wait_resting(self._rests)
        row = stream.row()
        closed = row is not None and row.state in CLOSED_BY_PROGRAM and not (may_close and row.send_queue > 0)
        if stream.ended or row is None or closed:
            stream.note_reset()
            raise self._receiver.lost("while its replies were not read")
        if row.send_queue == 0:
            unread, all_bytes = row.receive_queue, f"the {stream.sent_bytes} bytes that {stream.name} sent"
            read = f"it left {unread} of {all_bytes} unread" if unread else f"it read {all_bytes}"
            reason = Reason.NOT_READ if unread else Reason.NO_REPLY
            raise FaultError(reason, f"{read}, and has nothing to send", doing=stream.program.doing())
        words = f"{row.send_queue} bytes wait in its send queue, {row.receive_queue} in its receive queue"
        stream.transcript.add(EventKind.KERNEL, stream.program.name, f"{words}; {stream.program.doing()}")

    def let_timers_expire(self) -> None:
        """See `Connection.leave_unread_for_a_while`."""
        __tracebackhide__ = True
        stream = self._stream

        until = time.monotonic() + READS_LATE_S

        def over() -> bool | None:
            stream.feed()
            return True if stream.ended or time.monotonic() > until else None

        # By the clock, since no verdict depends on it, and a program that goes on reading would be given more and more
        # time.  Whether it is still may be presumed: whatever it does later, its replies must be right.
        with suppress(NoProgressError):
            stream.program.wait(over, deadline_s=READS_LATE_S, hurried=True)

    def _rests(self) -> bool | None:
        """Whether the program rests with something to send, or the connection has ended."""
        stream = self._stream
        before = stream.row()
        # Asked again after the look: what was read meanwhile has made room.
        if stream.feed() or stream.ended or not stream.program.at_rest() or stream.feed():
            return True if stream.ended else None
        row = stream.row()
        if before is None or row is None:
            return True if row is None else None
        # Before the look and after it, since the kernel sends the last part that fits a window with delay (200 ms):
        # one that has read all and gets more in a moment has not stopped reading.
        reads_no_more = before.receive_queue > 0 and row.receive_queue > 0
        has_read_all = row.receive_queue == 0 and row.bytes_received == stream.sent_bytes and not stream.unsent
        # With nothing to be sent it only sleeps on a timer of its own, and has not tried to answer yet.
        return True if row.send_queue > 0 and (reads_no_more or has_read_all) else None

    def _wait_resting(self, rests: Callable[[], bool | None]) -> None:
        __tracebackhide__ = True
        stream = self._stream
        deadline_s, reply_s = UNREST_S, stream.program.limits.reply_s
        while True:
            sent_before = stream.sent_bytes
            try:
                stream.program.wait(rests, deadline_s=deadline_s, hurried=True)
            except NoProgressError as stop:
                if stop.why is Why.STILL and stream.sent_bytes > sent_before:
                    continue  # it was, but then more of ours could go
                row = stream.row()
                if stop.why is Why.DEADLINE and deadline_s < reply_s and row is not None and row.send_queue == 0:
                    deadline_s = reply_s  # it may still be working on the first reply
                    continue
            # At rest; or its end, or all that time in which nothing moved: one that spins never rests.
            return

    def send_when_it_rests(self, data: bytes, pieces: int) -> None:
        """See `Connection.send_when_it_rests`."""
        __tracebackhide__ = True
        stream = self._stream
        sending = stream.transcript.sending(stream.name, data, "each piece when the program rested")
        for at in range(0, len(data), pieces):
            self._must_bear_more()
            self._sender.push(data[at : at + pieces], sending)
            with suppress(NoProgressError):
                stream.program.wait(self._settled)
        self._must_bear_more()
        stream.half_close()
        self._must_bear_more()

    def _settled(self) -> bool | None:
        """Whether what was sent has arrived at a socket that somebody holds, or was answered by a RST."""
        row = self._stream.row()
        arrived = row is not None and row.inode != 0 and row.bytes_received == self._stream.sent_bytes
        return arrived or self._stream.has_met_reset() or None

    def _must_bear_more(self) -> None:
        """It rests, or has had a while, and all that was begun has gone; our side has met no RST."""
        __tracebackhide__ = True
        stream = self._stream

        def gone() -> bool | None:
            stream.feed()
            return not stream.unsent or stream.ended is not None or None

        try:
            stream.program.wait(gone, hurried=True)
        except NoProgressError as stop:
            raise self._sender.not_arrived(stop) from None
        stream.program.wait_rest(SETTLE_S)
        if stream.has_met_reset() or stream.ended:
            stream.note_reset()
            raise self._receiver.lost("when more arrived than it read, so a client may lose what it has not read yet")
