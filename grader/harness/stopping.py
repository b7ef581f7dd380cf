"""Stopping a program that runs: as its user does it, or as nobody can prevent it."""

from __future__ import annotations

import signal

from grader.errors import Reason
from grader.limits import SETTLE_S
from grader.wire.faults import FaultError
from grader.wire.program import Program
from grader.wire.terminal import MadeOfCtrlC
from grader.wire.waiting import NoProgressError


def interrupt(program: Program, situation: str = "") -> None:
    """Ctrl-C, and its exit.  `situation`: when that was, after the words "after Ctrl-C".

    Raises:
        FaultError: it keeps running.
    """
    __tracebackhide__ = True
    program.wait_rest(SETTLE_S)  # some still start their workers when they listen already
    ignores = any(process.ignored_signals >> (signal.SIGINT - 1) & 1 for process in program.snapshot(files=False))
    made_of_it = program.press_ctrl_c()
    try:
        program.wait_end()
    except NoProgressError as stop:
        how = " (it ignores SIGINT)" if ignores else ""
        if made_of_it is MadeOfCtrlC.BYTE:
            how = " (it has set its terminal so that Ctrl-C is a byte like any other, and does nothing about that byte)"
        what = f"it did not exit after Ctrl-C{situation}{how}"
        raise FaultError(Reason.STILL_RUNNING, what, doing=stop.doing) from None


def kill(program: Program) -> None:
    """SIGKILL to its first process, and its exit."""
    program.kill()
    program.wait_end()
