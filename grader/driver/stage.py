"""The program under test and everything that one check brings on: programs, clients, ports, the transcript.

Checks that leave a program as they found it share one; a check that ends it, or that did not pass, leaves none.  So no
check's leftovers reach the next, and no program is started more often than that takes.
"""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from grader.driver.job import Job
from grader.errors import Reason
from grader.limits import EXIT_S, READY_S, SETTLE_S
from grader.model import EventKind
from grader.wire.faults import FaultError, NotStartedError, UnprovedError
from grader.wire.kernel import Endpoint, SocketTable, TcpRow, TcpState
from grader.wire.program import NoProgressError, Program, Why, reason_of
from grader.wire.tcp import ScriptedClient
from grader.wire.transcript import Transcript
from grader.wire.warden import CannotStartError, WardenClient

#: Below the kernel's ephemeral range, so that no client of ours ever sits on one, and above the well-known ones.
_PORTS = range(20_000, 32_000)
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104 — compared with, never bound
_PORT_TRIES = 100
_PLACES = re.compile(r"\{\{|\}\}|\{host\}|\{port\}")
_CLIENT_NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Server:
    """A program that listens.  `row`: its listening socket; `port_given`: what it was told."""

    program: Program
    row: TcpRow
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
        self._warden = warden
        self.table = table
        self._ports = random.Random(job.seed)  # noqa: S311 — repeatable, not secret
        self._program: Program | None = None
        #: Once it did not come to rest after a check, waiting for that again would only cost time.
        self._restless = False
        self._shared: Server | None = None
        self._clients: list[ScriptedClient] = []
        self.transcript = Transcript(time.monotonic)
        self._ports_used: set[int] = set()
        #: Where the program listens whatever it is told, once that is known.
        self._own_port: int | None = None
        self.environment = {"PATH": job.path, "HOME": "/tmp", "LANG": "C.UTF-8", "TERM": "dumb"}  # noqa: S108 — a tmpfs

    # From check to check

    def begin(self) -> None:
        """A check begins: a new transcript."""
        self.transcript = Transcript(time.monotonic)
        self._clients.clear()
        if self._shared:
            self._shared.program.transcript = self.transcript

    def finish(self, *, passed: bool) -> None:
        """A check has ended: close its clients; keep the program only if it is as it was."""
        for client in self._clients:
            client.close()
        if not (passed and self._shared and self._at_rest(self._shared)):
            self.end_program()
        self._clear_time_wait()

    def _at_rest(self, server: Server) -> bool:
        """Whether it has let go of all connections, sleeps, and waits for the next client."""
        program = server.program
        if self._restless:
            return False

        def rests() -> bool | None:
            if any(not client.gone() for client in self._clients):
                return None
            return program.at_rest() or None

        try:
            program.wait(rests, deadline_s=SETTLE_S)
        except NoProgressError as outcome:
            self._restless = outcome.why is Why.DEADLINE
            return False
        except (FaultError, UnprovedError):
            return False
        return program.ending() is None

    def end_program(self) -> None:
        """End whatever runs."""
        self._shared = None
        if self._program is not None:
            self._program.close()
            self._program = None
        self._warden.end()

    def _clear_time_wait(self) -> None:
        """Else the next server without SO_REUSEADDR would be blamed for the last one."""
        for row in self.table.dump(TcpState.TIME_WAIT):
            if self._job.private_network or row.local.port in self._ports_used:
                self.table.destroy(row)

    def printed(self) -> bytes:
        """What the running program, or the last one, wrote to standard error; else to standard output."""
        if self._program is None:
            return b""
        return bytes(self._program.stderr.data or self._program.stdout.data)

    # Programs

    def port(self) -> int:
        """A port that nobody uses and that is not the assignment's default.

        Raises:
            UnprovedError: none was found: somebody holds most of them.
        """
        for _ in range(_PORT_TRIES):
            port = self._ports.choice(_PORTS)
            if port != self._job.assignment.server.default_port and port not in self._ports_used and _is_free(port):
                self._ports_used.add(port)
                return port
        raise UnprovedError("no free port was found to start the program on")

    def run(self, argv: tuple[str, ...], *, terminal: bool = True) -> Program:
        """Start a command in the work folder, after ending what ran before.

        Raises:
            FaultError: it can't be executed.
        """
        self.end_program()
        try:
            started = self._warden.start(argv, self.environment, terminal=terminal)
        except CannotStartError as error:
            raise FaultError(Reason.NOT_STARTED, f"the program could not be started: {error}") from None
        self.transcript.add(EventKind.STARTED, "program", " ".join(argv))
        limits = self._job.assignment.limits
        self._program = Program(started, self._warden, self.table, self.transcript, limits)
        return self._program

    def start(self, *arguments: str) -> Program:
        """Start the submission with these arguments in place of the port."""
        return self.run(_with_arguments(self._job.run, arguments))

    def start_on(self, port: int) -> Program:
        """Start the submission as a server on a port."""
        return self.run(tuple(_filled(word, str(port)) for word in self._job.run))

    def wait_listening(self, program: Program, port: int) -> Server:
        """Until the program listens: on that port, or else wherever it does when it has come to rest.

        Raises:
            FaultError: it does not listen, and will not.
        """
        ports = {port, self._own_port or port}

        def listens() -> TcpRow | None:
            return self._listener(program, ports)

        try:
            row: TcpRow | None = program.wait(listens, deadline_s=READY_S)
        except NoProgressError as stop:
            row = self._listener(program, None)
            if row is None or stop.why is Why.ENDED:
                raise _not_listening(program, port, stop) from None
        assert row is not None  # noqa: S101 — wait never gives None
        if ending := program.ending():
            what = "the program has ended, and a process that it left behind listens in its place"
            raise FaultError(reason_of(ending), what, doing=program.doing(program.remaining()))
        self.transcript.add(EventKind.LISTENING, "program", f"on {row.local.host} port {row.local.port}")
        self._ports_used.add(row.local.port)
        if row.local.port != port:
            self._own_port = row.local.port
        return Server(program, row, port)

    def _listener(self, program: Program, ports: Container[int] | None) -> TcpRow | None:
        """The program's LISTEN row, on one of these ports or (None) on any."""
        rows = [row for row in self.table.dump(TcpState.LISTEN) if ports is None or row.local.port in ports]
        if not rows:
            return None
        files = {target for process in program.snapshot() for target in process.files.values()}
        return next((row for row in rows if f"socket:[{row.inode}]" in files), None)

    def launch(self, port: int | None = None) -> Server:
        """A freshly started server, not shared with other checks.

        Raises:
            FaultError: it does not listen.
            UnprovedError: it can't, because of what an earlier check has left in the kernel.
        """
        self.end_program()  # first, so that nothing of it holds a port
        port = port or self.port()
        try:
            return self.wait_listening(self.start_on(port), port)
        except FaultError as fault:
            if self._own_port in {row.local.port for row in self.table.dump(TcpState.TIME_WAIT)}:
                what = f"an earlier check's connection still holds port {self._own_port}, and can't be cleared here"
                raise UnprovedError(what, doing=fault.doing) from None
            raise

    def launch_again(self, server: Server) -> Server:
        """The same command once more, after its program has ended: it must listen where it did.

        Raises:
            FaultError: it does not.
        """
        return self.wait_listening(self.start_on(server.port_given), server.port)

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

    def connect(self, server: Server) -> ScriptedClient:
        """A new scripted client, named by its turn."""
        name = client_name(len(self._clients))
        client = ScriptedClient(server.program, self.table, server.address, name)
        self._clients.append(client)
        return client

    @property
    def asks_for_any_address(self) -> bool:
        """Whether the handout wants the server reachable on every address."""
        return self._job.assignment.server.listen == "any"

    @contextmanager
    def port_held(self) -> Iterator[int]:
        """A port on which we listen ourselves, on every address: a free one, or the program's own.

        Raises:
            UnprovedError: it can't be held.
        """
        family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
        self.end_program()
        port = self._own_port or self.port()
        try:
            holder = socket.create_server(("", port), family=family, dualstack_ipv6=family == socket.AF_INET6)
        except OSError as error:
            raise UnprovedError(f"port {port} could not be held: {error.strerror}") from None
        with holder:
            yield port

    def leftovers(self, program: Program) -> list[str]:
        """Names of the program's processes that run on after its end, once those that are dying are dead."""

        def none_left() -> bool | None:
            return None if program.remaining() else True

        try:
            program.wait(none_left, until_end=False, deadline_s=EXIT_S)
        except NoProgressError:
            return [process.name for process in program.remaining()]
        return []


