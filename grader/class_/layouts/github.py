"""Checkouts of repositories that GitHub Classroom, Classroom 50 and their like have named: `assignment-USERNAME/`.

What all names begin with is the assignment's (and the classroom's).  A user's name may contain hyphens, too, so that
three users `jo-a`, `jo-b` and `jo-c` alone would lose `jo-`: with a roster their whole names are found all the same,
since the repository's name ends with one of them.
"""

from __future__ import annotations

from typing import Final

from grader.class_.layouts.export import Entry, Export
from grader.class_.layouts.found import Attempt, Found, common_start, stray
from grader.class_.model import Student

#: How `gh classroom clone student-repos` calls the folder of all of them, behind the assignment's name.
_ALL: Final = "-submissions"


def find(export: Export) -> Found:
    """What is in an export."""
    entries = export.entries()
    folders = [entry.name for entry in entries if entry.folder]
    prefix = _prefix(export.name, folders)
    mine = [name for name in folders if name != prefix and name.startswith(prefix)] if prefix else []
    nobody = [entry for entry in entries if entry.name not in mine]
    found = Found([], [stray(entry, "it is no checkout of a student's repository") for entry in nobody], len(mine))
    for name in mine:
        user = name.removeprefix(prefix)
        student = Student(key=user, ids={"repository": name, "username": user})
        found.attempts.append(Attempt(name, (student,), ((name, ""),)))
    return found


def find_checkouts(export: Export) -> Found:
    """The same, as far as they are checkouts indeed: nobody has said that this is the layout."""
    found = find(export)
    git = Entry(".git", folder=True)
    if all(git in export.entries(attempt.whose) for attempt in found.attempts):
        return found
    return Found([], [], 0)


def _prefix(parent: str, folders: list[str]) -> str:
    """What the names of all repositories begin with, up to a hyphen; empty: nothing."""
    named = f"{parent.removesuffix(_ALL)}-"
    if parent.endswith(_ALL) and any(name.startswith(named) for name in folders):
        return named
    return common_start(folders, "-")
