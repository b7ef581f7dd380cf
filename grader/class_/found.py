"""What was handed in, by whom: a folder with a folder, an archive or a source file for each student."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from grader.class_.model import HandIn, Student
from grader.errors import UsageError
from grader.submission import Part, name_of

_SUFFIXES: Final = re.compile(r"\.(tar\.\w+|\w{1,5})$", re.IGNORECASE)


class Found(msgspec.Struct, frozen=True):
    """A class's hand-ins.  `unassigned`: what belongs to nobody, in a sentence each.  `layout`: how it was told."""

    hand_ins: tuple[HandIn, ...]
    layout: str
    unassigned: tuple[str, ...] = ()


def found(folder: Path) -> Found:
    """Everything in a folder, by name; hidden files are nobody's.

    Raises:
        UsageError: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder with submissions")
    try:
        paths = sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.name)
    except OSError as error:
        raise UsageError(f"{folder} can't be read: {error.strerror or error}") from error
    if not paths:
        raise UsageError(
            f"there are no submissions in {folder}: it should have a folder or an archive for each student"
        )
    hand_ins = []
    taken: set[str] = set()
    for path in paths:
        name = name_of(path) if path.is_dir() else _SUFFIXES.sub("", name_of(path))
        key = unique_key(name, taken)
        hand_ins.append(HandIn((Student(key=key, name=name),), (Part(path),)))
    return Found(tuple(hand_ins), "a folder or an archive for each student")


def unique_key(name: str, taken: set[str]) -> str:
    """A key for a student of that name, which is added to those that are taken."""
    plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._-")[:80] or "student"
    key, number = plain, 2
    while key.lower() in taken:
        key, number = f"{plain}-{number}", number + 1
    taken.add(key.lower())
    return key
