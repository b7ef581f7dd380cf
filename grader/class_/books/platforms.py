"""Gradebooks of platforms: one column of a platform's own export gets the grades; everything else stays, to the byte.

A platform imports what it has exported, and nothing is lost on the way: neither its own identifiers nor other columns.
Whose row is whose is looked up as in a roster.  A cell stays as it is where there is no grade (points that nobody has
judged yet, nothing handed in), where it isn't certain whose it is, and where the platform says that it is locked: these
are listed, and none is guessed.  Only numbers are written, so that nothing from a submission gets into these files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from grader.class_.model import Class, Row, Student
from grader.class_.people import People, squashed
from grader.class_.roster import has_students, students_in
from grader.class_.table import read
from grader.errors import UsageError
from grader.report.text import number
from grader.submission import shown


class Platform(NamedTuple):
    """How a platform's export looks.

    `column`: the names of columns that take grades, with `title` and, if it is there, `most` (the maximum) in them.
    `most_in`: a column with the maximum.  `most_row`: what the row of maximums begins with.  `locked`: a column, and
    what it says where the grade can't be changed.  `export`: where a teacher finds it.
    """

    column: re.Pattern[str]
    export: str
    most_in: str = ""
    most_row: str = ""
    locked: tuple[str, str] = ("", "")


PLATFORMS: Final = {
    "canvas": Platform(
        re.compile(r"(?P<title>.+) \(\d+\)"),
        "Grades > Export > Export Entire Gradebook",
        most_row="points possible",
    ),
    "moodle": Platform(
        re.compile(r"(?P<title>Grade)"),
        "the assignment > Submissions > Download grading worksheet",
        most_in="maximum grade",
        locked=("grade can be changed", "no"),
    ),
    "gradescope": Platform(
        re.compile(r"(?P<title>Total Score)"),
        "the assignment > Review Grades > Download Grades > Download CSV",
        most_in="max points",
    ),
    "blackboard": Platform(
        re.compile(r"(?P<title>.+) \[Total Pts: (?P<most>[\d.,]+|up to [\d.,]+)[^\]]*\] ?\|\d+"),
        "Grade Center > Work Offline > Download",
    ),
    "brightspace": Platform(
        re.compile(r"(?P<title>.+) Points Grade(?: <Numeric MaxPoints:(?P<most>[\d.,]+)[^>]*>)?"),
        "Grades > Export, with points as grade values",
    ),
}
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


class Filled(NamedTuple):
    """A gradebook as its platform imports it, how many cells got a grade, and a sentence about each that did not."""

    content: bytes
    grades: int
    notes: tuple[str, ...]


class Book:
    """A platform's export that is to be filled.

    `kind`: one of `PLATFORMS`.  `title`: of the column.
    """

    def __init__(self, wanted: str, titles: tuple[str, ...]) -> None:
        """Read what `--gradebook` names: `canvas=EXPORT.csv`, or `canvas=EXPORT.csv:COLUMN`.

        `titles`: what the assignment is called, in order of preference; a column of that name is the one.

        Raises:
            UsageError: it is not clear what to fill, in one sentence.
        """
        self.kind, named, column = _parsed(wanted)
        self._platform = PLATFORMS[self.kind]
        self._table = read(named, lambda cells: has_students(cells) + any(map(self._takes_grades, cells)))
        students, _ = students_in(self._table, named)
        #: By their rows' numbers, which are their keys here.
        self._students = [msgspec.structs.replace(student, key=str(row)) for row, student in students.items()]
        self._column = self._chosen(named, column, titles)

    @property
    def title(self) -> str:
        """The name of the column that is filled."""
        return self._table.columns[self._column]

    @property
    def file_name(self) -> str:
        """What the filled gradebook is called."""
        return f"gradebook.{self.kind}.csv"

    def filled(self, graded: Class) -> Filled:
        """The export with the class's grades."""
        notes = [*self._other_maximum(graded)]
        values: dict[int, str] = {}
        unseen = {student.key: student for student in self._students}
        people = People(self._students)
        for row in graded.rows:
            found = people.find(row.student)
            for student in found:
                unseen.pop(student.key, None)
            if why := self._why_not(row, found, values):
                notes.append(f"{shown(row.student.name or row.student.key)} {why}")
            else:
                values[int(found[0].key)] = self._written(row.grade)
        notes += [
            f"{shown(one.name or one.email)} is in this gradebook, but not in the class" for one in unseen.values()
        ]
        return Filled(self._table.filled(self._column, values), len(values), tuple(notes))

    def _why_not(self, row: Row, found: list[Student], values: dict[int, str]) -> str:
        """Why a row gets no grade; empty if it does."""
        if not found:
            return "is not in this gradebook"
        if len(found) > 1:
            return "may be one of several in this gradebook: fill in the grade by hand"
        at = int(found[0].key)
        if row.grade is None:
            kept = f", which has {shown(cell)} in this gradebook" if (cell := self._cell(at, self._column)) else ""
            return f"has no grade yet ({_STATES[row.state]}){kept}"
        if at in values:
            return "has the same row in this gradebook as somebody else: fill in the grade by hand"
        column, locked = self._platform.locked
        if column and self._said(at, column).casefold() == locked:
            return "has a grade that can't be changed, as this gradebook says"
        return ""

    def _written(self, grade: float | None) -> str:
        """With the decimal sign that the export has."""
        words = number(grade or 0)
        return words.replace(".", ",") if "," in self._most() else words

    def _other_maximum(self, graded: Class) -> Iterator[str]:
        most = self._most()
        if most and float(most.replace(",", ".")) != graded.max_score:
            yield (
                f"{shown(self.title)} has a maximum of {most}, but this assignment gives {number(graded.max_score)} "
                "points: they were filled in as they are"
            )

    def _most(self) -> str:
        """The maximum that the export says; empty if it doesn't."""
        matched = self._platform.column.fullmatch(self.title)
        said = (matched and matched.groupdict().get("most")) or ""
        if self._platform.most_in:
            said = next(
                (words for one in self._students if (words := self._said(int(one.key), self._platform.most_in))), ""
            )
        for at, row in enumerate(self._table.rows):
            if self._platform.most_row and row and row[0].value.strip().casefold() == self._platform.most_row:
                said = self._cell(at, self._column)
        found = _NUMBER.search(_THOUSANDS.sub("", said))
        return found[0] if found else ""

    def _said(self, at: int, column: str) -> str:
        """What a row says in the column of that name."""
        names = [squashed(name) for name in self._table.columns]
        return self._cell(at, names.index(squashed(column))) if squashed(column) in names else ""

    def _cell(self, at: int, column: int) -> str:
        row = self._table.rows[at]
        return row[column].value.strip() if column < len(row) else ""

    def _takes_grades(self, name: str) -> bool:
        return self._platform.column.fullmatch(name.strip()) is not None

    def _chosen(self, path: Path, wanted: str, titles: tuple[str, ...]) -> int:
        """Which column to fill: the one asked for, that of the assignment's name, or the only one there is."""
        columns = self._table.columns
        possible = [at for at, name in enumerate(columns) if self._takes_grades(name)]
        if not possible:
            message = (
                f"{shown(str(path))} has no column for grades: {self.kind} exports it from {self._platform.export}"
            )
            raise UsageError(message)
        for name in (wanted,) if wanted else titles:
            named = [at for at in possible if squashed(name) in self._names(columns[at])]
            if len(named) == 1:
                return named[0]
        if len(possible) == 1 and not wanted:
            return possible[0]
        known = ", ".join(shown(columns[at]) for at in possible[:8])
        asked = f"has no column {shown(wanted)} for grades" if wanted else "has several columns for grades"
        message = f"{shown(str(path))} {asked}; name one as in --gradebook {self.kind}=FILE:COLUMN: {known}"
        raise UsageError(message)

    def _names(self, column: str) -> set[str]:
        matched = self._platform.column.fullmatch(column)
        return {squashed(column), squashed(matched["title"]) if matched else ""}


_STATES: Final = {
    "graded": "graded",
    "unjudged": "some points are not yet judged",
    "unusable": "the submission can't be used",
    "waiting": "the run was interrupted",
    "missing": "nothing was handed in",
}


def _parsed(wanted: str) -> tuple[str, Path, str]:
    kind, given, rest = wanted.partition("=")
    if kind not in PLATFORMS or not given or not rest:
        message = f"--gradebook {shown(wanted)} must be PLATFORM=FILE, where PLATFORM is one of {', '.join(PLATFORMS)}"
        raise UsageError(message)
    path, _, column = rest.rpartition(":")
    return (kind, Path(path), column) if path and not Path(rest).exists() else (kind, Path(rest), "")
