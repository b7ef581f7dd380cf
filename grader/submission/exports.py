"""A whole class's export in one zip archive: its members by name, and those of one student as a submission.

The limits are those of any archive, for the list of members, and those of a submission, for what belongs to one
student.  A member whose name could lead out of the archive is refused by itself: one student's trick must not cost the
others their grades.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import UsageError
from grader.submission.capped import CappedFile
from grader.submission.members import add_links, member_name, parsing
from grader.submission.names import shown
from grader.submission.tree import Tree
from grader.submission.zips import add_zip_member, zip_name


def is_zip(path: Path) -> bool:
    """Whether a file begins like a zip archive."""
    with path.open("rb") as file:
        return file.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


class Members:
    """The members of an archive.

    `names`: in their plain form, each with whether it is a folder.  `refused`: a sentence on each that can't be used.

    Raises:
        UsageError: it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.names: dict[str, bool] = {}
        self.refused: tuple[str, ...] = ()
        with _opened(path) as (archive, tree):
            for member in archive.infolist():
                try:
                    name = member_name(zip_name(member), tree)
                except UsageError as error:
                    self.refused += (f"{error}, and was left out",)
                    continue
                if name:
                    self.names[name] = member.is_dir()

    def read(self, name: str, most_bytes: int) -> bytes:
        """The beginning of a member."""
        with _opened(self._path) as (archive, tree):
            for member in archive.infolist():
                if _plain_name(member, tree) == name:
                    with archive.open(member) as stream:
                        return stream.read(most_bytes)
        raise KeyError(name)


def add_members(path: Path, inside: str, name: str, tree: Tree) -> None:
    """Add a file or a folder of an archive to a tree, under this name (empty: a folder's contents, by their own).

    Raises:
        UsageError: it can't be read, or is too large.
    """
    links: dict[str, str] = {}
    with _opened(path) as (archive, whole):
        for member in archive.infolist():
            plain = _plain_name(member, whole)
            if plain == inside and not member.is_dir():
                add_zip_member(archive, member, name or inside.rpartition("/")[2], links, tree)
            elif plain.startswith(f"{inside}/"):
                below = plain.removeprefix(f"{inside}/")
                add_zip_member(archive, member, f"{name}/{below}" if name else below, links, tree)
    add_links(links, tree)


def _plain_name(member: zipfile.ZipInfo, tree: Tree) -> str:
    try:
        return member_name(zip_name(member), tree)
    except UsageError:
        return ""


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Tree]]:
    tree = Tree(shown(path.name))
    with (
        parsing("zip", tree),
        CappedFile(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)) as file,
        zipfile.ZipFile(file) as archive,
    ):
        yield archive, tree
