"""Brightspace, "Download" in Assignments: a folder for each submission, or all files in one folder, and a list as HTML.

12345-67890 - Jane Doe - Nov 30, 2026 1000 AM/server.py
12345-67890 - Jane Doe - Nov 30, 2026 1000 AM - server.py
index.html
"""

from __future__ import annotations

import re
from typing import Final

from grader.class_.layouts.export import Entry, Export
from grader.class_.layouts.found import Attempt, Found, matches, stray
from grader.class_.model import Student

_WHO: Final = r"(?P<user>\d+)-(?P<folder>\d+) - (?P<who>.+?)"
_WHEN: Final = r"(?P<month>[^\W\d]+)\.? (?P<day>\d{1,2}), (?P<year>\d{4}) (?P<clock>\d{1,4})(?: (?P<half>[AP]M))?"
_FOLDER: Final = re.compile(rf"{_WHO}(?: - {_WHEN})?")
_FILE: Final = re.compile(rf"{_WHO} - {_WHEN} - (?P<file>.+)")
_INDEX: Final = "index.html"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def find(export: Export) -> Found:
    """What is in an export."""
    entries = export.entries()
    folders, files = matches(_FOLDER, entries, folder=True), matches(_FILE, entries, folder=False)
    nobody = [entry for entry in entries if entry not in folders | files and entry.name != _INDEX]
    found = Found([], [stray(entry, "Brightspace did not name it") for entry in nobody], len(entries) - len(nobody))
    found.attempts.extend(_attempt(match, ((entry.name, ""),)) for entry, match in folders.items())
    together: dict[str, list[tuple[Entry, re.Match[str]]]] = {}
    for entry, match in files.items():
        together.setdefault(entry.name.removesuffix(match["file"]), []).append((entry, match))
    for own in together.values():
        found.attempts.append(_attempt(own[0][1], tuple((entry.name, match["file"]) for entry, match in own)))
    return found


def _attempt(match: re.Match[str], files: tuple[tuple[str, str], ...]) -> Attempt:
    who, user = match["who"], match["user"]
    student = Student(key=who, name=who, ids={"brightspace_id": user})
    words = (
        f"the submission of {match['month']} {match['day']}, {match['year']}" if match["month"] else "the submission"
    )
    return Attempt(f"{user} {who}", (student,), files, _when(match), words)


def _when(match: re.Match[str]) -> tuple[int, ...]:
    """Year, month, day, and time of the day as a number; at last the number of the submission's folder."""
    if not match["month"]:
        return (0, 0, 0, 0, int(match["folder"]))
    month = next((at for at, name in enumerate(_MONTHS) if match["month"].lower().startswith(name)), 0)
    clock = int(match["clock"])
    if match["half"]:
        clock = clock % 1200 + (1200 if match["half"] == "PM" else 0)
    return (int(match["year"]), month, int(match["day"]), clock, int(match["folder"]))
