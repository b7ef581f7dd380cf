"""A report as a list of tests with points, which is what grading platforms want.

A row is a check; so is a failed build if no check reports it.  What a program printed is in `output` only, visible in
the sense of `safe.py`, and shortened to what the platform keeps.  Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from grader.errors import REASONS, Reason
from grader.limits import PLATFORM_OUTPUT_CHARACTERS
from grader.model import CheckResult, Outcome, Report, Visibility, judged
from grader.report import safe, text

#: The name of a row that a person has to look at begins with it, since platforms know passed and failed only.
_NOT_JUDGED: Final = "Not judged yet: "


class Row(NamedTuple):
    """A test as platforms show it.

    `number`: "2.3", the third of the second program.  `passed`: None if nobody can say.  `brief`: one sentence.
    `output`: several lines, empty for a pass.
    """

    id: str
    number: str
    name: str
    passed: bool | None
    points: float
    max_points: float
    requirement: str
    brief: str
    output: str
    visibility: Visibility = "visible"


def rows(report: Report, most: int = PLATFORM_OUTPUT_CHARACTERS) -> list[Row]:
    """A row for each check, in the handout's order; `most`: characters of each output."""
    return [*_build(report, most), *_checks(report, most)]


def fitting(make: Callable[[int], bytes], most_bytes: int) -> bytes:
    """What `make` gives for the longest outputs, in characters, with which it is no larger than that.

    Without any output it is as large as it is: titles and requirements are the assignment's.
    """
    most = PLATFORM_OUTPUT_CHARACTERS
    while len(made := make(most)) > most_bytes and most:
        most //= 2
    return made


def fraction(report: Report) -> float:
    """The score between 0 and 1; unjudged points are not earned."""
    return min(1.0, max(0.0, report.score / report.max_score)) if report.max_score > 0 else 0.0


def is_judged(report: Report) -> bool:
    """Whether there is anything to give a grade for: some check was judged, or the assignment has none."""
    return any(judged(check) for check in report.checks) or not report.checks


def summary(report: Report) -> list[str]:
    """What is to be said about the whole of it, and nothing about one check, which may be a hidden one."""
    said = (text.score_line(report), text.narrowed_line(report), text.unjudged_line(report), *text.notes(report))
    return [line for line in said if line]


def _checks(report: Report, most: int) -> Iterator[Row]:
    for place, section in enumerate(text.sections(report), start=1):
        whose = section.heading.partition(":")[0]
        for number, check in enumerate(section.checks, start=1):
            yield _row(check, f"{place}.{number}", whose, most)


def _row(check: CheckResult, number: str, whose: str, most: int) -> Row:
    passed = check.outcome is Outcome.PASSED if judged(check) else None
    name = f"{whose}: {text.title(check)}" if whose else text.title(check)
    return Row(
        id=safe.one_line(check.id),
        number=number,
        name=name if passed is not None else f"{_NOT_JUDGED}{name}",
        passed=passed,
        points=check.points if passed is not None else 0,
        max_points=check.max_points,
        requirement=text.requirement_line(check),
        brief="" if passed else f"{text.capital(text.reason_clause(check))}.",
        output="" if passed else safe.shortened("\n".join(text.explain(check)), most),
        visibility=check.visibility,
    )


def _build(report: Report, most: int) -> Iterator[Row]:
    if not text.build_stands_alone(report):
        return
    failed = report.build.outcome is Outcome.FAILED
    log = "\n".join(safe.lines(report.build.log))
    yield Row(
        id="build",
        number="0",
        name="Builds" if failed else f"{_NOT_JUDGED}Builds",
        passed=False if failed else None,
        points=0,
        max_points=0,
        requirement="",
        brief=f"{text.capital(REASONS[Reason.BUILD_FAILED] if failed else text.OUTCOMES[report.build.outcome])}.",
        output=safe.shortened(f"$ {safe.one_line(report.build.command)}\n{log}", most),
    )
