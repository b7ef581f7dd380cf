"""The part of Classroom 50's `result.json` (classroom50/result/v1) that a grading knows: the score and the tests.

Whose submission it was, and where it is, knows the runner's environment alone: the autograder that `grader export`
writes adds that.  Points are whole numbers there, so that those of an assignment with halves are all doubled.
"""

from __future__ import annotations

from typing import Any, Final

from grader.model import Report
from grader.report import text
from grader.report.json import formatted
from grader.report.rows import Row, rows

SCHEMA: Final = "classroom50/result/v1"
#: What all points are multiplied by: the first with which they are whole; with the last they are rounded.
_FACTORS: Final = (1, 2, 3, 4, 5, 10, 20, 100, 1000)
_NEARLY: Final = 1e-6


def render(report: Report) -> bytes:
    """`report` as a part of `result.json`."""
    listed = rows(report)
    factor = _factor(listed)
    tests = [_test(row, factor) for row in listed]
    return formatted(
        {
            "schema": SCHEMA,
            "graded_at": f"{text.utc(report)}Z",
            "score": sum(test["score"] for test in tests),
            "max-score": sum(test["max-score"] for test in tests),
            "tests": tests,
        }
    )


def _factor(listed: list[Row]) -> int:
    values = [value for row in listed for value in (row.points, row.max_points)]
    whole = (factor for factor in _FACTORS if all(abs(v * factor - round(v * factor)) < _NEARLY for v in values))
    return next(whole, _FACTORS[-1])


def _test(row: Row, factor: int) -> dict[str, Any]:
    most = max(0, round(row.max_points * factor))
    return {
        "test-name": row.name or row.number,
        "passed": row.passed is True,
        "score": min(most, max(0, round(row.points * factor))),
        "max-score": most,
        "check": row.id,
        "output": row.output,
    }
