"""A grading as one list of stages: submission, plan, sandbox, verdicts, report.

`plan.py` says what is to be graded; here it is carried out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from grader import languages, results, sanitizer, submission
from grader.assignment import Assignment, handed_in
from grader.assignment import builds as builds_id
from grader.errors import AssignmentError, CannotJudgeError, Reason
from grader.job import Built, Checked, Command, Job, Lacking, Refused, Word
from grader.languages.libraries import missing_library
from grader.model import (
    PARTS,
    ROLES,
    BuildResult,
    CheckResult,
    Graded,
    GraderInfo,
    Outcome,
    Report,
    Role,
    SubmissionInfo,
    part_of,
    parts_of,
)
from grader.plan import Plan, Request, plan
from grader.sandbox.host import Sandbox
from grader.version import __version__

__all__ = [
    "Listener",
    "MakeSandbox",
    "Plan",
    "Request",
    "carry_out",
    "give_up",
    "grade",
    "plan",
    "refuse",
    "titles",
]

#: Makes a sandbox for a submission's archive and the families of languages that its programs need.
MakeSandbox = Callable[[Assignment, bytes, frozenset[str]], Sandbox]
#: Hears each of the driver's words as it falls.
Listener = Callable[[Word], None]


def grade(path: Path, request: Request, make_sandbox: MakeSandbox, listen: Listener) -> Report:
    """Grade what is at `path`."""
    return carry_out(plan(submission.take(path), request), make_sandbox, listen)


def refuse(submitted: SubmissionInfo, request: Request, why: str, notes: tuple[str, ...] = ()) -> Report:
    """The report on a submission that can't be used, for one reason in a sentence: all that it could earn is lost."""
    asked, roles = request.assignment, request.played_roles
    checks = results.without_a_submission(asked, roles[0], request.chosen, titles(asked), why)
    return _ungraded(submitted, request, checks, notes)


def give_up(submitted: SubmissionInfo, request: Request, why: str) -> Report:
    """The report on a submission whose grading broke down, for one reason in a clause: all of it is unjudged."""
    asked = request.assignment
    return _ungraded(submitted, request, results.unplayed(asked, request.chosen, titles(asked), (), why))


def _ungraded(
    submitted: SubmissionInfo, request: Request, checks: Iterable[CheckResult], notes: tuple[str, ...] = ()
) -> Report:
    return results.make_report(
        request.assignment,
        _graded(request.played_roles),
        submission=submitted,
        grader=GraderInfo(version=__version__, seed=request.seed, sandbox="none"),
        started=datetime.now(UTC),
        duration_s=0,
        build=BuildResult(outcome=Outcome.SKIPPED),
        checks=_listed(request.assignment, checks),
        narrowed=request.narrowed,
        notes=notes,
    )


def carry_out(plan: Plan, make_sandbox: MakeSandbox, listen: Listener) -> Report:
    """Grade a submission whose programs are found.

    A sandbox that breaks still leaves a complete report: what was judged before stands, the rest is unjudged.

    Raises:
        CannotJudgeError: there is no sandbox at all.
    """
    taken, request = plan.taken, plan.request
    started, began = datetime.now(UTC), time.monotonic()
    shown = plan.shown_part()
    with make_sandbox(shown.request.assignment, taken.archive, plan.families) as sandbox:
        builds, checks = _play(sandbox, shown, listen)
        where, images = sandbox.words, dict(sandbox.images)
    if request.second_look and time.monotonic() - began < request.assignment.limits.whole_s:
        checks = _second_look(shown, checks, make_sandbox)
    checks += _concealed(plan, make_sandbox, listen)
    for role, why in plan.lacking.items():
        failed = results.not_handed_in(role, why)
        checks += results.without_a_program(request.assignment, plan.chosen, titles(request.assignment), failed)
    return results.make_report(
        request.assignment,
        _graded({**plan.recipes, **plan.lacking}),
        submission=SubmissionInfo(name=taken.name, sha256=taken.sha256),
        grader=GraderInfo(version=__version__, seed=request.seed, sandbox=where, images=images),
        started=started,
        duration_s=time.monotonic() - began,
        build=results.one_build(builds),
        checks=_listed(request.assignment, checks),
        narrowed=request.narrowed,
        notes=plan.remarks,
    )


def _second_look(plan: Plan, checks: list[CheckResult], make_sandbox: MakeSandbox) -> list[CheckResult]:
    """The results, and beside one failure that wrong use of memory may explain, what sanitizers report.

    That check is played once more in a sandbox of its own.  Whatever becomes of that, the verdicts are as they were.
    """
    failed = sanitizer.worth_asking(checks)
    again = plan.sanitized_part(failed.id) if failed else None
    if failed is None or again is None:
        return checks
    try:
        with make_sandbox(again.request.assignment, plan.taken.archive, plan.families) as sandbox:
            _, played = _play(sandbox, again, lambda _: None)
    except CannotJudgeError:
        return checks
    said = sanitizer.first_report(played, plan.taken)
    return [sanitizer.beside(check, said) if said and check is failed else check for check in checks]


