"""Scripted UDP clients: datagram by datagram.

A reply must come from the address that was asked; we look at its source, which is why our sockets are not connected.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, cast

from grader.errors import Reason
from grader.limits import DATAGRAM_WORTH_BYTES, SETTLE_S
from grader.model import EventKind
from grader.protocol.datagrams import decide_datagram, pair, silence
from grader.protocol.judged import judge_nothing, judged
from grader.protocol.reply import Complete, Incomplete, Reply, Values
from grader.protocol.script import Exchange
from grader.wire.courier import BROADCAST, HOST, Courier, must_carry_broadcasts
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint, SocketRow, SocketTable
from grader.wire.mismatch import not_the_reply
from grader.wire.program import Program
from grader.wire.spare_ports import bind_to_spare_port
from grader.wire.waiting import NoProgressError, no_more

_MOST_BYTES = 65_536
#: Space for a few hundred replies that we have not read yet.
_BUFFER_BYTES = 1 << 20
#: A burst is answered by ten datagrams for each client; whoever gets more than this is flooded.
_MOST_REPLIES = 256


#: A datagram, whatever it holds.
_ANY = judged(judge_nothing, "a datagram")


class UdpClient:
    """One socket that talks to the program.  A context manager: it is closed at the end, whatever happened.

    `server`: whom it asks; if that is everybody (`BROADCAST`), replies may come from any address, from that port.
    `host`: its own address, over IPv4.

    Raises:
        UnprovedError: this network has no address of the program's family, or carries no broadcasts.
    """

    def __init__(
        self, program: Program, table: SocketTable, courier: Courier, server: Endpoint, name: str, *, host: str = HOST
    ) -> None:
        self.name = name
        self.theirs = server
        self._program = program
        self._table = table
        self._courier = courier
        self._transcript = program.transcript
        self._came_bytes = 0
        self._replies: list[bytes] = []
        self._accepted: set[bytes] = set()
        self._copies = 0
        self._stranger: Endpoint | None = None
        self._follows = False
        if server.host == BROADCAST:
            must_carry_broadcasts()
        v6 = ":" in server.host
        self._sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._bind("::1" if v6 else host)
        self._sock.setblocking(False)  # noqa: FBT003 — its only parameter
        self.ours = Endpoint(*self._sock.getsockname()[:2])
        program.talks.meet(self)

    def _bind(self, host: str) -> None:
        try:
            self._sock.bind((host, 0))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                self._sock.close()
                what = f"this sandbox has no network for the address {self.theirs.host}"
                raise UnprovedError(what) from None
            if error.errno != errno.EADDRINUSE:
                raise
            if not bind_to_spare_port(self._sock, host):
                self._sock.close()
                what = f"{self.name} could not send: no port of {host} is left to send from"
                raise FaultError(Reason.REFUSED, what, doing=self._program.doing()) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.locate(error)
        self.close()

    def close(self) -> None:
        """Close our socket, once; what is sent to it later meets a closed port."""
        if self._sock.fileno() != -1:
            self._sock.close()
            self._program.talks.forget(self)

    # What waiting asks (`Talk`)

    def row(self) -> SocketRow | None:
        """None: a datagram socket keeps no row for each of its clients."""

    def delivered(self) -> bool:
        """Whether nothing is on its way: always, after waiting for it."""
        self._courier.wait_arrived()
        return True

    def traffic(self) -> tuple[int, ...]:
        """Bytes of the datagrams that arrived, at least a few for each."""
        return (self._came_bytes,)

    def gone(self) -> bool:
        """Whether nothing of it is left in the kernel: there never is."""
        return True

    # Sending

    def send(self, data: bytes) -> None:
        """Send one datagram, and see that it has arrived at its socket or was dropped there."""
        what = "" if data else "an empty datagram"
        self._transcript.add(EventKind.SENT, self.name, what, data, ends=(self.ours, self.theirs))
        self._sock.sendto(data, self.theirs)
        self._program.told(len(data))
        self._courier.wait_arrived()

    def ask(self, exchange: Exchange) -> Values:
        """Send a datagram and expect its reply."""
        __tracebackhide__ = True
        self.send(exchange.request)
        return self.expect(exchange.reply)

    # Receiving

    def _take(self) -> None:
        """What has arrived into our list, without waiting; of a flood just enough to show it."""
        while len(self._replies) < _MOST_REPLIES:
            try:
                data, source = self._sock.recvfrom(_MOST_BYTES)
            except BlockingIOError:
                return
            self._came_bytes += max(len(data), DATAGRAM_WORTH_BYTES)
            self._replies.append(data)
            sender = Endpoint(*source[:2])
            what = "a datagram" if data else "an empty datagram"  # each is an event of its own
            self._transcript.add(EventKind.RECEIVED, self.name, what, data, ends=(self.ours, sender))
            if self._follows and sender.host == self.theirs.host:
                self.theirs, self._follows = sender, False
            if not self._asked(sender):
                self._stranger = sender
                self._transcript.add(EventKind.NOTE, self.name, f"it came from {sender.host} port {sender.port}")

    def _asked(self, sender: Endpoint) -> bool:
        return sender == self.theirs or (self.theirs.host == BROADCAST and sender.port == self.theirs.port)

    def expect(self, reply: bytes | Reply) -> Values:
        """The next datagram is this reply, and the program's own port has sent it; what it captured.

        Another copy of a reply that was accepted is passed over: a server that sends each reply twice fails the check
        about that (`expect_nothing`), and not all those that ask twice.
        A reply that is nothing (`nothing`) has come when the program is still and no datagram has, not even an empty
        one.

        Raises:
            FaultError: a different one arrived, or none and none can arrive.
        """
        __tracebackhide__ = True
        if silent := silence(reply):
            while self._any_comes() and self._passes_over(self._replies[0]):
                del self._replies[0]
            if not self._replies:
                return silent.values
        (got,) = self._accept([reply])
        return cast("Complete", decide_datagram(reply, got)).values  # or it would not have been accepted

    def expect_from_any_port(self, reply: bytes | Reply) -> Values:
        """The same from whatever port of the server's: from then on that is the one to which we send, as in TFTP."""
        __tracebackhide__ = True
        self._follows = not self._replies
        return self.expect(reply)

    def receive(self) -> bytes:
        """The next datagram, whatever it holds (FaultError: none arrives, or another port has sent it)."""
        __tracebackhide__ = True
        return bytes(self.expect(_ANY)["data"])

    def expect_all(self, replies: Sequence[bytes | Reply]) -> None:
        """The next datagrams are these replies, in any order.

        Raises:
            FaultError: others arrived, or not all.
        """
        __tracebackhide__ = True
        awaited = [reply for reply in replies if silence(reply) is None]
        if not awaited:
            return
        self._accept(awaited)

    def _accept(self, awaited: Sequence[bytes | Reply]) -> list[bytes]:
        """The next datagrams, which are these replies, in the order of the replies."""
        __tracebackhide__ = True
        fault: FaultError | None = None
        while True:
            try:
                got = self._wait_for(len(awaited), awaited[0])
            except FaultError as stop:
                # What came instead says more than that nothing else has come.
                raise (fault if fault and stop.reason is Reason.NO_REPLY else stop) from None
            found = pair(awaited, got)
            accepted = [got[number] for number in found if number is not None]
            self._accepted.update(accepted)
            if len(accepted) == len(awaited):
                return accepted
            surplus = [data for number, data in enumerate(got) if number not in found]
            other = next((data for data in surplus if not self._passes_over(data)), None)
            of = f"wrong replies: {found.count(None)} of {len(awaited)}" if len(awaited) > 1 else "a different reply"
            what = f"{self.name} received {of}"
            fault = self._wrong(awaited[found.index(None)], surplus[0] if other is None else other, what)
            if other is not None:
                raise fault
            self._replies[:0] = accepted

    def _passes_over(self, data: bytes) -> bool:
        """Whether this is another copy of a reply that was accepted, and not one of a flood of them."""
        if data not in self._accepted or self._copies == _MOST_REPLIES:
            return False
        self._copies += 1
        self._transcript.add(EventKind.NOTE, self.name, "it is another copy of an earlier reply, and passed over")
        return True

    def _wrong(self, reply: bytes | Reply, got: bytes, what: str) -> FaultError:
        doing = self._program.doing()
        return not_the_reply(reply, decide_datagram(reply, got), got, reason=Reason.WRONG_REPLY, what=what, doing=doing)

    def _any_comes(self) -> bool:
        """Whether a datagram arrives before the program is still, or has had the time allowed for a reply."""
        try:
            self._program.wait_silent(lambda: self.has_unasked() or None, [self._sock.fileno()])
        except NoProgressError as stop:
            self._transcript.add(EventKind.KERNEL, self._program.name, stop.doing)
            return False
        return True

    def _wait_for(self, count: int, reply: bytes | Reply) -> list[bytes]:
        __tracebackhide__ = True

        def enough() -> bool | None:
            self._take()
            return True if len(self._replies) >= count else None

        try:
            self._program.wait(enough, [self._sock.fileno()], hurried=True)
        except NoProgressError as stop:
            raise self._missing(count, reply, stop) from None
        if self._stranger:
            what = f"{self.name} asked port {self.theirs.port}, but the reply came from port {self._stranger.port}"
            if self._stranger.host != self.theirs.host != BROADCAST:
                what = f"{self.name} asked {self.theirs.host}, but the reply came from {self._stranger.host}"
            raise FaultError(Reason.WRONG_SOURCE, what, doing=self._program.doing())
        got, self._replies = self._replies[:count], self._replies[count:]
        return got

    def _missing(self, count: int, reply: bytes | Reply, stop: NoProgressError) -> FaultError:
        __tracebackhide__ = True
        ending = self._program.ending()
        elsewhere = [talk.name for talk in self._program.talks.open if talk is not self and _has_unasked(talk)]
        came = (
            f"{self.name} did not receive all replies ({len(self._replies)} of {count})"
            if count > 1
            else f"{self.name} received no reply"
        )
        if ending is not None:
            return FaultError(reason_of(ending), f"{came}: the program exited", doing=self._program.doing())
        told = f"; a datagram went to {elsewhere[0]} instead" if elsewhere else ""
        what = f"{came}, and {no_more(stop)}{told}"
        return not_the_reply(reply, Incomplete(""), b"", reason=Reason.NO_REPLY, what=what, doing=stop.doing)

    def has_unasked(self) -> bool:
        """Whether something has arrived that was not expected yet."""
        if self._sock.fileno() != -1:
            self._take()
        return bool(self._replies)

    def expect_nothing(self, reason: Reason, what: str) -> None:
        """Nothing arrives until the program is still, or has had the time allowed for a reply.

        Raises:
            FaultError: with that reason and sentence when something arrives.
        """
        __tracebackhide__ = True
        if self._any_comes():
            raise FaultError(reason, what, b"", self._replies[0], self._program.doing())

    def expect_nothing_yet(self, reason: Reason, what: str) -> None:
        """Nothing has arrived when the program has read what it was sent, and rests, if only until its timer runs out.

        For each of many datagrams in a row that get no answer: where the kernel can't prove a silence it takes as long
        as a reply may take, and one, `expect_nothing` after the last, is enough for all of them.

        Raises:
            FaultError: with that reason and sentence when something has arrived.
        """
        __tracebackhide__ = True
        self.wait_read()
        self._program.wait_rest(SETTLE_S)
        if self.has_unasked():
            raise FaultError(reason, what, b"", self._replies[0], self._program.doing())

    def wait_read(self) -> None:
        """Until the program has read every datagram that it was sent; or has exited, or had the time to.

        With IP_RECVERR the kernel's errors wait in the same queue, so a queue that is not empty proves nothing.
        """

        def read() -> bool | None:
            rows = [row for row in self._table.dump_udp() if row.local.port == self.theirs.port]
            return None if any(row.receive_queue for row in rows) else True

        with suppress(NoProgressError):
            self._program.wait(read, hurried=True)


def _has_unasked(talk: object) -> bool:
    return isinstance(talk, UdpClient) and talk.has_unasked()
