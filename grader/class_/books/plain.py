"""`gradebook.csv`: a line for each student, for any spreadsheet.

A cell with unjudged points stays empty: what is not known is not guessed.  Names are other people's, and a spreadsheet
takes a cell that begins with one of a few characters for a formula; it gets an apostrophe in front, as the sheets
themselves have it.
"""

from __future__ import annotations

import csv
import io
from typing import Final

from grader.class_.model import Class, Row
from grader.report import safe
from grader.report.text import number

COLUMNS: Final = (
    *("student", "name", "email", "group", "state", "score", "max_score", "unjudged", "late_days", "deducted"),
    *("grade", "report"),
)
#: What spreadsheets take for the beginning of a formula, after blanks too, and in Japanese ones in full width (OWASP,
#: "CSV injection").
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", *"\uff1d\uff0b\uff0d\uff20")


def render(graded: Class) -> bytes:
    """The gradebook in UTF-8 with a byte order mark, without which Excel takes it for Latin-1."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\r\n")  # RFC 4180
    writer.writerow(COLUMNS)
    writer.writerows(map(_cells, graded.rows))
    return sheet.getvalue().encode("utf-8-sig")


def _cells(row: Row) -> tuple[str, ...]:
    student, result = row.student, row.result
    return (
        harmless(student.key),
        harmless(student.name),
        harmless(student.email),
        harmless(student.group),
        row.state,
        number(result.score) if result else "",
        number(result.max_score) if result else "",
        number(result.unjudged) if result else "",
        number(student.late_days) if student.late_days else "",
        number(row.deducted) if row.deducted else "",
        number(row.grade) if row.grade is not None else "",
        harmless(f"{row.folder}/report.html") if row.folder else "",
    )


def harmless(text: str) -> str:
    """Other people's text for a cell: visible, on one line, and never a formula."""
    line = safe.one_line(text)
    return f"'{line}" if line.startswith(_FORMULA) else line
