"""The processes and threads that a server keeps for its clients, and whether clients that leave cost it one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from grader.checks.measures import process_count, thread_count
from grader.wire.kernel import machine
from grader.wire.program import Program
from grader.wire.runtimes import passing_helpers
from grader.wire.syscalls import waits_for_good

#: How often its threads and processes are counted before, with a client served in between.
_COUNTED: Final = 3


class Workers(NamedTuple):
    """How many processes and threads a program has at rest; by number those threads, and those that wait for good."""

    processes: int = 0
    threads: int = 0
    all: frozenset[int] = frozenset()
    steady: frozenset[int] = frozenset()


def lost(before: Workers, now: Workers) -> Iterator[tuple[str, int, int]]:
    """What it has fewer of, with both numbers.

    Threads that wait only for a time are not missed: a runtime keeps some for the next task, and ends them unasked
    (Ruby's, after a minute or when there are too many; those of Java's cached pools).
    """
    if now.processes < before.processes:
        yield "processes", before.processes, now.processes
    if now.threads < before.threads and not before.steady <= now.all:
        yield "threads", before.threads, now.threads


def fewest_workers(program: Program, serve: Callable[[], None]) -> Workers:
    """The workers that it has between clients whenever it is looked at: one that is about to end is none."""
    __tracebackhide__ = True
    seen = []
    for _ in range(_COUNTED):
        serve()
        seen.append(workers_of(program) or Workers())
    steady = frozenset.intersection(*(one.steady for one in seen))
    return Workers(min(one.processes for one in seen), min(one.threads for one in seen), steady=steady)


def workers_of(program: Program) -> Workers | None:
    """Those that it has now; None if it does not come to rest, since some may be about to end."""
    if not program.wait_rest(program.limits.reply_s):
        return None
    snapshot = program.snapshot()
    threads = thread_count(snapshot) - sum(map(passing_helpers, snapshot))
    living = [thread for process in snapshot for thread in process.living]
    steady = frozenset(thread.tid for thread in living if waits_for_good(thread, machine()))
    return Workers(process_count(snapshot), threads, frozenset(thread.tid for thread in living), steady)
