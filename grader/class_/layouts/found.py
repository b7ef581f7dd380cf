"""What a layout finds in an export: attempts, each with whose it is, and what belongs to nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from grader.class_.layouts.export import Entry, Export
from grader.class_.model import Student
from grader.submission import SOURCE_SUFFIXES, shown

#: Archives that students hand in; one that can't be read says so when it is graded.
ARCHIVES: Final = (".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".rar", ".7z")


class Attempt(NamedTuple):
    """Something that somebody handed in.

    `whose`: the same for all attempts of one student or group in the export.  `students`: as far as the export knows
    them, one at least; their keys are only what keys will be made of.  `files`: what is in the export, and its path in
    the submission (empty: the whole of it).  `order`: greater for a later attempt.  `words`: which attempt it is.
    """

    whose: str
    students: tuple[Student, ...]
    files: tuple[tuple[str, str], ...]
    order: tuple[int | str, ...] = ()
    words: str = ""
    notes: tuple[str, ...] = ()


class Found(NamedTuple):
    """All attempts, in no order, and a sentence on each thing that belongs to nobody.

    `named`: how many entries have names of this layout, even if nothing that can be graded is in them.
    """

    attempts: list[Attempt]
    strays: list[str]
    named: int


class Layout(NamedTuple):
    """A platform's way to name things.

    `looks_like`: an example, for somebody whose export was not recognised.  `find`: what is in an export, as far as it
    has this layout.
    """

    name: str
    looks_like: str
    find: Callable[[Export], Found]


def stray(entry: Entry, why: str) -> str:
    """The sentence on an entry that is nobody's."""
    return f"{shown(entry.name)} was left out: {why}"


def stem(name: str) -> str:
    """A file's name without the suffix of an archive or a source file."""
    suffixes = sorted({*ARCHIVES, *SOURCE_SUFFIXES}, key=len, reverse=True)
    suffix = next((suffix for suffix in suffixes if name.lower().endswith(suffix)), "")
    return name.removesuffix(name[len(name) - len(suffix) :]) if suffix and len(name) > len(suffix) else name


def common_start(words: list[str], end: str) -> str:
    """What all of several words begin with, up to the last `end` in it and with that; empty if nothing."""
    if len({*words}) < 2:
        return ""
    first, last = min(words), max(words)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[: first.rfind(end, 0, same) + 1]


def matches(pattern: re.Pattern[str], entries: list[Entry], *, folder: bool) -> dict[Entry, re.Match[str]]:
    """The entries of that kind whose whole name has the pattern, with how."""
    found = ((entry, pattern.fullmatch(entry.name)) for entry in entries if entry.folder == folder)
    return {entry: match for entry, match in found if match}
