"""PrairieLearn's `results.json` of an external grader, as `<pl-external-grader-results>` shows it.

The score is a fraction.  What can't be graded is no attempt there (`gradable`): a submission that can't be used or
built, which its author hears why, and one of which nothing could be judged, which costs nobody anything.
"""

from __future__ import annotations

from typing import Any, Final

from grader.errors import Reason
from grader.limits import PRAIRIELEARN_BYTES
from grader.model import Outcome, Report
from grader.report import text
from grader.report.json import formatted
from grader.report.rows import Row, fitting, fraction, is_judged, rows, summary

#: Why nothing of a submission can be graded, if no check passed or failed for another reason.
_UNGRADABLE: Final = frozenset({Reason.UNUSABLE, Reason.BUILD_FAILED, Reason.NOT_HANDED_IN})


def render(report: Report) -> bytes:
    """`report` as `results.json`, which may have 1 MB."""
    return fitting(lambda most: formatted(_results(report, rows(report, most))), PRAIRIELEARN_BYTES)


def _results(report: Report, listed: list[Row]) -> dict[str, Any]:
    why = _why_not(report, listed)
    return {
        "gradable": not why,
        **({"format_errors": why} if why else {"score": fraction(report)}),
        "message": "\n".join(summary(report)),
        "output": text.next_line(report),
        "tests": [_test(row) for row in listed],
    }


def _why_not(report: Report, listed: list[Row]) -> list[str]:
    if not is_judged(report):
        return [text.unjudged_line(report)]
    reached = [check for check in report.checks if check.outcome is not Outcome.SKIPPED]
    if (reached or text.build_stands_alone(report)) and all(check.reason in _UNGRADABLE for check in reached):
        return [row.output or row.brief for row in listed if row.max_points == 0 and not row.passed]
    return []


def _test(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "description": row.requirement,
        "points": row.points,
        "max_points": row.max_points,
        "message": row.brief,
        "output": row.output,
    }
