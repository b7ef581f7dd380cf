"""The program under test and everything that one check needs around it: programs, clients, ports, the transcript.

Checks that leave a program as they found it share one; a check that stops it, or that did not pass, leaves none.  So no
check's leftovers reach the next, and no program is started more often than that requires.
"""

from __future__ import annotations

import dataclasses
import math
import random
import shlex
import socket
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeVar, cast

from grader.assignment import ClientSpec, ServerSpec
from grader.errors import Reason
from grader.harness import starting
from grader.harness.expect import Voice
from grader.harness.greeting import Greeting
from grader.harness.part import Part
from grader.harness.starting import Start
from grader.job import Command, Job
from grader.limits import EXIT_S, READY_S, SETTLE_S
from grader.link.channel import ChannelClosedError
from grader.model import EventKind
from grader.protocol.dialogues import Dialogue
from grader.protocol.script import Exchange
from grader.wire import stillness
from grader.wire.budget import Budget, Counted
from grader.wire.endings import CRASHES, reason_of
from grader.wire.faults import FaultError, NotStartedError, UnprovedError
from grader.wire.kernel import Endpoint, SocketRow, SocketTable, TcpState
from grader.wire.own_time import Spinning
from grader.wire.process import ForCheck
from grader.wire.program import Program
from grader.wire.stops import Stops
from grader.wire.tcp import ScriptedClient
from grader.wire.tcp_server import ScriptedServer
from grader.wire.transcript import Transcript
from grader.wire.udp import Courier, UdpClient, usual_queue_takes
from grader.wire.udp_server import ScriptedUdpServer
from grader.wire.waiting import NoProgressError, Why
from grader.wire.warden import CannotStartError, WardenClient, WardenError

#: Below the kernel's ephemeral range, so that no client of ours ever sits on one, and above the well-known ones; above
#: them also with its bytes swapped, since a program that forgets htons must be found there.
_PORTS = tuple(port for port in range(20_000, 32_000) if (port & 0xFF) << 8 >= 1024)
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104 — compared with, never bound
_PORT_TRIES = 100
#: Where servers are reached, for one that wants to be told.
_HOST = "127.0.0.1"
#: What a program finds where its place says nothing else ...
_USUAL_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108 — a tmpfs
    "LANG": "C.UTF-8",
    # environ(7): what every login sets, and few ask whether it did.
    "USER": "student",
    "LOGNAME": "student",
}
#: ... and what every one finds.
_OUR_ENVIRONMENT = {
    "TERM": "dumb",
    # What was freed would be kept for long (256 MB), as if the program had kept it; and its search for leaks at the end
    # looks into the program by ptrace(2), which is refused here: it would end in a complaint and a status of its own.
    "ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=0",
    "LSAN_OPTIONS": "detect_leaks=0",
}
#: Pools grow to their size and stay (Python's executors have at most 32): such a server is not restarted.
_PILED_UP = 40
_CLIENT_NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


#: Bytes of messages whose unread answers are more than the kernel's buffers hold: with the sandbox's tiny send buffers,
#: and with Linux's usual ones (tcp_wmem grows to 4 MiB, measured 2.3 to 3.9).
_MORE_THAN_TINY_BUFFERS = 1 << 20
_MORE_THAN_USUAL_BUFFERS = 12 << 20


T = TypeVar("T")


def environment(place: Mapping[str, str]) -> dict[str, str]:
    """What every program finds in its environment.  `place`: the variables of where it runs, PATH among them."""
    return {**_USUAL_ENVIRONMENT, **place, **_OUR_ENVIRONMENT}


class Client(Protocol):
    """A scripted client of either transport."""

    name: str

    def __enter__(self) -> Self:
        """Use it in a `with` block ..."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """... and it is closed at the end of the block."""

    def ask(self, exchange: Exchange) -> object:
        """Send a message and expect its reply."""

    def close(self) -> None:
        """Leave."""

    def gone(self) -> bool:
        """Whether nothing of it is left on the program's side."""


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


