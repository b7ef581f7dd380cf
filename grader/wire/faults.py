"""How a check says that it did not hold: facts only; the student's words are made in `driver/expect.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from grader.errors import NOT_THE_PROGRAMS, Reason


@dataclass
class FaultError(Exception):
    """The program does not do what is required: the student's fault.

    `what`: one sentence.  `expected`, `received`: what should have come and what came, where bytes were awaited.
    `doing`: what the kernel says that the program was doing.
    """

    reason: Reason
    what: str
    expected: bytes | None = None
    received: bytes | None = None
    doing: str = ""

    def __str__(self) -> str:
        return self.what


def fail(reason: Reason | None, what: str, *, expected: bytes | None = None, received: bytes | None = None) -> NoReturn:
    """Fail the program, from a check of an assignment's own.

    `reason`: one of the closed list that is the program's fault; None: `Reason.NOT_AS_REQUIRED`.  `what`: a sentence
    for the student.  `expected`, `received`: shown below each other, with a caret where they differ.

    Raises:
        FaultError: always.
        ValueError: the reason is no fault of a program's: a mistake in the check.
    """
    __tracebackhide__ = True
    if reason in NOT_THE_PROGRAMS:
        raise ValueError(f"no program can be failed for {reason}")
    raise FaultError(reason or Reason.NOT_AS_REQUIRED, what, expected, received)


@dataclass
class UnprovedError(Exception):
    """The situation could not be brought about or proved: nobody's fault, the check is inconclusive."""

    what: str
    reason: Reason = Reason.UNPROVED
    doing: str = ""

    def __str__(self) -> str:
        return self.what


@dataclass
class NotStartedError(Exception):
    """A program that a check needs could not be brought to listen, or to go anywhere; `fault` says why."""

    fault: FaultError
    needed: str = "a server that listens"
