"""Proving an assignment by its reference programs: each must get exactly the verdict written down for it.

`reference/<assignment>/verdicts.toml` names, for every program, the checks that must fail.  A check may be skipped only
if one that it depends on must fail; everything else must pass.  Nothing may be inconclusive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import msgspec

from grader import flow
from grader.assignment import Assignment, builds, handed_in
from grader.errors import AssignmentError, CannotJudgeError, UsageError
from grader.model import ROLES, Graded, Outcome, Part, Report, Role, part_of, parts_of

_LISTENS = "server.listens"


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program's verdict: its fault in words (empty for a correct one), and the checks that must fail.

    `role`: the role that it is graded in; both: it is a folder with two programs.  `open`: other checks may pass, fail
    or be skipped, since a variant has dropped the check that its parent skips them for.  `needs`: commands beside those
    of Python and C without which it is not played.
    """

    fault: str = ""
    fails: tuple[str, ...] = ()
    role: Graded = "server"
    open: bool = False
    needs: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that it is graded in."""
        return ROLES if self.role == "both" else (self.role,)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Whose checks are played with it."""
        return parts_of(self.roles)


class Trial(msgspec.Struct, frozen=True):
    """One grading of one reference program.  `flips`: what differs from the verdict, in words; none when it agrees.

    `lacking`: it was not played, since the sandbox has no such command.
    """

    program: str
    round: int
    report: Report | None
    flips: tuple[str, ...]
    lacking: str = ""


def reference_folder(assignment: Assignment) -> Path:
    """Where an assignment's reference programs are: beside the package, in a checkout; a variant's are its parent's.

    Raises:
        UsageError: this is an installation without them.
    """
    programs = Path(__file__).resolve().parent.parent.parent / "reference"
    for name in (assignment.name, *assignment.extends):
        if (programs / name / "verdicts.toml").is_file():
            return programs / name
    message = f"there are no reference programs for {assignment.name} here: they come with a checkout of the project"
    raise UsageError(message)


def load_verdicts(folder: Path, assignment: Assignment) -> dict[str, Expected]:
    """The verdicts by program, a path below the folder.

    Raises:
        AssignmentError: the file has a fault, a program has no verdict, or a verdict no program.
    """
    try:
        verdicts = msgspec.toml.decode((folder / "verdicts.toml").read_bytes(), type=dict[str, Expected])
        programs = {f"{kind}/{path.name}" for kind in ("good", "broken") for path in (folder / kind).iterdir()}
    except (OSError, msgspec.DecodeError) as error:
        message = f"{folder.name}/verdicts.toml: {error}"
        raise AssignmentError(message) from error
    if folder.name in assignment.extends:
        verdicts = _of_variant(verdicts, assignment)
        programs &= verdicts.keys()
    known = {spec.id for spec in assignment.checks}
    known |= {check(role) for role in assignment.roles for check in (builds, handed_in)}
    faults = [
        *(f"{program} has no verdict" for program in sorted(programs - set(verdicts))),
        *(f"there is no program {program}" for program in sorted(set(verdicts) - programs)),
        *(f"{p}: there is no check {check}" for p, v in verdicts.items() for check in v.fails if check not in known),
        *(f"{p}: there is no role {v.role} here" for p, v in verdicts.items() if not {*v.roles} <= {*assignment.roles}),
        *(
            f"{p}: {check} is not played with a {v.role}"
            for p, v in verdicts.items()
            for check in v.fails
            if part_of(check) not in v.parts
        ),
    ]
    if faults:
        message = f"{folder.name}/verdicts.toml: {faults[0]}"
        raise AssignmentError(message)
    return verdicts


def _of_variant(verdicts: dict[str, Expected], assignment: Assignment) -> dict[str, Expected]:
    """A parent's verdicts, as far as they are about what the variant asks for."""
    asked = {spec.id for spec in assignment.checks} | {
        check(role) for role in assignment.roles for check in (builds, handed_in)
    }
    return {
        program: msgspec.structs.replace(
            verdict, fails=tuple(check for check in verdict.fails if check in asked), open=not {*verdict.fails} <= asked
        )
        for program, verdict in verdicts.items()
        if {*verdict.roles} <= {*assignment.roles}
    }


def unproved(assignment: Assignment, verdicts: dict[str, Expected]) -> list[str]:
    """Checks that no broken program fails: not yet checks."""
    failed = {check for verdict in verdicts.values() for check in verdict.fails}
    return [spec.id for spec in assignment.checks if spec.id not in failed]