class Stage:
    """One grading's stage."""

    def __init__(self, job: Job, warden: WardenClient, table: SocketTable) -> None:
        self._job = job
        self.greeting = Greeting()
        self._courier = Courier()
        self._warden = warden
        self.table = table
        # Where others use the network too, each of them with the same seed perhaps, the same ports for all would be
        # taken by one between another's look and its program's start.
        self._ports = random.Random(job.seed if job.private_network else None)  # noqa: S311 — not secret
        self._program: Program | None = None
        #: Threads and processes of the shared server after its first check.
        self._first_tasks = 0
        #: Programs that run on beside the one that was started last.
        self._beside: list[Program] = []
        #: Whether the connections of the server that was started last have tiny send buffers.
        self._tiny_buffers = job.private_network
        #: Once it did not come to rest after a check, waiting for that again would only cost time.
        self._restless = False
        self._spinning = Spinning()
        self._stops = Stops()
        self._shared: Server | None = None
        self._clients: list[Client] = []
        #: Those of them of whom something may be left on the program's side.
        self._lingering: list[Client] = []
        self._found_out: dict[str, object] = {}
        self.transcript = Transcript(time.monotonic)
        self._ports_used: set[int] = set()
        self.give_up_at = math.inf
        self._budget = Budget()
        self._pair = False
        #: Where the program always listens, once that is known.
        self._own_port: int | None = None
        self._has_listened = False
        self._environment = environment(job.environment)
        #: Whether programs are followed, so that it is known where they crash.
        self._follows = False

    # From check to check

    def begin(self, give_up_at: float = math.inf, budget: Budget | None = None, *, pair: bool = False) -> None:
        """A check begins: a new transcript.

        `give_up_at`: when it must be cut short (time.monotonic).  `budget`: of its part's programs.  `pair`: whether it
        is one of both programs, which are to be told apart.
        """
        self.give_up_at = give_up_at
        self._budget = budget or Budget()
        self._budget.begin_check()
        self._stops.begin_check()
        self._pair = pair
        self.transcript = Transcript(time.monotonic)
        self._clients.clear()
        self._lingering.clear()
        if self._shared:
            self._shared.program.serve_check(self._for_check())

    def finish(self, *, passed: bool) -> None:
        """A check has ended: close its clients; keep the program only if it is as it was.

        `passed`: it passed, or was not played at all.
        """
        self._spinning.end_check()
        for client in self._clients:
            client.close()
        if not (passed and self._shared and self._at_rest(self._shared)):
            self.end_program()
        self._clear_time_wait()

    def _at_rest(self, server: Server) -> bool:
        """Whether it has let go of all connections, sleeps, and its socket accepts the next client as at first."""
        program = server.program
        if self._restless:
            return False

        def let_go() -> bool | None:
            self._lingering = [client for client in self._lingering if not client.gone()]
            return None if self._lingering else True

        try:
            program.wait(let_go, deadline_s=SETTLE_S, hurried=True)
            rests = program.wait_rest(SETTLE_S)
            self._restless = not rests and program.ending() is None
            return rests and self._takes_anybody(server) and not self._piles_up(program)
        except NoProgressError as outcome:
            self._restless = outcome.why is Why.DEADLINE
            return False
        except (FaultError, UnprovedError):
            return False

    def _piles_up(self, program: Program) -> bool:
        """Whether it has many more threads and processes than after its first check.

        They would make each look at it slower, from check to check; whether it may leave them is another check's
        business.
        """
        tasks = sum(len(process.threads) for process in program.snapshot(files=False))
        self._first_tasks = self._first_tasks or tasks
        return tasks - self._first_tasks > _PILED_UP

    def _takes_anybody(self, server: Server) -> bool:
        """Whether a socket is bound to its port that belongs to no single peer.

        Otherwise the next check's client would be refused because of what this one's have done.
        """
        bound = self.table.dump(TcpState.LISTEN) if self.over_tcp else self.table.dump_udp()
        return any((row.local.port, row.remote) == (server.port, server.row.remote) for row in bound)

    def end_program(self) -> None:
        """End whatever runs."""
        self._shared = None
        self._first_tasks = 0
        for program in (*self._beside, self._program):
            if program is not None:
                program.close()
        self._beside.clear()
        self._program = None
        self._warden.end()

    def _clear_time_wait(self) -> None:
        """Else the next server without SO_REUSEADDR would be blamed for the last one.

        Removing thousands takes seconds; who leaves them is not started again.
        """
        rows = self.table.dump(TcpState.TIME_WAIT)
        if self._job.private_network:
            with suppress(FaultError):
                self._budget.note_count(Counted.SOCKETS, len(rows), len(self._clients))
        for row in rows:
            if self._job.private_network or row.local.port in self._ports_used:
                self.table.destroy(row)

    def voices(self, doing: str) -> tuple[Voice, ...]:
        """What there is to say about the running program, or the last one, and about each that runs with it.

        `doing`: what the one at fault was doing then; if there are two, each is asked.
        """
        programs = [program for program in (*self._beside, self._program) if program is not None]
        if len(programs) < 2:
            return tuple(_voice(program, doing) for program in programs) or (Voice("program", doing),)
        return tuple(_voice(program, self._doing_alone(program)) for program in programs)

    def _doing_alone(self, program: Program) -> str:
        """What one of several programs is doing: with its own processes only."""
        try:
            if program.ending():
                return program.doing()
            return program.doing(stillness.descendants(program.snapshot(), program.pid))
        except (ChannelClosedError, WardenError, FaultError):
            return ""

    @property
    def unproved(self) -> UnprovedError | None:
        """What could not be verified in this check, although nothing went wrong in it."""
        return self._stops.unproved

    def behind(self, error: FaultError | UnprovedError) -> FaultError | UnprovedError:
        """What did not hold, with the counted limit that the program ran into, if it did.

        If it does not listen, or nothing could be proved, this is the fault: a program that has used up its processes
        can't be asked anything.
        """
        try:
            if error.reason is Reason.TOO_MANY_PROCESSES or not self._warden.refused_processes():
                return error
        except (ChannelClosedError, WardenError):
            return error
        if isinstance(error, UnprovedError) or error.reason is Reason.NOT_LISTENING:
            return FaultError(Reason.TOO_MANY_PROCESSES, self._too_many(), doing=error.doing)
        return dataclasses.replace(error, what=f"{error.what}; {self._too_many()}")

    @contextmanager
    def following(self) -> Iterator[None]:
        """Programs that are started meanwhile are followed: a fault then says where the program has crashed."""
        self._follows = True
        try:
            yield
        finally:
            self._follows = False

    @property
    def crashed(self) -> bool:
        """Whether the program that was started last has ended by a signal that says nothing of where it was."""
        ending = self._program.ending() if self._program is not None else None
        return ending is not None and -ending.status in CRASHES and not ending.out_of_memory

    def located(self, error: FaultError | UnprovedError) -> FaultError | UnprovedError:
        """The same, with where in its own source the program is now, or where it let an error through, as it says.

        It is not used any more afterwards.
        """
        if isinstance(error, FaultError) and self._program is not None:
            if self._follows:
                self._program.tell_crash(error)
                return error
            self._program.locate(error)
            self._program.trace(error)
        return error

    def _too_many(self) -> str:
        most = self._job.assignment.limits.processes
        return f"it started as many processes and threads as allowed ({most}), and tried to start more"

    # Programs

    def port(self) -> int:
        """A port that nobody uses and that is not the assignment's default.

        Raises:
            UnprovedError: none was found: something other than the program holds most of them.
        """
        port = self._find_port()
        if port is None:
            self.end_program()  # it may be what holds them
            port = self._find_port()
        if port is None:
            raise UnprovedError("no free port was found to start the program on")
        self._ports_used.add(port)
        return port

    def _find_port(self) -> int | None:
        tried = (self._ports.choice(_PORTS) for _ in range(_PORT_TRIES))
        taken = {self._job.assignment.server.default_port, *self._ports_used}
        return next((port for port in tried if port not in taken and self._is_free(port)), None)

    def can_hold(self, port: int) -> bool:
        """Whether we could listen on a port of this machine: nothing else does; old connections may be left."""
        return self._is_free(port, left_over=True)

    def _is_free(self, port: int, *, left_over: bool = False) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM if self.over_tcp else socket.SOCK_DGRAM) as probe:
            if left_over and self.over_tcp:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
        return True

    def run(
        self,
        start: Start,
        *,
        terminal: bool = True,
        judged_by_output: bool = False,
        beside: bool = False,
        again: bool = False,
    ) -> Program:
        """Start a program in the work folder, after ending what ran before, or `beside` it.

        It finds the folder as it was after building; one that is started `again`, as it has left it itself.
        One that is judged by its output runs at a terminal that adds nothing to it, and all of it is kept.

        Raises:
            FaultError: it can't be executed.
        """
        if not beside:
            self.end_program()
        elif self._program is not None:
            self._beside.append(self._program)
        try:
            started = self._warden.start(
                start.argv,
                {**self._environment, **start.environment},
                terminal=terminal,
                echo=not judged_by_output,
                afresh=not (beside or again),
                followed=self._follows,
            )
        except CannotStartError as error:
            raise FaultError(Reason.NOT_STARTED, f"the program could not be started: {error}") from None
        name = ("your client" if judged_by_output else "your server") if self._pair else "program"
        self.transcript.add(EventKind.STARTED, name, _shown(start))
        limits = self._job.assignment.limits
        self._program = Program(
            *(started, self._warden, self.table, self._for_check(), limits),
            keep_all=judged_by_output,
            spinning=self._spinning,
            stops=self._stops,
            name=name,
        )
        return self._program

    def _for_check(self) -> ForCheck:
        return ForCheck(self.transcript, self.give_up_at, self._budget)

    def run_client(
        self, run: tuple[str, ...], filling: Mapping[str, str], *, terminal: bool, beside: bool = False
    ) -> Program:
        """Start a client, after ending what ran before or beside it: at a terminal that echoes nothing, or on pipes.

        `filling`: what replaces {host}, {port} and {message} in the command.

        Raises:
            FaultError: it can't be executed.
        """
        variables = self._job.assignment.starting("client").environment
        start = starting.as_usual(run, variables, {**self._filling, **filling})
        return self.run(start, terminal=terminal, judged_by_output=True, beside=beside)

    def start(self, *arguments: str) -> Program:
        """Start the submission with these arguments in place of the port."""
        variables = self._job.assignment.server.environment
        return self.run(starting.with_port(self._job.commands["server"], variables, arguments, self._filling))

    def start_on(self, port: int, *, terminal: bool = True, again: bool = False) -> Program:
        """Start the submission as a server on a port, at a terminal or on pipes."""
        variables = self._job.assignment.server.environment
        start = starting.as_usual(self._job.commands["server"].run, variables, {**self._filling, "port": str(port)})
        return self.run(start, terminal=terminal, again=again)

    @property
    def _filling(self) -> dict[str, str]:
        """What can be filled in at every start."""
        return {"host": _HOST, "files": self._job.files}

    def wait_listening(self, program: Program, port: int) -> Server:
        """Until the program listens: on that port, or else wherever it listens when it has come to rest.

        Raises:
            FaultError: it does not listen, and will not.
        """
        ports = {port, self._own_port or port}
        ask_at = time.monotonic() + SETTLE_S

        def listens() -> SocketRow | None:
            nonlocal ask_at
            row = self._listener(program, ports)
            if row is None and time.monotonic() > ask_at:  # nearly all listen long before it
                ask_at = time.monotonic() + SETTLE_S
                if self._warden.refused_processes():
                    raise FaultError(Reason.TOO_MANY_PROCESSES, self._too_many())
            return row

        try:
            row: SocketRow | None = program.wait(listens, deadline_s=READY_S, hurried=True)
        except NoProgressError as stop:
            row = self._listener(program, None)
            if row is None or stop.why is Why.ENDED:
                raise _not_listening(program, port, stop, self._other_transport(program)) from None
        assert row is not None  # noqa: S101 — wait never gives None
        if ending := program.ending():
            what = "the program has exited, and a process that it left behind listens instead"
            raise FaultError(reason_of(ending), what, doing=program.doing(program.remaining()))
        self._tiny_buffers = self._job.private_network or (self.over_tcp and self._made_tiny(program))
        self.transcript.add(EventKind.LISTENING, program.name, f"on {row.local.host} port {row.local.port}")
        self._ports_used.add(row.local.port)
        self._has_listened = True
        if row.local.port != port:
            self._own_port = row.local.port
        return Server(program, row, port)

    def _listener(self, program: Program, ports: Container[int] | None) -> SocketRow | None:
        """The program's listening (UDP: bound) socket, on one of these ports or (None) on any."""
        bound = self.table.dump(TcpState.LISTEN) if self.over_tcp else self.table.dump_udp()
        rows = [row for row in bound if ports is None or row.local.port in ports]
        if not rows:
            return None
        files = {target for process in program.snapshot() for target in process.files.values()}
        return next((row for row in rows if f"socket:[{row.inode}]" in files), None)

    def _made_tiny(self, program: Program) -> bool:
        """Give all its connections tiny send buffers, if the network's own are the usual ones; whether they have."""
        listening = {row.inode for row in self.table.dump(TcpState.LISTEN)}
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
        other = self.table.dump_udp() if self.over_tcp else self.table.dump(TcpState.LISTEN)
        found = [row for row in other if f"socket:[{row.inode}]" in sockets]
        names = ("UDP", "TCP") if self.over_tcp else ("TCP", "UDP")
        return f" (it has {names[0]} port {found[0].local.port}; {names[1]} is required)" if found else ""

    def launch(self, port: int | None = None, *, terminal: bool = True) -> Server:
        """A freshly started server, not shared with other checks, at a terminal or on pipes.

        Raises:
            FaultError: it does not listen.
            UnprovedError: it can't, because of what an earlier check has left in the kernel.
        """
        self.end_program()  # first, so that it holds no port
        self._clear_time_wait()
        port = port or self.port()
        try:
            return self.wait_listening(self.start_on(port, terminal=terminal), port)
        except FaultError as fault:
            if self._own_port in {row.local.port for row in self.table.dump(TcpState.TIME_WAIT)}:
                what = f"an earlier check's connection still holds port {self._own_port}, and can't be cleared here"
                raise UnprovedError(what, doing=fault.doing) from None
            raise

    def launch_again(self, server: Server) -> Server:
        """The same command once more, after its program has exited, with what it has written: it listens where it did.

        Raises:
            FaultError: it does not.
        """
        again = self.wait_listening(self.start_on(server.port_given, again=True), server.port)
        if again.port != server.port:
            # listen(2) on a socket that bind(2) has refused takes any free port.
            what = f"it listened on port {server.port} before, but now on port {again.port}"
            raise FaultError(Reason.WRONG_PORT, what, doing=again.program.doing())
        return again

    def see_it_listen(self) -> None:
        """See, once in a grading, that it listens when it is started properly.

        Raises:
            NotStartedError: it does not.
        """
        if not self._has_listened:
            self.shared()

    def instead_of(self, program: Program, port: int) -> str:
        """Words for a program that listens on another port than this one, or nothing."""
        row = self._listener(program, None)
        return f" and listens on port {row.local.port} instead" if row and row.local.port != port else ""

    def again(self, server: Server) -> Server:
        """The shared server as if nothing had happened: this one if it is at rest, else a new one.

        Raises:
            NotStartedError: a new one does not listen.
        """
        if not self._at_rest(server):
            self.end_program()
        return self.shared()

    def once(self, what: str, find_out: Callable[[], T]) -> T:
        """What was found out about the submission's program in one of its runs; it is not done twice."""
        if what not in self._found_out:
            self._found_out[what] = find_out()
        return cast("T", self._found_out[what])

    def shared(self) -> Server:
        """The running server that checks share; started if there is none.

        Raises:
            NotStartedError: it does not listen.
        """
        if self._shared is None:
            try:
                self._shared = self.launch()
            except FaultError as fault:
                raise NotStartedError(fault) from None
        return self._shared

    def connect(self, server: Server, *, slow: bool = False) -> ScriptedClient:
        """A new scripted TCP client, named by its turn, that has received the server's greeting.

        A slow one reads nothing before it is told to.
        """
        __tracebackhide__ = True
        client = self.knock(server, slow=slow)
        if not slow:
            self.open(client)
        return client

    def begin_dialogue(self, server: Server, dialogue: Dialogue) -> Part:
        """A new scripted TCP client's part in a dialogue."""
        __tracebackhide__ = True
        return Part(lambda: self.connect(server), dialogue, one_request=self.one_request)

    def knock(self, server: Server, *, slow: bool = False) -> ScriptedClient:
        """A client that has only connected."""
        __tracebackhide__ = True
        name = client_name(len(self._clients))
        client = ScriptedClient(server.program, self.table, server.address, name, slow=slow)
        self._clients.append(client)
        self._lingering.append(client)
        self.greeting.prepare(client)
        return client

    def open(self, client: ScriptedClient) -> None:
        """Receive the server's greeting, if it has one."""
        __tracebackhide__ = True
        self.greeting.hear(client)

    def accept_queue(self, server: Server) -> int:
        """How many connections wait to be accepted: by one listener, or several that share the port (SO_REUSEPORT)."""
        return sum(row.receive_queue for row in self.table.dump(TcpState.LISTEN) if row.local.port == server.port)

    def queued(self, server: Server, count: int) -> bool:
        """Whether so many wait to be accepted; the last step of a connection may still be on its way."""
        until = time.monotonic() + SETTLE_S
        while (waiting := self.accept_queue(server)) < count and time.monotonic() < until:
            pass
        return waiting == count

    def connect_udp(self, server: Server) -> UdpClient:
        """A new scripted UDP client, named by its turn."""
        name = client_name(len(self._clients))
        client = UdpClient(server.program, self.table, self._courier, server.address, name)
        self._clients.append(client)
        self._lingering.append(client)
        return client

    def usual_queue_takes(self, datagrams: list[bytes]) -> bool:
        """Whether these datagrams may wait together in the queue of a socket that has the default size."""
        return usual_queue_takes(datagrams, self.table, self._courier)

    def client(self, server: Server) -> Client:
        """A new scripted client of the assignment's transport."""
        return self.connect(server) if self.over_tcp else self.connect_udp(server)

    def listen(self, addresses: list[Endpoint]) -> ScriptedServer:
        """A scripted TCP server, which waits for a client."""
        return ScriptedServer(addresses, self.table)

    def await_datagrams(self, addresses: list[Endpoint]) -> ScriptedUdpServer:
        """A scripted UDP server, which waits for a client."""
        return ScriptedUdpServer(addresses, self.table, self._courier)

    @property
    def over_tcp(self) -> bool:
        """Whether the assignment's transport is TCP."""
        return self._job.assignment.transport == "tcp"

    @property
    def one_request(self) -> bool:
        """Whether the server closes each connection after its reply."""
        return self.server_spec.connection == "one_request"

    @property
    def server_spec(self) -> ServerSpec:
        """What the handout says about the server."""
        return self._job.assignment.server

    @property
    def client_spec(self) -> ClientSpec:
        """What the handout says about the client."""
        return self._job.assignment.client or ClientSpec()

    @property
    def command(self) -> Command:
        """How the client is started."""
        return self._job.commands["client"]

    @property
    def private_network(self) -> bool:
        """Whether nobody else uses this network namespace."""
        return self._job.private_network

    @property
    def more_than_buffers_bytes(self) -> int:
        """So many bytes of messages that their replies don't fit in the kernel's buffers on the server's side."""
        return _MORE_THAN_TINY_BUFFERS if self._tiny_buffers else _MORE_THAN_USUAL_BUFFERS

    @contextmanager
    def port_held(self) -> Iterator[int]:
        """A port on which we listen ourselves, on every address: a free one, or the program's own.

        Raises:
            UnprovedError: it can't be held.
        """
        self.end_program()
        port = self._own_port or self.port()
        try:
            holder = self._hold(port)
        except OSError as error:
            raise UnprovedError(f"port {port} could not be held: {error.strerror}") from None
        with holder:
            yield port

    def _hold(self, port: int) -> socket.socket:
        """A socket that keeps everyone else from a port, on every address of both families."""
        kind = socket.SOCK_STREAM if self.over_tcp else socket.SOCK_DGRAM
        holder = socket.socket(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET, kind)
        try:
            if holder.family == socket.AF_INET6:
                holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            # Over TCP a connection in TIME_WAIT may be there still; over UDP it lets who sets it, too, share the port.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("", port))
            if self.over_tcp:
                holder.listen()
        except OSError:
            holder.close()
            raise
        return holder

    def leftovers(self, program: Program) -> list[str]:
        """Names of the program's processes that still run after it has exited, once those that are dying are dead.

        The kernel says whether any is left: a process that never shows up in a listing, since it starts another and
        exits, is left as well.
        """

        def none_left() -> bool | None:
            return None if program.remaining() else True

        try:
            program.wait(none_left, until_end=False, deadline_s=EXIT_S, hurried=True)
        except NoProgressError as stop:
            left = [process for process in program.remaining(stop.seen) if process.alive]
            return [process.name or "one without a name" for process in left] or [_NEVER_MET]
        return []


