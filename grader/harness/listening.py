"""Where a program listens: on the port that it was given, or on one of its own, where the kernel shows its socket.

Four of five students hard-code their port.  So nothing here trusts what a program was told: a row of the kernel's
table whose inode is among the program's descriptors says where it listens.  The port it was given is looked for first,
since nearly all listen there within milliseconds; any other counts only when the program has come to rest without it,
or a helper port that it opens on the way would be taken for its own.  A wait ends with a row, with the program's exit,
or when it can make no more progress.
"""

from __future__ import annotations

import time
from collections.abc import Container
from dataclasses import dataclass

from grader.errors import Reason
from grader.harness.ports import Ports
from grader.harness.programs import Programs
from grader.job import Job
from grader.limits import READY_S, SETTLE_S
from grader.model import EventKind
from grader.wire import stillness
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError
from grader.wire.kernel import Endpoint, SocketRow, SocketTable, TcpState
from grader.wire.program import Program
from grader.wire.waiting import NoProgressError, Why
from grader.wire.warden import WardenClient

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104 — compared with, never bound
#: Bytes of messages whose unread answers are more than the kernel's buffers hold: with the sandbox's tiny send buffers,
#: and with Linux's usual ones (tcp_wmem grows to 4 MiB, measured 2.3 to 3.9).
_MORE_THAN_TINY_BUFFERS = 1 << 20
_MORE_THAN_USUAL_BUFFERS = 12 << 20


@dataclass(frozen=True)
class Server:
    """A program that listens (UDP: that is bound).  `row`: its listening socket; `port_given`: what it was given."""

    program: Program
    row: SocketRow
    port_given: int

    @property
    def port(self) -> int:
        """Where it really listens."""
        return self.row.local.port

    @property
    def address(self) -> Endpoint:
        """Where a client on this machine reaches it."""
        host = self.row.local.host
        if host == "::" and self.row.v6_only:
            return Endpoint("::1", self.port)
        return Endpoint(_WILDCARDS.get(host, host), self.port)


class Listening:
    """The listening sockets of one grading's programs."""

    def __init__(self, job: Job, warden: WardenClient, table: SocketTable, programs: Programs, ports: Ports) -> None:
        self._job = job
        self._warden = warden
        self._table = table
        self._programs = programs
        self._ports = ports
        self._over_tcp = job.assignment.transport == "tcp"
        self._seen = False
        #: Whether the connections of the server that was started last have tiny send buffers.
        self._tiny_buffers = job.private_network

    @property
    def seen(self) -> bool:
        """Whether the submission's program has ever listened in this grading."""
        return self._seen

    @property
    def more_than_buffers_bytes(self) -> int:
        """So many bytes of messages that their replies don't fit in the kernel's buffers on the server's side."""
        return _MORE_THAN_TINY_BUFFERS if self._tiny_buffers else _MORE_THAN_USUAL_BUFFERS

    def wait(self, program: Program, port: int) -> Server:
        """Until the program listens: on that port, or else wherever it listens when it has come to rest.

        Raises:
            FaultError: it does not listen, and will not.
        """
        ports = {port, self._ports.own or port}
        ask_at = time.monotonic() + SETTLE_S

        def listens() -> SocketRow | None:
            nonlocal ask_at
            row = self._row(program, ports)
            if row is None and time.monotonic() > ask_at:  # nearly all listen long before it
                ask_at = time.monotonic() + SETTLE_S
                if too_many := self._programs.too_many():
                    raise FaultError(Reason.TOO_MANY_PROCESSES, too_many)
            return row

        try:
            row: SocketRow | None = program.wait(listens, deadline_s=READY_S, hurried=True)
        except NoProgressError as stop:
            row = self._row(program, None)
            if row is None or stop.why is Why.ENDED:
                raise _not_listening(program, port, stop, self._other_transport(program)) from None
        assert row is not None  # noqa: S101 — wait never gives None
        if ending := program.ending():
            what = "the program has exited, and a process that it left behind listens instead"
            raise FaultError(reason_of(ending), what, doing=program.doing(program.remaining()))
        self._tiny_buffers = self._job.private_network or (self._over_tcp and self._made_tiny(program))
        program.transcript.add(EventKind.LISTENING, program.name, f"on {row.local.host} port {row.local.port}")
        self._ports.note_listening(row.local.port, port)
        self._seen = True
        return Server(program, row, port)

    def instead_of(self, program: Program, port: int) -> str:
        """Words for a program that listens on another port than this one, or nothing."""
        row = self._row(program, None)
        return f" and listens on port {row.local.port} instead" if row and row.local.port != port else ""

    def takes_anybody(self, server: Server) -> bool:
        """Whether a socket is bound to its port that belongs to no single peer.

        Otherwise the next check's client would be refused because of what this one's have done.
        """
        return any((row.local.port, row.remote) == (server.port, server.row.remote) for row in self._bound())

    def accept_queue(self, server: Server) -> int:
        """How many connections wait to be accepted: by one listener, or several that share the port (SO_REUSEPORT)."""
        return sum(row.receive_queue for row in self._table.dump(TcpState.LISTEN) if row.local.port == server.port)

    def queued(self, server: Server, count: int) -> bool:
        """Whether so many wait to be accepted; the last step of a connection may still be on its way."""
        until = time.monotonic() + SETTLE_S
        while (waiting := self.accept_queue(server)) < count and time.monotonic() < until:
            pass
        return waiting == count

    def _bound(self) -> list[SocketRow]:
        return self._table.dump(TcpState.LISTEN) if self._over_tcp else self._table.dump_udp()

    def _row(self, program: Program, ports: Container[int] | None) -> SocketRow | None:
        """The program's listening (UDP: bound) socket, on one of these ports or (None) on any."""
        rows = [row for row in self._bound() if ports is None or row.local.port in ports]
        if not rows:
            return None
        files = {target for process in program.snapshot() for target in process.files.values()}
        return next((row for row in rows if f"socket:[{row.inode}]" in files), None)

    def _made_tiny(self, program: Program) -> bool:
        """Give all its connections tiny send buffers, if the network's own are the usual ones; whether they have."""
        listening = {row.inode for row in self._table.dump(TcpState.LISTEN)}
        return self._warden.small_send_buffers(
            [
                (process.pid, int(fd))
                for process in program.snapshot()
                for fd in process.files
                if stillness.inode_of(process, int(fd)) in listening
            ]
        )

    def _other_transport(self, program: Program) -> str:
        """Words for a program that uses the other transport, or nothing."""
        sockets = {target for process in program.snapshot() for target in process.files.values()}
        other = self._table.dump_udp() if self._over_tcp else self._table.dump(TcpState.LISTEN)
        found = [row for row in other if f"socket:[{row.inode}]" in sockets]
        names = ("UDP", "TCP") if self._over_tcp else ("TCP", "UDP")
        return f" (it has {names[0]} port {found[0].local.port}; {names[1]} is required)" if found else ""


def _not_listening(program: Program, port: int, stop: NoProgressError, instead: str) -> FaultError:
    ending = program.ending()
    if ending is None:
        what = f"the program is running, but it does not listen on port {port}{instead}"
        return FaultError(Reason.NOT_LISTENING, what, doing=stop.doing)
    what = f"the program exited before it listened on port {port}"
    return FaultError(reason_of(ending), what, doing=stop.doing)
