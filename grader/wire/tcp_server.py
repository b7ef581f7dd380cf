"""A scripted TCP server: it listens where the client is told to connect, and replies by script."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final, Protocol, TypeVar

from grader.errors import Reason
from grader.model import EventKind
from grader.protocol.reply import Reply, Values
from grader.protocol.script import Answer
from grader.wire.connection import Connection
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint, SocketTable
from grader.wire.program import Program
from grader.wire.receiving import A_REQUEST
from grader.wire.stream import prepare
from grader.wire.waiting import NoProgressError

#: Who our end is in a transcript.
THE_SERVER: Final = "the server"
#: More than any client makes by accident.
_BACKLOG = 16
#: Of a program that connects without end just enough are taken to show it.  A peer may make one for each thing it asks.
_MOST_CONNECTIONS: Final = 400

_Way = TypeVar("_Way")


class ScriptedConnection(Connection):
    """A connection that the program has made to us."""

    def __init__(
        self, program: Program, table: SocketTable, sock: socket.socket, theirs: Endpoint, name: str = THE_SERVER
    ) -> None:
        prepare(sock)
        super().__init__(program, table, sock, theirs, name, wording=A_REQUEST)
        where = f"to {self.ours.host} port {self.ours.port}"
        self.transcript.add(EventKind.CONNECTED, self.program.name, where, ends=(self.ours, theirs))

    def take_most(self, most_bytes: int) -> None:
        """Read what has arrived, up to so many bytes."""
        self.wanted_bytes = max(self.wanted_bytes, most_bytes)
        if self.is_open:
            self.take()

    def wait_rests(self) -> None:
        """Until the program rests, waiting for us or for a timer of its own; or has had the time to."""
        self.program.wait_rest(self.program.limits.reply_s)
        self.transcript.add(EventKind.KERNEL, self.program.name, f"waits for its reply: {self.program.doing()}")

    def was_left(self) -> bool:
        """Whether the program has closed its side, and we have not closed ours."""
        if not self.is_open:
            return False
        self.take()
        return self.ended is EventKind.PEER_CLOSED

    def expect_nothing_more(self) -> None:
        """Nothing arrived besides what was expected.

        Raises:
            FaultError: something did.
        """
        __tracebackhide__ = True
        self.take_most(len(self.received) + 1)
        if self.received:
            what = "the server received more than the program should send"
            raise FaultError(Reason.EXTRA_REQUEST, what, b"", bytes(self.received), self.program.doing())


class Peer(Protocol):
    """What a client talks to, over TCP or UDP: a scripted server.

    `answered_at`: how many bytes the client had printed when it last got a reply; what comes before is not the reply.
    """

    answered_at: int

    def begin(self, program: Program) -> None:
        """Wait for this program."""

    def came_to(self) -> Endpoint | None:
        """Which of our addresses the program has connected to; None: it has not yet."""

    def take(self, most_bytes: int) -> None:
        """Read up to so many bytes of what has arrived: a program that sends while it reads must not be held up."""

    def untold(self) -> bytes:
        """What has arrived besides what was expected, if it can only be too much."""

    def wait_came(self) -> Endpoint:
        """Until the program has connected to us; which of our addresses it connected to."""

    def expect(self, request: bytes | Reply) -> Values:
        """The program sends this; what was captured in it."""

    def expect_after_wait(self, request: bytes | Reply) -> Values:
        """The same; and over UDP, where what came before is not answered, that had the least time for an answer."""

    def expect_nothing_more(self) -> None:
        """The program has sent nothing else."""

    def answer(self, reply: bytes, how: Answer = Answer.WHOLE) -> None:
        """Reply to what it has sent last."""

    def answer_from(self, host: str, reply: bytes) -> None:
        """Over UDP another server replies, at that address; over TCP nobody else can (TypeError)."""

    def was_left(self) -> bool:
        """Whether the program has closed its side, and may be waiting for us to close ours."""

    def hang_up(self) -> None:
        """The server has said all that it will say."""

    def dismiss(self) -> None:
        """The conversation is over on the server's side."""

    def close(self) -> None:
        """Close everything."""


