"""A grading as one list of stages: submission, recipe, sandbox, verdicts, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from grader import languages, results, submission
from grader.assignment import BUILDS, Assignment, Role
from grader.driver.job import Built, Checked, Job, Refused, Word
from grader.errors import AssignmentError, CannotJudgeError
from grader.languages import Recipe
from grader.model import BuildResult, CheckResult, GraderInfo, Outcome, Report, SubmissionInfo
from grader.sandbox.host import Sandbox
from grader.submission import Submission
from grader.version import __version__

#: Makes a sandbox for a submission's archive.
MakeSandbox = Callable[[Assignment, bytes], Sandbox]
#: Hears each of the driver's words as it falls.
Listener = Callable[[Word], None]


class Request(msgspec.Struct, frozen=True):
    """What is to be graded: the assignment, the role, ids of the checks (None: all), and the random inputs' seed."""

    assignment: Assignment
    role: Role = "server"
    only: frozenset[str] | None = None
    seed: int = 1

    @property
    def chosen(self) -> frozenset[str]:
        """Ids of the checks to play: those asked for and what they need."""
        every = frozenset(spec.id for spec in self.assignment.checks)
        return every if self.only is None else self.assignment.with_needed(self.only)


class Plan(msgspec.Struct, frozen=True):
    """A submission that can be graded: its program is found."""

    taken: Submission
    request: Request
    recipe: Recipe


def grade(path: Path, request: Request, make_sandbox: MakeSandbox, listen: Listener) -> Report:
    """Grade what lies at `path`."""
    return carry_out(plan(submission.take(path), request), make_sandbox, listen)


def plan(taken: Submission, request: Request) -> Plan:
    """Find the program.

    Raises:
        UsageError: there is none, or several.
    """
    return Plan(taken, request, languages.recipe(taken, request.role))


def carry_out(plan: Plan, make_sandbox: MakeSandbox, listen: Listener) -> Report:
    """Grade a submission whose program is found.

    Raises:
        CannotJudgeError: the sandbox failed.
    """
    taken, request, recipe = plan.taken, plan.request, plan.recipe
    started, began = datetime.now(UTC), time.monotonic()
    with make_sandbox(request.assignment, taken.archive) as sandbox:
        sandbox.open()
        job = Job(
            assignment=request.assignment,
            role=request.role,
            build=recipe.build,
            run=recipe.run,
            chosen=request.chosen,
            seed=request.seed,
            private_network=sandbox.private_network,
            path=sandbox.path,
        )
        build, checks = _hear(sandbox, job, listen)
        where = sandbox.words
    return results.make_report(
        request.assignment,
        request.role,
        submission=SubmissionInfo(name=taken.name, sha256=taken.sha256),
        grader=GraderInfo(version=__version__, seed=request.seed, sandbox=where),
        started=started,
        duration_s=time.monotonic() - began,
        build=build,
        checks=checks,
    )


def _hear(sandbox: Sandbox, job: Job, listen: Listener) -> tuple[BuildResult, tuple[CheckResult, ...]]:
    build = BuildResult(outcome=Outcome.SKIPPED)
    checks: list[CheckResult] = []
    try:
        for word in sandbox.play(job):
            listen(word)
            match word:
                case Built(result=build):
                    if build.outcome is Outcome.FAILED:
                        checks += results.without_a_program(job.assignment, job.chosen, titles(job.assignment), build)
                case Checked(result=check):
                    checks.append(check)
                case Refused(why=why):
                    message = f"assignment {job.assignment.name}: {why}"
                    raise AssignmentError(message)
    except CannotJudgeError as error:
        if not checks:
            raise
        # What was judged before the sandbox broke stands.
        checks += results.unplayed(job.assignment, job.chosen, titles(job.assignment), checks, str(error))
    if not checks:
        raise CannotJudgeError("the driver gave no verdict")
    # They are played in another order than the assignment lists them; building comes before all.
    listed = [BUILDS, *(spec.id for spec in job.assignment.checks)]
    return build, tuple(sorted(checks, key=lambda check: listed.index(check.id)))


def titles(assignment: Assignment) -> dict[str, str]:
    """The title of each check of an assignment, by id, read from the sources without importing them."""
    from grader.catalogue import titles_of  # noqa: PLC0415 — parsing them takes longer than a grading should wait

    return titles_of(assignment)
