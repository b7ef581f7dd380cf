"""Ports of ours to which a program connects beside its usual connections: a tracker, another peer, a data port.

How it works.  A listener is opened before the program learns of it, so a connection may come at any time, and waits in
the kernel's queue until a check asks for it.  From then on it is a conversation like any other of that program's: what
is on its way there keeps the program from being still, and what it sends is read.  A connection that nobody has asked
for yet counts for nothing: whoever waits for an answer over it waits until we take it, so it may well be still.

Each listener is for one program.  Who is told of it is the check's to say, and the kernel does not tell whose a
connection is; so two programs that are told the same port could not be told apart.
"""

from __future__ import annotations

from typing import Protocol

from grader.errors import Reason
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint, SocketTable
from grader.wire.program import Program
from grader.wire.tcp_server import ScriptedConnection, accepted, listen_on, must_have_an_end, not_come
from grader.wire.waiting import NoProgressError, no_more


class Running(Protocol):
    """What runs: a server, or a client's session."""

    @property
    def program(self) -> Program: ...


class ScriptedListener:
    """A port of ours, and the connections that a program has made to it.  `name`: ours in reports, "the tracker"."""

    def __init__(self, table: SocketTable, address: Endpoint, name: str) -> None:
        listening = listen_on(address)
        if listening is None:
            raise UnprovedError(f"this machine has no address {address.host} to listen on")
        self.name = name
        self.address = address
        self._socket = listening
        self._table = table
        self._connections: list[ScriptedConnection] = []
        #: Those of them that no check has asked for yet.
        self._new: list[ScriptedConnection] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.address.port

    @property
    def connections(self) -> tuple[ScriptedConnection, ...]:
        """All that were taken so far, in the order in which they came."""
        return tuple(self._connections)

    def expect_connection(self, by: Running, within_s: float | None = None) -> ScriptedConnection:
        """The next connection that this program makes here.  `within_s`: of its own time, that for a reply otherwise.

        Raises:
            FaultError: it makes none.
        """
        __tracebackhide__ = True

        def came() -> ScriptedConnection | None:
            self._take(by.program)
            return self._new.pop(0) if self._new else None

        try:
            return by.program.wait(came, [self._socket.fileno()], within_s, hurried=True)
        except NoProgressError as stop:
            raise not_come(by.program, stop, f"it did not connect to {self.name}") from None

    def expect_speaker(self, by: Running, within_s: float | None = None) -> ScriptedConnection:
        """The connection over which this program says something next, an earlier one or a new one.

        So it may use one connection for all that it asks, or a new one for each request.

        Raises:
            FaultError: it says nothing.
        """
        __tracebackhide__ = True

        def speaks() -> ScriptedConnection | None:
            self._take(by.program)
            return next((each for each in self._connections if _has_said_something(each)), None)

        try:
            speaker = by.program.wait(speaks, self._watched(), within_s, hurried=True)
        except NoProgressError as stop:
            if not self._connections:
                raise not_come(by.program, stop, f"it did not connect to {self.name}") from None
            what = f"{self.name} received nothing, and {no_more(stop)}"
            raise FaultError(Reason.NO_REQUEST, what, doing=stop.doing) from None
        if speaker in self._new:
            self._new.remove(speaker)
        return speaker

    def expect_nothing_more(self, by: Running) -> None:
        """Nothing has come here besides what was expected: no other connection that says something, no other bytes.

        Raises:
            FaultError: something has.
        """
        __tracebackhide__ = True
        self._take(by.program)
        for connection in self._connections:
            if connection.is_open and _has_said_something(connection):
                what = f"{self.name} received more than the program should send"
                received = bytes(connection.received)
                raise FaultError(Reason.EXTRA_REQUEST, what, b"", received, by.program.doing())

    def _watched(self) -> list[int]:
        return [self._socket.fileno(), *(each.sock.fileno() for each in self._connections if _may_speak(each))]

    def _take(self, program: Program) -> None:
        """Take the connections that wait here.

        Raises:
            FaultError: there is no end of them.
        """
        __tracebackhide__ = True
        while self._socket.fileno() != -1 and (came := accepted(self._socket)):
            connection = ScriptedConnection(program, self._table, *came, name=self.name)
            self._connections.append(connection)
            self._new.append(connection)
            must_have_an_end(program, len(self._connections))

    def refuse(self) -> None:
        """Listen no more: whoever connects from now on is refused; connections that are there go on."""
        self._socket.close()

    def close(self) -> None:
        """Leave, with all its connections."""
        self.refuse()
        for connection in self._connections:
            connection.close()


def _may_speak(connection: ScriptedConnection) -> bool:
    return connection.is_open and connection.ended is None


def _has_said_something(connection: ScriptedConnection) -> bool:
    if connection.is_open:
        connection.take()
    return bool(connection.received)
