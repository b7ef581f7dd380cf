"""A report for a student: nothing of a hidden check but a number and whether it passed.

What isn't known there can't be shown: every other report is a function of this one, so that titles, messages, output
and transcripts of hidden checks are in none of them.  Neither is how long they took, which a program could use to say
something.  Pure.
"""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Final

import msgspec

from grader.assignment import VisibilitySpec
from grader.errors import Reason
from grader.model import PARTS, Audience, CheckResult, Narrowed, Outcome, Report, Requirement, judged, part_of

_REQUIREMENT: Final = Requirement(number="", text="The program does what the handout requires.")
_HINT: Final = "Read the handout once more, and try what it says with inputs of your own."


def for_student(report: Report, visibility: VisibilitySpec, now: datetime) -> Report:
    """The report that a student may see now.  A check's number is its place among those that are not always shown."""
    numbers = count(1)
    numbered = {check.id: next(numbers) for check in report.checks if check.visibility != "visible"}
    past = visibility.is_past(now)
    shown = {
        check.id: check
        if check.visibility == "visible" or (check.visibility == "after_due_date" and past)
        else _undisclosed(check, numbered[check.id])
        for check in report.checks
    }
    if all(shown[check.id] is check for check in report.checks):
        return msgspec.structs.replace(report, audience=Audience.STUDENT)
    # Those that are not shown say that they took no time, and come last in their part.
    took_s = report.build.duration_s + sum(check.duration_s for check in shown.values())
    known = {check.id for check in report.checks}
    checks = sorted(shown.values(), key=lambda check: (PARTS.index(part_of(check.id)), check.id not in known))
    return msgspec.structs.replace(
        report,
        checks=tuple(checks),
        duration_s=round(took_s, 3),
        narrowed=_renamed(report.narrowed, shown),
        audience=Audience.STUDENT,
    )


def _undisclosed(check: CheckResult, number: int) -> CheckResult:
    """A number and an outcome, which is pass or fail unless a person has to look at it."""
    passed = check.outcome is Outcome.PASSED
    outcome = check.outcome if passed else Outcome.FAILED if judged(check) else Outcome.INCONCLUSIVE
    return CheckResult(
        id=f"{part_of(check.id)}.hidden_{number}",
        title=f"Hidden check {number}",
        requirement=_REQUIREMENT,
        outcome=outcome,
        points=check.points,
        max_points=check.max_points,
        reason=None if passed else Reason.UNDISCLOSED,
        hint=_HINT if outcome is Outcome.FAILED else "",
        visibility=check.visibility,
    )


def _renamed(narrowed: Narrowed | None, shown: dict[str, CheckResult]) -> Narrowed | None:
    """What was asked for, as a student may know it."""
    if narrowed is None:
        return None
    return msgspec.structs.replace(narrowed, only=tuple(shown[check].id for check in narrowed.only if check in shown))
