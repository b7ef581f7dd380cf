"""The submission's programs: starting and ending them, and what there is to say about those that run.

One runs at a time, and it ends before the next is started, unless one is started *beside* another: a client beside the
server that it talks to.  They all belong to the check that is being played: to its transcript, its time and what its
part may use up.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from grader.errors import Reason
from grader.harness import starting
from grader.harness.deeds import CLIENT_IS_LOST, FOLLOWED, deed_of
from grader.harness.expect import Voice
from grader.harness.ports import Ports
from grader.harness.starting import NO_VARIABLES, Start
from grader.job import Job
from grader.link.channel import ChannelClosedError
from grader.model import EventKind, finds_file
from grader.protocol.visit import NO_VISIT, Visit
from grader.wire.budget import Budget
from grader.wire.endings import CRASHES
from grader.wire.facts import Snapshot, descendants
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import SocketTable
from grader.wire.keyboard import type_ahead
from grader.wire.own_time import Spinning
from grader.wire.process import ForCheck
from grader.wire.program import Program
from grader.wire.stops import Stops
from grader.wire.transcript import Transcript
from grader.wire.waiting import NoProgressError
from grader.wire.warden import NO_FILES, CannotStartError, WardenClient, WardenError

#: Where servers are reached, for one that wants to be told.
_HOST = "127.0.0.1"
#: A process is left, but none that we could look at: a chain in which each one starts the next and exits.
_NEVER_MET = "one that keeps starting another and exiting"


@dataclass(frozen=True)
class Played:
    """The check that is being played.

    `give_up_at`: when it must be cut short (time.monotonic).  `budget`: of its part's programs.  `pair`: whether it is
    one of both programs, which are to be told apart.
    """

    give_up_at: float = math.inf
    budget: Budget = field(default_factory=Budget)
    pair: bool = False
    transcript: Transcript = field(default_factory=lambda: Transcript(time.monotonic))

    def for_program(self) -> ForCheck:
        """What a program must know of it."""
        return ForCheck(self.transcript, self.give_up_at, self.budget)


@dataclass(frozen=True)
class Way:
    """How a server is started: at a terminal or on pipes; after ending what runs, or `beside` it; or once more.

    `arguments`: other ones than usual, with placeholders.
    """

    terminal: bool = True
    beside: bool = False
    again: bool = False
    arguments: tuple[str, ...] | None = None


AS_USUAL: Final = Way()


class Programs:
    """What runs of one submission."""

    def __init__(self, job: Job, warden: WardenClient, table: SocketTable, ports: Ports) -> None:
        self._job = job
        self._ports = ports
        self._warden = warden
        self._table = table
        self._environment = starting.environment(job.environment)
        self._played = Played()
        self._spinning = Spinning()
        self._stops = Stops()
        #: What can be filled in at every start.
        self._filling = {"host": _HOST, "files": job.files}
        #: What was started last, and what runs on beside it.
        self._last: Program | None = None
        self._beside: list[Program] = []
        #: What programs are followed for, so that it is known where they crash or do that.
        self._follows = ""

    def begin(self, played: Played) -> None:
        """A check begins; what still runs belongs to it from now on."""
        self._played = played
        played.budget.begin_check()
        for program in self._running():
            program.serve_check(played.for_program())

    def finish(self) -> None:
        """The check has ended."""
        self._spinning.end_check()

    def has(self, program: Program) -> bool:
        """Whether it is one of those that were started and not ended."""
        return program in self._running()

    @property
    def several(self) -> bool:
        """Whether one runs beside another."""
        return bool(self._beside)

    def _running(self) -> list[Program]:
        return [*self._beside, *([self._last] if self._last else [])]

    # Starting and ending

    def run(
        self,
        argv: tuple[str, ...],
        variables: Mapping[str, str] = NO_VARIABLES,
        files: Mapping[str, bytes] = NO_FILES,
        *,
        terminal: bool = True,
        judged_by_output: bool = False,
        piped: bool = False,
        client: bool = False,
        beside: bool = False,
        again: bool = False,
    ) -> Program:
        """Start a program in the work folder, after ending what ran before, or `beside` it.

        It finds the folder as it was after building; one that is started `again`, as it has left it itself; one that is
        started beside others, as they have left it.
        `variables`: what it finds in its environment besides what every program does; `files`: what it finds in the
        folder, by name.
        One that is judged by its output runs at a terminal that adds nothing to it, and all of it is kept; `piped`:
        that is a pipe in any case.  `client`: whether it is the submission's client.

        Raises:
            FaultError: it can't be executed.
        """
        beside = beside and self._last is not None
        if not beside:
            self.end()
        try:
            started = self._warden.start(
                argv,
                {**self._environment, **variables},
                terminal=terminal,
                echo=not judged_by_output,
                piped=piped,
                afresh=not (beside or again),
                lay=files,
                followed=self._follows,
            )
        except CannotStartError as error:
            raise FaultError(Reason.NOT_STARTED, f"the program could not be started: {error}") from None
        if self._last is not None:
            self._beside.append(self._last)
        played = self._played
        name = ("your client" if client else "your server") if played.pair else "program"
        played.transcript.add(EventKind.STARTED, name, str(Start(argv, variables)))
        for path, content in files.items():
            played.transcript.add(EventKind.NOTE, name, finds_file(path), content)
        self._last = Program(
            *(started, self._warden, self._table, played.for_program(), self._job.assignment.limits),
            keep_all=judged_by_output,
            spinning=self._spinning,
            stops=self._stops,
            name=name,
            running=self._running,
        )
        return self._last

    def start(self, *arguments: str) -> Program:
        """Start the submission's server with these arguments in place of the port."""
        spec, further = self._job.assignment.server, self._ports.find_further()
        filling = {**self._filling, **_numbers(further)}
        start = starting.with_port(
            self._job.commands["server"], spec.environment, arguments, filling, main=spec.main_names
        )
        return self._serve(start, {**filling, **dict.fromkeys(spec.main_names, " ".join(arguments))})

    def start_on(self, port: int, further: Mapping[str, int] | None = None, way: Way = AS_USUAL) -> Program:
        """Start the submission as a server on a port.  `further`: its other ports by name; None: free ones."""
        command, spec = self._job.commands["server"], self._job.assignment.server
        run = command.run if way.arguments is None else starting.with_arguments(command, way.arguments)
        filling = {
            **self._filling,
            **_numbers(self._ports.find_further() if further is None else further),
            **_numbers(dict.fromkeys(spec.main_names, port)),
        }
        return self._serve(starting.as_usual(run, spec.environment, filling), filling, way)

    def _serve(self, start: Start, filling: Mapping[str, str], way: Way = AS_USUAL) -> Program:
        """Start a server as the handout says, and type into it what the handout says."""
        spec = self._job.assignment.server
        program = self.run(
            *start,
            terminal=way.terminal,
            judged_by_output=spec.output is not None,
            piped=spec.output == "pipe",
            beside=way.beside,
            again=way.again,
        )
        if spec.input:
            type_ahead(program, starting.filled(spec.input, filling).encode())
        return program

    def start_client(
        self,
        run: tuple[str, ...],
        filling: Mapping[str, str],
        visit: Visit = NO_VISIT,
        *,
        terminal: bool,
        beside: bool = False,
    ) -> Program:
        """Start a client, after ending what ran before or beside it: at a terminal that echoes nothing, or on pipes.

        `filling`: what replaces {host}, {port} and {message} in the command.  `visit`: what else it is given, in which
        these may stand.

        Raises:
            FaultError: it can't be executed.
        """
        variables = self._job.assignment.starting("client").environment
        usual = {**self._filling, **filling}
        there = {name: starting.filled(value, usual) for name, value in visit.fill.items()}
        start = starting.as_usual(run, variables, {**there, **usual})
        return self.run(*start, visit.files, terminal=terminal, judged_by_output=True, client=True, beside=beside)

    def written(self, path: str, most_bytes: int) -> bytes:
        """A file that a program has written into its folder.

        Raises:
            NoFileError: there is none, or it is larger.
        """
        return self._warden.read_file(path, most_bytes)

    def end(self) -> None:
        """End whatever runs."""
        for program in self._running():
            program.close()
        self._beside.clear()
        self._last = None
        self._warden.end()

    # What there is to say about them

    def voices(self, doing: str, seen: Snapshot | None = None) -> tuple[Voice, ...]:
        """What there is to say about the running program, or the last one, and about each that runs with it.

        `doing`: what the one at fault was doing then, together with all that bear the same name; if there are two that
        don't, each is asked.  `seen`: what they did when they were not stopped yet.
        """
        programs = self._running()
        if not programs:
            return (Voice("program", doing),)
        if len({program.name for program in programs}) == 1:
            *before, last = programs
            return _voice(last, doing), *(_voice(program, "") for program in before)
        return tuple(_voice(program, _doing_alone(program, seen)) for program in programs)

    @contextmanager
    def following(self, deed: str) -> Iterator[None]:
        """Programs that are started meanwhile are followed: a fault then says where they have crashed or done that."""
        self._follows = deed
        try:
            yield
        finally:
            self._follows = ""

    def deed_behind(self, error: FaultError) -> str:
        """What the program may have done to be at fault, if where it did that is worth another play; else empty.

        It, or a child process of it, has crashed by a signal, which says nothing of where it was; or it has gone on
        since, and its stack says nothing of that.
        """
        if self._last is None:
            return ""
        ending = self._last.ending()
        if ending and ending.status < 0:
            return "crash" if -ending.status in CRASHES and not ending.out_of_memory else ""
        with suppress(WardenError, ChannelClosedError):
            if not ending and error.reason in CLIENT_IS_LOST and self._warden.may_lose_a_child(self._last.pid):
                return "close"
        alone = not self._beside and not self._played.pair
        return deed_of(error, exited=ending is not None) if alone and self._languages <= FOLLOWED else ""

    @property
    def _languages(self) -> set[str]:
        return {command.language for command in self._job.commands.values()}

    def located(self, error: FaultError | UnprovedError) -> FaultError | UnprovedError:
        """The same, with where in its own source the program is now, or where it let an error through, as it says.

        It is not used any more afterwards.
        """
        if isinstance(error, FaultError) and self._last is not None:
            self._last.locate(error)
            if not self._follows:
                self._last.trace(error)
        return error

    def too_many(self) -> str:
        """That it wanted more processes and threads than it is allowed, in words; empty if it did not."""
        if not self._warden.refused_processes():
            return ""
        most = self._job.assignment.limits.processes
        return f"it started as many processes and threads as allowed ({most}), and tried to start more"

    def behind(self, error: FaultError | UnprovedError) -> FaultError | UnprovedError:
        """What did not hold, with the counted limit that the program ran into, if it did.

        If it does not listen, or nothing could be proved, this is the fault: a program that has used up its processes
        can't be asked anything.
        """
        try:
            too_many = "" if error.reason is Reason.TOO_MANY_PROCESSES else self.too_many()
        except (ChannelClosedError, WardenError):
            return error
        if not too_many:
            return error
        if isinstance(error, UnprovedError) or error.reason is Reason.NOT_LISTENING:
            return FaultError(Reason.TOO_MANY_PROCESSES, too_many, doing=error.doing)
        return dataclasses.replace(error, what=f"{error.what}; {too_many}")


