"""A scripted network between a client and a server: it passes on, loses, doubles, changes and holds back by script.

How it works.  The client is told our address instead of the server's.  For each address that it sends from we have a
socket at the far side, so that the server tells its clients apart as usual; what comes back there goes to that client.
Nothing of it runs by itself.  Whoever waits for one of the two programs has us carry first (`Talks.carry`): what has
come is taken, its fate is looked up, and what is delivered is sent on.  So nothing is on its way inside the network
when a wait looks at the programs, except what the script holds back.

At the far end there may also be a function of ours instead of a program (`Station`): what it hears, it answers through
the same network.  Whatever it finds wrong ends the wait during which it came.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self

from grader.errors import Reason
from grader.limits import DATAGRAM_WORTH_BYTES
from grader.model import EventKind, Role
from grader.protocol.network import THE_NETWORK, Line, Network, OnItsWay, Station
from grader.wire.courier import Courier
from grader.wire.datagram_sockets import Datagram, bound, received
from grader.wire.faults import FaultError
from grader.wire.kernel import Endpoint, SocketRow
from grader.wire.program import Program
from grader.wire.transcript import Transcript

#: Whoever sends more sends without end: a file of some megabytes has as many frames.
_MOST_DATAGRAMS: Final = 20_000
#: Addresses that a client may send from, of which each takes a socket of ours: it may make a new one for each frame.
_MOST_SOURCES: Final = 1000


class ScriptedNetwork:
    """Bound to several addresses for one client.  A context manager, and a party to both programs' talks (`Talk`).

    `far`: where the server is, or our own end.
    """

    name = THE_NETWORK

    def __init__(
        self, addresses: Iterable[Endpoint], network: Network, far: Endpoint | Station, courier: Courier
    ) -> None:
        self._network = network
        self._far = far
        self._courier = courier
        self._lines: Final[dict[Role, Line]] = {
            "server": Line("server", network.script),
            "client": Line("client", network.script),
        }
        self._near = [sock for address in addresses if (sock := bound(address))]
        #: The socket at the far side for each address of the client's, and what that has sent last.
        self._beyond: dict[Endpoint, tuple[socket.socket, Datagram]] = {}
        self._programs: tuple[Program, ...] = ()
        self._count = 0

    def begin(self, *programs: Program) -> None:
        """Stand between these; the first is the client, whose transcript this goes into."""
        self._programs = programs
        for program in programs:
            program.talks.meet(self)
            program.talks.attend(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all sockets, once, and tell what was never delivered."""
        for to, line in self._lines.items():
            if line.held and self._programs:
                self._note(f"{line.held} held back for the {to}, and never delivered")
        for sock in (*self._near, *(sock for sock, _ in self._beyond.values())):
            sock.close()
        self._near, self._beyond = [], {}
        programs, self._programs = self._programs, ()
        for program in programs:
            program.talks.forget(self)
            program.talks.dismiss(self)

    # What waiting asks (`Talk`)

    def row(self) -> SocketRow | None:
        """None: datagrams have no connection."""
        return None

    def delivered(self) -> bool:
        """Whether nothing is on its way in it; what the script holds back is not."""
        self._courier.wait_arrived()
        return not self.carry()

    def traffic(self) -> tuple[int, ...]:
        """What the datagrams that have come count for."""
        return (self._count * DATAGRAM_WORTH_BYTES,)

    def watched(self) -> tuple[int, ...]:
        """The descriptors on which something comes."""
        return tuple(sock.fileno() for sock in self._all())

    def carry(self) -> bool:
        """Take what has come, and deliver what is to be delivered; whether anything had come.

        Raises:
            FaultError: our own end finds something wrong with it, or there is no end of it.
        """
        __tracebackhide__ = True
        before = self._count
        while (came := self._next()) is not None:
            self._count += 1
            if came.sock in self._near:
                self._carry_on(came)
            else:
                self._carry_back(came)
        return self._count > before

    def _all(self) -> Iterator[socket.socket]:
        yield from self._near
        yield from (sock for sock, _ in self._beyond.values())

    def _next(self) -> Datagram | None:
        if self._count >= _MOST_DATAGRAMS:
            what = f"the two programs have sent {self._count} datagrams, and there is no end of them"
            raise FaultError(Reason.EXTRA_REQUEST, what, doing=self._programs[0].doing())
        return next((came for sock in self._all() if (came := received(sock))), None)

    # Carrying

    def _carry_on(self, came: Datagram) -> None:
        """From the client to the far end."""
        __tracebackhide__ = True
        for data in self._passed(came, "server"):
            if isinstance(self._far, Endpoint):
                sock, _ = self._beyond.get(came.source) or (self._far_socket(self._far), came)
                self._beyond[came.source] = sock, came
                self._send(sock, data, self._far, "server")
                continue
            for answer in self._far(data, came.arrived_s):
                self._answer(came, answer, came.arrived_s)

    def _answer(self, asked: Datagram, data: bytes, at_s: float) -> None:
        """What our own end says, back to the client."""
        back = Datagram(data, Endpoint(*asked.sock.getsockname()[:2]), asked.sock, at_s)
        for each in self._passed(back, "client"):
            self._send(asked.sock, each, asked.source, "client")

    def _carry_back(self, came: Datagram) -> None:
        """From the server to the client that has sent through this socket."""
        if came.source != self._far:
            where = f"{came.source.host} port {came.source.port}"
            self._note(f"a datagram from {where}, which is not where the server was asked, is not passed on", came.data)
            return
        asked = next(asked for sock, asked in self._beyond.values() if sock is came.sock)
        for data in self._passed(came, "client"):
            self._send(asked.sock, data, asked.source, "client")

    def _passed(self, came: Datagram, to: Role) -> tuple[bytes, ...]:
        """What is delivered now that this has come."""
        fate, delivered = self._lines[to].take(came.data)
        words = str(OnItsWay(to, self._network.words(came.data), fate.value))
        ends = Endpoint(*came.sock.getsockname()[:2]), came.source
        self._transcript.add(EventKind.RECEIVED, self.name, words, came.data, ends=ends)
        return tuple(map(self._network.rewritten, delivered)) if to == "server" else delivered

    def _send(self, sock: socket.socket, data: bytes, to: Endpoint, whom: Role) -> None:
        ends = Endpoint(*sock.getsockname()[:2]), to
        words = str(OnItsWay(whom, self._network.words(data), ""))
        self._transcript.add(EventKind.SENT, self.name, words, data, ends=ends)
        for program in self._programs:
            program.told(len(data))
        sock.sendto(data, to)

    def _far_socket(self, far: Endpoint) -> socket.socket:
        __tracebackhide__ = True
        if len(self._beyond) >= _MOST_SOURCES:
            what = f"the client has sent from {len(self._beyond)} sockets, and there is no end of them"
            raise FaultError(Reason.EXTRA_REQUEST, what, doing=self._programs[0].doing())
        sock = bound(Endpoint("::1" if ":" in far.host else "127.0.0.1", 0))
        assert sock is not None  # noqa: S101 — the server is reached at an address of this family
        return sock

    @property
    def _transcript(self) -> Transcript:
        return self._programs[0].transcript

    def _note(self, words: str, data: bytes = b"") -> None:
        self._transcript.add(EventKind.NOTE, self.name, words, data)
