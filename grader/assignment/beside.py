"""The files that an assignment lays beside its programs: a document root, a word list, a file to upload.

They are in the assignment's folder `files/`.  A program finds a copy that it can't change where {files} says;
`protocol.py` and an author's checks find theirs in the folder `files` beside themselves.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from grader.assignment.values import Flaw
from grader.limits import MAX_FILES, MAX_FILES_BYTES

#: Its name, in an assignment's folder and beside its Python files where these are imported.
FOLDER: Final = "files"


class CannotLayError(Exception):
    """What is in the folder can't be laid beside a program; `flaw` says why."""

    def __init__(self, path: Path, what: str) -> None:
        self.flaw = Flaw(FOLDER, f"{path} {what}")
        super().__init__(str(self.flaw))


def read(folder: Path) -> dict[str, bytes]:
    """The content of each file below a folder, by its path there; none if there is no such folder.

    Raises:
        CannotLayError: something is neither a file nor a folder, can't be read, or there is too much of it.
    """
    found: dict[str, bytes] = {}
    size = 0
    for root, folders, names in os.walk(folder):
        folders.sort()
        for path in (Path(root, name) for name in (*folders, *sorted(names))):
            below = path.relative_to(folder)
            if path.is_symlink():
                raise CannotLayError(below, "is a symbolic link: put a copy there")
            if path.is_dir():
                continue
            if not path.is_file():
                raise CannotLayError(below, "is neither a file nor a folder")
            size += path.stat().st_size
            if size > MAX_FILES_BYTES or len(found) == MAX_FILES:
                raise CannotLayError(below, f"is too much: {MAX_FILES} files with {MAX_FILES_BYTES >> 20} MiB at most")
            try:
                found[str(below)] = path.read_bytes()
            except OSError as error:
                raise CannotLayError(below, f"can't be read: {error.strerror}") from error
    return found
