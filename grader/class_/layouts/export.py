"""What was downloaded from a platform, as names: a folder, or a zip archive that is never unpacked to disk.

A layout sees names only, and the beginning of the few text files in which a platform says who is who; the bytes of a
hand-in are read when it is graded.  Nothing that leads out of the export is ever listed as part of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from grader.errors import UsageError
from grader.submission import Part, shown
from grader.submission.exports import Members, is_zip
from grader.submission.tree import LEFT_OUT

#: Gradescope's metadata of 2000 students with the results of an autograder; the others are a page long.
_MAX_TEXT_BYTES: Final = 64 * 1024 * 1024


class Entry(NamedTuple):
    """Something directly in a folder of an export: its name without the folder's, and whether it is a folder."""

    name: str
    folder: bool


class Export(Protocol):
    """An export, or a folder in one."""

    @property
    def name(self) -> str:
        """The last component of its path."""

    @property
    def refused(self) -> tuple[str, ...]:
        """Sentences about what can't be used, such as a link that leads out."""

    def entries(self, folder: str = "") -> list[Entry]:
        """What is in it, or in one of its folders, sorted; without what systems leave behind, but for `.git`."""

    def text(self, name: str) -> str:
        """The text of a file in it."""

    def part(self, entry: str, name: str = "") -> Part:
        """A file or folder in it as a part of a submission, under that name there (empty: the whole)."""

    def inner(self, folder: str) -> Export:
        """One of its folders as an export."""


def opened(path: Path) -> Export:
    """The export at `path`.

    Raises:
        UsageError: it is neither a folder nor a zip archive that can be read.
    """
    if path.is_dir():
        return _Folder(path)
    if path.is_file() and is_zip(path):
        return _Zip(path, Members(path))
    what = "does not exist" if not path.exists() else "is neither a folder, nor a .zip archive, nor a list of paths"
    message = f"{shown(str(path))} {what}: give the folder or the archive that the platform's export made"
    raise UsageError(message)


def _listed(name: str) -> bool:
    return name == ".git" or not (name in LEFT_OUT or name.startswith("."))


class _Folder:
    def __init__(self, path: Path, root: Path | None = None) -> None:
        self._path = path
        self._root = root or path.resolve()
        self._refused: dict[str, None] = {}

    @property
    def name(self) -> str:
        return self._path.resolve().name

    @property
    def refused(self) -> tuple[str, ...]:
        return (*self._refused,)

    def entries(self, folder: str = "") -> list[Entry]:
        try:
            found = sorted(os.scandir(self._path / folder), key=lambda entry: entry.name)
        except OSError as error:
            message = f"{shown(str(self._path / folder))} can't be read: {error.strerror}"
            raise UsageError(message) from error
        return [Entry(one.name, one.is_dir()) for one in found if _listed(one.name) and self._is_inside(one)]

    def _is_inside(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(self._root):
            return True
        self._refused[f"{shown(entry.name)} is a link that leads out of the export, and was left out"] = None
        return False

    def text(self, name: str) -> str:
        with (self._path / name).open("rb") as file:
            return file.read(_MAX_TEXT_BYTES).decode("utf-8-sig", "replace")

    def part(self, entry: str, name: str = "") -> Part:
        return Part(self._path / entry, name)

    def inner(self, folder: str) -> Export:
        return _Folder(self._path / folder, self._root)


class _Zip:
    def __init__(self, path: Path, members: Members, inside: str = "") -> None:
        self._path = path
        self._members = members
        self._inside = inside
        self._folders: dict[str, dict[str, bool]] = {}
        for name, folder in members.names.items():
            self._add(name, folder=folder)

    def _add(self, name: str, *, folder: bool) -> None:
        above, _, last = name.rpartition("/")
        here = self._folders.setdefault(above, {})
        if above and not here:
            self._add(above, folder=True)
        here[last] = folder or here.get(last, False)

    @property
    def name(self) -> str:
        return self._inside.rpartition("/")[2] or self._path.stem

    @property
    def refused(self) -> tuple[str, ...]:
        return () if self._inside else self._members.refused

    def entries(self, folder: str = "") -> list[Entry]:
        found = self._folders.get(self._within(folder), {})
        return [Entry(name, found[name]) for name in sorted(found) if _listed(name)]

    def _within(self, name: str) -> str:
        return "/".join(filter(None, (self._inside, name)))

    def text(self, name: str) -> str:
        return self._members.read(self._within(name), _MAX_TEXT_BYTES).decode("utf-8-sig", "replace")

    def part(self, entry: str, name: str = "") -> Part:
        return Part(self._path, name, self._within(entry))

    def inner(self, folder: str) -> Export:
        return _Zip(self._path, self._members, self._within(folder))