class ScriptedServer:
    """Listens on several addresses for one program, which is to make one connection."""

    def __init__(self, addresses: Iterable[Endpoint], table: SocketTable) -> None:
        self._table = table
        self._program: Program | None = None
        with ExitStack() as opened:
            self._listeners = [opened.enter_context(found) for found in map(listen_on, addresses) if found]
            opened.pop_all()  # none is left open if another can't be opened
        self.connections: list[ScriptedConnection] = []
        self.answered_at = 0

    def begin(self, program: Program) -> None:
        """Wait for this program."""
        self._program = program

    def close(self) -> None:
        """Close what listens, and every connection."""
        self.refuse()
        for connection in self.connections:
            connection.close()

    def refuse(self) -> None:
        """Stop listening."""
        while self._listeners:
            self._listeners.pop().close()

    def was_left(self) -> bool:
        """Whether the program has closed its side of its connection."""
        return bool(self.connections) and self.connections[-1].was_left()

    def hang_up(self) -> None:
        """Close our side of the connection; what the program sends all the same is seen."""
        self.connection.half_close()

    def dismiss(self) -> None:
        """Close the connection; what has arrived until now is kept."""
        self.connection.take_most(len(self.connection.received) + 1)
        self.connection.close()

    def came_to(self) -> Endpoint | None:
        """Which of our addresses the program has connected to last; None: it has not yet."""
        self._accept()
        return self.connections[-1].ours if self.connections else None

    def take(self, most_bytes: int) -> None:
        """Read up to so many bytes of what has arrived so far on its connection."""
        self._accept()
        if self.connections:
            self.connections[-1].take_most(most_bytes)

    def untold(self) -> bytes:
        """What has arrived on its connection besides what was expected."""
        self.take(0)
        return bytes(self.connections[-1].received) if self.connections else b""

    def _accept(self) -> None:
        assert self._program is not None  # noqa: S101 — nobody comes before it has begun
        for listener in self._listeners:
            if came := accepted(listener):
                self.connections.append(ScriptedConnection(self._program, self._table, *came))
                must_have_an_end(self._program, len(self.connections))

    @property
    def connection(self) -> ScriptedConnection:
        """The connection, once it is made.

        Raises:
            FaultError: the program does not connect.
        """
        __tracebackhide__ = True
        if not self.connections:
            self._wait_connection()
        return self.connections[-1]

    def _wait_connection(self) -> None:
        __tracebackhide__ = True
        assert self._program is not None  # noqa: S101 — as above
        try:
            # It may have been started just now.
            self._program.wait(
                self.came_to,
                [listener.fileno() for listener in self._listeners],
                self._program.limits.ready_s,
                hurried=True,
            )
        except NoProgressError as stop:
            raise not_come(self._program, stop, "it did not connect") from None

    def wait_came(self) -> Endpoint:
        """Until the program has connected; which of our addresses it connected to.

        Raises:
            FaultError: it does not.
        """
        __tracebackhide__ = True
        return self.connection.ours

    def expect(self, request: bytes | Reply) -> Values:
        """The program sends this, on its one connection; what was captured in it."""
        __tracebackhide__ = True
        return self.connection.expect(request)

    def expect_after_wait(self, request: bytes | Reply) -> Values:
        """The same: nothing gets lost on a connection."""
        __tracebackhide__ = True
        return self.expect(request)

    def expect_nothing_more(self) -> None:
        """Nothing arrived besides what was expected, and no other connection; or none at all."""
        __tracebackhide__ = True
        if not self.connections:
            if self.came_to() is not None:
                raise FaultError(Reason.EXTRA_REQUEST, "the program connected, although it should not")
            return
        connection = self.connection
        connection.expect_nothing_more()
        self._accept()
        if self.connections[-1] is not connection:
            raise FaultError(Reason.EXTRA_REQUEST, "the program opened another connection, although one is enough")

    def answer(self, reply: bytes, how: Answer = Answer.WHOLE) -> None:
        """Reply to what it has sent last."""
        __tracebackhide__ = True
        connection = self.connection
        self.answered_at = printed_by_now(self._program)
        if how is Answer.IN_BYTES:
            reply = self._all_but_its_end(connection, reply)
        way_to(how, ANSWERS)(connection, reply)

    def answer_from(self, host: str, reply: bytes) -> None:
        """Nobody else can reply on a connection (TypeError)."""
        raise TypeError(f"over TCP no other server can reply: OtherServer({host!r}, {reply!r})")

    def _all_but_its_end(self, connection: ScriptedConnection, reply: bytes) -> bytes:
        """Reply up to the last byte that is not part of a line ending; returns the rest.

        What the client has printed when it rests then, it has printed without having read that.
        """
        __tracebackhide__ = True
        end = max(len(reply.rstrip(b"\r\n")) - 1, 0)
        if end:
            connection.send(reply[:end], pieces=1)
            connection.wait_rests()
            self.answered_at = printed_by_now(self._program)
        return reply[end:]


