"""Moodle, "Download all submissions": a folder for each student, or all files in one folder, as the teacher chose.

    Jane Doe_4455_assignsubmission_file_/server.py          4455 is the "Participant 4455" of the grading worksheet
    Jane Doe_4455_assignsubmission_file_server.py
    Jane Doe_4455_assignsubmission_onlinetext_/onlinetext.html      typed into a box: no program

With groups, each name begins with the group's: `Group A-Jane Doe_4455_…`.
"""

from __future__ import annotations

import re
from typing import Final

from grader.class_.layouts.export import Entry, Export
from grader.class_.layouts.found import Attempt, Found, common_start, matches, stray
from grader.class_.model import Student

_NAME: Final = re.compile(r"(?P<who>.+?)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.*))?")
_OWN: Final = "file"


def find(export: Export) -> Found:
    """What is in an export."""
    entries = export.entries()
    known = matches(_NAME, entries, folder=True) | matches(_NAME, entries, folder=False)
    uploads: dict[str, list[tuple[Entry, re.Match[str]]]] = {}
    found = Found([], [stray(entry, "Moodle did not name it") for entry in entries if entry not in known], len(known))
    for entry, match in known.items():
        if match["kind"] == _OWN:
            uploads.setdefault(match["id"], []).append((entry, match))
    for entry, match in known.items():
        if match["kind"] != _OWN and match["id"] not in uploads:
            found.strays.append(stray(entry, "it was typed into a box, not uploaded"))
    cut = len(common_start([match["who"] for match in known.values()], "-"))
    for number, own in uploads.items():
        who = own[0][1]["who"]
        student = Student(key=who[cut:], name=who[cut:], ids={"moodle_id": number}, group=who[:cut].rstrip("-"))
        files = tuple((entry.name, "" if entry.folder else match["file"] or entry.name) for entry, match in own)
        typed = [entry for entry, match in known.items() if match["id"] == number and match["kind"] != _OWN]
        notes = tuple(stray(entry, "it was typed into a box, not uploaded") for entry in typed)
        found.attempts.append(Attempt(number, (student,), files, notes=notes))
    return found
