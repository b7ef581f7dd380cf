"""Building a submission inside the sandbox, within the sandbox's limits."""

from __future__ import annotations

import shlex
import time

from grader.limits import SandboxLimits
from grader.model import BuildResult, Outcome
from grader.wire.faults import FaultError
from grader.wire.kernel import SocketTable
from grader.wire.program import Program, describe_ending
from grader.wire.transcript import Transcript
from grader.wire.warden import CannotStartError, WardenClient

Commands = tuple[tuple[str, ...], ...]


def build(commands: Commands, warden: WardenClient, environment: dict[str, str], limits: SandboxLimits) -> BuildResult:
    """Run the commands in order until one fails.  With none the outcome is skipped."""
    if not commands:
        return BuildResult(outcome=Outcome.SKIPPED)
    began = time.monotonic()
    log, fault = "", ""
    for command in commands:
        words, fault = _run(command, warden, environment, limits, began + limits.build_s)
        log += words
        if fault:
            break
    return BuildResult(
        outcome=Outcome.FAILED if fault else Outcome.PASSED,
        log=log + fault,
        command=" && ".join(shlex.join(command) for command in commands),
        duration_s=round(time.monotonic() - began, 6),
    )


def _run(
    command: tuple[str, ...], warden: WardenClient, environment: dict[str, str], limits: SandboxLimits, until: float
) -> tuple[str, str]:
    """(what it printed, why it failed or nothing)."""
    try:
        started = warden.start(command, environment, terminal=False)
    except CannotStartError as error:
        return "", f"{error}\n"
    program = Program(started, warden, SocketTable(), Transcript(time.monotonic), limits)
    fault = ""
    try:
        while (ending := program.ending()) is None and time.monotonic() < until:
            program.pump(until - time.monotonic())
        if ending is None:
            fault = f"building took longer than {limits.build_s:.0f} s\n"
        elif ending.status != 0:
            fault = f"{describe_ending(ending)}\n"
    except FaultError as flood:
        fault = f"{flood}\n"
    finally:
        warden.end()
        program.close()
    words = bytes(program.stdout.data + program.stderr.data).decode("utf-8", "backslashreplace")
    return words, fault
