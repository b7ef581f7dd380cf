"""What a program has: memory, processes, threads, read from the kernel when it is at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.limits import SETTLE_S
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError
from grader.wire.program import Program

if TYPE_CHECKING:
    from grader.wire.facts import Snapshot


def at_rest(program: Program) -> Snapshot:
    """The facts about it once it is at rest, or has had enough time to be.

    Raises:
        FaultError: it has exited.
    """
    __tracebackhide__ = True
    program.wait_rest(SETTLE_S)
    if ending := program.ending():
        raise FaultError(reason_of(ending), "the program exited", doing=program.doing())
    return program.snapshot()


def resident_bytes(snapshot: Snapshot) -> int:
    """The memory of all its processes."""
    return sum(process.resident_bytes for process in snapshot)


def kept_bytes(program: Program, snapshot: Snapshot) -> int:
    """Its memory, and what it keeps in pipes and sockets."""
    return resident_bytes(snapshot) + program.looks.held_bytes(snapshot)


def process_count(snapshot: Snapshot) -> int:
    """Its processes that have not exited."""
    return sum(process.alive for process in snapshot)


def thread_count(snapshot: Snapshot) -> int:
    """The threads of all its processes."""
    return sum(len(process.threads) for process in snapshot if process.alive)
