"""Gradings in this process: in which order the checks were played, and when each of the driver's words fell.

Of neither a report tells.  Its `duration_s` is the check itself.  Starting the shared program for it, ending the one
before, and letting the program come to rest after it lie outside; all of it together lies between the driver's words.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from grader import flow
from grader.assignment import Assignment
from grader.job import Built, Checked, Word
from grader.model import BuildResult, CheckResult, EventKind, Role
from grader.sandbox.choose import choose

Seconds = float
#: Every assignment's check of the start itself; all others find a program that listens, or have that done for them.
LISTENS = "server.listens"
#: The same inputs each time, so that times can be compared.
_SEED = 1


@dataclass(frozen=True)
class Timed:
    """A check as it was played.  `whole_s`: since the driver's word before (the first: since the build's end)."""

    check: CheckResult
    whole_s: Seconds

    @property
    def start_s(self) -> Seconds:
        """Of the programs that were started and came to listen: from their start until they did."""
        begun_ms: float | None = None
        total_ms = 0.0
        for event in self.check.evidence:
            if event.kind is EventKind.STARTED:
                begun_ms = event.at_ms
            elif event.kind is EventKind.LISTENING and begun_ms is not None:
                total_ms += event.at_ms - begun_ms
                begun_ms = None
        return total_ms / 1000

    @property
    def started(self) -> int:
        """How many programs were started for it."""
        return sum(event.kind is EventKind.STARTED for event in self.check.evidence)

    @property
    def verdict_s(self) -> Seconds:
        """The time to its verdict: where the start is what is checked, with the start, which is not in `duration_s`."""
        return self.check.duration_s + (self.start_s if self.check.id == LISTENS else 0)


@dataclass(frozen=True)
class Played:
    """A grading.  `checks`: in the order in which they were played."""

    build: BuildResult
    checks: tuple[Timed, ...]


def grade(program: Path, assignment: Assignment, only: frozenset[str] | None = None, role: Role = "server") -> Played:
    """Grade a server, or a client, in the local sandbox.

    Raises:
        GraderError: the program can't be graded.
    """
    heard: list[Timed] = []
    before = time.monotonic()

    def listen(word: Word) -> None:
        nonlocal before
        now = time.monotonic()
        if isinstance(word, Checked):
            heard.append(Timed(word.result, now - before))
        if isinstance(word, Built | Checked):
            before = now

    make = choose("local", partial(click.echo, err=True)).make
    report = flow.grade(program, flow.Request(assignment, _SEED, (role,), only, second_look=False), make, listen)
    return Played(report.build, tuple(heard))