def _concealed(plan: Plan, make_sandbox: MakeSandbox, listen: Listener) -> list[CheckResult]:
    """The results of the checks that not everybody may see.

    They are played last, in a sandbox of their own, which is gone before anything else runs: what the program hears
    there, it can print nowhere else.
    """
    hidden = plan.hidden_part()
    concealed = plan.playable & plan.request.assignment.concealed
    if not concealed:
        return []

    def listen_to_these(word: Word) -> None:
        if isinstance(word, Checked) and word.result.id in concealed:
            listen(word)

    try:
        with make_sandbox(hidden.request.assignment, plan.taken.archive, plan.families) as sandbox:
            _, checks = _play(sandbox, hidden, listen_to_these)
    except CannotJudgeError as error:
        return [
            *results.unplayed(hidden.request.assignment, concealed, titles(hidden.request.assignment), (), str(error))
        ]
    return [check for check in checks if check.id in concealed]


def _graded(roles: Collection[Role]) -> Graded:
    return "both" if len(roles) > 1 else next(iter(roles))


def _play(sandbox: Sandbox, plan: Plan, listen: Listener) -> tuple[dict[Role, BuildResult], list[CheckResult]]:
    """What building gave, and a result for each check that can be played, whatever becomes of the sandbox."""
    assignment = plan.request.assignment
    builds: dict[Role, BuildResult] = {}
    checks: list[CheckResult] = []
    why = "the driver gave no verdict"
    try:
        for word in _words(sandbox, plan):
            listen(word)
            match word:
                case Built(role=role, result=result):
                    builds[role] = result
                    if result.outcome is Outcome.FAILED:
                        hint = languages.which_made(plan.recipes[role], role, result.likely)
                        hint = hint or missing_library(result.log, _libraries(assignment, sandbox))
                        failed = results.not_built(role, result, hint)
                        checks += results.without_a_program(assignment, plan.chosen, titles(assignment), failed)
                case Lacking(role=role, tools=tools):
                    needs = frozenset(check for check in plan.playable if part_of(check) in (role, "pair"))
                    lacking = languages.lacking(plan.recipes[role], role, tools, in_images=bool(sandbox.images))
                    checks += results.unplayed(
                        assignment, needs, titles(assignment), checks, lacking, reason=Reason.TOOL_MISSING
                    )
                case Checked(result=check):
                    checks.append(check)
                case Refused(flaws=flaws):
                    more = f" (and {len(flaws) - 1} more: grader lint {assignment.name})" if len(flaws) > 1 else ""
                    message = f"assignment {assignment.name}: {flaws[0]}{more}"
                    raise AssignmentError(message)
    except CannotJudgeError as error:
        why = str(error)
    if plan.playable - {check.id for check in checks}:
        checks += results.unplayed(assignment, plan.playable, titles(assignment), checks, why)
    return builds, checks


def _libraries(assignment: Assignment, sandbox: Sandbox) -> tuple[str, ...] | None:
    """The libraries that an assignment allows; None in an image of the instructor's own, of which nobody knows."""
    return None if sandbox.own_image else assignment.image.names


def _words(sandbox: Sandbox, plan: Plan) -> Iterator[Word]:
    """Hand over the submission and the job; what the driver says."""
    sandbox.open()
    return sandbox.play(
        Job(
            assignment=plan.request.assignment,
            commands={
                role: Command(
                    made.build,
                    made.run,
                    made.asks,
                    made.ports,
                    languages.written_in(plan.taken, made),
                    finds=made.finds,
                    tools=made.tools,
                    named=made.named,
                    arguments=made.arguments,
                )
                for role, made in plan.recipes.items()
            },
            chosen=plan.playable,
            seed=plan.request.seed,
            private_network=sandbox.private_network,
            environment=dict(sandbox.environment),
            files=sandbox.files,
            own_image=sandbox.own_image,
        )
    )


def _listed(assignment: Assignment, checks: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Each check once, program after program, as the assignment lists them.

    They are played in a different order, and those of both programs are skipped for the one as well as for the other.
    """
    ids = [check for role in ROLES for check in (handed_in(role), builds_id(role))]
    ids += [spec.id for part in PARTS for spec in assignment.checks if spec.part == part]
    first = {check.id: check for check in reversed([*checks])}
    return tuple(sorted(first.values(), key=lambda check: (PARTS.index(part_of(check.id)), ids.index(check.id))))


def titles(assignment: Assignment) -> dict[str, str]:
    """The title of each check of an assignment, by id, read from the sources without importing them."""
    from grader.catalogue.titles import titles_of  # noqa: PLC0415 — parsing them takes longer than a grading should wait

    files = {**assignment.files, **assignment.hidden_files}
    known = titles_of(parts_of(assignment.roles), assignment.transport, files)
    return {spec.id: known.get(spec.id, spec.id) for spec in assignment.checks}
