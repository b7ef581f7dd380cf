"""Gradescope, "Export Submissions": a folder for each submission, and one file that says whose each is.

    assignment_99_export/submission_123456/server.py
    assignment_99_export/submission_metadata.yml

The metadata are YAML as Ruby writes it.  Only whose a submission is matters, and the lines that say so are read as
text: the rest contains whatever an autograder has printed, in hundreds of megabytes for a large class.
"""

from __future__ import annotations

import ast
import re
from typing import Final

from grader.class_.layouts.export import Entry, Export
from grader.class_.layouts.found import Attempt, Found, matches, stray
from grader.class_.model import Student

_METADATA: Final = "submission_metadata.yml"
_FOLDER: Final = re.compile(r"submission_(?P<number>\d+)")
_SUBMISSION: Final = re.compile(r"['\"]?(submission_\d+)['\"]?:\s*")
#: A key of a submission's own; two blanks deep.
_KEY: Final = re.compile(r"  :?(?P<key>\w+):\s*(?P<value>.*)")
#: A key of a submitter's, `- ` before the first of each.
_OF_SUBMITTER: Final = re.compile(r"  (?P<first>- |  )(?:  )?:?(?P<key>\w+):\s*(?P<value>.*)")


def find(export: Export) -> Found:
    """What is in an export."""
    entries = export.entries()
    folders = matches(_FOLDER, entries, folder=True)
    has_metadata = Entry(_METADATA, folder=False) in entries
    whose = submitters(export.text(_METADATA)) if has_metadata else {}
    nobody = [entry for entry in entries if entry not in folders and entry.name != _METADATA]
    found = Found([], [stray(entry, "Gradescope did not name it") for entry in nobody], len(folders) + has_metadata)
    for entry, match in folders.items():
        students = whose.get(entry.name, (Student(key=entry.name),))
        notes = () if entry.name in whose else (f"{_METADATA} does not say whose it is",)
        key = "+".join(sorted(student.ids.get("sid") or student.email or student.key for student in students))
        number = match["number"]
        attempt = Attempt(key, students, ((entry.name, ""),), (int(number),), f"submission {number}", notes)
        found.attempts.append(attempt)
    return found


def submitters(metadata: str) -> dict[str, tuple[Student, ...]]:
    """Whose each submission is, by its folder's name; those without anybody are left out."""
    read: dict[str, list[dict[str, str]]] = {}
    people: list[dict[str, str]] | None = None
    here: list[dict[str, str]] = []
    for line in metadata.splitlines():
        if line and not line[0].isspace():
            match = _SUBMISSION.fullmatch(line)
            here = read.setdefault(match[1], []) if match else []
            people = None
        elif (own := _KEY.fullmatch(line)) and not line.startswith("  - "):
            people = here if own["key"] == "submitters" else None
        elif people is not None and (said := _OF_SUBMITTER.fullmatch(line)):
            if said["first"] == "- ":
                people.append({})
            if people:
                people[-1][said["key"]] = _plain(said["value"])
    return {name: tuple(map(_student, each)) for name, each in read.items() if each}


def _student(said: dict[str, str]) -> Student:
    sid, email, name = (said.get(key, "") for key in ("sid", "email", "name"))
    return Student(key=email.partition("@")[0] or sid or name, name=name, ids={"sid": sid} if sid else {}, email=email)


def _plain(value: str) -> str:
    """A YAML scalar on one line; what Ruby writes in double quotes is read as Python would."""
    value = value.strip()
    if value[:1] == "'" and value[-1:] == "'" and len(value) > 1:
        return value[1:-1].replace("''", "'")
    if value[:1] == '"':
        try:
            return str(ast.literal_eval(value))
        except (SyntaxError, ValueError):
            return value.strip('"')
    return "" if value in {"~", "null"} else value
