"""One grading's stage: from check to check it decides which program runs.

How it works.  Most checks need a server that runs, and starting one costs more than the check.  So there is a *shared*
server: it is started for the first check that asks for one, and kept for the next as long as it is as it was.  After
each check the stage closes the check's clients and asks whether the server is *at rest*: it has let go of every
connection, all its threads sleep, its socket still takes anybody, and it has not piled up threads.  Only a check that
passed may leave a program behind; otherwise it is ended, with every process it has started, and the next check starts
a fresh one.  So no check's leftovers reach another check, and no program is started more often than that requires.
One that exits all the same after some time, or some number of clients, would fail whatever check it meets then: that is
played once more with a fresh one (`driver/plugin.py`), and if it passes, nothing is shared any more.

The kernel keeps something too: a connection that the server has closed first holds its port in TIME_WAIT.  These rows
are removed between checks, or a server without SO_REUSEADDR would be blamed in one check for what another did.

Why it can't be simpler.  One fresh server for each check would need no rest to be defined, but it triples the time of a
grading, and hides what a server gathers up; one server for all checks would let the first fault fail everything.

The stage itself does none of the work.  Its parts do: `programs` starts and ends, `ports` finds ports, `listening`
finds where a program listens, `peers` makes our clients and servers.  A check begins (`begin`) before its fixtures are
made, and ends (`finish`) once its verdict is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar, cast

from grader.assignment import ClientSpec, ServerSpec
from grader.errors import Reason
from grader.harness.basics import Basics
from grader.harness.greeting import Greeting
from grader.harness.listener import ScriptedListener
from grader.harness.listening import Listening, Server
from grader.harness.part import Part
from grader.harness.peers import Client, Peers
from grader.harness.ports import Ports
from grader.harness.programs import Played, Programs, Way
from grader.job import Command, Job
from grader.limits import SETTLE_S
from grader.protocol.dialogues import Dialogue
from grader.wire.budget import Budget, Counted
from grader.wire.courier import BROADCAST
from grader.wire.faults import FaultError, NotStartedError, UnprovedError
from grader.wire.kernel import Endpoint, SocketTable, TcpState
from grader.wire.program import Program
from grader.wire.tcp import ScriptedClient
from grader.wire.transcript import Transcript
from grader.wire.udp import UdpClient
from grader.wire.waiting import NoProgressError, Why
from grader.wire.warden import WardenClient

#: Pools grow to their size and stay (Python's executors have at most 32): such a server is not restarted.
_PILED_UP = 40
#: Where our own ports are, to which a server is to connect.
_HOST = "127.0.0.1"
_ELSEWHERE = "127.0.0.2"

T = TypeVar("T")


class Stage:
    """Its parts, and the server that checks share.  `greeting`: what the server says first."""

    def __init__(self, job: Job, warden: WardenClient, table: SocketTable, greeting: Greeting | None = None) -> None:
        self._job = job
        self.table: Final = table
        self.over_tcp: Final = job.assignment.transport == "tcp"
        #: Whether nobody else uses this network namespace.
        self.private_network: Final = job.private_network
        #: Whether the server closes each connection after its reply.
        self.one_request: Final = job.assignment.server.connection == "one_request"
        #: Whether requests that were sent together may be answered in another order.
        self.in_any_order: Final = job.assignment.server.replies == "in_any_order"
        #: What the handout says about the server and about the client.
        self.server_spec: Final[ServerSpec] = job.assignment.server
        self.client_spec: Final[ClientSpec] = job.assignment.client or ClientSpec()
        self.ports: Final = Ports(job, self.end_program)
        self.programs: Final = Programs(job, warden, table, self.ports)
        self.listening: Final = Listening(job, warden, table, self.programs, self.ports)
        self.peers: Final = Peers(job, table, greeting or Greeting())
        self.greeting: Final = self.peers.greeting
        self._played = Played()
        self._shared: Server | None = None
        #: Whether earlier checks have used that, and whether later ones may.
        self._is_used = False
        self._shares = True
        #: How many threads and processes a shared server had at least after a check.
        self._fewest_tasks = math.inf
        #: Once it did not come to rest after a check, waiting for that again would only cost time.
        self._restless = False
        self._found_out: dict[str, object] = {}
        self.basics: Final = Basics()

    @property
    def transcript(self) -> Transcript:
        """What happens in the check that is being played."""
        return self._played.transcript

    @property
    def client_command(self) -> Command:
        """How the client is started."""
        return self._job.commands["client"]

    @property
    def taken_s(self) -> float:
        """How much of its own time the program has taken for the steps of this check so far."""
        return self._played.budget.taken_s

    @property
    def used_s(self) -> float:
        """How much of its own time the program has used so far, that for long messages included."""
        return self._played.budget.used_s

    # From check to check

    def begin(self, give_up_at: float = math.inf, budget: Budget | None = None, *, pair: bool = False) -> None:
        """A check begins: a new transcript.  The arguments are those of `Played`."""
        self._played = Played(give_up_at, budget or Budget(), pair)
        self.programs.begin(self._played)
        self.peers.begin()

    def finish(self, *, passed: bool) -> None:
        """A check has ended: close its clients; keep the program only if it is as it was.

        `passed`: it passed, or was not played at all.
        """
        self.programs.finish()
        self.peers.finish()
        alone = self._shares and not self.programs.several
        if passed and alone and (kept := self._kept()) and self._at_rest(kept):
            self._is_used = True
        else:
            self.end_program()
        self._clear_time_wait()

    def end_program(self) -> None:
        """End whatever runs."""
        self._shared = None
        self.programs.end()

    def wore_out(self) -> bool:
        """Whether the server that earlier checks had used has exited in this one."""
        kept = self._kept()
        return kept is not None and self._is_used and kept.program.ending() is not None

    def share_no_more(self) -> None:
        """From now on each check gets a new server: it exits some time, whatever is asked of it."""
        self._shares = False
        self.end_program()

    def _kept(self) -> Server | None:
        """The shared server, unless another program was started in its place."""
        return self._shared if self._shared and self.programs.has(self._shared.program) else None

    def _at_rest(self, server: Server) -> bool:
        """Whether it has let go of all connections, sleeps, and its socket accepts the next client as at first."""
        program = server.program
        if self._restless:
            return False

        try:
            program.wait(lambda: self.peers.all_gone() or None, deadline_s=SETTLE_S, hurried=True)
            rests = program.wait_rest(SETTLE_S)
            self._restless = not rests and program.ending() is None
            return rests and self.listening.takes_anybody(server) and not self._piles_up(program)
        except NoProgressError as outcome:
            self._restless = outcome.why is Why.DEADLINE
            return False
        except (FaultError, UnprovedError):
            return False

    def _piles_up(self, program: Program) -> bool:
        """Whether it has many more threads and processes than it, or one before it, had after some check.

        They would make each look at it slower, from check to check; whether it may leave them is another check's
        business.  A new one's first check may be that of a crowd, so what it has then says nothing.
        """
        tasks = sum(len(process.threads) for process in program.snapshot(files=False))
        self._fewest_tasks = min(self._fewest_tasks, tasks)
        return tasks - self._fewest_tasks > _PILED_UP

    def _clear_time_wait(self) -> None:
        """Else the next server without SO_REUSEADDR would be blamed for the last one.

        Removing thousands takes seconds; who leaves them is not started again.
        """
        rows = self.table.dump(TcpState.TIME_WAIT)
        if self.private_network:
            with suppress(FaultError):
                self._played.budget.note_count(Counted.SOCKETS, len(rows), self.peers.count)
        for row in rows:
            if self.private_network or self.ports.was_used(row.local.port):
                self.table.destroy(row)

    # Servers

    def shared(self) -> Server:
        """The running server that checks share; started if there is none.

        Raises:
            NotStartedError: it does not listen.
        """
        if (kept := self._kept()) is None:
            try:
                kept = self._shared = self.launch()
                self._is_used = False
            except FaultError as fault:
                raise NotStartedError(fault) from None
        return kept

    def again(self, server: Server) -> Server:
        """The shared server as if nothing had happened: this one if it is at rest, else a new one.

        Raises:
            NotStartedError: a new one does not listen.
        """
        if not self._at_rest(server):
            self.end_program()
        return self.shared()

    def launch(
        self, port: int | None = None, *, terminal: bool = True, arguments: tuple[str, ...] | None = None
    ) -> Server:
        """A freshly started server, not shared with other checks, at a terminal or on pipes.

        `arguments`: other ones than usual, with the placeholders of the assignment.

        Raises:
            FaultError: it does not listen.
            UnprovedError: it can't, because of what an earlier check has left in the kernel.
        """
        self.end_program()  # first, so that it holds no port
        self._clear_time_wait()
        return self._launched(port or self.ports.for_server(), Way(terminal=terminal, arguments=arguments))

    def launch_beside(self, arguments: tuple[str, ...] | None = None, port: int | None = None) -> Server:
        """Another server of the submission, while those that run go on; it ends with the check.

        `arguments`: other ones than usual, with the placeholders of the assignment.  `port`: where it must listen, such
        as where one of those does; None: on a free one.

        Raises:
            FaultError: it does not listen.
        """
        return self._launched(port or self.ports.find(), Way(beside=True, arguments=arguments))

    def _launched(self, port: int, way: Way) -> Server:
        further = self.ports.find_further()
        try:
            server = self.listening.wait(self.programs.start_on(port, further, way), port)
        except FaultError as fault:
            if self.ports.own in {row.local.port for row in self.table.dump(TcpState.TIME_WAIT)}:
                what = f"an earlier check's connection still holds port {self.ports.own}, and can't be cleared here"
                raise UnprovedError(what, doing=fault.doing) from None
            raise
        return replace(server, further=further, arguments=way.arguments)

    def launch_again(self, server: Server) -> Server:
        """The same command once more, after its program has exited, with what it has written: it listens where it did.

        Raises:
            FaultError: it does not.
        """
        way = Way(again=True, arguments=server.arguments)
        started = self.programs.start_on(server.port_given, server.further, way)
        listening = self.listening.wait(started, server.port)
        again = replace(listening, further=server.further, arguments=server.arguments)
        if again.port != server.port:
            # listen(2) on a socket that bind(2) has refused takes any free port.
            what = f"it listened on port {server.port} before, but now on port {again.port}"
            raise FaultError(Reason.WRONG_PORT, what, doing=again.program.doing())
        (before, _), (now, port) = server.row.local, again.row.local
        if now != before:
            what = f"it listened on {before} port {port} before, but now on {now} port {port}"
            raise FaultError(Reason.WRONG_ADDRESS, what, doing=again.program.doing())
        return again

    def see_it_listen(self) -> None:
        """See, once in a grading, that it listens when it is started properly.

        Raises:
            NotStartedError: it does not.
        """
        if not self.listening.seen:
            self.shared()

    # What checks ask for most

    def connect(
        self, server: Server, port: str | int = "", *, slow: bool = False, opens: bool = True
    ) -> ScriptedClient:
        """A new scripted TCP client that has received the server's greeting (`Peers.connect`).

        `port`: the name of a further port, or the number of one that the server has named; nothing is received from
        there yet.  `opens`: whether it introduces itself, where clients must.
        """
        __tracebackhide__ = True
        if isinstance(port, int):
            return self.peers.connect_to(server, server.address._replace(port=port), slow=slow)
        if port in server.further:
            return self.peers.connect_to(server, self.listening.reach(server, port))
        return self.peers.connect(server, slow=slow, opens=opens)

    def begin_dialogue(self, server: Server, dialogue: Dialogue) -> Part:
        """A new scripted TCP client's part in a dialogue."""
        __tracebackhide__ = True
        return Part(lambda: self.connect(server), dialogue, one_request=self.one_request)

    def connect_udp(
        self, server: Server, port: str = "", *, broadcast: bool = False, elsewhere: bool = False
    ) -> UdpClient:
        """A new scripted UDP client.

        `port`: the name of a further port; `broadcast`: it asks whoever is there; `elsewhere`: it is at 127.0.0.2.
        """
        __tracebackhide__ = True
        address = self.listening.reach(server, port) if port in server.further else server.address
        address = address._replace(host=BROADCAST) if broadcast else address
        return self.peers.connect_udp(server, address, _ELSEWHERE if elsewhere else _HOST)

    def listen(self, name: str) -> ScriptedListener:
        """A port of ours to which a server of the submission is to connect.  `name`: whose it is, for reports."""
        return self.peers.await_server(Endpoint(_HOST, self.ports.find()), name)

    def client(self, server: Server) -> Client:
        """A new scripted client of the assignment's transport (`Peers.client`)."""
        __tracebackhide__ = True
        return self.peers.client(server)

    def once(self, what: str, find_out: Callable[[], T]) -> T:
        """What was found out about the submission's program in one of its runs; it is not done twice."""
        if what not in self._found_out:
            self._found_out[what] = find_out()
        return cast("T", self._found_out[what])
