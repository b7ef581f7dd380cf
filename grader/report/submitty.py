"""Submitty's `validation_results.json` of a custom validator: a fraction, and a message for each check.

If nothing could be judged it says that the validator failed, with words for the instructor, instead of a score.
"""

from __future__ import annotations

from typing import Any, Final

from grader.model import Report
from grader.report import text
from grader.report.json import formatted
from grader.report.rows import Row, fraction, is_judged, rows, summary

#: Colours: green, red, yellow.
_STATUS: Final = {True: "success", False: "failure", None: "warning"}


def render(report: Report) -> bytes:
    """`report` as `validation_results.json`."""
    if not is_judged(report):
        return formatted({"status": "failure", "message": text.unjudged_line(report)})
    about = [{"message": line, "status": "information"} for line in summary(report)]
    messages = [*about, *map(_message, rows(report))]
    return formatted({"status": "success", "data": {"score": fraction(report), "message": messages}})


def _message(row: Row) -> dict[str, Any]:
    points = f"({text.number(row.points)}/{text.number(row.max_points)})"
    return {"message": "\n".join(filter(None, [f"{row.name} {points}", row.output])), "status": _STATUS[row.passed]}
