"""The bytes of one connection, at our end of it: what has gone, what has come, and what the kernel tells of the rest.

Nothing here waits or judges; `sending.py` and `receiving.py` do.  Every call returns immediately with what the kernel
says now, and every event is noted in the transcript where it is met.  What waiting for the program asks of a connection
(`talks.Talk`) is answered here, too: whether anything is on its way, and how much has moved.
"""

from __future__ import annotations

import array
import errno
import fcntl
import select
import socket
import struct
from types import TracebackType
from typing import Self

from grader.model import EventKind
from grader.wire.kernel import Endpoint, SocketRow, SocketTable, TcpState
from grader.wire.program import Program
from grader.wire.transcript import Sending

#: How much is sent or received in one call.
CHUNK_BYTES = 1 << 16
_SIOCOUTQNSD = 0x894B
#: Our buffers.  The sandbox gives every other socket a tiny send buffer; ours must not be what slows a long message.
_SEND_BUFFER_BYTES = 1 << 18
_READ_BUFFER_BYTES = 1 << 18
#: Linux sends at most half the receiver's window in one segment, 32 741 bytes on a fresh loopback connection.
ONE_SEGMENT_BYTES = 16 * 1024
#: struct tcp_info (linux/tcp.h): segments sent and not acknowledged, segments with data that were sent, and the window
#: that the other side has told.
_TCPI_UNACKED = 24
_TCPI_DATA_SEGS_OUT = 156
_TCPI_SND_WND = 228
#: States of a connection that the program has closed, when nobody holds its socket any more (inode 0).  In the last two
#: its FIN is acknowledged, and the kernel keeps little more of it than its ends.
CLOSED_BY_PROGRAM = frozenset({TcpState.FIN_WAIT1, TcpState.CLOSING, TcpState.FIN_WAIT2, TcpState.TIME_WAIT})
_FINISHED = frozenset({TcpState.FIN_WAIT2, TcpState.TIME_WAIT})
_RESETS = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}