def _numbers(ports: Mapping[str, int]) -> dict[str, str]:
    return {name: str(port) for name, port in ports.items()}


def leftovers(program: Program) -> list[str]:
    """Names of the program's processes that still run after it has exited, once those that are dying are dead.

    The kernel says whether any is left: a process that never shows up in a listing, since it starts another and exits,
    is left as well.
    """

    def none_left() -> bool | None:
        return None if program.remaining() else True

    try:
        program.wait(none_left, until_end=False, deadline_s=program.limits.exit_s, hurried=True)
    except NoProgressError as stop:
        left = [process for process in program.remaining(stop.seen) if process.alive]
        return [process.name or "one without a name" for process in left] or [_NEVER_MET]
    return []


def _doing_alone(program: Program, seen: Snapshot | None) -> str:
    """What one of several programs is doing: with its own processes only."""
    try:
        if program.ending():
            return program.doing()
        return program.doing(descendants(seen or program.snapshot(), program.pid))
    except (ChannelClosedError, WardenError, FaultError):
        return ""


def _voice(program: Program, doing: str) -> Voice:
    with suppress(FaultError):  # a flood is told elsewhere; here counts what it has printed until now
        program.catch_up()
    # The terminal itself prints ^C on standard output.
    printed, complained = program.printed_in_check()
    return Voice(program.name, doing, printed.replace(b"^C", b""), complained)
