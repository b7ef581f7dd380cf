"""Taking a submission: whatever was handed in becomes a snapshot that no longer changes.

Nothing here is executed, imported or written to disk: a folder is read through descriptors that follow no link,
an archive is only parsed, and the snapshot lives in memory.  What can harm or mislead (names that lead out, devices,
links that lead nowhere) is refused in an archive, since nobody makes such a thing by accident, and left out with a
note in a folder, since working folders contain them.  Sizes and counts come from the bytes that were read, never from
a header.  Names that are not UTF-8 are refused in both: they could not appear in a report.
"""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from grader.errors import UsageError
from grader.submission.archives import add_plain_file, open_inner, read_file
from grader.submission.config import CONFIG_NAME, Config, Start, line_of, parse_config
from grader.submission.exports import add_members
from grader.submission.folder import read_folder
from grader.submission.names import name_of, shown
from grader.submission.snapshot import digest, packed_tar
from grader.submission.tidy import renamed, stripped, without_tools
from grader.submission.tree import SOURCE_SUFFIXES, Tree, kind_of

__all__ = [
    "CONFIG_NAME",
    "SOURCE_SUFFIXES",
    "Config",
    "Part",
    "Start",
    "Submission",
    "line_of",
    "name_of",
    "parse_config",
    "shown",
    "take",
    "take_parts",
]


_MOST_NOTES = 12


@dataclass(frozen=True, slots=True)
class Submission:
    """What was handed in, as it will be unpacked.

    `name`: the last component of its path.  `sha256`: hex, over sorted names and contents, the same for the
    same files however they were packed.  `archive`: an uncompressed tar of folders and regular files, sorted, with
    relative names, owner 0, time 0 and mode 0644 or 0755.  `files`, `folders`: relative names, sorted.
    `notes`: sentences about what was left out.
    """

    name: str
    sha256: str
    archive: bytes = field(repr=False)
    files: tuple[str, ...]
    folders: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    config: Config | None = None

    def contents(self) -> dict[str, memoryview]:
        """Every file's bytes, by name, without copying them."""
        whole = memoryview(self.archive)
        with tarfile.open(fileobj=io.BytesIO(self.archive)) as tar:
            return {one.name: whole[one.offset_data :][: one.size] for one in tar if one.isreg()}


def take(path: Path) -> Submission:
    """The snapshot of a folder, an archive or one source file.

    Raises UsageError with one sentence when it can't be taken.
    """
    name = name_of(path)
    tree = Tree(shown(name))
    with _readable(path):
        _fill(path, tree)
    return _snapshot(name, tree)


class Part(NamedTuple):
    """A file or a folder that belongs to a submission.

    `name`: its relative path there (empty: what a folder contains, or a file under its own name).  `inside`: what is
    meant is this member of the zip archive at `path`, or everything below this folder in it.
    """

    path: Path
    name: str = ""
    inside: str = ""


def take_parts(name: str, parts: Sequence[Part]) -> Submission:
    """The snapshot of several files and folders, which are a submission together; `name`: what it is called.

    Archives among them are opened.  Raises UsageError with one sentence when it can't be taken.
    """
    tree = Tree(shown(name))
    for part in parts:
        with _readable(part.path):
            _add_part(part, tree)
    return _snapshot(name, tree)


def _add_part(part: Part, tree: Tree) -> None:
    if part.inside:
        add_members(part.path, part.inside, part.name, tree)
    elif part.path.is_dir():
        inner = tree.inner(part.name) if part.name else tree
        read_folder(part.path, inner)
        if part.name:
            tree.take_over(inner, part.name)
    else:
        add_plain_file(part.path, part.name or part.path.name, tree)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{shown(str(path))} can't be read: {error.strerror or error}") from error


def _snapshot(name: str, tree: Tree) -> Submission:
    """What was collected, without what nobody wrote by hand."""
    open_inner(tree)
    without_tools(tree)
    files, folders = stripped(tree.files, tree.folders)
    files = renamed(files)
    if not files:
        raise UsageError("; ".join([f"{tree.source} has no files to grade", *[*tree.notes][:1]]))
    config = parse_config(files[CONFIG_NAME].data) if CONFIG_NAME in files else None
    names = tuple(sorted(files))
    return Submission(
        name=name,
        sha256=digest(files),
        archive=packed_tar(files, folders),
        files=names,
        folders=tuple(sorted(folders)),
        notes=_some_of([*tree.notes]),
        config=config,
    )


def _some_of(notes: list[str]) -> tuple[str, ...]:
    """As many as anybody would read."""
    if len(notes) <= _MOST_NOTES:
        return tuple(notes)
    return (*notes[:_MOST_NOTES], f"{len(notes) - _MOST_NOTES} more files or folders were left out")


def _fill(path: Path, tree: Tree) -> None:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        read_folder(path, tree)
    elif stat.S_ISREG(mode):
        read_file(path, tree)
    else:
        raise UsageError(f"{shown(str(path))} is {kind_of(mode)}, not a folder, an archive or a source file")
