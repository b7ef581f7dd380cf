"""What an overview and a gradebook need of a report, and of what was asked for.  Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from grader import flow
from grader.class_.model import Check, Result, State
from grader.errors import Reason
from grader.model import Outcome, Report, judged


def checks_of(request: flow.Request) -> tuple[Check, ...]:
    """The checks that a class is graded by, in the order of the assignment."""
    asked, titles = request.assignment, flow.titles(request.assignment)
    return tuple(
        Check(
            id=spec.id,
            title=titles[spec.id],
            points=spec.points,
            usual=spec.points,
            requirement=asked.requirements[spec.requirement],
            visibility=spec.visibility,
        )
        for spec in asked.checks
        if spec.id in request.chosen
    )


def result_of(report: Report, checks: Collection[Check], kept_as: str, alike: str = "") -> Result:
    """What is needed of a report; `kept_as`: the name under which it is kept; `alike`: see there."""
    asked = {check.id for check in checks}
    own = [check for check in report.checks if check.id in asked]
    others = [check for check in report.checks if check.id not in asked and check.outcome is Outcome.FAILED]
    return Result(
        kept_as=kept_as,
        sha256=report.submission.sha256,
        score=report.score,
        max_score=report.max_score,
        unjudged=report.unjudged,
        outcomes={check.id: check.outcome for check in own},
        undecided=tuple(check.id for check in own if not judged(check)),
        blocked_by=tuple(check.id for check in others),
        duration_s=report.duration_s,
        finished=report.started + timedelta(seconds=report.duration_s),
        why=next((check.message for check in others if check.reason is Reason.UNUSABLE), ""),
        alike=alike,
    )


def state_of(result: Result) -> State:
    """What became of a hand-in that has a result."""
    if result.why:
        return "unusable"
    return "unjudged" if result.unjudged else "graded"
