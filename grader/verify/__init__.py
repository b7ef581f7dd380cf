"""Proving an assignment by its reference programs: each must get exactly the verdict written down for it.

`references.py` finds the programs and what is written down for them, `mutants.py` makes wrong ones of right ones.  A
check may be skipped only if one that it depends on must fail; everything else must pass.  Nothing may be inconclusive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from grader import flow
from grader.assignment import Assignment, builds, handed_in
from grader.catalogue.usual import USUAL
from grader.errors import REASONS, CannotJudgeError, UsageError
from grader.model import ROLES, CheckResult, Graded, Outcome, Part, Report, part_of
from grader.verify.references import Expected, References, load_references, reference_folder

__all__ = [
    "Expected",
    "References",
    "Trial",
    "counts",
    "flips",
    "load_references",
    "reference_folder",
    "trials",
    "unproved",
]

_LISTENS: Final = "server.listens"


class Trial(msgspec.Struct, frozen=True):
    """One grading of one reference program.  `flips`: what differs from the verdict, in words; none when it agrees.

    `lacking`: it was not played, since the sandbox has no such command.
    """

    program: str
    round: int
    report: Report | None
    flips: tuple[str, ...]
    lacking: str = ""


def unproved(
    assignment: Assignment, verdicts: dict[str, Expected], inherited: Collection[str] = frozenset()
) -> list[str]:
    """The assignment's own checks that no wrong program fails: not yet checks.

    Those of the catalogue are proved once for all, by our own assignments; those that a variant has `inherited`, by the
    assignment that it extends.
    """
    failed = {check for verdict in verdicts.values() for check in verdict.fails}
    return [spec.id for spec in assignment.checks if spec.id not in failed | USUAL.keys() | {*inherited}]


class _Play(NamedTuple):
    program: str
    round: int


def trials(
    references: References,
    request: flow.Request,
    make_sandbox: flow.MakeSandbox,
    *,
    rounds: int,
    programs: tuple[str, ...] = (),
    role: Graded | None = None,
    listen: Callable[[str], None] = lambda _: None,
    has: Callable[[str], bool] = lambda _: True,
    jobs: int = 1,
    quick: bool = False,
) -> Iterator[Trial]:
    """Grade every reference program (or those named, or those of a role), round after round, as they are ready.

    Each is graded in its own role; the seed changes with the round.  `has`: whether the sandbox has a command.  If only
    some checks are asked for, these and what they depend on must get their verdicts, and programs that none of them is
    for are left out.  `jobs`: how many are graded at a time.  `quick`: a wrong program is graded only by the checks
    that it must fail, and by what these depend on; one that a variant has no such check for is left out.

    Raises:
        UsageError: there is no such program, or none of that role, or none that the checks are for.
    """
    verdicts = references.verdicts
    asked = _asked(verdicts, request, programs, role)
    asked = [name for name in asked if verdicts[name].fails or not (quick and verdicts[name].open)]

    def played(play: _Play) -> Trial:
        listen(f"round {play.round}: {play.program}")
        expected = verdicts[play.program]
        only = _enough(request, expected) if quick else request.only
        seeded = msgspec.structs.replace(request, seed=request.seed + play.round - 1, roles=expected.roles, only=only)
        return _trial(references, play, seeded, make_sandbox)

    plays = (_Play(program, number) for number in range(1, rounds + 1) for program in asked)
    possible: list[_Play] = []
    for play in plays:
        lacking = next((command for command in verdicts[play.program].needs if not has(command)), "")
        if lacking:
            yield Trial(play.program, play.round, None, (), lacking)
        else:
            possible.append(play)
    yield from map(played, possible) if jobs == 1 else _side_by_side(played, possible, jobs)


def _enough(request: flow.Request, expected: Expected) -> frozenset[str] | None:
    """The checks asked for that a program must fail; all that are asked for where there is none among them."""
    listed = {spec.id for spec in request.assignment.checks}
    return frozenset(listed.intersection(expected.fails) & (request.only or listed)) or request.only


def _asked(
    verdicts: dict[str, Expected], request: flow.Request, programs: tuple[str, ...], role: Graded | None
) -> list[str]:
    unknown = [program for program in programs if program not in verdicts]
    if unknown:
        message = f"there is no reference program {unknown[0]!r} (they are named like good/threads.py)"
        raise UsageError(message)
    asked = [name for name in programs or tuple(verdicts) if role in {None, verdicts[name].role}]
    if not asked:
        message = f"none of these reference programs is graded as {role}"
        raise UsageError(message)
    asked = [name for name in asked if msgspec.structs.replace(request, roles=verdicts[name].roles).chosen]
    if not asked:
        message = f"none of these reference programs is graded by {', '.join(sorted(request.only or ()))}"
        raise UsageError(message)
    return asked


def _side_by_side(played: Callable[[_Play], Trial], plays: Iterable[_Play], jobs: int) -> Iterator[Trial]:
    """So many at a time; whoever stops asking waits for those that have begun, and no other begins."""
    left = iter(plays)
    with ThreadPoolExecutor(jobs) as pool:
        running: set[Future[Trial]] = {pool.submit(played, play) for play in islice(left, jobs)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                running |= {pool.submit(played, play) for play in islice(left, 1)}
                yield future.result()


def _trial(references: References, play: _Play, request: flow.Request, make_sandbox: flow.MakeSandbox) -> Trial:
    expected = references.verdicts[play.program]
    try:
        with references.handed_in(play.program) as path:
            report = flow.grade(path, request, make_sandbox, lambda _: None)
    except CannotJudgeError as error:
        return Trial(play.program, play.round, None, (str(error),))
    return Trial(play.program, play.round, report, tuple(flips(request.assignment, expected, report)))


def flips(assignment: Assignment, expected: Expected, report: Report) -> Iterator[str]:
    """What in a report is not as it should be, in words; about checks that were not asked for, nothing."""
    must_fail = set(expected.fails)
    not_passed = {check.id for check in report.checks if check.outcome is not Outcome.PASSED}
    may_skip = _skipped_as_a_whole(must_fail)
    told_by = _told_by(must_fail, report)
    allowed = {Outcome.FAILED, Outcome.SKIPPED} if expected.open else set[Outcome]()
    for check in report.checks:
        if check.id in must_fail:
            if check.outcome is not Outcome.FAILED:
                yield f"{check.id} is expected to fail, but {_how(check)}"
        elif check.outcome in allowed or (check.outcome is Outcome.FAILED and check.id == told_by):
            continue
        elif check.outcome is Outcome.SKIPPED:
            behind = {check.depends_on, *assignment.spec(check.id).needs}
            if part_of(check.id) not in may_skip and behind.isdisjoint(not_passed):
                yield f"{check.id} was skipped, though every check that it depends on passed"
        elif check.outcome is not Outcome.PASSED:
            yield f"{check.id} is expected to pass, but {_how(check)}"
    unplayed = must_fail - {check.id for check in report.checks} - _not_asked_for(assignment, report)
    yield from (f"{check} is expected to fail, but was not played" for check in sorted(unplayed))


#: How a check ended, behind "but".
_HOW: Final = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "was skipped",
    Outcome.INCONCLUSIVE: "was inconclusive",
    Outcome.ERROR: "stopped at an error of the grader",
}


def _how(check: CheckResult) -> str:
    if check.outcome is Outcome.PASSED:
        return _HOW[check.outcome]
    told = check.message.strip().replace("\n", "\n    ") or (REASONS[check.reason] if check.reason else "")
    return f"{_HOW[check.outcome]}{f': {told}' if told else ''}"


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


def _told_by(must_fail: Collection[str], report: Report) -> str:
    """The check that says that a server never listens, where the one for that was not asked for; else empty."""
    played = [check.id for check in report.checks if part_of(check.id) == "server"]
    return played[0] if played and _LISTENS in must_fail and _LISTENS not in played else ""


def counts(reports: list[Report]) -> Counter[Outcome]:
    """How many verdicts of each kind were given."""
    return Counter(check.outcome for report in reports for check in report.checks)
