"""How a check says that something did not hold: facts only; the student's words are made in `harness/expect.py`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NoReturn

from grader.errors import NOT_THE_PROGRAMS, Reason
from grader.wire.facts import Snapshot


@dataclass(frozen=True)
class Place:
    """Where a program was in its own source: lines of it, of which `first` is the number of the first.

    `how`: how that was found out, in words, if it says something.
    """

    file: str
    line: int
    function: str
    first: int = 1
    source: tuple[str, ...] = ()
    how: str = ""


@dataclass
class FaultError(Exception):
    """The program does not do what is required: the student's fault.

    `what`: one sentence.  `expected`, `received`: what should have arrived and what did, where bytes were awaited;
    `expected` in words if it was not exactly these.  Then `at` is the byte received where it went wrong, if that is
    known, `here` what was expected there, and `lacking` what has not come of it.
    `doing`: what the program was doing, according to the kernel.  `at_s`: when this was known, by the monotonic clock.
    `places`: where it was in its own source then; None if nobody has looked.  `seen`: what several programs did before
    they were stopped for that.  `answered`: our client in whose dialogue it went wrong, where what is right depends on
    what was answered before.  `left_unread`: whether it did not read what it should have done something with.
    """

    reason: Reason
    what: str
    expected: bytes | str | None = None
    received: bytes | None = None
    doing: str = ""
    at: int | None = None
    here: str = ""
    lacking: str = ""
    at_s: float = field(default_factory=time.monotonic, compare=False)
    answered: str = ""
    left_unread: bool = False
    places: tuple[Place, ...] | None = field(default=None, compare=False)
    seen: Snapshot | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.what


def fail(reason: Reason | None, what: str, *, expected: bytes | None = None, received: bytes | None = None) -> NoReturn:
    """Fail the program, from one of an assignment's own checks.

    `reason`: one from the closed list that is the program's fault; None: `Reason.NOT_AS_REQUIRED`.  `what`: a sentence
    for the student.  `expected`, `received`: shown one above the other, with a caret where they differ.

    Raises:
        FaultError: always.
        ValueError: the reason is not the program's fault: a mistake in the check.
    """
    __tracebackhide__ = True
    if reason in NOT_THE_PROGRAMS:
        raise ValueError(f"a program can't be failed for {reason}")
    raise FaultError(reason or Reason.NOT_AS_REQUIRED, what, expected, received)


@dataclass
class UnprovedError(Exception):
    """The situation could not be set up or verified: nobody's fault, the check is inconclusive."""

    what: str
    reason: Reason = Reason.UNPROVED
    doing: str = ""
    at_s: float = field(default_factory=time.monotonic, compare=False)

    def __str__(self) -> str:
        return self.what


@dataclass
class NotStartedError(Exception):
    """A program that a check needs did not listen, or did not connect anywhere; `fault` says why."""

    fault: FaultError
    needed: str = "a server that listens"
