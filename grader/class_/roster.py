"""A roster: who is in the class, from the CSV of any platform.

Columns are recognised by their names, in the table below; what they are called is compared without case, blanks and
punctuation.  The first of several columns of the same kind counts, unless it is empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from grader.class_ import keys
from grader.class_.model import Student
from grader.class_.people import squashed
from grader.class_.table import Table, read
from grader.errors import UsageError
from grader.submission import shown

#: What columns are called, squashed; by what they say of a student.  All but the first six are ids, in the order in
#: which keys are made of them.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("name", "fullname", "student", "studentname", "displayname", "participant", "nom", "nombre"),
    "first": ("firstname", "givenname", "forename", "first", "vorname", "prenom", "givennames", "firstnames"),
    "last": ("lastname", "surname", "familyname", "last", "nachname", "familienname", "nomdefamille", "apellidos"),
    "email": ("email", "emailaddress", "mail", "studentemail", "primaryemail", "emailadresse", "rosteremail"),
    "group": ("group", "groupname", "team", "teamname", "groups", "gruppe"),
    "late": ("latedays", "dayslate", "late", "lateness", "latedaysused"),
    "username": (
        "username",
        "userid",
        "user",
        "login",
        "loginid",
        "sisloginid",
        "netid",
        "uid",
        "account",
        "benutzername",
    ),
    "github": ("githubusername", "github", "githublogin", "githubuser"),
    "number": (
        *("studentid", "idnumber", "sid", "sisuserid", "studentnumber", "orgdefinedid", "matriculationnumber"),
        *("matrikelnummer", "matriculation", "matrnr", "universityid", "rosteridentifier"),
    ),
    "canvas_id": ("canvasid", "canvasuserid"),
    "moodle_id": ("participantid", "participantnumber"),
    "id": ("id", "identifier", "number"),
}
_KINDS: Final = {word: kind for kind, words in COLUMNS.items() for word in words}
_NO_IDS: Final = ("name", "first", "last", "email", "group", "late")
#: Kinds that tell who somebody is.
_TELLS: Final = frozenset(COLUMNS) - {"group", "late"}
#: Rows in which platforms say something else, and their test students.
_NOBODY: Final = frozenset({"pointspossible", "studenttest", "teststudent", "manualposting"})


class Roster(NamedTuple):
    """Everybody, in the roster's order, and sentences about what is strange in it."""

    students: tuple[Student, ...]
    notes: tuple[str, ...] = ()


def kinds(columns: Iterable[str]) -> dict[str, list[int]]:
    """Which columns say what, by their numbers."""
    known: dict[str, list[int]] = {}
    for number, column in enumerate(columns):
        kind = _KINDS.get(squashed(column))
        if kind:
            known.setdefault(kind, []).append(number)
    return known


def has_students(cells: list[str]) -> int:
    """How many cells of a line are names of columns that say who somebody is."""
    return len(kinds(cells).keys() & _TELLS)


def load(path: Path) -> Roster:
    """The roster in a file.

    Raises:
        UsageError: it can't be read, or has no usable column.
    """
    rows, notes = students_in(read(path, has_students), path)
    students = _without_copies(rows, notes)
    made = keys.keys(student.key for student in students)
    named = (msgspec.structs.replace(student, key=key) for key, student in zip(made, students, strict=True))
    return Roster((*named,), (*notes,))


def students_in(table: Table, path: Path) -> tuple[dict[int, Student], list[str]]:
    """Who is in each row of a table, by the row's number, and what is strange there; keys are only proposed.

    Raises:
        UsageError: it has no usable column, or nobody in it; `path` is named.
    """
    known = _numbers(kinds(table.columns), table)
    if not known.keys() & _TELLS:
        seen = ", ".join(shown(column) for column in table.columns[:8] if column) or "nothing"
        message = (
            f"{shown(str(path))} has no column that says who a student is: a name, an e-mail address, a user name or "
            f"an ID was looked for; the first line has {seen}"
        )
        raise UsageError(message)
    notes: list[str] = []
    rows: dict[int, Student] = {}
    for number, row in enumerate(table.rows[table.header + 1 :], start=table.header + 1):
        cells = [cell.value.strip() for cell in row]
        said = {kind: _first(cells, columns) for kind, columns in known.items()}
        student = _student(said, notes, number + 1)
        if student is not None:
            rows[number] = student
    if not rows:
        message = f"{shown(str(path))} has columns that say who a student is, but no student"
        raise UsageError(message)
    return rows, notes


def _numbers(known: dict[str, list[int]], table: Table) -> dict[str, list[int]]:
    """In Canvas's own export the column ID is Canvas's number, and in Moodle's worksheet Identifier is Moodle's."""
    columns = [squashed(column) for column in table.columns]
    if "id" in known and "sisloginid" in columns:
        known["canvas_id"] = known.pop("id")
    if "id" in known and columns[known["id"][0]] == "identifier" and "maximumgrade" in columns:
        known["moodle_id"] = known.pop("id")
    return known


def _first(cells: list[str], columns: list[int]) -> str:
    return next((cells[column] for column in columns if column < len(cells) and cells[column]), "")


def _student(said: dict[str, str], notes: list[str], row: int) -> Student | None:
    name = said.get("name") or " ".join(filter(None, (said.get("first"), said.get("last"))))
    ids = {kind: value for kind, value in said.items() if kind not in _NO_IDS and value}
    if "moodle_id" in ids:
        ids["moodle_id"] = ids["moodle_id"].removeprefix("Participant").strip()
    email = said.get("email", "")
    if squashed(name) in _NOBODY or not (name or ids or email):
        return None
    key = ids.get("username") or email.partition("@")[0] or ids.get("github") or name or next(iter(ids.values()))
    return Student(key, name, ids, email, said.get("group", ""), _days(said.get("late", ""), notes, row))


def _days(said: str, notes: list[str], row: int) -> float:
    try:
        days = float(said.replace(",", ".") or 0)
        if 0 <= days < 1000:
            return days
    except ValueError:
        pass
    notes.append(f"line {row} of the roster: {shown(said)} is not a number of late days, and counts as 0")
    return 0


def _without_copies(rows: dict[int, Student], notes: list[str]) -> list[Student]:
    """Each once: a platform lists those who are in two sections twice."""
    first: dict[tuple[str, str], int] = {}
    kept = []
    for row, student in rows.items():
        marks = [(kind, squashed(value)) for kind, value in (*student.ids.items(), ("email", student.email)) if value]
        marks = marks or [("name", squashed(student.name))]
        earlier = next((first[mark] for mark in marks if mark in first), None)
        if earlier is None:
            first |= dict.fromkeys(marks, row)
            kept.append(student)
        elif squashed(rows[earlier].name) != squashed(student.name):
            why = f"has the ID or e-mail address of {shown(rows[earlier].name)} in line {earlier + 1}"
            notes.append(f"line {row + 1} of the roster: {shown(student.name)} {why}, and was left out")
    return kept
