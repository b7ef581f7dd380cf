"""Comments for Moodle's Virtual Programming Lab, which reads them from the lines that an evaluation prints.

Every line is a comment of ours, so that nothing in one can be read as a grade.  `-` begins a title, `>` a line in which
white space counts.  The grade itself depends on the activity's range: the script that `grader export` writes prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from grader.model import Report
from grader.report import safe, text
from grader.report.rows import rows, summary

_COMMENT: Final = "Comment :=>>"


def render(report: Report) -> bytes:
    """`report` as lines of comments in UTF-8."""
    return "".join(f"{_COMMENT}{safe.printed(line)}\n" for line in _lines(report)).encode()


def _lines(report: Report) -> Iterator[str]:
    yield from summary(report)
    for row in rows(report):
        yield f"-{row.name} ({text.number(row.points)}/{text.number(row.max_points)})"
        yield from (f">{line}" for line in row.output.split("\n") if row.output)
