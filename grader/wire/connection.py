"""One end of a TCP connection to the program, ours: bytes sent fragment by fragment, and bytes awaited.

Nothing here sleeps: each wait is for a fact about this connection, and `waiting.py` says how a wait works and how it
ends.  What a connection adds is the facts: a piece was read, a message arrived as one segment, a reply was recognised,
nothing is on its way.  What the program did wrong is raised as `FaultError`, what the machine did not let us see as
`UnprovedError`.

The rooms: `stream.py` has the bytes and the kernel's facts and never waits; `sending.py` waits until bytes have arrived
or were read; `receiving.py` until a reply, silence or the end has come; `slow_reader.py` until nothing can be sent any
more.  A check sees all of them as one connection, which is why it is wide: each method is a thing that a peer does.
It does not know who has connected to whom.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

from grader.errors import Reason
from grader.limits import REPLY_BYTES
from grader.protocol.counted import Counted
from grader.protocol.judged import judge_nothing, judged
from grader.protocol.reply import Reply, Values
from grader.protocol.until import until
from grader.wire.kernel import Endpoint, SocketTable
from grader.wire.program import Program
from grader.wire.receiving import A_REPLY, Receiver, Wording
from grader.wire.sending import Sender
from grader.wire.slow_reader import SlowReader
from grader.wire.stream import CHUNK_BYTES, Stream

#: Of a reply whose length is not known so much may arrive while its request is sent: more than any recogniser takes.
_MOST_REPLY_BYTES = 1 << 24


class Connection(Stream):
    """Our end of one connection, as checks use it.

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
        wording: Wording = A_REPLY,
    ) -> None:
        super().__init__(program, table, sock, theirs, name, slow=slow)
        self._receiver = Receiver(self, wording)
        self._sender = Sender(self, self._receiver)
        self._slow_reader = SlowReader(self, self._sender, self._receiver)

    # Sending

    def send(self, data: bytes, pieces: int | Iterable[int] | None = None) -> None:
        """Send bytes; with `pieces` in pieces of that length (or those lengths), each read before the next is sent.

        Raises:
            FaultError: the program does not read them, or not all the pieces together in the time for one reply; or it
                closes the connection before the last piece.
        """
        __tracebackhide__ = True
        self._sender.send(data, pieces)

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
        self._sender.send_as_one_read(data)

    def send_and_half_close(self, data: bytes) -> None:
        """Send bytes and our FIN in one segment: whoever reads the bytes has already received the FIN.

        Raises:
            UnprovedError: they did not arrive like that.
        """
        __tracebackhide__ = True
        self._sender.send_and_half_close(data)

    def send_and_leave(self, data: bytes, *, reset: bool) -> None:
        """Send bytes and leave before they can be answered: by a FIN in one segment with them, or by a RST.

        After the FIN the first thing the program sends is answered with a RST, and the next meets EPIPE or SIGPIPE;
        after a RST of ours already the first fails (ECONNRESET).

        Raises:
            FaultError: the program has closed the connection before.
        """
        __tracebackhide__ = True
        self._sender.send_and_leave(data, reset=reset)

    def send_when_it_rests(self, data: bytes, pieces: int) -> None:
        """Send bytes after a last message, in pieces of that length, then our FIN; nothing is read meanwhile.

        Before each the program comes to rest, so that it has done whatever it does about those before: who closes
        when nothing is left to be read has closed then, and the next piece meets a RST.  So does the FIN of a client
        whose last bytes the program has left unread.

        Raises:
            FaultError: it met a RST, which costs a client all that it has not read yet.
        """
        __tracebackhide__ = True
        self._slow_reader.send_when_it_rests(data, pieces)

    def send_without_reading(self, data: bytes, *, may_close: bool = False) -> None:
        """Send as much as possible, reading nothing, until the program rests with a reply that it can't get rid of.

        One that never rests gets a while in which nothing moves, and the time for a reply before it sends anything.
        What did not fit is sent while the reply is read.  `may_close`: it may have closed the connection behind that.

        Raises:
            FaultError: the connection ended, or the program rests without one.
        """
        __tracebackhide__ = True
        self._slow_reader.send(data, may_close=may_close)

    def leave_unread_for_a_while(self) -> None:
        """Go on sending and reading nothing as long as a timer of the program's own may still run out, for a while.

        One that waits without a timer is not waited for.
        """
        __tracebackhide__ = True
        self._slow_reader.let_timers_expire()

    def wait_read(self) -> None:
        """The gate: until the program has read everything that was sent, or has looked at it."""
        __tracebackhide__ = True
        self._sender.wait_read()

    # Receiving

    @property
    def ends(self) -> bool:
        """Whether the last reply said that the connection ends with it."""
        return self._receiver.ends

    def want(self, reply: bytes | Reply) -> None:
        """As much may come as this reply may have, while its request is being sent; of an endless one just enough."""
        self.wanted_bytes = (len(reply) if isinstance(reply, bytes) else _MOST_REPLY_BYTES) + CHUNK_BYTES

    def expect(self, reply: bytes | Reply) -> Values:
        """The next bytes to arrive are this reply; more may follow them.  Gives what was captured in it.

        Raises:
            FaultError: different bytes arrive, or not all of them.
        """
        __tracebackhide__ = True
        return self._receiver.expect(reply)

    def read_until(self, delimiter: bytes, *, at_most: int = REPLY_BYTES) -> bytes:
        """Everything up to the next delimiter, which is its end.

        Raises:
            FaultError: it does not come, or not within so many bytes.
        """
        __tracebackhide__ = True
        return bytes(self.expect(until(delimiter, at_most=at_most))["data"]) + delimiter

    def read_line(self, *, at_most: int = REPLY_BYTES) -> bytes:
        """Everything up to the next LF, which is its end (FaultError: it does not come)."""
        __tracebackhide__ = True
        return self.read_until(b"\n", at_most=at_most)

    def read_exactly(self, size_bytes: int) -> bytes:
        """So many bytes (FaultError: they don't come)."""
        __tracebackhide__ = True
        return bytes(self.expect(Counted(size_bytes))["data"]) if size_bytes else b""

    def read_to_end(self, *, at_most: int = REPLY_BYTES) -> bytes:
        """Everything until the program closes its side (FaultError: it does not, it resets it, or there is more)."""
        __tracebackhide__ = True
        return bytes(self.expect(judged(judge_nothing, "the end of the connection", at_most=at_most))["data"])

    def expect_nothing(self, reason: Reason, what: str, silence_s: float = 0.0) -> None:
        """Nothing arrives, and the connection stays open: until the program is still, or as long as a reply may take.

        A program that never rests is not still; but if it had the time that a reply may take, on a CPU or asleep
        of its own accord, and sent nothing, it has not replied.  `silence_s`: for how long it is watched, instead, if
        it sleeps on a timer of its own that runs out later than that.

        Raises:
            FaultError: with that reason and sentence when something arrives.
            UnprovedError: the machine did not give it that time.
        """
        __tracebackhide__ = True
        self._receiver.expect_nothing(reason, what, silence_s)

    def expect_no_reply(self, reason: Reason, what: str) -> None:
        """Nothing arrives before the connection's end, or in the time that a reply may take; it may stay open or end.

        Raises:
            FaultError: with that reason and sentence when something arrives.
        """
        __tracebackhide__ = True
        self._receiver.expect_no_reply(reason, what)

    def expect_end(self) -> None:
        """The program closes the connection (FIN), and nothing arrives before that."""
        __tracebackhide__ = True
        self._receiver.expect_end()

    def expect_end_or_reset(self) -> None:
        """The connection ends, however it ends."""
        __tracebackhide__ = True
        self._receiver.wait_ended()

    def take_unasked(self, most_s: float, most_bytes: int) -> bytes:
        """Take out everything that arrives until the program rests, for so long of its own time, or so many bytes."""
        return self._receiver.take_unasked(most_s, most_bytes)

    def wait_left_out(self) -> None:
        """Until what is left out has arrived, or nothing more will come: whoever waits knows that it was greeted."""
        self._receiver.wait_left_out()

    # Leaving

    def take_leave(self) -> None:
        """Close our side, read what the program still sends, and close when it has, or is still: it meets no reset.

        What it sends is not looked at.
        """
        __tracebackhide__ = True
        self._receiver.take_leave()

    def leave_unread(self) -> None:
        """Leave when something from the program has arrived, without reading it, which resets the connection.

        Raises:
            FaultError: nothing has arrived, and nothing will.
        """
        __tracebackhide__ = True
        self._receiver.leave_unread()
