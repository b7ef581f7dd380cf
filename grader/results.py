"""From verdicts to a grade: points and the exit code.  Pure.

The maximum is the assignment's: every check that was asked for counts in it, whether it was judged or not, so that no
program can change it.  The points of a check that could not be judged, and of those skipped because of it, are neither
earned nor lost: they are `unjudged`, for a person to look at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from grader.assignment import Assignment, CheckSpec, builds, handed_in
from grader.errors import REASONS, Reason
from grader.model import (
    Audience,
    BuildResult,
    CheckResult,
    Graded,
    GraderInfo,
    Narrowed,
    Outcome,
    Report,
    Requirement,
    Role,
    SubmissionInfo,
    judged,
    part_of,
)


def make_report(
    assignment: Assignment,
    role: Graded,
    *,
    submission: SubmissionInfo,
    grader: GraderInfo,
    started: datetime,
    duration_s: float,
    build: BuildResult,
    checks: tuple[CheckResult, ...],
    narrowed: Narrowed | None = None,
    notes: tuple[str, ...] = (),
) -> Report:
    """The grade of one submission in one role, or in both, for the instructor.  `checks`: all that were asked for."""
    seen = {spec.id: spec.visibility for spec in assignment.checks}
    checks = tuple(msgspec.structs.replace(check, visibility=seen.get(check.id, "visible")) for check in checks)
    return Report(
        assignment=assignment.name,
        role=role,
        submission=submission,
        grader=grader,
        started=started,
        duration_s=round(duration_s, 3),
        score=sum(check.points for check in checks if judged(check)),
        max_score=sum(check.max_points for check in checks),
        unjudged=sum(check.max_points for check in checks if not judged(check)),
        build=build,
        checks=checks,
        narrowed=narrowed,
        notes=notes,
        handout=assignment.handout,
        audience=Audience.INSTRUCTOR,
    )


def without_a_submission(
    assignment: Assignment, role: Role, chosen: frozenset[str], titles: Mapping[str, str], why: str
) -> tuple[CheckResult, ...]:
    """The checks of a submission that can't be used: a failed one that says why, the others skipped for it.

    `role`: whose checks it is shown with.  `why`: one sentence.
    """
    failed = CheckResult(
        id=handed_in(role),
        title="The submission can be used",
        requirement=Requirement(number="", text="The submission can be graded."),
        outcome=Outcome.FAILED,
        points=0,
        max_points=0,
        reason=Reason.UNUSABLE,
        message=why if why.endswith((".", "}")) else f"{why}.",  # it may begin with a file's name: no capital
        hint="Fix that and hand it in again.",
    )
    skipped = _Unplayed(Outcome.SKIPPED, Reason.PREREQUISITE, f"skipped: {REASONS[Reason.UNUSABLE]}", failed.id)
    others = (spec for spec in assignment.checks if spec.id in chosen)
    return failed, *(_not_played(assignment, spec, titles, skipped) for spec in others)


def not_handed_in(role: Role, why: str) -> CheckResult:
    """That one of the programs is not there; `why`, in a sentence without its end."""
    return CheckResult(
        id=handed_in(role),
        title=f"A {role} was handed in",
        requirement=Requirement(number="", text=f"A {role} is handed in."),
        outcome=Outcome.FAILED,
        points=0,
        max_points=0,
        reason=Reason.NOT_HANDED_IN,
        message=f"{why[:1].upper()}{why[1:]}.",
        hint=f"Hand it in with the rest, under a name that contains {role!r}. To grade one program alone, use --role.",
    )


def not_built(role: Role, build: BuildResult, hint: str = "") -> CheckResult:
    """That a program could not be built; `hint` if it is not the compiler that says why."""
    return CheckResult(
        id=builds(role),
        title="Builds",
        requirement=Requirement(number="", text="The program can be built."),
        outcome=Outcome.FAILED,
        points=0,
        max_points=0,
        reason=Reason.BUILD_FAILED,
        message=f"$ {build.command}\n{build.log}".rstrip(),
        hint=hint or "Fix the first error that the compiler reports; later ones often follow from it.",
        duration_s=build.duration_s,
    )


def without_a_program(
    assignment: Assignment, chosen: frozenset[str], titles: Mapping[str, str], failed: CheckResult
) -> tuple[CheckResult, ...]:
    """The checks of a program that is not there or could not be built: that one failed, the others skipped for it.

    So are those of both programs together.
    """
    part, clause = part_of(failed.id), REASONS[failed.reason or Reason.NOT_HANDED_IN]
    why = f"the {part}{clause.removeprefix('it')}"
    return (
        failed,
        *(
            _not_played(
                assignment,
                spec,
                titles,
                _Unplayed(Outcome.SKIPPED, Reason.PREREQUISITE, f"skipped: {why}", failed.id),
            )
            for spec in assignment.checks
            if spec.id in chosen and spec.part in {part, "pair"}
        ),
    )


def one_build(results: Mapping[Role, BuildResult]) -> BuildResult:
    """What building gave, of however many programs: failed if one did; with several, each log below its program."""
    if len(results) == 1:
        return next(iter(results.values()))
    outcomes = {result.outcome for result in results.values()}
    of_all = (Outcome.FAILED, Outcome.PASSED, Outcome.SKIPPED)
    return BuildResult(
        outcome=next(outcome for outcome in of_all if outcome in outcomes or outcome is of_all[-1]),
        log="\n".join(f"{role}:\n{result.log}" for role, result in results.items() if result.command),
        command="; ".join(result.command for result in results.values() if result.command),
        duration_s=round(sum(result.duration_s for result in results.values()), 6),
    )


def unplayed(
    assignment: Assignment,
    chosen: frozenset[str],
    titles: Mapping[str, str],
    played: Collection[CheckResult],
    why: str,
    *,
    reason: Reason = Reason.UNPROVED,
) -> tuple[CheckResult, ...]:
    """The checks without a verdict because the sandbox broke or lacks something: for a person to look at."""
    done = {check.id for check in played}
    lost = _Unplayed(Outcome.INCONCLUSIVE, reason, f"This check did not run: {why}.")
    return tuple(_not_played(assignment, spec, titles, lost) for spec in assignment.checks if spec.id in chosen - done)


class _Unplayed(NamedTuple):
    outcome: Outcome
    reason: Reason
    message: str
    depends_on: str = ""


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
        depends_on=verdict.depends_on,
    )


def exit_code(report: Report) -> int:
    """0: every check passed; 2: the submission can't be used; 3: something could not be judged; 1: a check failed."""
    if any(check.reason is Reason.UNUSABLE for check in report.checks):
        return 2
    if not report.complete:
        return 3
    return 0 if all(check.outcome is Outcome.PASSED for check in report.checks) else 1
