"""How much of the time for all checks one part's programs use up, and when that is too much.  Pure: seconds and counts.

A deadline bounds one wait.  A program that uses up nearly all of each has answered every message in time, and yet
keeps the later checks from being played, so that it could choose which of its faults are seen.  Therefore its own
time (`own_time.py`) is added up.  Within a check a *step* is a wait that ended with what was awaited: a reply, a
connection accepted, a start, an exit.  Each step brings some time with it, so that a program may be slow in everything;
what it takes beyond that must fit into what one check may have on top.  Time in which nothing was expected, and that we
chose to wait, is not part of any step.  It counts only when all the time of a part is used up: then it shows whose
time that was.  What the machine took, on which the program or we had to wait for a CPU, is given back before that, as
far as it goes.

The time of our own looks is never the program's, and given back as well.  What makes them expensive is counted instead:
processes and threads, descriptors, sockets, compared with the clients that have come.  A program that has more of them
than it needs is not looked at again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import Final

from grader.errors import Reason
from grader.limits import (
    MOST_STEPS,
    REPLY_S,
    SLOW_CHECK_S,
    SLOW_MORE_STEP_S,
    SLOW_PART,
    SLOW_STEP_S,
    SLOW_STEPS,
    WHOLE_GIVEN_BACK,
    Allowance,
    SandboxLimits,
)
from grader.wire.faults import FaultError, UnprovedError

_USUAL: Final = SandboxLimits()


class Counted(Enum):
    """What each look at a program takes time for: in words, as a fault, and how much of it is allowed."""

    TASKS = ("processes and threads", Reason.TOO_MANY_PROCESSES, lambda limits: limits.tasks)
    DESCRIPTORS = ("open descriptors", Reason.TOO_MANY_FILES, lambda limits: limits.descriptors)
    SOCKETS = ("sockets", Reason.TOO_MANY_FILES, lambda limits: limits.sockets)

    def __init__(self, words: str, reason: Reason, allowed: Callable[[SandboxLimits], Allowance]) -> None:
        self.words = words
        self.reason = reason
        self.allowed = allowed


def allowed_s(steps: int, reply_s: float = REPLY_S) -> float:
    """How much of its own time a program may take for so many steps of one check, with that time for a reply."""
    first = min(steps, SLOW_STEPS)
    usual_s = SLOW_CHECK_S + SLOW_STEP_S * first + SLOW_MORE_STEP_S * (steps - first)
    return usual_s * max(1.0, reply_s / REPLY_S)


class Budget:
    """For all programs of one part.

    `whole_s`: how long all its checks may take.  `waited_s`: tells how long we have waited for a CPU so far.
    `limits`: the assignment's.
    """

    def __init__(
        self,
        whole_s: float = math.inf,
        waited_s: Callable[[], float] = lambda: 0.0,
        limits: SandboxLimits = _USUAL,
    ) -> None:
        self._limits = limits
        self._whole_s = whole_s
        self._waited_s = waited_s
        #: What that was when the first check began.
        self._waited_before_s: float | None = None
        self._used_s = 0.0
        #: What the machine and our own looks have taken while we waited for the program.
        self._kept_s = 0.0
        self._steps = 0
        self._steps_s = 0.0
        self._came = 0
        #: What one of its runs had too many of: at another nothing else would be seen, and slowly.
        self.exceeded: FaultError | None = None

    def begin_check(self) -> None:
        """A check begins: what was slow before is another check's matter."""
        self._steps, self._steps_s, self._came = 0, 0.0, 0
        if self._waited_before_s is None:
            self._waited_before_s = self._waited_s()

    def note(self, own_s: float, kept_s: float) -> None:
        """A wait has ended, one way or another, after so much of its own time.

        `kept_s`: how long that took besides: the machine kept it from running, or we were looking at it.
        """
        self._used_s += own_s
        self._kept_s += kept_s

    @property
    def starved_s(self) -> float:
        """How long we have waited for a CPU so far, which is never a program's time."""
        return self._waited_s()

    @property
    def taken_s(self) -> float:
        """How much of its own time it has taken for the steps of this check so far."""
        return self._steps_s

    @property
    def used_s(self) -> float:
        """How much of its own time it has used in all checks so far."""
        return self._used_s

    @property
    def given_back_s(self) -> float:
        """How much longer all its checks may take, since that was not the program's time."""
        return min(self._not_its_own_s, WHOLE_GIVEN_BACK * self._whole_s)

    @property
    def _not_its_own_s(self) -> float:
        return self._kept_s + self._waited_s() - (self._waited_before_s or 0.0)

    def note_step(self, own_s: float) -> None:
        """What was awaited has come after so much of its own time, less what the bytes that moved have given back.

        Raises:
            FaultError: together with the other steps of this check that is too much, or there is no end of them.
        """
        __tracebackhide__ = True
        self._came += 1
        if self._came > MOST_STEPS:
            what = f"there is no end of what it sends: {MOST_STEPS} times something has come in this check"
            raise FaultError(Reason.NOT_AS_REQUIRED, what)
        # One that nobody had to wait for brings no time with it: a reply may have several such beside it.
        self._steps += own_s > 0
        self._steps_s += own_s
        most_s = allowed_s(self._steps, self._limits.reply_s)
        if self._steps_s > most_s:
            steps = f"{self._steps} step{'s' * (self._steps != 1)}"
            what = f"it took {self._steps_s:.1f} s of its own time for {steps} (replies, starts and the like)"
            raise FaultError(Reason.TOO_SLOW, f"{what}; the limit is {most_s:.1f} s")

    def most(self, of: Counted, clients: int) -> int:
        """How many it may have when so many clients have come to it."""
        return of.allowed(self._limits).of(clients)

    def note_count(self, of: Counted, count: int, clients: int) -> None:
        """It has so many, and so many clients have come to it.

        Raises:
            FaultError: it does not need so many.
        """
        __tracebackhide__ = True
        if count > self.most(of, clients):
            allowed = of.allowed(self._limits)
            most = f"{allowed.anyhow}, plus {allowed.for_each} for each client"
            had = f"{count} {of.words} for {clients} client{'s' * (clients != 1)}; the limit is {most}"
            self.exceeded = FaultError(of.reason, f"in an earlier check it had {had}")
            raise FaultError(of.reason, f"it has {had}")

    def out_of_time(self, what: str, doing: str = "") -> FaultError | UnprovedError:
        """All the time of the part is used up (`what`: a sentence): the program's fault, or the machine's."""
        if self.exceeded:
            return self.exceeded
        if self._used_s < SLOW_PART * self._whole_s or self._not_its_own_s > WHOLE_GIVEN_BACK * self._whole_s:
            return UnprovedError(what, Reason.TIME_BUDGET, doing)
        used = f"the program itself used {self._used_s:.0f} of {self._whole_s:.0f} s"
        return FaultError(Reason.TOO_SLOW, f"{what}; {used}", doing=doing)
