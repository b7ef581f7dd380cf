"""A folder, an archive or a source file for each student, named after the student."""

from __future__ import annotations

from pathlib import PurePosixPath

from grader.class_.layouts.export import Export
from grader.class_.layouts.found import ARCHIVES, Attempt, Found, stem, stray
from grader.class_.model import Student
from grader.submission import SOURCE_SUFFIXES, shown


def find(export: Export) -> Found:
    """What is in an export."""
    attempts, strays = [], []
    for entry in export.entries():
        suffix = PurePosixPath(entry.name).suffix.lower()
        if entry.name == ".git":
            continue
        if not entry.folder and suffix not in SOURCE_SUFFIXES and not entry.name.lower().endswith(ARCHIVES):
            strays.append(stray(entry, "it is neither a folder, nor an archive, nor a source file"))
            continue
        whose = entry.name if entry.folder else stem(entry.name)
        student = Student(key=whose, name=whose, ids={"username": whose})
        words = f"the {'folder' if entry.folder else 'file'} {shown(entry.name)}"
        # A folder beside an archive of the same name is what somebody has unpacked, and may have corrected.
        attempts.append(Attempt(whose, (student,), ((entry.name, ""),), (int(entry.folder), entry.name), words))
    return Found(attempts, strays, len(attempts))
