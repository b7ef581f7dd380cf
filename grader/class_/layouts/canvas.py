"""Canvas, "Download Submissions": all files of all students in one folder.

    doejane_LATE_12345_67890_server-1.py      last and first name, Canvas's id, the file's, its name; -1: once more
    doejane_12345_text.html                   what was typed into a box, or a link: no program

An export contains each student's last attempt only, but two exports may lie in one folder.
"""

from __future__ import annotations

import re
from typing import Final

from grader.class_.layouts.export import Entry, Export
from grader.class_.layouts.found import Attempt, Found, matches, stray
from grader.class_.model import Student
from grader.submission import shown

#: Where names are hidden, the first part is `anon`, and the id five letters and digits.
_FILE: Final = re.compile(
    r"(?P<who>[^_/]+)_(?P<late>LATE_)?(?P<id>\d+|(?<=anon_)\w{5}|(?<=LATE_)\w{5})_"
    r"(?:(?P<file>\d+)_(?P<name>.+)|(?P<typed>text\.html|link\.html|question_.+))"
)
#: Canvas puts a number behind a name that the student has used before.
_AGAIN: Final = re.compile(r"(?P<name>.+?)-(?P<again>\d{1,2})(?P<suffix>\.\w+)?")

_File = tuple[Entry, "re.Match[str]"]


def find(export: Export) -> Found:
    """What is in an export."""
    entries = export.entries()
    known = matches(_FILE, entries, folder=False)
    files: dict[str, list[_File]] = {}
    for entry, match in known.items():
        files.setdefault(match["id"], []).append((entry, match))
    strays = [stray(entry, "it is not a file that Canvas named") for entry in entries if entry not in known]
    found = Found([], strays, len(known))
    for number, own in files.items():
        programs = [(entry, match) for entry, match in own if match["file"]]
        if programs:
            found.attempts.append(_attempt(number, programs, own))
        else:
            found.strays.extend(stray(entry, "it was typed into a box, not uploaded") for entry, _ in own)
    return found


def _attempt(number: str, programs: list[_File], own: list[_File]) -> Attempt:
    who = own[0][1]["who"]
    kept, notes = _last_of_each(programs)
    notes += [stray(entry, "it was typed into a box, not uploaded") for entry, match in own if match["typed"]]
    if any(match["late"] for _, match in own):
        notes.append("Canvas says that it was handed in late")
    student = Student(key=f"{who}-{number}" if who == "anon" else who, name=who, ids={"canvas_id": number})
    return Attempt(number, (student,), tuple(sorted(kept.items())), notes=tuple(notes))


def _last_of_each(programs: list[_File]) -> tuple[dict[str, str], list[str]]:
    """Each file with its own name: `server-1.py` takes the place of `server.py`.

    Where there is only `part-1.py` and `part-2.py`, the student called them so.
    """
    versions: dict[str, list[tuple[int, int, str, str]]] = {}
    for entry, match in programs:
        again = _AGAIN.fullmatch(match["name"])
        plain = f"{again['name']}{again['suffix'] or ''}" if again else match["name"]
        number = int(again["again"]) if again else 0
        versions.setdefault(plain, []).append((number, int(match["file"]), entry.name, match["name"]))
    kept: dict[str, str] = {}
    notes = []
    for plain, same in versions.items():
        *earlier, last = sorted(same)
        if earlier and earlier[0][0] > 0:
            kept |= {entry: name for *_, entry, name in same}
            continue
        kept[last[2]] = plain
        notes += [f"{shown(last[2])} counts, handed in after {shown(entry)}" for *_, entry, _ in earlier]
    return kept, notes
