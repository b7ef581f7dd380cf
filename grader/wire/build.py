"""Building a submission inside the sandbox, within the sandbox's limits.

A build system's exit status says whether it has built, not what: afterwards we look for the program among the files
that are new and can be executed.  A command that starts the program instead of building it never ends; that is
noticed within a second or two, by a socket that waits for clients, or because all of it is asleep for good.  What was
built until then is there, so it counts.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass

from grader.job import Command
from grader.limits import BUILD_LOOK_S, BUILD_STALLED, SandboxLimits
from grader.model import BuildResult, Outcome, Role
from grader.roles import made_program
from grader.wire.endings import describe_ending
from grader.wire.faults import FaultError
from grader.wire.kernel import SocketTable, TcpState, cpu_stalled_s
from grader.wire.process import ForCheck
from grader.wire.program import Program
from grader.wire.stillness import Verdict
from grader.wire.transcript import Transcript
from grader.wire.warden import CannotStartError, WardenClient, WorkFolder

_LISTED = 5
#: No tool looks for a network that is not there, which takes some of them minutes; Go takes a module's own word for
#: what it needs, and keeps to the toolchain that it is.
_OFFLINE = {
    "GOFLAGS": "-mod=mod",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "CARGO_NET_OFFLINE": "true",
    "PIP_NO_INDEX": "1",
    "npm_config_offline": "true",
}


@dataclass(frozen=True)
class Product:
    """What building gave, and the argv that starts the program (with its placeholders still to be filled in)."""

    result: BuildResult
    run: tuple[str, ...]


class Builder:
    """Builds the programs of one submission, commands that both need only once.

    `environment`: the commands' environment.
    """

    def __init__(
        self, warden: WardenClient, table: SocketTable, environment: dict[str, str], limits: SandboxLimits
    ) -> None:
        self._warden = warden
        self._table = table
        self._limits = limits
        self._before = warden.work_folder()
        self._environment = {**environment, **_OFFLINE}
        self._done: dict[tuple[tuple[str, ...], ...], tuple[BuildResult, str]] = {}

    def build(self, command: Command, role: Role) -> Product:
        """Run a program's commands in order until one fails.  With none the outcome is skipped."""
        if not command.build:
            return Product(BuildResult(outcome=Outcome.SKIPPED), command.run)
        if command.build not in self._done:
            self._done[command.build] = self._run_all(command.build)
        result, starts = self._done[command.build]
        if command.finds is None or (result.outcome is Outcome.FAILED and not starts):
            return Product(result, command.run)
        return _with_what_was_made(result, starts, command, self._made(role, command), role)

    def _made(self, role: Role, command: Command) -> list[str]:
        now: WorkFolder = self._warden.work_folder()
        return made_program(now.made_since(self._before), role, command.finds or (), command.named)

    def _run_all(self, commands: tuple[tuple[str, ...], ...]) -> tuple[BuildResult, str]:
        """What they gave; why they were stopped, if one of them started something."""
        began = time.monotonic()
        clock = _Clock(self._limits.build_s, self._warden.cpu_s)
        log, ran = "", _Ran("")
        for command in commands:
            ran = self._run(command, clock)
            log += ran.words
            if ran.fault:
                break
        return (
            BuildResult(
                outcome=Outcome.FAILED if ran.fault else Outcome.PASSED,
                log=log + ran.fault,
                command=" && ".join(shlex.join(command) for command in commands),
                duration_s=round(time.monotonic() - began, 6),
            ),
            ran.fault if ran.starts else "",
        )

    def _run(self, command: tuple[str, ...], clock: _Clock) -> _Ran:
        try:
            started = self._warden.start(command, self._environment, terminal=False)
        except CannotStartError as error:
            return _Ran("", f"{error}\n")
        program = Program(started, self._warden, self._table, ForCheck(Transcript(time.monotonic)), self._limits)
        program.close_input()  # a build has nobody to ask
        fault, starts = "", False
        try:
            starts = _wait(program, self._table, clock)
            fault = self._fault(program, command, starts=starts)
        except FaultError as flood:
            fault = f"{flood}\n"
        finally:
            self._warden.end()
            program.close()
        words = bytes(program.stdout.data + program.stderr.data).decode("utf-8", "backslashreplace")
        return _Ran(words, fault, starts)

    def _fault(self, program: Program, command: tuple[str, ...], *, starts: bool) -> str:
        ending = program.ending()
        if starts:
            return f"{shlex.join(command)} does not build the program but starts it, so it never ends.\n"
        if ending is None:
            return f"building took longer than {self._limits.build_s:.0f} s\n"
        return f"{describe_ending(ending)}\n" if ending.status != 0 else ""


