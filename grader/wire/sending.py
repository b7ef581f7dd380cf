"""Messages on their way to the program, and how we know how they arrived.

A fragment is known to have been read before the next is sent (a *gate*), several messages are known to have arrived as
one segment, a message and our FIN likewise.  Each is asked of the kernel, about the program's side of the connection.
A gate first looks some hundred times in a row, since a right program has read within microseconds; only then does it
ask what the program does.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from grader.errors import Reason
from grader.limits import PIECE_S
from grader.model import WITH_ITS_FIN, EventKind
from grader.protocol.script import pieces_of
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import SocketRow, TcpState
from grader.wire.own_time import Deadline
from grader.wire.receiving import Receiver
from grader.wire.stream import CLOSED_BY_PROGRAM, Stream
from grader.wire.transcript import Sending
from grader.wire.waiting import NoProgressError

T = TypeVar("T")

#: Looks of 15 microseconds each before a gate begins to ask what the program does.
_GATE_LOOKS = 200
#: When we first look whether the program looks at bytes without taking them; then half as often each time.
_FIRST_PEEK_S = 0.002


class Sender:
    """Sends on one stream; `receiver` tells how the stream has ended if it has."""

    def __init__(self, stream: Stream, receiver: Receiver) -> None:
        self._stream = stream
        self._receiver = receiver

    def send(self, data: bytes, pieces: int | Iterable[int] | None = None) -> None:
        """See `Connection.send`."""
        __tracebackhide__ = True
        stream = self._stream
        cut = pieces_of(data, pieces)
        reading = Deadline(stream.program.limits.reply_s + PIECE_S * len(cut))
        sending = stream.transcript.sending(stream.name, data)
        for number, piece in enumerate(cut):
            if number and stream.is_closed():
                # The kernel would accept one more piece, and nobody would read it.
                stream.take()
                raise self._receiver.lost_while_sending()
            self.push(piece, sending)
            if pieces is not None:
                self._wait_read(reading)

    def send_as_one_read(self, data: bytes) -> None:
        """See `Connection.send_as_one_read`."""
        __tracebackhide__ = True
        stream = self._stream
        before = stream.row()
        sending = stream.transcript.sending(stream.name, data, "to be read in one piece")
        if not self._takes_as_one_segment(data, before):
            self._collect(sending)
            return
        sent = stream.data_segments_sent()
        self.push(data, sending)
        row = self.wait_arrived()
        if row is None:
            stream.take()
            if not stream.received:  # it has no reason to close
                raise self._receiver.lost_while_sending()
            # It has answered and closed before we looked, as one does that serves one request per connection.
            one = stream.data_segments_sent() == sent + 1
        else:
            one = before is not None and row.segments_received == before.segments_received + 1
        if not one:
            raise UnprovedError("the messages did not arrive together")
        stream.transcript.add(EventKind.KERNEL, "grader", f"all {len(data)} bytes arrived together")

    def send_and_half_close(self, data: bytes) -> None:
        """See `Connection.send_and_half_close`."""
        __tracebackhide__ = True
        stream = self._stream
        before = stream.row()
        sending = stream.transcript.sending(stream.name, data, WITH_ITS_FIN)
        if not self._takes_as_one_segment(data, before):
            self._collect(sending, stream.half_close)
            return
        self.push(data, sending, socket.MSG_MORE)
        # What the kernel still holds back leaves together with the FIN (tcp_send_fin sets it on the last segment) ...
        held = stream.unsent_bytes() == len(data)
        stream.half_close()
        row = self.wait_arrived()
        # ... and that was one segment, as far as a program that is already gone still lets us see.
        one = row is None or (before is not None and row.segments_received == before.segments_received + 1)
        if not (held and one):
            raise UnprovedError("the message and the FIN did not arrive together")

    def send_and_leave(self, data: bytes, *, reset: bool) -> None:
        """See `Connection.send_and_leave`."""
        __tracebackhide__ = True
        stream = self._stream
        flags = 0 if reset else socket.MSG_MORE
        self.push(data, stream.transcript.sending(stream.name, data, "and left"), flags)
        if reset:
            self.wait_arrived()
            stream.reset()
        else:
            stream.close()

    def push(self, data: bytes, sending: Sending, flags: int = 0) -> None:
        """Send all of a message, or a piece of it."""
        __tracebackhide__ = True
        view = memoryview(data)
        while view:
            try:
                sent = self._stream.put(view, sending, flags, apart=len(view) == len(data))
            except BlockingIOError:
                self._wait_room()
                continue
            if sent is None:
                raise self._receiver.lost_while_sending()
            view = view[sent:]

    def _wait_room(self) -> None:
        """Until more can be sent; replies are read in the meantime, or the program might wait for that."""
        __tracebackhide__ = True
        stream = self._stream

        def room() -> bool | None:
            stream.take()
            return stream.has_room() or None

        try:
            stream.program.wait(room, hurried=True)
        except NoProgressError as stop:
            what = f"the program stopped reading after {stream.sent_bytes} bytes"
            raise self._unread(Reason.NOT_READ, what, stop) from None

    def _takes_as_one_segment(self, data: bytes, row: SocketRow | None) -> bool:
        """Whether the program's side takes that much in one segment.  How much it does is up to the program.

        By a small buffer (SO_RCVBUF), a small segment (TCP_MAXSEG), or by accepting no connection before bytes have
        arrived (TCP_DEFER_ACCEPT).
        """
        if row is None or row.state is TcpState.SYN_RECV:
            return False
        return len(data) <= self._stream.one_segment_bytes()

    def _collect(self, sending: Sending, behind_it: Callable[[], None] = lambda: None) -> None:
        """Send bytes while the program is frozen: they wait together in its queue, or as many of them as that takes.

        `behind_it`: what else is done then.  What doesn't fit is sent while the reply is read.
        """
        __tracebackhide__ = True
        stream = self._stream
        with stream.program.frozen():
            stream.begin_to_feed(sending)
            stream.feed()
            if not stream.unsent:
                behind_it()
            try:
                row = self.at_once(self._collected) or stream.program.wait(self._collected)
            except NoProgressError as stop:
                raise self.not_arrived(stop) from None
        size = len(sending.data)
        waiting = min(row.receive_queue, size)  # a FIN counts as one until it is read
        words = f"all {size} bytes arrived together"
        if waiting < size:
            words = f"{waiting} of {size} bytes arrived together: its receive buffer takes no more"
        stream.transcript.add(EventKind.KERNEL, "grader", words)

    def _collected(self) -> SocketRow | None:
        """The program's side, when everything has arrived there or nothing more fits."""
        stream = self._stream
        row = stream.row()
        if row is None or stream.ended:
            stream.take()
            raise self._receiver.lost_while_sending()
        full = stream.in_flight() == 0 and (stream.unsent or stream.unsent_bytes() > 0)
        all_there = not stream.unsent and row.bytes_received == stream.sent_bytes + stream.fin_sent
        return row if all_there or full else None

    def wait_arrived(self) -> SocketRow | None:
        """Until everything sent is in the program's receive queue or already read; its row, None when it has closed."""
        __tracebackhide__ = True
        stream = self._stream

        def arrived() -> tuple[SocketRow | None] | None:
            row = stream.row()
            if row is None or (row.state in CLOSED_BY_PROGRAM and not row.inode):
                return (None,)
            return (row,) if row.bytes_received == stream.sent_bytes + stream.fin_sent else None

        try:
            return (self.at_once(arrived) or stream.program.wait(arrived))[0]
        except NoProgressError as stop:
            raise self.not_arrived(stop) from None

    def not_arrived(self, stop: NoProgressError) -> FaultError | UnprovedError:
        """What was sent has not arrived: the program reads so little that there is no space, or nobody knows why."""
        row = self._stream.row()
        if row is not None and row.receive_queue > 0:
            name = self._stream.name
            what = f"no more of {name}'s message fits: {row.receive_queue} bytes of it are waiting to be read"
            return FaultError(Reason.NOT_READ, what, doing=stop.doing)
        return UnprovedError("what was sent did not arrive", doing=stop.doing)

    @staticmethod
    def at_once(ready: Callable[[], T | None]) -> T | None:
        """What a few quick looks at the kernel's facts give, before anything is asked of the program."""
        for _ in range(_GATE_LOOKS):
            if (found := ready()) is not None:
                return found
        return None

    def wait_read(self) -> None:
        """See `Connection.wait_read`."""
        __tracebackhide__ = True
        self._wait_read(Deadline(self._stream.program.limits.reply_s))

    def _wait_read(self, deadline: Deadline) -> None:
        """The gate for a piece of a message.

        A program that leaves bytes where they are may have looked at them: asleep in such a look, or in many of them.
        """
        __tracebackhide__ = True
        stream = self._stream
        program = stream.program
        began = time.monotonic()
        look_at, pause_s = 0.0, _FIRST_PEEK_S
        row: SocketRow | None = None

        def read() -> bool | None:
            nonlocal row
            row = stream.row()
            if row is None or row.state in {TcpState.FIN_WAIT1, TcpState.FIN_WAIT2, TcpState.TIME_WAIT}:
                return True  # it has closed; what is awaited next will tell
            return True if row.bytes_received == stream.sent_bytes and row.receive_queue == 0 else None

        def read_or_seen() -> bool | None:
            nonlocal look_at, pause_s
            if read():
                return True
            now = time.monotonic()
            if row is None or row.bytes_received != stream.sent_bytes or now < look_at:
                return None
            look_at, pause_s = now + pause_s, 2 * pause_s
            stopped_s = program.warden.stopped_s
            has_looked = row.inode != 0 and program.has_looked(row.inode, for_s=now - began)
            # On a busy machine it may take long until it stops, and until we are given a CPU to let it continue.
            within.excuse(program.warden.stopped_s - stopped_s)
            return has_looked or None

        if self.at_once(read):
            return
        # To catch it takes time that is ours.
        within = Deadline(program.limits.reply_s) if program.stops.peeks else deadline
        try:
            program.wait(read_or_seen, within=within, hurried=True)
        except NoProgressError as stop:
            if row is not None and not row.inode:
                raise self._unread(Reason.NOT_ACCEPTED, f"{stream.name} was never accepted", stop) from None
            unread = row.receive_queue if row else 0
            what = f"{unread} byte{'s' * (unread != 1)} from {stream.name} left unread"
            raise self._unread(Reason.NOT_READ, what, stop) from None

    def _unread(self, reason: Reason, what: str, stop: NoProgressError) -> FaultError:
        """What was sent is not read; what had arrived until then may say why."""
        self._stream.take()
        return FaultError(reason, what, b"", bytes(self._stream.received), stop.doing)
