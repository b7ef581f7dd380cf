"""From verdicts to a grade: points, completeness, the exit code.  Pure.

A check that could not be judged costs nothing: it counts neither in the score nor in what can be reached, nor do the
checks that were skipped because of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from grader.assignment import BUILDS, Assignment, CheckSpec, Role
from grader.errors import REASONS, Reason
from grader.model import (
    UNJUDGED,
    BuildResult,
    CheckResult,
    GraderInfo,
    Outcome,
    Report,
    Requirement,
    SubmissionInfo,
)

_BUILDS_REQUIREMENT = Requirement(number="", text="The program can be built.")


def judged(check: CheckResult) -> bool:
    """Whether a check's points count."""
    return check.outcome not in UNJUDGED and check.reason is not Reason.PREREQUISITE_UNJUDGED


def make_report(
    assignment: Assignment,
    role: Role,
    *,
    submission: SubmissionInfo,
    grader: GraderInfo,
    started: datetime,
    duration_s: float,
    build: BuildResult,
    checks: tuple[CheckResult, ...],
) -> Report:
    """The grade of one submission in one role."""
    counted = [check for check in checks if judged(check)]
    return Report(
        assignment=assignment.name,
        role=role,
        submission=submission,
        grader=grader,
        started=started,
        duration_s=round(duration_s, 3),
        score=sum(check.points for check in counted),
        max_score=sum(check.max_points for check in counted),
        complete=all(judged(check) for check in checks),
        build=build,
        checks=checks,
    )


def without_a_program(
    assignment: Assignment, chosen: frozenset[str], titles: Mapping[str, str], build: BuildResult
) -> tuple[CheckResult, ...]:
    """The checks of a submission that could not be built: one failed, all others skipped for that reason."""
    failed = CheckResult(
        id=BUILDS,
        title="Can be built",
        requirement=_BUILDS_REQUIREMENT,
        outcome=Outcome.FAILED,
        points=0,
        max_points=0,
        reason=Reason.BUILD_FAILED,
        message=f"$ {build.command}\n{build.log}".rstrip(),
        hint="Mend the first error that the compiler names; the later ones often follow from it.",
        duration_s=build.duration_s,
    )
    return (failed, *(_skipped(assignment, spec, titles) for spec in assignment.checks if spec.id in chosen))


def unplayed(
    assignment: Assignment,
    chosen: frozenset[str],
    titles: Mapping[str, str],
    played: Collection[CheckResult],
    why: str,
) -> tuple[CheckResult, ...]:
    """The checks that were not played because the sandbox broke: nobody's fault."""
    done = {check.id for check in played}
    lost = _Unplayed(Outcome.INCONCLUSIVE, Reason.UNPROVED, f"Not played: {why}.")
    return tuple(_not_played(assignment, spec, titles, lost) for spec in assignment.checks if spec.id in chosen - done)


def _skipped(assignment: Assignment, spec: CheckSpec, titles: Mapping[str, str]) -> CheckResult:
    why = f"not played, because {REASONS[Reason.BUILD_FAILED]}"
    return _not_played(assignment, spec, titles, _Unplayed(Outcome.SKIPPED, Reason.PREREQUISITE, why))


class _Unplayed(NamedTuple):
    outcome: Outcome
    reason: Reason
    message: str


def _not_played(assignment: Assignment, spec: CheckSpec, titles: Mapping[str, str], verdict: _Unplayed) -> CheckResult:
    return CheckResult(
        id=spec.id,
        title=titles[spec.id],
        requirement=assignment.requirements[spec.requirement],
        outcome=verdict.outcome,
        points=0,
        max_points=spec.points,
        reason=verdict.reason,
        message=verdict.message,
    )


def exit_code(report: Report) -> int:
    """0: every check passed; 3: something could not be judged; 1: a check failed."""
    if not report.complete:
        return 3
    return 0 if all(check.outcome is Outcome.PASSED for check in report.checks) else 1