def _with_what_was_made(result: BuildResult, starts: str, command: Command, made: list[str], role: Role) -> Product:
    """The program that was found; a build that failed only because it started something still counts if it is there."""
    if len(made) == 1:
        words = f"{result.log}It was stopped, and {made[0]!r} is graded.\n" if starts else result.log
        run = (f"./{_literal(made[0])}", *command.run[1:])
        return Product(BuildResult(Outcome.PASSED, words, result.command, result.duration_s), run)
    if starts:
        return Product(result, command.run)
    if made:
        names = ", ".join(repr(name) for name in made[:_LISTED])
        what = f"it built several programs, and none is named after the {role}: {names}"
    else:
        program = repr(command.named[0]) if command.named else role
        what = f"it built no {program}: nothing in the folder is new, can be executed and is not the other program"
    log = f"{result.log}The build succeeded, but {what}\n"
    return Product(BuildResult(Outcome.FAILED, log, result.command, result.duration_s, tuple(made)), command.run)


def _literal(name: str) -> str:
    """A name in which no brace is a placeholder's (`languages/recipe.py`)."""
    return name.replace("{", "{{").replace("}", "}}")


@dataclass(frozen=True)
class _Ran:
    """One command: what it printed, why it failed (or nothing), and whether that is because it started a program."""

    words: str
    fault: str = ""
    starts: bool = False


class _Clock:
    """The time that building may take, without that in which the machine had no CPU for everybody.

    A build that keeps the machine busy itself gains little by that: once the machine was busy for as long as building
    may take, its own time on a CPU counts whatever else there was.

    `limit_s`: of all commands together.  `cpu_s`: for how long they were on a CPU, ever.
    """

    def __init__(self, limit_s: float, cpu_s: Callable[[], float]) -> None:
        self._limit_s = limit_s
        self._cpu_s = cpu_s
        self._cpu_before_s = cpu_s()
        self._began = time.monotonic()
        self._stalled_before_s = cpu_stalled_s() or 0.0

    def left_s(self) -> float:
        """What is left of it, in seconds."""
        stalled_s = (cpu_stalled_s() or 0.0) - self._stalled_before_s
        own_s = time.monotonic() - self._began - min(stalled_s, BUILD_STALLED * self._limit_s)
        if stalled_s > self._limit_s:
            own_s = max(own_s, self._cpu_s() - self._cpu_before_s)
        return self._limit_s - own_s


def _wait(program: Program, table: SocketTable, clock: _Clock) -> bool:
    """Until it has exited or the time is up; True, before that, if it turns out not to be a build."""
    look_at, stills = time.monotonic() + BUILD_LOOK_S, 0
    while program.ending() is None and (left_s := clock.left_s()) > 0:
        program.pump(min(left_s, look_at - time.monotonic()))
        if time.monotonic() < look_at:
            continue
        verdict, _ = program.looks.verdict()
        stills = stills + 1 if verdict is Verdict.STILL else 0
        if program.ending() is None and (stills > 1 or _waits_for_clients(program, table)):
            return True
        look_at = time.monotonic() + BUILD_LOOK_S
    return False


def _waits_for_clients(program: Program, table: SocketTable) -> bool:
    """Whether it has a socket that listens, or a datagram socket with a port."""
    rows = {f"socket:[{row.inode}]" for row in (*table.dump(TcpState.LISTEN), *table.dump_udp())}
    if not rows:
        return False
    return any(target in rows for process in program.snapshot() for target in process.files.values())
