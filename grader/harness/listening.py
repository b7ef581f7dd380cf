"""Where a program listens: on the port that it was given, or on one of its own, where the kernel shows its socket.

Four of five students hard-code their port.  So nothing here trusts what a program was told: a row of the kernel's
table whose inode is among the program's descriptors says where it listens.  The port it was given is looked for first,
since nearly all listen there within milliseconds; any other counts only when the program has come to rest without it,
or a helper port that it opens on the way would be taken for its own.  A wait ends with a row, with the program's exit,
or when it can make no more progress.
"""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from grader.errors import Reason
from grader.harness.ports import Ports
from grader.harness.programs import Programs
from grader.harness.stopping import interrupt, kill
from grader.job import Job
from grader.limits import MOST_FILE_BYTES, SETTLE_S
from grader.model import EventKind
from grader.wire.endings import reason_of
from grader.wire.facts import descendants, inode_of
from grader.wire.faults import FaultError
from grader.wire.kernel import Endpoint, SocketRow, SocketTable, TcpState
from grader.wire.program import Program
from grader.wire.waiting import NoProgressError, Why
from grader.wire.warden import NoFileError, WardenClient

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104 — compared with, never bound
#: Bytes of messages whose unread answers are more than the kernel's buffers hold: with the sandbox's tiny send buffers,
#: and with Linux's usual ones (tcp_wmem grows to 4 MiB, measured 2.3 to 3.9).
_MORE_THAN_TINY_BUFFERS = 1 << 20
_MORE_THAN_USUAL_BUFFERS = 12 << 20


@dataclass(frozen=True)
class Facts:
    """What the kernel shows of a program, all its processes together.  `memory_bytes`: resident."""

    processes: int
    threads: int
    open_files: int
    memory_bytes: int


@dataclass(frozen=True)
class Server:
    """A program that listens (UDP: that is bound).

    `row`: its listening socket; `port_given`: what it was given; `further`: the other ports that it was given, by name;
    `arguments`: what it was started with, if not with the usual ones.
    """

    program: Program
    row: SocketRow
    port_given: int
    further: Mapping[str, int] = field(default_factory=dict)
    arguments: tuple[str, ...] | None = None

    @property
    def port(self) -> int:
        """Where it really listens."""
        return self.row.local.port

    @property
    def address(self) -> Endpoint:
        """Where a client on this machine reaches it."""
        return _reached(self.row)

    @property
    def stdout(self) -> bytes:
        """What it has printed on standard output in this check so far: all of it, where the assignment has `output`."""
        self.program.catch_up()
        return self.program.printed_in_check()[0]

    @property
    def stderr(self) -> bytes:
        """What it has printed on stderr in this check so far, up to `output_kept_bytes`."""
        self.program.catch_up()
        return self.program.printed_in_check()[1]

    def facts(self) -> Facts:
        """What the kernel shows of it now (FaultError: it has more than can be looked at)."""
        __tracebackhide__ = True
        seen = self.program.snapshot()
        return Facts(
            processes=len(seen),
            threads=sum(len(process.living) for process in seen),
            open_files=sum(len(process.files) for process in seen),
            memory_bytes=sum(process.resident_bytes for process in seen),
        )

    def interrupt(self) -> None:
        """Press Ctrl-C at its terminal, and wait until it has exited (FaultError: it keeps running)."""
        __tracebackhide__ = True
        interrupt(self.program)

    def kill(self) -> None:
        """End it by SIGKILL, which it can't notice, and wait until it has exited."""
        kill(self.program)

    def wait_rest(self) -> bool:
        """Until it has nothing left to do: it waits for somebody; False if it has exited, or never rests."""
        return self.program.wait_rest(SETTLE_S)

    def expect_printed(self, data: bytes) -> None:
        """Until that is in what it has printed on standard output in this check.

        Raises:
            FaultError: it is not, and won't be.
        """
        __tracebackhide__ = True

        def printed() -> bool | None:
            return data in self.program.printed_in_check()[0] or None

        try:
            self.program.wait(printed, [self.program.started.stdout], prints=True, hurried=True)
        except NoProgressError as stop:
            printed_so_far = self.stdout
            what = "what it should print is not in its output"
            if not printed_so_far:
                what += ": nothing is, and what a program prints on a pipe stays in its buffer until it flushes it"
            raise FaultError(Reason.NOT_SHOWN, what, data, printed_so_far, doing=stop.doing) from None

    def read_file(self, path: str) -> bytes:
        """A file in the folder that it runs in, by its path there; no link is followed.

        Raises:
            FaultError: there is none, or it can't be read by its user, or has more than MOST_FILE_BYTES.
        """
        __tracebackhide__ = True
        try:
            return self.program.warden.read_file(path, MOST_FILE_BYTES)
        except NoFileError as error:
            raise FaultError(Reason.NOT_AS_REQUIRED, f"its file {path!r} {error}") from None

    def write_file(self, path: str, content: bytes) -> None:
        """Put a file into the folder that it runs in, or replace its content, as its user; no link is followed.

        Raises:
            FaultError: what it has made there itself is in the way.
        """
        __tracebackhide__ = True
        try:
            self.program.warden.write_file(path, content)
        except NoFileError as error:
            raise FaultError(
                Reason.NOT_AS_REQUIRED, f"the file {path!r} could not be put beside it: it {error}"
            ) from None


def _reached(row: SocketRow) -> Endpoint:
    """Where a client on this machine reaches a listening socket."""
    host = row.local.host
    if host == "::" and row.v6_only:
        return Endpoint("::1", row.local.port)
    return Endpoint(_WILDCARDS.get(host, host), row.local.port)


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
            row: SocketRow | None = program.wait(listens, deadline_s=program.limits.ready_s, hurried=True)
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

    def row_of(self, server: Server, name: str) -> SocketRow:
        """The listening socket of one of its further ports, by name, as soon as there is one.

        Raises:
            FaultError: it listens on its main port, but won't there.
        """
        __tracebackhide__ = True
        port, program = server.further[name], server.program
        most_s = program.limits.ready_s
        try:
            row: SocketRow = program.wait(lambda: self._row(program, {port}), deadline_s=most_s, hurried=True)
        except NoProgressError as stop:
            what = f"it listens on port {server.port}, but not on port {port}, which is its port {name!r}"
            raise FaultError(Reason.NOT_LISTENING, what, doing=stop.doing) from None
        program.transcript.add(EventKind.LISTENING, program.name, f"on {row.local.host} port {port} ({name})")
        return row

    def reach(self, server: Server, name: str) -> Endpoint:
        """Where a client on this machine reaches one of its further ports (FaultError: it does not listen there)."""
        __tracebackhide__ = True
        return _reached(self.row_of(server, name))

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
        seen = program.snapshot()
        if self._programs.several:  # another one's socket may be on the same port
            seen = descendants(seen, program.pid)
        files = {target for process in seen for target in process.files.values()}
        return next((row for row in rows if f"socket:[{row.inode}]" in files), None)

    def _made_tiny(self, program: Program) -> bool:
        """Give all its connections tiny send buffers, if the network's own are the usual ones; whether they have."""
        listening = {row.inode for row in self._table.dump(TcpState.LISTEN)}
        return self._warden.small_send_buffers(
            [
                (process.pid, int(fd))
                for process in program.snapshot()
                for fd in process.files
                if inode_of(process, int(fd)) in listening
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