class Stream:
    """Our end of one connection.  A context manager: it is closed at the end, whatever happened.

    `received`: what has arrived and was not expected yet.  `wanted_bytes`: how much of it is taken in at most, so that
    of an endless reply just enough is read to show it.  `unsent`: what is still to be sent while something else is
    awaited.  `ended`: how the program's side has ended, if it has.  A `slow` one has tiny buffers and reads nothing
    until something is expected.
    """

    def __init__(
        self, program: Program, table: SocketTable, sock: socket.socket, theirs: Endpoint, name: str, *, slow: bool
    ) -> None:
        self.name = name
        self.theirs = theirs
        self.ours = Endpoint(*sock.getsockname()[:2])
        self.slow = slow
        self.program = program
        self.transcript = program.transcript
        self.sock = sock
        self.unsent = memoryview(b"")
        self._sending: Sending | None = None
        self.sent_bytes = 0
        self.fin_sent = False
        self.reset_sent = False
        self.received = bytearray()
        self.received_bytes = 0
        self.wanted_bytes = CHUNK_BYTES
        self.ended: EventKind | None = None
        self._table = table
        #: What is left out when it arrives first, and how much of it has arrived so far.
        self._left_out = b""
        self._perhaps_left_out = b""
        self._reset_met = False
        program.talks.meet(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.locate(error)
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
        if self.slow and self.is_open:
            # What the program has to send has met our closed window, and moves only when we read.  What we have to send
            # goes on as long as the program reads it: the kernel sends the last part that fits a window with delay.
            reads_no_more = row.receive_queue > 0
            at_rest = row.in_flight == 0 and self.in_flight() == 0
            return at_rest and (reads_no_more or self.unsent_bytes() == 0)
        if self.unsent:
            return False
        # A FIN takes one number of the sequence, and counts as a byte received.
        arrived = row.bytes_received == self.sent_bytes + self.fin_sent
        return arrived and row.send_queue == 0 and row.state is not TcpState.SYN_RECV

    def traffic(self) -> tuple[int, int]:
        """How many bytes of ours it has read, and how many of its we have."""
        row = self.row()
        return (row.bytes_received - row.receive_queue if row else 0), self.received_bytes

    # What the kernel tells

    @property
    def is_open(self) -> bool:
        """Whether our socket is open."""
        return self.sock.fileno() != -1

    def established(self) -> bool:
        """Whether both sides of the connection are open, on the program's side too."""
        row = self.row()
        return row is not None and row.state is TcpState.ESTABLISHED

    def gone(self) -> bool:
        """Whether the program has let go of the connection, and nothing of it is on its way."""
        return _is_gone(self.row())

    def is_closed(self) -> bool:
        """Whether the program has closed its socket, as far as the kernel still tells."""
        row = self.row()
        return row is not None and not row.inode and row.state in CLOSED_BY_PROGRAM

    def has_met_reset(self) -> bool:
        """Whether the program's side has sent a RST.

        Behind its FIN recv(2) does not tell of one, only the socket's pending error does, and that once.
        """
        self._reset_met = self._reset_met or self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in _RESETS
        return self._reset_met

    def in_flight(self) -> int:
        """Segments that our side has sent and that were not acknowledged."""
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCPI_UNACKED + 4)
        return int(struct.unpack_from("=I", info, _TCPI_UNACKED)[0])

    def unsent_bytes(self) -> int:
        """Bytes in our send queue that have not been sent yet (tcp(7))."""
        answer = array.array("i", [0])
        fcntl.ioctl(self.sock, _SIOCOUTQNSD, answer)
        return answer[0]

    def one_segment_bytes(self) -> int:
        """How much the program's side takes in one segment.

        By no more than half its window does Linux send one; a full one would not be held back for a FIN.
        """
        segment = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) - 1
        return min(ONE_SEGMENT_BYTES, segment, _window_bytes(self.sock) // 2)

    def data_segments_sent(self) -> int:
        """How many segments with data we have sent, which our end tells even when the program's is gone."""
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCPI_DATA_SEGS_OUT + 4)
        (count,) = struct.unpack_from("=I", info, _TCPI_DATA_SEGS_OUT)
        return int(count)

    # Bytes that go

    def put(self, data: memoryview, sending: Sending, flags: int = 0, *, apart: bool = False) -> int | None:
        """Send as much as the kernel takes; None: the connection has ended.

        `apart`: it is the beginning of a piece of the message.

        Raises:
            BlockingIOError: it takes nothing now.
        """
        try:
            sent = self.sock.send(data[:CHUNK_BYTES], flags)
        except BlockingIOError:
            raise
        except OSError as error:
            self._meet_end(error)
            return None
        self.sent_bytes += sent
        self.program.told(sent)
        sending.went(sent, apart=apart)
        return sent

    def begin_to_feed(self, sending: Sending) -> None:
        """Have `feed` send a message, as it fits."""
        self._sending, self.unsent = sending, sending.data

    def feed(self) -> bool:
        """Send what now fits of what is left over; whether any did."""
        before = self.sent_bytes
        while self.unsent and self._sending and not self.ended:
            try:
                sent = self.put(self.unsent, self._sending)
            except BlockingIOError:
                break
            self.unsent = self.unsent[sent or 0 :]
        return self.sent_bytes > before

    def _meet_end(self, error: OSError) -> None:
        """A send has met the connection's end: what had arrived before can be read, and counts."""
        if error.errno not in _RESETS:
            raise error
        # Linux tells of a reset once, here or there; of one that answers bytes behind the program's FIN, by EPIPE.
        self._reset_met = error.errno == errno.ECONNRESET
        self.take()
        self.note_end()

    def has_room(self) -> bool:
        """Whether more can be sent, or sending tells at least how the connection has ended."""
        try:
            self.sock.send(b"")
        except OSError:
            return True
        return writable(self.sock)

    # Bytes that come

    def take(self) -> None:
        """Move what has arrived into `received`, without waiting."""
        while self.ended is None and len(self.received) < self.wanted_bytes:
            try:
                chunk = self.sock.recv(CHUNK_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in _RESETS:
                    raise
                self.note_reset()
                return
            if not chunk:
                self.note_end()
                return
            self.received_bytes += len(chunk)
            self.transcript.add(EventKind.RECEIVED, self.name, data=chunk)
            self.received += self._without_left_out(chunk) if self._left_out else chunk
            # So that the other kernel knows immediately that nothing is on its way.
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def read_on(self) -> None:
        """A slow one starts reading: with a buffer like any other's."""
        if self.slow:
            self.slow = False
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _READ_BUFFER_BYTES)

    def readable(self) -> bool:
        """Whether something has arrived that was not taken yet."""
        return _polled(self.sock, select.POLLIN)

    def leave_out(self, words: bytes) -> None:
        """What arrives first is not counted as received if it is this, or as many lines as this."""
        self._left_out = words

    @property
    def leaves_out(self) -> bool:
        """Whether that, or part of it, has still to arrive."""
        return bool(self._left_out)

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

    def note_reset(self) -> None:
        """The program has reset its side."""
        self._reset_met = True
        self.note_end()

    def note_end(self) -> None:
        """The program has closed or reset its side."""
        if self.ended is None:
            self.ended = EventKind.PEER_RESET if self._reset_met else EventKind.PEER_CLOSED
            self.transcript.add(self.ended, self.name)

    # Our end of it

    def half_close(self) -> None:
        """Close our side (FIN); the program's side stays open."""
        self.transcript.add(EventKind.HALF_CLOSED, self.name)
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
            self.note_reset()  # by the program, before
        self.fin_sent = True

    def reset(self) -> None:
        """Reset the connection (RST)."""
        self.transcript.add(EventKind.RESET, self.name)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.reset_sent = True
        self._leave()

    def close(self) -> None:
        """Close our end (FIN), once; what the program still sends after it is not ours to read."""
        if self.is_open:
            self.transcript.add(EventKind.CLOSED, self.name)
            self.take()  # unread bytes would turn our FIN into a RST
            self.fin_sent = True
            self._leave()

    def abandon(self) -> None:
        """Close our end although something has arrived that was not read, which resets the connection."""
        self.transcript.add(EventKind.RESET, self.name, "left without reading what had arrived")
        self.reset_sent = True
        self._leave()

    def _leave(self) -> None:
        self.sock.close()
        self.program.talks.leave(self)


def prepare(sock: socket.socket) -> None:
    """Options of our sockets: nothing is held back, and nothing blocks."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Urgent bytes (MSG_OOB of tcp(7)) are bytes that the program has sent, like all others.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    sock.setblocking(False)  # noqa: FBT003 — its only parameter


def _is_gone(row: SocketRow | None) -> bool:
    """Whether the kernel keeps nothing of a connection but its ends: closed, and the program's FIN has arrived here."""
    return row is None or (row.state in _FINISHED and not row.inode)


def _window_bytes(sock: socket.socket) -> int:
    """How much the program's side takes before it reads any; with an older kernel (before Linux 5.4) the usual."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCPI_SND_WND + 4)
    if len(info) < _TCPI_SND_WND + 4:
        return 2 * ONE_SEGMENT_BYTES
    return int(struct.unpack_from("=I", info, _TCPI_SND_WND)[0])


def writable(sock: socket.socket) -> bool:
    """Whether more can be sent, or a connect in progress has a result."""
    return _polled(sock, select.POLLOUT)


def _polled(sock: socket.socket, event: int) -> bool:
    poll = select.poll()
    poll.register(sock, event)
    return bool(poll.poll(0))
