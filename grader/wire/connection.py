"""One end of a TCP connection to the program, ours: bytes sent fragment by fragment, and bytes awaited.

It does not know who has connected to whom.  A fragment is known to have been read before the next is sent (a *gate*),
several messages are known to have arrived as one segment, bytes that will never come are known not to come.  What did
not hold is raised as `FaultError`; what could not be set up as `UnprovedError`.
"""

from __future__ import annotations

import array
import errno
import fcntl
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from grader.errors import Reason
from grader.limits import REPLY_S, RESTLESS_SETTLE_S, SETTLE_S, UNREST_S
from grader.model import EventKind
from grader.protocol.script import pieces_of
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint, SocketRow, SocketTable, TcpState
from grader.wire.own_time import Deadline
from grader.wire.program import Program
from grader.wire.transcript import Sending
from grader.wire.waiting import NoProgressError, Why, no_more

T = TypeVar("T")

#: Looks of 15 microseconds each before a gate begins to ask what the program does.
_GATE_LOOKS = 200
#: When we first look whether the program looks at bytes without taking them; then half as often each time.
_FIRST_PEEK_S = 0.002
_CHUNK_BYTES = 1 << 16
#: Linux sends at most half the receiver's window in one segment, 32 741 bytes on a fresh loopback connection.
_ONE_SEGMENT_BYTES = 16 * 1024
#: How long a program that closed a connection may take to die from the same cause, when the kernel can't tell.
DYING_S = 1.0
_SIOCOUTQNSD = 0x894B
#: Our buffers.  The sandbox gives every other socket a tiny send buffer; ours must not be what slows a long message.
_SEND_BUFFER_BYTES = 1 << 18
_READ_BUFFER_BYTES = 1 << 18
#: struct tcp_info (linux/tcp.h): segments sent and not acknowledged, and the window that the other side has told.
_TCPI_UNACKED = 24
_TCPI_SND_WND = 228
#: States of a connection that the program has closed, when nobody holds its socket any more (inode 0).  In the last two
#: its FIN is acknowledged, and the kernel keeps little more of it than its ends.
CLOSED_BY_PROGRAM = frozenset({TcpState.FIN_WAIT1, TcpState.CLOSING, TcpState.FIN_WAIT2, TcpState.TIME_WAIT})
_FINISHED = frozenset({TcpState.FIN_WAIT2, TcpState.TIME_WAIT})
_RESETS = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}


