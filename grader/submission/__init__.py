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
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import UsageError
from grader.submission.archives import SOURCE_SUFFIXES, open_inner, read_file
from grader.submission.config import CONFIG_NAME, Config, Start, line_of, parse_config
from grader.submission.folder import read_folder
from grader.submission.names import name_of, shown
from grader.submission.snapshot import digest, packed_tar
from grader.submission.tidy import renamed, stripped, without_tools
from grader.submission.tree import Tree, kind_of

__all__ = [
    "CONFIG_NAME",
    "SOURCE_SUFFIXES",
    "Config",
    "Start",
    "Submission",
    "line_of",
    "name_of",
    "parse_config",
    "shown",
    "take",
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
    try:
        _fill(path, tree)
    except OSError as error:
        raise UsageError(f"{shown(str(path))} can't be read: {error.strerror or error}") from error
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
