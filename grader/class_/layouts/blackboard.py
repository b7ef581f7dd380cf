"""Blackboard, "Assignment File Download": all files of all attempts in one folder, and a text for each attempt.

Uppercase_jdoe_attempt_2026-11-30-10-00-00_server.py
Uppercase_jdoe_attempt_2026-11-30-10-00-00.txt          "Name: Jane Doe (jdoe)", then what was typed
"""

from __future__ import annotations

import re
from typing import Final

from grader.class_.layouts.export import Entry, Export
from grader.class_.layouts.found import Attempt, Found, common_start, matches, stray
from grader.class_.model import Student

_FILE: Final = re.compile(
    r"(?P<head>.+)_attempt_(?P<when>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_(?P<file>.+)|(?P<text>\.txt))"
)
_NAME: Final = re.compile(r"^Name:\s*(?P<name>.*?)\s*\((?P<user>[^()\n]+)\)\s*$", re.MULTILINE)


def find(export: Export) -> Found:
    """What is in an export."""
    entries = export.entries()
    known = matches(_FILE, entries, folder=False)
    attempts: dict[tuple[str, str], list[tuple[Entry, re.Match[str]]]] = {}
    for entry, match in known.items():
        attempts.setdefault((match["head"], match["when"]), []).append((entry, match))
    found = Found(
        [], [stray(entry, "Blackboard did not name it") for entry in entries if entry not in known], len(known)
    )
    title = common_start([head for head, _ in attempts], "_")
    for (head, when), own in attempts.items():
        student = _student(export, head, title, [entry.name for entry, match in own if match["text"]])
        files = tuple((entry.name, match["file"]) for entry, match in own if match["file"])
        if files:
            found.attempts.append(Attempt(head, (student,), files, (when,), f"the attempt of {_date(when)}"))
        else:
            found.strays.extend(stray(entry, "nothing was uploaded with it") for entry, _ in own)
    return found


def _student(export: Export, head: str, title: str, texts: list[str]) -> Student:
    """Who it is: the text says so; else what follows the assignment's name, with which all of them begin (`title`)."""
    said = _NAME.search(export.text(texts[0])) if texts else None
    if said and head.endswith(f"_{said['user']}"):
        return Student(key=said["user"], name=said["name"], ids={"username": said["user"]})
    user = head.removeprefix(title) if title else head.rpartition("_")[2]
    return Student(key=user, ids={"username": user})


def _date(when: str) -> str:
    year, month, day, hour, minute, _ = when.split("-")
    return f"{year}-{month}-{day} {hour}:{minute}"
