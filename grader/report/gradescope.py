"""Gradescope's `results.json`, as its autograder specifications have it.

All text is plain: Gradescope shows it in a `<pre>`, where the caret stays below the byte that it points at, and nothing
in it is markup.  A report for the instructor says of each check who may see it, and Gradescope hides it from students
until then; one for a student contains nothing to hide.  What could not be judged has no status, only its name says so.
"""

from __future__ import annotations

from typing import Any, Final

from grader.model import Audience, Report
from grader.report import safe
from grader.report.json import formatted
from grader.report.rows import Row, rows, summary

_STATUS: Final = {True: "passed", False: "failed"}


def render(report: Report) -> bytes:
    """`report` as `results.json`."""
    return formatted(
        {
            "score": max(0.0, report.score),
            "execution_time": round(report.duration_s),
            "output": "\n".join(summary(report)),
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "tests": [_test(row, report.audience) for row in rows(report)],
            "extra_data": {
                "grader": safe.one_line(report.grader.version),
                "sandbox": safe.one_line(report.grader.sandbox),
                "seed": report.grader.seed,
                "sha256": safe.one_line(report.submission.sha256),
                "unjudged": report.unjudged,
            },
        }
    )


def _test(row: Row, audience: Audience) -> dict[str, Any]:
    return {
        "number": row.number,
        "name": row.name,
        **({"status": _STATUS[row.passed]} if row.passed is not None else {}),
        "score": row.points,
        "max_score": row.max_points,
        "output": row.output or row.requirement,
        "visibility": row.visibility if audience is Audience.INSTRUCTOR else "visible",
        "extra_data": {"check": row.id},
    }
