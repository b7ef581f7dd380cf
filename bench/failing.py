"""How much longer a check takes to fail a broken program than to pass a right one."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.figures import line, ms
from bench.timed import Seconds, Timed, grade
from grader.assignment import Assignment, builds
from grader.errors import GraderError
from grader.model import Outcome
from grader.verify import Expected

_GOAL_S = 0.15
_SLOWEST = 10
#: The first of these that is played to a program lets the crowd come, the others take what it has found.  With
#: `--only` each may be the first, so a right program's time is the first one's for all of them.
_ONE_CROWD = frozenset({"server.no_fd_leak", "server.no_zombies", "server.no_thread_leak"})


@dataclass(frozen=True)
class Failure:
    """A check that failed a broken program, as it must.  `more_s`: than right programs took, in the median."""

    program: str
    check: str
    reason: str
    more_s: Seconds


@dataclass
class Findings:
    """All failures that were timed, and what could not be."""

    failures: list[Failure] = field(default_factory=list)
    untimed: list[str] = field(default_factory=list)


def verdicts_of(folder: Path) -> dict[str, Expected]:
    """What `verdicts.toml` lists of servers and is there: the verdicts by program."""
    listed = msgspec.toml.decode((folder / "verdicts.toml").read_bytes(), type=dict[str, Expected])
    servers = {program: expected for program, expected in listed.items() if expected.role == "server"}
    return {program: expected for program, expected in servers.items() if (folder / program).is_file()}


def find(folder: Path, assignment: Assignment, right: Sequence[str], broken: Mapping[str, Expected]) -> Findings:
    """Grade each program once, the right ones spread among the broken ones, so that a busy machine hits both alike."""
    known = {spec.id for spec in assignment.checks}
    must_fail = {program: frozenset(expected.fails) & known for program, expected in broken.items()}
    every = frozenset(check for fails in must_fail.values() for check in fails)
    findings = Findings()
    passed: dict[str, list[Seconds]] = {}
    failed: list[tuple[str, Timed]] = []
    for program in _spread(right, list(broken)):
        only = must_fail.get(program, every)
        try:
            played = grade(folder / program, assignment, only).checks if only else ()
        except GraderError as error:
            findings.untimed.append(f"{assignment.name}/{program}: {error}")
            continue
        if program in broken:
            failed += ((program, timed) for timed in _as_expected(played, only, assignment, program, findings))
        else:
            for timed in played:
                if timed.check.outcome is Outcome.PASSED:
                    passed.setdefault(timed.check.id, []).append(timed.verdict_s)
    usual = _usual(passed)
    for program, timed in failed:
        name, check = f"{assignment.name}/{program}", timed.check
        if check.id in usual:
            more_s = timed.verdict_s - usual[check.id]
            findings.failures.append(Failure(name, check.id, str(check.reason), more_s))
        else:
            findings.untimed.append(f"{name}: no right program passes {check.id}")
    return findings


def _as_expected(
    played: Iterable[Timed], must_fail: frozenset[str], assignment: Assignment, program: str, findings: Findings
) -> Iterator[Timed]:
    for timed in played:
        if timed.check.id in must_fail:
            if timed.check.outcome is Outcome.FAILED:
                yield timed
            else:
                words = f"{assignment.name}/{program}: {timed.check.id} is {timed.check.outcome}, but must fail"
                findings.untimed.append(words)


def _usual(passed: Mapping[str, Sequence[Seconds]]) -> dict[str, Seconds]:
    medians = {check: statistics.median(times) for check, times in passed.items()}
    crowd_s = max((medians[check] for check in _ONE_CROWD & medians.keys()), default=0.0)
    return {check: crowd_s if check in _ONE_CROWD else median_s for check, median_s in medians.items()}


def _spread(few: Sequence[str], many: Sequence[str]) -> list[str]:
    """Both in one list, each evenly over all of it."""
    places = [((number + 0.5) / len(names), name) for names in (few, many) for number, name in enumerate(names)]
    return [name for _, name in sorted(places)]


def lines(findings: Findings) -> Iterator[str]:
    """The slowest failures by name, the median over all beside its goal, and what was not timed."""
    if findings.failures:
        slowest = sorted(findings.failures, key=lambda failure: failure.more_s, reverse=True)[:_SLOWEST]
        for failure in slowest:
            yield f"  {ms(failure.more_s):>6} ms more: {failure.program} {failure.check} ({failure.reason})"
        yield median_line("all", findings, f"goal: under {ms(_GOAL_S)} ms more")
    for words in findings.untimed:
        yield f"  not timed: {words}"


def median_line(whose: str, findings: Findings, goal: str = "") -> str:
    """The median of failures; without a goal it can't be missed."""
    what = f"  {whose}: median of {len(findings.failures)} failed checks"
    if not findings.failures:
        return line(what, "none")
    median_s = statistics.median(failure.more_s for failure in findings.failures)
    return line(what, f"{ms(median_s)} ms more", goal, met=not goal or median_s < _GOAL_S)


def is_timed(expected: Expected) -> bool:
    """Whether a verdict is one of a check: a build that fails plays none."""
    return bool(expected.fails) and builds("server") not in expected.fails
