"""A list of paths: a text file with one folder, archive or source file on each line, relative to the list's folder.

    # comments and empty lines are skipped
    /srv/handin/jdoe/hw3
    /srv/handin/asmith/hw3

A hand-in is called what tells its path from the others': here `jdoe` and `asmith`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from grader.class_.layouts.found import Attempt, Found, stem
from grader.class_.model import Student
from grader.errors import UsageError
from grader.submission import Part, shown

#: A path has 4096 bytes at most, and a class 2000 students.
_MAX_BYTES: Final = 8 * 1024 * 1024


def paths_in(path: Path) -> list[Path] | None:
    """The paths that a file lists; None: it is no such list."""
    content = path.read_bytes()[:_MAX_BYTES]
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return None
    named = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not named or any("\0" in line for line in named):
        return None
    return [path.parent / Path(line).expanduser() for line in named]


def find(listed: list[Path]) -> tuple[Found, dict[str, Part]]:
    """The hand-ins, and where each is, by what it is called.

    Raises:
        UsageError: a path is not there, or is listed twice.
    """
    for path in listed:
        if not path.exists():
            message = f"the list names {shown(str(path))}, which does not exist"
            raise UsageError(message)
    named = _names(listed)
    found = Found([], [], len(listed))
    parts = {}
    for path, name in zip(listed, named, strict=True):
        if name in parts:
            message = f"the list names {shown(str(path))} twice"
            raise UsageError(message)
        parts[name] = Part(path)
        found.attempts.append(Attempt(name, (Student(key=name, name=name, ids={"username": name}),), ((name, ""),)))
    return found, parts


def _names(listed: list[Path]) -> list[str]:
    """The last component that is different for all; where there is none, the whole paths."""
    parts = [path.absolute().parts for path in listed]
    for depth in range(1, min(map(len, parts))):
        names = [stem(each[-depth]) for each in parts]
        if len({*names}) == len(names):
            return names
    return [str(path.absolute()) for path in listed]
