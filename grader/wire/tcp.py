"""Scripted TCP clients: they connect to the program, and send requests."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import replace

from grader.errors import Reason
from grader.model import EventKind
from grader.protocol.any_order import any_order
from grader.protocol.reply import Values
from grader.protocol.script import Exchange
from grader.wire.connection import Connection
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint, SocketTable
from grader.wire.program import Program
from grader.wire.receiving import DYING_S
from grader.wire.spare_ports import bind_to_spare_port, has_address
from grader.wire.stream import CLOSED_BY_PROGRAM, prepare, writable
from grader.wire.transcript import shown
from grader.wire.waiting import NoProgressError, Why

#: A queue that has space again accepts us at the second try; a program that drops packets by its own filter never does.
_CONNECT_TRIES = 10
#: Where a program that listens everywhere can be reached.
_LOOPBACKS = frozenset({"127.0.0.1", "::1"})
#: The least that Linux allows (SOCK_MIN_RCVBUF): a program blocks after a few kilobytes that a slow reader leaves.
_SLOW_BUFFER_BYTES = 2304
#: Of a request that is named in a sentence.
_SHOWN_BYTES = 60


class ScriptedClient(Connection):
    """A connection that we have made to the program.

    A `slow` client has tiny buffers and reads nothing until it expects something.
    """

    def __init__(
        self, program: Program, table: SocketTable, server: Endpoint, name: str, *, slow: bool = False
    ) -> None:
        self.name = name
        self.theirs = server
        self.slow = slow
        self.program = program
        self._table = table
        super().__init__(program, table, self._connect(), server, name, slow=slow)
        self.transcript.add(EventKind.CONNECTED, name, f"to port {server.port}", ends=(self.ours, server))

    def _connect(self) -> socket.socket:
        __tracebackhide__ = True
        tries = _CONNECT_TRIES
        while True:
            sock, tries = self._new_socket(), tries - 1
            code: int | None = sock.connect_ex(self.theirs)
            if code == errno.EADDRNOTAVAIL and has_address(self.theirs.host) and bind_to_spare_port(sock):
                code = sock.connect_ex(self.theirs)
            if code == errno.EINPROGRESS:
                code = self._await_connection(sock, tries)
            if code == 0:
                return sock
            sock.close()
            if code is not None:
                raise self._not_connected(code)

    def _await_connection(self, sock: socket.socket, tries: int) -> int | None:
        """The result of a connect that does not finish immediately: the accept queue is full, the program must accept.

        None, with tries left: there was no space, but now there is, and our kernel would try again only a second later.
        """
        __tracebackhide__ = True
        try:
            return self.program.wait(lambda: _connected(sock), [sock.fileno()], hurried=True)
        except NoProgressError as stop:
            if stop.why is Why.STILL and tries and self._queue_has_room(sock):
                return None
            sock.close()
            raise FaultError(Reason.NOT_ACCEPTED, f"{self.name} could not connect", doing=stop.doing) from None

    def _new_socket(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self.theirs.host else socket.AF_INET, socket.SOCK_STREAM)
        prepare(sock)
        if self.slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_BUFFER_BYTES)
        return sock

    def _queue_has_room(self, sock: socket.socket) -> bool:
        """Whether the listener that would accept this connection has space now; it holds one more than its backlog."""
        row = self._table.listener(self.theirs, Endpoint(*sock.getsockname()[:2]))
        return row is not None and row.receive_queue <= row.send_queue

    def _not_connected(self, code: int) -> FaultError | UnprovedError:
        if code == errno.EADDRNOTAVAIL and self.theirs.host in _LOOPBACKS and not has_address(self.theirs.host):
            return UnprovedError(f"this sandbox has no network for the address {self.theirs.host}")
        if code == errno.EADDRNOTAVAIL:
            # A program may listen on an address that is nobody's (IP_FREEBIND), and it may hold all ports there are.
            what = f"{self.name} could not connect to {self.theirs.host}: no port is left to connect from"
            if not has_address(self.theirs.host):
                what = f"{self.name} could not connect to {self.theirs.host}, which is not an address of this machine"
            return FaultError(Reason.REFUSED, what, doing=self.program.doing())
        words = f"{self.name} could not connect to port {self.theirs.port}: {errno.errorcode.get(code, code)}"
        self.program.wait_rest(DYING_S)
        if ending := self.program.ending():
            return FaultError(reason_of(ending), f"the program exited: {words}", doing=self.program.doing())
        return FaultError(Reason.REFUSED, words, doing=self.program.doing())

    # Whole exchanges

    def ask(self, exchange: Exchange) -> Values:
        """Send a message and expect its reply; gives what was captured in that."""
        __tracebackhide__ = True
        self.want(exchange.reply)
        if exchange.request:
            self.send(exchange.request)
        return self.expect_answer(exchange)

    def expect_answer(self, exchange: Exchange) -> Values:
        """The reply arrives, and every other client that is connected and reads hears what it should hear."""
        __tracebackhide__ = True
        seen = self.expect(exchange.reply)
        if exchange.heard:
            for other in self.program.talks.open:
                if isinstance(other, ScriptedClient) and other is not self and not other.slow:
                    other.hear(exchange.heard, self.name)
        return seen

    def expect_each(self, exchanges: Sequence[Exchange], *, in_any_order: bool = False) -> None:
        """The replies to all of these arrive, in order unless they may come in any; nobody else hears of them.

        Exact ones in order are compared as one: it is seen best in all of them where they begin to differ.

        Raises:
            FaultError: one doesn't; if it was not compared, the sentence says which.
        """
        __tracebackhide__ = True
        replies = [exchange.reply for exchange in exchanges]
        if in_any_order:
            self.expect(any_order(replies))
            return
        exact = [reply for reply in replies if isinstance(reply, bytes)]
        if len(exact) == len(replies):
            self.expect(b"".join(exact))
            return
        for number, exchange in enumerate(exchanges, 1):
            try:
                self.expect(exchange.reply)
            except FaultError as fault:
                which = f"reply {number} of {len(exchanges)}, to {shown(exchange.request[:_SHOWN_BYTES])}"
                raise replace(fault, what=f"{fault.what} ({which})") from None

    def hear(self, words: bytes, speaker: str) -> None:
        """What another client has said arrives here too."""
        __tracebackhide__ = True
        try:
            self.expect(words)
        except FaultError as fault:
            if fault.reason not in {Reason.NO_REPLY, Reason.INCOMPLETE_REPLY, Reason.WRONG_REPLY}:
                raise
            what = f"{self.name} did not receive what {speaker} had said to everyone"
            raise replace(fault, reason=Reason.NOT_HEARD, what=what) from None

    def wait_accepted(self) -> None:
        """Until the program has accepted the connection."""
        __tracebackhide__ = True

        def accepted() -> bool | None:
            row = self.row()
            return True if row is None or row.inode or row.state in CLOSED_BY_PROGRAM else None

        try:
            _ = self._sender.at_once(accepted) or self.program.wait(accepted, hurried=True)
        except NoProgressError as stop:
            raise FaultError(Reason.NOT_ACCEPTED, f"{self.name} was never accepted", doing=stop.doing) from None


def _connected(sock: socket.socket) -> int | None:
    """The result of a connect in progress: 0, an errno, or None while it continues."""
    if not writable(sock):
        return None
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