def trials(
    request: flow.Request,
    make_sandbox: flow.MakeSandbox,
    *,
    rounds: int,
    programs: tuple[str, ...] = (),
    role: Graded | None = None,
    listen: Callable[[str], None] = lambda _: None,
    has: Callable[[str], bool] = lambda _: True,
) -> Iterator[Trial]:
    """Grade every reference program (or those named, or those of a role), round after round.

    Each is graded in its own role; the seed changes with the round.  `has`: whether the sandbox has a command.  If only
    some checks are asked for, these and what they depend on must get their verdicts, and programs that none of them is
    for are left out.

    Raises:
        UsageError: there is no such program, or none of that role, or none that the checks are for.
    """
    folder = reference_folder(request.assignment)
    verdicts = load_verdicts(folder, request.assignment)
    unknown = [program for program in programs if program not in verdicts]
    if unknown:
        message = f"there is no reference program {unknown[0]!r} (they are named like broken/never_answers.py)"
        raise UsageError(message)
    asked = [name for name in programs or tuple(verdicts) if role in {None, verdicts[name].role}]
    if not asked:
        message = f"none of these reference programs is graded as {role}"
        raise UsageError(message)
    asked = [name for name in asked if msgspec.structs.replace(request, roles=verdicts[name].roles).chosen]
    if not asked:
        message = f"none of these reference programs is graded by {', '.join(sorted(request.only or ()))}"
        raise UsageError(message)
    for number in range(1, rounds + 1):
        seeded = msgspec.structs.replace(request, seed=request.seed + number - 1)
        for program in asked:
            expected = verdicts[program]
            if lacking := next((command for command in expected.needs if not has(command)), ""):
                yield Trial(program, number, None, (), lacking)
                continue
            listen(f"round {number}: {program}")
            yield _trial(
                folder / program,
                program,
                number=number,
                request=msgspec.structs.replace(seeded, roles=expected.roles),
                make_sandbox=make_sandbox,
                expected=expected,
            )


def _trial(
    path: Path,
    program: str,
    *,
    number: int,
    request: flow.Request,
    make_sandbox: flow.MakeSandbox,
    expected: Expected,
) -> Trial:
    try:
        report = flow.grade(path, request, make_sandbox, lambda _: None)
    except CannotJudgeError as error:
        return Trial(program, number, None, (str(error),))
    return Trial(program, number, report, tuple(flips(request.assignment, expected, report)))


def flips(assignment: Assignment, expected: Expected, report: Report) -> Iterator[str]:
    """What in a report is not as it should be, in words; about checks that were not asked for, nothing."""
    must_fail = set(expected.fails)
    not_passed = {check.id for check in report.checks if check.outcome is not Outcome.PASSED}
    may_skip = _skipped_as_a_whole(must_fail)
    for check in report.checks:
        if check.id in must_fail:
            if check.outcome is not Outcome.FAILED:
                yield f"{check.id} must fail, but is {check.outcome}"
        elif expected.open and check.outcome in {Outcome.FAILED, Outcome.SKIPPED}:
            continue
        elif check.outcome is Outcome.SKIPPED:
            if not (part_of(check.id) in may_skip or not_passed.intersection(assignment.spec(check.id).needs)):
                yield f"{check.id} was skipped for no reason"
        elif check.outcome is not Outcome.PASSED:
            yield f"{check.id} must pass, but is {check.outcome} ({check.reason}): {check.message}"
    unplayed = must_fail - {check.id for check in report.checks} - _not_asked_for(assignment, report)
    yield from (f"{check} was not played" for check in sorted(unplayed))


def _not_asked_for(assignment: Assignment, report: Report) -> set[str]:
    """The assignment's checks that a report leaves out because only others were asked for."""
    only = frozenset(report.narrowed.only) if report.narrowed else frozenset()
    asked = assignment.with_needed(only)
    return {spec.id for spec in assignment.checks if spec.id not in asked} if only else set()


def _skipped_as_a_whole(must_fail: Collection[str]) -> set[Part]:
    """Those whose checks all depend on what must fail: of a program that is missing or a server that never listens."""
    lacking = {part_of(check) for role in ROLES for check in {builds(role), handed_in(role)}.intersection(must_fail)}
    parts: set[Part] = {*lacking, "pair"} if lacking else set()
    return parts | {"server"} if _LISTENS in must_fail else parts


def counts(reports: list[Report]) -> Counter[Outcome]:
    """How many verdicts of each kind were given."""
    return Counter(check.outcome for report in reports for check in report.checks)