def _voice(program: Program, doing: str) -> Voice:
    with suppress(FaultError):  # a flood is told elsewhere; here counts what it has printed until now
        program.catch_up()
    # The terminal itself prints ^C on standard output.
    printed, complained = program.printed_in_check()
    return Voice(program.name, doing, printed.replace(b"^C", b""), complained)


#: A process is left, but none that we could look at: a chain in which each one starts the next and exits.
_NEVER_MET = "one that keeps starting another and exiting"


def client_name(number: int) -> str:
    """`client A` to `client Z`, then `client 27` and so on; from 0."""
    return f"client {_CLIENT_NAMES[number]}" if number < len(_CLIENT_NAMES) else f"client {number + 1}"


def _shown(start: Start) -> str:
    """As in a shell."""
    variables = (f"{name}={shlex.quote(value)}" for name, value in start.environment.items())
    return " ".join([*variables, shlex.join(start.argv)])


def _not_listening(program: Program, port: int, stop: NoProgressError, instead: str) -> FaultError:
    ending = program.ending()
    if ending is None:
        what = f"the program is running, but it does not listen on port {port}{instead}"
        return FaultError(Reason.NOT_LISTENING, what, doing=stop.doing)
    what = f"the program exited before it listened on port {port}"
    return FaultError(reason_of(ending), what, doing=stop.doing)