def client_name(number: int) -> str:
    """`client A` to `client Z`, then `client 27` and so on; from 0."""
    return f"client {_CLIENT_NAMES[number]}" if number < len(_CLIENT_NAMES) else f"client {number + 1}"


def _with_arguments(run: tuple[str, ...], arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The command with these arguments in the port's place, be it a word of its own, a part of one, or nowhere."""
    if not any("{port}" in word for word in run):
        return *(_filled(word, "") for word in run), *arguments
    words: list[str] = []
    for word in run:
        if word == "{port}":
            words += arguments
        else:
            words.append(_filled(word, " ".join(arguments)))
    return tuple(words)


def _filled(word: str, port: str) -> str:
    """A word of the command with its two placeholders filled in.

    A brace that belongs to a name stands doubled (`languages.py`); any other brace is the student's own.
    """
    filling = {"{host}": "127.0.0.1", "{port}": port, "{{": "{", "}}": "}"}
    return _PLACES.sub(lambda place: filling[place[0]], word)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _not_listening(program: Program, port: int, stop: NoProgressError) -> FaultError:
    ending = program.ending()
    if ending is None:
        return FaultError(
            Reason.NOT_LISTENING, f"the program runs, but it does not listen on port {port}", doing=stop.doing
        )
    what = f"the program ended before it listened on port {port}"
    return FaultError(reason_of(ending), what, doing=stop.doing)