def way_to(how: Answer, ways: Mapping[Answer, _Way]) -> _Way:
    """What answers so.

    Raises:
        ValueError: nothing does over this transport.
    """
    if how not in ways:
        raise ValueError(f"over this transport a server can't answer as Answer.{how.name} says")
    return ways[how]


def printed_by_now(program: Program | None) -> int:
    """How many bytes a program has printed so far."""
    if program is None:
        return 0
    program.catch_up()
    return len(program.stdout.data)


def not_come(program: Program, stop: NoProgressError, what: str) -> FaultError:
    """The fault of a client that does not connect, or has exited before."""
    ending = program.ending()
    if ending is None:
        return FaultError(Reason.NOT_CONNECTED, what, doing=stop.doing)
    # `doing` says how it exited; what it has printed says why.
    reason = reason_of(ending) if ending.status else Reason.NOT_CONNECTED
    return FaultError(reason, f"{what}: the program exited", doing=program.doing())


def must_have_an_end(program: Program, made: int) -> None:
    """A program has made so many connections.

    Raises:
        FaultError: it connects without end.
    """
    __tracebackhide__ = True
    if made > _MOST_CONNECTIONS:
        what = f"it has connected {made} times, and there is no end of it"
        raise FaultError(Reason.EXTRA_REQUEST, what, doing=program.doing())


def accepted(listener: socket.socket) -> tuple[socket.socket, Endpoint] | None:
    """The next connection that has come, and where it has come from; None: there is none."""
    try:
        sock, source = listener.accept()
    except OSError as error:
        if error.errno not in {errno.EAGAIN, errno.ECONNABORTED}:
            raise
        return None
    return sock, Endpoint(*source[:2])


def listen_on(address: Endpoint) -> socket.socket | None:
    """A listening socket, or None where this machine has no such address.

    Raises:
        UnprovedError: something else uses the port.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno in {errno.EADDRNOTAVAIL, errno.EACCES}:
            return None
        raise UnprovedError(f"nothing could listen on {address.host} port {address.port}: {error.strerror}") from None
    listener.setblocking(False)  # noqa: FBT003 — its only parameter
    return listener


def _late(connection: ScriptedConnection, reply: bytes) -> None:
    connection.wait_rests()
    connection.send(reply)


def _half_then_close(connection: ScriptedConnection, reply: bytes) -> None:
    connection.send(reply[: len(reply) // 2])
    connection.wait_read()
    connection.close()


def _half_then_reset(connection: ScriptedConnection, reply: bytes) -> None:
    connection.send(reply[: len(reply) // 2])
    connection.wait_read()
    connection.reset()


#: What each way to answer does.
ANSWERS: Final[Mapping[Answer, Callable[[ScriptedConnection, bytes], None]]] = {
    Answer.WHOLE: lambda connection, reply: connection.send(reply),
    Answer.TOGETHER: lambda connection, reply: connection.send_as_one_read(reply),
    Answer.IN_BYTES: lambda connection, reply: connection.send(reply, pieces=1),
    Answer.LATE: _late,
    Answer.HALF_THEN_CLOSE: _half_then_close,
    Answer.HALF_THEN_RESET: _half_then_reset,
    Answer.CLOSE: lambda connection, _: connection.close(),
    Answer.RESET: lambda connection, _: connection.reset(),
    Answer.NOTHING: lambda *_: None,
}


@contextmanager
def dead_port(addresses: Iterable[Endpoint]) -> Iterator[None]:
    """These ports are held meanwhile, and nothing listens there: whoever connects is refused.

    Raises:
        UnprovedError: one can't be held.
    """
    held = []
    try:
        for address in addresses:
            holder = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM)
            held.append(holder)
            # A port of the client's own may still have a connection in TIME_WAIT, to a server of ours in its last run.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                holder.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise UnprovedError(f"port {address.port} could not be held: {error.strerror}") from None
        yield
    finally:
        for holder in held:
            holder.close()