class Connection:
    """Our end of one connection.  A context manager: it is closed at the end, whatever happened.

    A `slow` one has tiny buffers and reads nothing until it expects something.
    """

    def __init__(
        self,
        program: Program,
        table: SocketTable,
        sock: socket.socket,
        theirs: Endpoint,
        name: str,
        *,
        slow: bool = False,
    ) -> None:
        self.name = name
        self.theirs = theirs
        self.slow = slow
        self._unsent = memoryview(b"")
        self._sending: Sending | None = None
        self.sent_bytes = 0
        self.fin_sent = False
        self.reset_sent = False
        self._program = program
        self._table = table
        self._transcript = program.transcript
        self._received = bytearray()
        #: What is left out when it arrives first, and how much of it has arrived so far.
        self._left_out = b""
        self._perhaps_left_out = b""
        self._wanted_bytes = _CHUNK_BYTES
        self.received_bytes = 0
        self._ended: EventKind | None = None
        self._reset_met = False
        self._sock = sock
        self.ours = Endpoint(*sock.getsockname()[:2])
        program.talks.meet(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What waiting asks (`Talk`)

    def row(self) -> SocketRow | None:
        """The program's side of the connection."""
        return self._table.find(self.theirs, self.ours)

    def delivered(self) -> bool:
        """Whether nothing is on its way, in either direction, the ends of a closed connection included."""
        row = self.row()
        if row is None or _is_gone(row):
            return True
        if self.reset_sent:
            return False
        if self.slow and self._sock.fileno() != -1:
            # What the program has to send has met our closed window, and moves only when we read.  What we have to send
            # goes on as long as the program reads it: the kernel sends the last part that fits a window with delay.
            reads_no_more = row.receive_queue > 0
            at_rest = row.in_flight == 0 and _in_flight(self._sock) == 0
            return at_rest and (reads_no_more or _unsent_bytes(self._sock) == 0)
        if self._unsent:
            return False
        # A FIN takes one number of the sequence, and counts as a byte received.
        arrived = row.bytes_received == self.sent_bytes + self.fin_sent
        return arrived and row.send_queue == 0 and row.state is not TcpState.SYN_RECV

    def traffic(self) -> tuple[int, int]:
        """How many bytes of ours it has read, and how many of its we have."""
        row = self.row()
        return (row.bytes_received - row.receive_queue if row else 0), self.received_bytes

    # Sending

    def send(self, data: bytes, pieces: int | Iterable[int] | None = None) -> None:
        """Send bytes; with `pieces` in pieces of that length (or those lengths), each read before the next is sent.

        Raises:
            FaultError: the program does not read them, or not all the pieces together in the time for one reply; or it
                closes the connection before the last piece.
        """
        __tracebackhide__ = True
        reading, taken = Deadline(REPLY_S), self.traffic()[0]
        cut = pieces_of(data, pieces)
        sending = self._transcript.sending(self.name, data)
        for number, piece in enumerate(cut):
            if number and self._is_closed():
                # The kernel would accept one more piece, and nobody would read it.
                self._take()
                raise self._lost_while_sending()
            self._push(piece, sending)
            if pieces is not None:
                self._wait_read(reading, taken)

    def send_as_one_read(self, data: bytes) -> None:
        """Send bytes so that one recv of the program can return them all, and see that this is so.

        One segment enters the program's receive queue in one step, so no reader ever sees part of it.  More than fits
        in a segment is collected in the queue while the program is frozen, as much as the program's own buffer takes.
        Freezing is the second choice: it makes epoll_wait(2) and receives with a timeout fail with EINTR, for which a
        correct program need not be prepared (signal(7), "Interruption of system calls and library functions by stop
        signals").

        Raises:
            UnprovedError: it did not arrive like that.
        """
        __tracebackhide__ = True
        before = self.row()
        sending = self._transcript.sending(self.name, data, "to be read in one piece")
        if not self._takes_as_one_segment(data, before):
            self._collect(sending)
            return
        self._push(data, sending)
        row = self._wait_arrived_open()
        if before is None or row.segments_received != before.segments_received + 1:
            raise UnprovedError("the messages did not arrive together")
        self._transcript.add(EventKind.KERNEL, "grader", f"all {len(data)} bytes arrived together")

    def send_and_half_close(self, data: bytes) -> None:
        """Send bytes and our FIN in one segment: whoever reads the bytes has already received the FIN.

        Raises:
            UnprovedError: they did not arrive like that.
        """
        __tracebackhide__ = True
        before = self.row()
        sending = self._transcript.sending(self.name, data, "with its FIN in the same segment")
        if not self._takes_as_one_segment(data, before):
            self._collect(sending, self.half_close)
            return
        self._push(data, sending, socket.MSG_MORE)
        # What the kernel still holds back leaves together with the FIN (tcp_send_fin sets it on the last segment) ...
        held = _unsent_bytes(self._sock) == len(data)
        self.half_close()
        row = self.wait_arrived()
        # ... and that was one segment, as far as a program that is already gone still lets us see.
        one = row is None or (before is not None and row.segments_received == before.segments_received + 1)
        if not (held and one):
            raise UnprovedError("the message and the FIN did not arrive together")

    def send_and_leave(self, data: bytes, *, reset: bool) -> None:
        """Send bytes and leave before they can be answered: by a FIN in one segment with them, or by a RST.

        After the FIN the first thing the program sends is answered with a RST, and the next meets EPIPE or SIGPIPE;
        after a RST of ours already the first fails (ECONNRESET).

        Raises:
            FaultError: the program has closed the connection before.
        """
        __tracebackhide__ = True
        self._push(data, self._transcript.sending(self.name, data, "and left"), 0 if reset else socket.MSG_MORE)
        if reset:
            self.wait_arrived()
            self.reset()
        else:
            self.close()

    def send_when_it_rests(self, data: bytes, pieces: int) -> None:
        """Send bytes after a last message, in pieces of that length, then our FIN; nothing is read meanwhile.

        Before each the program comes to rest, so that it has done whatever it does about those before: who closes
        when nothing is left to be read has closed then, and the next piece meets a RST.  So does the FIN of a client
        whose last bytes the program has left unread.

        Raises:
            FaultError: it met a RST, which costs a client all that it has not read yet.
        """
        __tracebackhide__ = True
        sending = self._transcript.sending(self.name, data, "each piece when the program rested")
        for at in range(0, len(data), pieces):
            self._must_bear_more()
            self._push(data[at : at + pieces], sending)
            with suppress(NoProgressError):
                self._program.wait(self._settled)
        self._must_bear_more()
        self.half_close()
        self._must_bear_more()

    def _settled(self) -> bool | None:
        """Whether what was sent has arrived at a socket that somebody holds, or was answered by a RST."""
        row = self.row()
        arrived = row is not None and row.inode != 0 and row.bytes_received == self.sent_bytes
        return arrived or self._has_met_reset() or None

    def _must_bear_more(self) -> None:
        """It rests, or has had a while, and all that was begun has gone; our side has met no RST."""
        __tracebackhide__ = True

        def gone() -> bool | None:
            self._feed()
            return not self._unsent or self._ended is not None or None

        try:
            self._program.wait(gone, hurried=True)
        except NoProgressError as stop:
            raise self._not_arrived(stop) from None
        self._program.wait_rest(SETTLE_S)
        if self._has_met_reset() or self._ended:
            self._note_reset()
            raise self._lost("when more arrived than it read, so a client may lose what it has not read yet")

    def _has_met_reset(self) -> bool:
        """Whether the program's side has sent a RST.

        Behind its FIN recv(2) does not tell of one, only the socket's pending error does, and that once.
        """
        self._reset_met = self._reset_met or self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in _RESETS
        return self._reset_met

    def _takes_as_one_segment(self, data: bytes, row: SocketRow | None) -> bool:
        """Whether the program's side takes that much in one segment.  How much it does is up to the program.

        By a small buffer (SO_RCVBUF), a small segment (TCP_MAXSEG), or by accepting no connection before bytes have
        arrived (TCP_DEFER_ACCEPT).
        """
        if row is None or row.state is TcpState.SYN_RECV:
            return False
        # By no more than half its window does Linux send a segment; a full one would not be held back for a FIN.
        room = min(_segment_bytes(self._sock) - 1, _window_bytes(self._sock) // 2)
        return len(data) <= min(_ONE_SEGMENT_BYTES, room)

    def _collect(self, sending: Sending, behind_it: Callable[[], None] = lambda: None) -> None:
        """Send bytes while the program is frozen: they wait together in its queue, or as many of them as that takes.

        `behind_it`: what else is done then.  What doesn't fit is sent while the reply is read.
        """
        __tracebackhide__ = True
        with self._program.frozen():
            self._begin_to_feed(sending)
            self._feed()
            if not self._unsent:
                behind_it()
            try:
                row = self._at_once(self._collected) or self._program.wait(self._collected)
            except NoProgressError as stop:
                raise self._not_arrived(stop) from None
        size = len(sending.data)
        waiting = min(row.receive_queue, size)  # a FIN counts as one until it is read
        words = f"all {size} bytes arrived together"
        if waiting < size:
            words = f"{waiting} of {size} bytes arrived together: its receive buffer takes no more"
        self._transcript.add(EventKind.KERNEL, "grader", words)

    def _collected(self) -> SocketRow | None:
        """The program's side, when everything has arrived there or nothing more fits."""
        row = self.row()
        if row is None or self._ended:
            self._take()
            raise self._lost_while_sending()
        full = _in_flight(self._sock) == 0 and (self._unsent or _unsent_bytes(self._sock) > 0)
        all_there = not self._unsent and row.bytes_received == self.sent_bytes + self.fin_sent
        return row if all_there or full else None

    def _push(self, data: bytes, sending: Sending, flags: int = 0) -> None:
        """Send all of a message, or a piece of it."""
        __tracebackhide__ = True
        view = memoryview(data)
        while view:
            try:
                sent = self._sock.send(view[:_CHUNK_BYTES], flags)
            except BlockingIOError:
                self._wait_room()
                continue
            except OSError as error:
                self._meet_end(error)
                raise self._lost_while_sending() from None
            self.sent_bytes += sent
            self._program.told(sent)
            sending.went(sent, apart=len(view) == len(data))
            view = view[sent:]

    def _meet_end(self, error: OSError) -> None:
        """A send has met the connection's end: what had arrived before can be read, and counts."""
        if error.errno not in _RESETS:
            raise error
        # Linux tells of a reset once, here or there; of one that answers bytes behind the program's FIN, by EPIPE.
        self._reset_met = error.errno == errno.ECONNRESET
        self._take()
        self._note_end()

    def _lost_while_sending(self) -> FaultError:
        got = bytes(self._received) or None
        return self._lost("while its message was being sent", b"" if got else None, got)

    def _is_closed(self) -> bool:
        """Whether the program has closed its socket, as far as the kernel still tells."""
        row = self.row()
        return row is not None and not row.inode and row.state in CLOSED_BY_PROGRAM

    def _wait_room(self) -> None:
        """Until more can be sent; replies are read in the meantime, or the program might wait for that."""
        __tracebackhide__ = True

        def room() -> bool | None:
            self._take()
            try:
                self._sock.send(b"")
            except OSError:
                return True  # the next send tells which
            return True if writable(self._sock) else None

        try:
            self._program.wait(room, hurried=True)
        except NoProgressError as stop:
            what = f"the program stopped reading after {self.sent_bytes} bytes"
            raise self._unread(Reason.NOT_READ, what, stop) from None

    def wait_arrived(self) -> SocketRow | None:
        """Until everything sent is in the program's receive queue or already read; its row, None when it has closed."""
        __tracebackhide__ = True

        def arrived() -> tuple[SocketRow | None] | None:
            row = self.row()
            if row is None or (row.state in CLOSED_BY_PROGRAM and not row.inode):
                return (None,)
            return (row,) if row.bytes_received == self.sent_bytes + self.fin_sent else None

        try:
            return (self._at_once(arrived) or self._program.wait(arrived))[0]
        except NoProgressError as stop:
            raise self._not_arrived(stop) from None

    def _not_arrived(self, stop: NoProgressError) -> FaultError | UnprovedError:
        """What was sent has not arrived: the program reads so little that there is no space, or nobody knows why."""
        row = self.row()
        if row is not None and row.receive_queue > 0:
            what = f"no more of {self.name}'s message fits: {row.receive_queue} bytes of it are waiting to be read"
            return FaultError(Reason.NOT_READ, what, doing=stop.doing)
        return UnprovedError("what was sent did not arrive", doing=stop.doing)

    def _wait_arrived_open(self) -> SocketRow:
        """The same, if the program has no reason to close (FaultError: it has)."""
        __tracebackhide__ = True
        row = self.wait_arrived()
        if row is None:
            self._take()
            raise self._lost_while_sending()
        return row

    @staticmethod
    def _at_once(ready: Callable[[], T | None]) -> T | None:
        """What a few quick looks at the kernel's facts give, before anything is asked of the program."""
        for _ in range(_GATE_LOOKS):
            if (found := ready()) is not None:
                return found
        return None

    def send_without_reading(self, data: bytes) -> None:
        """Send as much as possible, reading nothing, until the program rests with a reply that it can't get rid of.

        One that never rests gets a while in which nothing moves, and the time for a reply before it sends anything.
        What did not fit is sent while the reply is read.

        Raises:
            FaultError: the connection ended, or the program rests without one.
        """
        __tracebackhide__ = True
        self._begin_to_feed(self._transcript.sending(self.name, data, "without reading the replies"))

        def rests() -> bool | None:
            before = self.row()
            # Asked again after the look: what was read meanwhile has made room.
            if self._feed() or self._ended or not self._program.at_rest() or self._feed():
                return True if self._ended else None
            row = self.row()
            if before is None or row is None:
                return True if row is None else None
            # Before the look and after it, since the kernel sends the last part that fits a window with delay (200 ms):
            # one that has read all and gets more in a moment has not stopped reading.
            reads_no_more = before.receive_queue > 0 and row.receive_queue > 0
            has_read_all = row.receive_queue == 0 and row.bytes_received == self.sent_bytes and not self._unsent
            # With nothing to be sent it only sleeps on a timer of its own, and has not tried to answer yet.
            return True if row.send_queue > 0 and (reads_no_more or has_read_all) else None

        self._wait_resting(rests)
        row = self.row()
        if self._ended or row is None or row.state in CLOSED_BY_PROGRAM:
            self._note_reset()
            raise self._lost("while its replies were not read")
        if row.send_queue == 0:
            unread, all_bytes = row.receive_queue, f"the {self.sent_bytes} bytes that {self.name} sent"
            read = f"it left {unread} of {all_bytes} unread" if unread else f"it read {all_bytes}"
            reason = Reason.NOT_READ if unread else Reason.NO_REPLY
            raise FaultError(reason, f"{read}, and has nothing to send", doing=self._program.doing())
        words = f"{row.send_queue} bytes wait in its send queue, {row.receive_queue} in its receive queue"
        self._transcript.add(EventKind.KERNEL, self._program.name, f"{words}; {self._program.doing()}")

    def _wait_resting(self, rests: Callable[[], bool | None]) -> None:
        __tracebackhide__ = True
        deadline_s = UNREST_S
        while True:
            sent_before = self.sent_bytes
            try:
                self._program.wait(rests, deadline_s=deadline_s, hurried=True)
            except NoProgressError as stop:
                if stop.why is Why.STILL and self.sent_bytes > sent_before:
                    continue  # it was, but then more of ours could go
                row = self.row()
                if stop.why is Why.DEADLINE and deadline_s < REPLY_S and row is not None and row.send_queue == 0:
                    deadline_s = REPLY_S  # it may still be working on the first reply
                    continue
            # At rest; or its end, or all that time in which nothing moved: one that spins never rests.
            return

    def _begin_to_feed(self, sending: Sending) -> None:
        self._sending, self._unsent = sending, sending.data

    def _feed(self) -> bool:
        """Send what now fits of what is left over; whether any did."""
        before = self.sent_bytes
        while self._unsent and not self._ended:
            try:
                sent = self._sock.send(self._unsent[:_CHUNK_BYTES])
            except BlockingIOError:
                break
            except OSError as error:
                self._meet_end(error)
                break
            self.sent_bytes += sent
            self._program.told(sent)
            if self._sending:
                self._sending.went(sent)
            self._unsent = self._unsent[sent:]
        return self.sent_bytes > before

    def _read_on(self) -> None:
        """A slow client starts reading: with a buffer like any other's."""
        if self.slow:
            self.slow = False
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _READ_BUFFER_BYTES)

    def wait_read(self) -> None:
        """The gate: until the program has read everything that was sent, or has looked at it."""
        __tracebackhide__ = True
        self._wait_read(Deadline(REPLY_S), self.traffic()[0])

    def _wait_read(self, deadline: Deadline, taken: int) -> None:
        """The same for a piece of a message; so many bytes had been read before its first.

        A program that never rests and has read none of it may have looked at it all the same: it goes on, and what it
        answers wrong is wrong.
        """
        __tracebackhide__ = True
        look_at, pause_s = 0.0, _FIRST_PEEK_S
        row: SocketRow | None = None

        def read() -> bool | None:
            nonlocal row
            row = self.row()
            if row is None or row.state in {TcpState.FIN_WAIT1, TcpState.FIN_WAIT2, TcpState.TIME_WAIT}:
                return True  # it has closed; what is awaited next will tell
            return True if row.bytes_received == self.sent_bytes and row.receive_queue == 0 else None

        def read_or_seen() -> bool | None:
            nonlocal look_at, pause_s
            if read():
                return True
            now = time.monotonic()
            if row is None or row.bytes_received != self.sent_bytes or now < look_at:
                return None
            look_at, pause_s = now + pause_s, 2 * pause_s
            return (row.inode != 0 and self._program.looks.has_peeked(row.inode)) or None

        if self._at_once(read):
            return
        within = Deadline(RESTLESS_SETTLE_S) if self._program.stops.leaves_unread else deadline
        try:
            self._program.wait(read_or_seen, within=within, hurried=True)
        except NoProgressError as stop:
            if row is not None and not row.inode:
                raise self._unread(Reason.NOT_ACCEPTED, f"{self.name} was never accepted", stop) from None
            unread = row.receive_queue if row else 0
            if row is not None and stop.why is Why.DEADLINE and row.bytes_received - unread == taken:
                self._program.stops.note_unread()
                return
            what = f"{unread} byte{'s' * (unread != 1)} from {self.name} left unread"
            raise self._unread(Reason.NOT_READ, what, stop) from None

    def _unread(self, reason: Reason, what: str, stop: NoProgressError) -> FaultError:
        """What was sent is not read; what had arrived until then may say why."""
        self._take()
        return FaultError(reason, what, b"", bytes(self._received), stop.doing)

    # Receiving

    def want(self, reply: bytes) -> None:
        """How much is awaited; of an endless reply just enough more is read to show it."""
        self._wanted_bytes = len(reply) + _CHUNK_BYTES

    def _take(self) -> None:
        """Move what has arrived into our buffer, without waiting."""
        while self._ended is None and len(self._received) < self._wanted_bytes:
            try:
                chunk = self._sock.recv(_CHUNK_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in _RESETS:
                    raise
                self._note_reset()
                return
            if not chunk:
                self._note_end()
                return
            self.received_bytes += len(chunk)
            self._transcript.add(EventKind.RECEIVED, self.name, data=chunk)
            self._received += self._without_left_out(chunk) if self._left_out else chunk
            # So that the other kernel knows immediately that nothing is on its way.
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def leave_out(self, words: bytes) -> None:
        """What arrives first is not counted as received if it is this, or as many lines as this."""
        self._left_out = words

    def _without_left_out(self, chunk: bytes) -> bytes:
        """What has arrived after the part that is left out; nothing while it may still be just that part."""
        words, got = self._left_out, self._perhaps_left_out + chunk
        if words.endswith(b"\n"):
            *lines, rest = got.split(b"\n", words.count(b"\n"))
            complete = len(lines) == words.count(b"\n")
        else:
            rest = got.removeprefix(words)
            complete = not words.startswith(got) or not rest
        self._left_out, self._perhaps_left_out = (b"", b"") if complete else (words, got)
        return rest if complete else b""

    def take_unasked(self, most_s: float, most_bytes: int) -> bytes:
        """Take out everything that arrives until the program rests, for so long of its own time, or so many bytes."""
        within = Deadline(most_s)
        at_rest = False
        while not at_rest and self._ended is None and len(self._received) < most_bytes:
            before = len(self._received)

            def came(before: int = before) -> bool | None:
                self._take()
                return True if len(self._received) > before or self._ended else None

            try:
                self._program.wait(came, [self._sock.fileno()], within=within, rests=lambda _: True, hurried=True)
            except (NoProgressError, UnprovedError):
                at_rest = True
        said = bytes(self._received)
        self._received.clear()
        return said

    def _note_reset(self) -> None:
        self._reset_met = True
        self._note_end()

    def _note_end(self) -> None:
        """The program has closed or reset its side."""
        if self._ended is None:
            self._ended = EventKind.PEER_RESET if self._reset_met else EventKind.PEER_CLOSED
            self._transcript.add(self._ended, self.name)

    def expect(self, reply: bytes) -> None:
        """The next bytes to arrive are exactly these; more may follow them."""
        __tracebackhide__ = True
        self.want(reply)
        self._read_on()
        matching = 0

        def enough() -> bool | None:
            nonlocal matching
            self._feed()
            self._take()
            end = min(len(self._received), len(reply))
            if self._received[matching:end] != reply[matching:end]:
                return True
            matching = end
            return True if end == len(reply) or self._ended else None

        # With more to send we look for space as well, which no readable descriptor shows.
        watched = [] if self._unsent else [self._sock.fileno()]
        try:
            self._program.wait(enough, watched, hurried=True)
        except NoProgressError as stop:
            raise self._missing(reply, stop) from None
        got = bytes(self._received[: len(reply)])
        if got == reply:
            del self._received[: len(reply)]
            return
        if self._ended and reply.startswith(got):
            raise self._lost(self._when_cut_short(got), reply, got)
        raise self._wrong(reply)

    def _when_cut_short(self, got: bytes) -> str:
        """When the connection has ended, as the end of a sentence."""
        return "before its reply was complete" if got else "instead of replying"

    def _wrong(self, reply: bytes) -> FaultError:
        """Different bytes arrived."""
        what = f"{self.name} received a different reply"
        return FaultError(Reason.WRONG_REPLY, what, reply, bytes(self._received), self._program.doing())

    def _missing(self, reply: bytes, stop: NoProgressError) -> FaultError:
        """Nothing arrived, or not all of it."""
        got = bytes(self._received)
        if got:
            what = (
                f"{self.name} did not receive its whole reply ({len(got)} of {len(reply)} bytes), and {no_more(stop)}"
            )
            return FaultError(Reason.INCOMPLETE_REPLY, what, reply, got, stop.doing)
        return FaultError(
            Reason.NO_REPLY, f"{self.name} received no reply, and {no_more(stop)}", reply, b"", stop.doing
        )

    def _lost(self, when: str, reply: bytes | None = None, got: bytes | None = None) -> FaultError:
        """The connection's end as a fault; a crash of the program comes first, since it is the cause."""
        # A dying program's connections end before the program itself does.
        self._program.wait_rest(DYING_S)
        ending = self._program.ending()
        if ending is not None:
            what = f"the program exited while {self.name} was connected"
            return FaultError(reason_of(ending), what, reply, got, self._program.doing())
        reset = self._ended is EventKind.PEER_RESET
        what = f"the program {'reset' if reset else 'closed'} {self._its_connection} {when}"
        return FaultError(Reason.RESET if reset else Reason.CLOSED_EARLY, what, reply, got, self._program.doing())

    @property
    def _its_connection(self) -> str:
        return f"{self.name}'s connection"

    def expect_nothing(self, reason: Reason, what: str) -> None:
        """Nothing arrives, and the connection stays open: until the program is still, or as long as a reply may take.

        A program that never rests is not still; but if it had the time that a reply may take, on a CPU or asleep
        of its own accord, and sent nothing, it has not replied.

        Raises:
            FaultError: with that reason and sentence when something arrives.
            UnprovedError: the machine did not give it that time.
        """
        __tracebackhide__ = True
        if stop := self._silent():
            how = "is still" if stop.why is Why.STILL else "has had the time allowed for a reply"
            self._transcript.add(EventKind.KERNEL, self._program.name, f"{how}: {stop.doing}")
            return
        if self._received:
            raise FaultError(reason, what, b"", bytes(self._received), self._program.doing())
        raise self._lost("too early")

    def _silent(self) -> NoProgressError | None:
        """Why nothing more will arrive; None if something did, or the end."""

        def came() -> bool | None:
            self._take()
            return True if self._received or self._ended else None

        try:
            self._program.wait(came, [self._sock.fileno()])
        except NoProgressError as stop:
            return stop
        return None

    def expect_no_reply(self, reason: Reason, what: str) -> None:
        """Nothing arrives before the connection's end, or in the time that a reply may take; it may stay open or end.

        Raises:
            FaultError: with that reason and sentence when something arrives.
        """
        __tracebackhide__ = True
        self._silent()
        if self._received:
            raise FaultError(reason, what, b"", bytes(self._received), self._program.doing())

    def expect_end(self) -> None:
        """The program closes the connection (FIN), and nothing arrives before that."""
        __tracebackhide__ = True
        self._wait_ended()
        if self._received:
            what = f"{self.name} received more than it should before the connection ended"
            raise FaultError(Reason.EXTRA_REPLY, what, b"", bytes(self._received), self._program.doing())
        if self._ended is EventKind.PEER_RESET:
            raise FaultError(
                Reason.RESET,
                f"the program reset {self._its_connection} instead of closing it",
                doing=self._program.doing(),
            )

    def expect_end_or_reset(self) -> None:
        """The connection ends, however it ends."""
        __tracebackhide__ = True
        self._wait_ended()

    def _wait_ended(self) -> None:
        __tracebackhide__ = True

        def ended() -> bool | None:
            self._take()
            return True if self._ended or self._received else None

        try:
            self._program.wait(ended, [self._sock.fileno()], hurried=True)
        except NoProgressError as stop:
            raise FaultError(
                Reason.NOT_CLOSED, f"the program does not close {self._its_connection}", doing=stop.doing
            ) from None

    # Leaving

    def half_close(self) -> None:
        """Close our side (FIN); the program's side stays open."""
        self._transcript.add(EventKind.HALF_CLOSED, self.name)
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
            self._note_reset()  # by the program, before
        self.fin_sent = True

    def reset(self) -> None:
        """Reset the connection (RST)."""
        self._transcript.add(EventKind.RESET, self.name)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.reset_sent = True
        self._leave()

    def close(self) -> None:
        """Close our end (FIN), once; what the program still sends after it is not ours to read."""
        if self._sock.fileno() != -1:
            self._transcript.add(EventKind.CLOSED, self.name)
            self._take()  # unread bytes would turn our FIN into a RST
            self.fin_sent = True
            self._leave()

    def take_leave(self) -> None:
        """Close our side, read what the program still sends, and close when it has, or is still: it meets no reset.

        What it sends is not looked at.
        """
        __tracebackhide__ = True

        def ended() -> bool | None:
            self._take()
            self._received.clear()
            return True if self._ended else None

        if self._ended is None:
            self.half_close()
            with suppress(NoProgressError):
                self._program.wait(ended, [self._sock.fileno()], hurried=True)
        self.close()

    def leave_unread(self) -> None:
        """Leave when something from the program has arrived, without reading it, which resets the connection.

        Raises:
            FaultError: nothing has arrived, and nothing will.
        """
        __tracebackhide__ = True
        try:
            self._program.wait(lambda: _readable(self._sock) or None, [self._sock.fileno()], hurried=True)
        except NoProgressError as stop:
            what = f"{self.name} received nothing, and {no_more(stop)}"
            raise FaultError(Reason.NO_REPLY, what, doing=stop.doing) from None
        self._transcript.add(EventKind.RESET, self.name, "left without reading what had arrived")
        self.reset_sent = True
        self._leave()

    def _leave(self) -> None:
        self._sock.close()
        self._program.talks.leave(self)

    def established(self) -> bool:
        """Whether both sides of the connection are open, on the program's side too."""
        row = self.row()
        return row is not None and row.state is TcpState.ESTABLISHED

    def gone(self) -> bool:
        """Whether the program has let go of the connection, and nothing of it is on its way."""
        return _is_gone(self.row())


def prepare(sock: socket.socket) -> None:
    """Options of our sockets: nothing is held back, and nothing blocks."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    sock.setblocking(False)  # noqa: FBT003 — its only parameter


def _is_gone(row: SocketRow | None) -> bool:
    """Whether the kernel keeps nothing of a connection but its ends: closed, and the program's FIN has arrived here."""
    return row is None or (row.state in _FINISHED and not row.inode)


def _in_flight(sock: socket.socket) -> int:
    """Segments that our side has sent and that were not acknowledged."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCPI_UNACKED + 4)
    return int(struct.unpack_from("=I", info, _TCPI_UNACKED)[0])


def _segment_bytes(sock: socket.socket) -> int:
    """How much the program's side takes in one segment."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)


def _window_bytes(sock: socket.socket) -> int:
    """How much the program's side takes before it reads any; with an older kernel (before Linux 5.4) the usual."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCPI_SND_WND + 4)
    if len(info) < _TCPI_SND_WND + 4:
        return 2 * _ONE_SEGMENT_BYTES
    return int(struct.unpack_from("=I", info, _TCPI_SND_WND)[0])


def _unsent_bytes(sock: socket.socket) -> int:
    """Bytes in our send queue that have not been sent yet (tcp(7))."""
    answer = array.array("i", [0])
    fcntl.ioctl(sock, _SIOCOUTQNSD, answer)
    return answer[0]


def writable(sock: socket.socket) -> bool:
    return _polled(sock, select.POLLOUT)


def _readable(sock: socket.socket) -> bool:
    return _polled(sock, select.POLLIN)


def _polled(sock: socket.socket, event: int) -> bool:
    poll = select.poll()
    poll.register(sock, event)
    return bool(poll.poll(0))
