"""How long a program has let us wait altogether: in one check, and in all checks of its part.  Pure: seconds in.

A deadline bounds one wait.  A program that uses up nearly each of them has answered every message in time, and yet
keeps the checks behind it from being played, so that it could choose which faults of its are seen.  Therefore its own
time (`own_time.py`) is added up.  Within a check a *step* is a wait that ended with what was awaited: an answer, a
connection taken, a start, an end.  Each step brings some time with it, so that a program may be slow in everything;
what it takes beyond that must fit into what one check may have on top.

Time in which nothing was to come, and that we chose to wait, is none of a check's steps.  It counts only when all the
time of a part is used up, where it says whose time that was: the program's, or the machine's.
"""

from __future__ import annotations

import math

from grader.errors import Reason
from grader.limits import SLOW_CHECK_S, SLOW_PART, SLOW_STEP_S
from grader.wire.faults import FaultError, UnprovedError


class Pace:
    """The pace of a part's programs.  `whole_s`: so long all its checks may take."""

    def __init__(self, whole_s: float = math.inf) -> None:
        self._whole_s = whole_s
        self._used_s = 0.0
        self._steps = 0
        self._steps_s = 0.0

    def begin_check(self) -> None:
        """A check begins: what was slow before is another one's matter."""
        self._steps, self._steps_s = 0, 0.0

    def note(self, own_s: float) -> None:
        """A wait has ended, whichever way, after so much of its own time."""
        self._used_s += own_s

    def note_step(self, own_s: float) -> None:
        """What was awaited has come after so much of its own time.

        Raises:
            FaultError: with the other steps of this check that is too much.
        """
        __tracebackhide__ = True
        self._steps += 1
        self._steps_s += own_s
        if self._steps_s > SLOW_CHECK_S + SLOW_STEP_S * self._steps:
            steps = f"{self._steps} step{'s' * (self._steps != 1)}"
            what = f"it took {self._steps_s:.1f} s of its own time for {steps} (answers, starts and the like)"
            allowed = f"a check may take {SLOW_CHECK_S:g} s, and {SLOW_STEP_S:g} s more for each step"
            raise FaultError(Reason.TOO_SLOW, f"{what}; {allowed}")

    def out_of_time(self, what: str, doing: str = "") -> FaultError | UnprovedError:
        """All the time of the part is used up (`what`: a sentence): the program's fault, or the machine's."""
        if self._used_s < SLOW_PART * self._whole_s:
            return UnprovedError(what, Reason.TIME_BUDGET, doing)
        used = f"{self._used_s:.0f} of {self._whole_s:.0f} s went by while it ran or slept of its own accord"
        return FaultError(Reason.TOO_SLOW, f"{what}: {used}", doing=doing)
