"""The output folder of a class: what is kept in it, and that no more than one run writes it.

    class.json  gradebook.csv  index.html         written at the beginning and the end of a run
    <student>/                                    written when a student is finished; no key is like another name here
    instructor/<student>/                         the same where students may not see everything
    .grader/lock                                  held by the run that writes the folder
    .grader/kept/<hash>.json.gz                   whole reports, under a hash of all that they depend on
    .grader/written/<student>                     from which report the files in <student>/ were made, and how

Every file is written whole or not at all, and is on the disk before the next one is begun, so that a run can end at any
moment, a power cut included.  What an interrupted run had kept is found by its hash, whatever else is missing.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import os
import secrets
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec

from grader.class_ import work
from grader.class_.keys import INSTRUCTOR
from grader.class_.model import SCHEMA, Class
from grader.errors import GraderError, UsageError
from grader.model import Report

_OURS: Final = ".grader"
#: Fast, and a tenth of the size all the same.
_COMPRESSION: Final = 1


class CannotKeepError(GraderError):
    """The output folder can't be written any more; what was kept before is kept."""


class OutFolder:
    """An output folder that this process holds; nobody else writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept = path / _OURS / "kept"
        self._written = path / _OURS / "written"

    @classmethod
    @contextmanager
    def held(cls, path: Path) -> Iterator[Self]:
        """Make the folder or go on with it.

        Raises:
            UsageError: another run holds it, it is somebody else's, or it can't be written.
        """
        folder = cls(path)
        try:
            folder._make()
            lock = os.open(path / _OURS / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"can't write to the folder {path}: {error.strerror or error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another run is writing to {path}; wait for it, or use a different --out") from None
        else:
            folder._tidy()
            yield folder
        finally:
            os.close(lock)

    @classmethod
    @contextmanager
    def existing(cls, path: Path) -> Iterator[Self]:
        """Go on with a folder that a run has made (UsageError: it is none)."""
        if not (path / _OURS).is_dir():
            raise UsageError(f"{path} was not made by grader class")
        with cls.held(path) as folder:
            yield folder

    def _make(self) -> None:
        if self.path.exists() and not (self.path / _OURS).is_dir():
            if not self.path.is_dir():
                raise UsageError(f"{self.path} is not a folder")
            if any(self.path.iterdir()):
                raise UsageError(f"{self.path} is not empty and was not made by grader class; name a new folder")
        for folder in (self._kept, self._written):
            folder.mkdir(parents=True, exist_ok=True)

    def _tidy(self) -> None:
        """Remove what a killed run was writing."""
        for pattern in (".part-*", "*/.part-*", f"{INSTRUCTOR}/*/.part-*", f"{_OURS}/*/.part-*"):
            for path in self.path.glob(pattern):
                path.unlink()

    # reports

    def kept(self, name: str) -> Report | None:
        """A report that an earlier run has kept; None if there is none, or none that can be read."""
        try:
            return work.decoded(gzip.decompress((self._kept / f"{name}.json.gz").read_bytes()))
        except (OSError, EOFError, zlib.error, msgspec.DecodeError):
            return None

    def keep(self, name: str, report: Report) -> None:
        """Keep a report under that name."""
        self._put(self._kept / f"{name}.json.gz", gzip.compress(work.encoded(report), _COMPRESSION, mtime=0))

    def set_aside(self, name: str) -> None:
        """Have a kept report no longer be found; it is replaced by the next one under its name, and not lost before."""
        path = self._kept / f"{name}.json.gz"
        if path.exists():
            path.replace(path.with_suffix(".before"))

    # what people read

    def remembered(self) -> Class | None:
        """`class.json` as the last run has written it; None if it did not come so far.

        Raises:
            UsageError: it is another version's.
        """
        path = self.path / "class.json"
        try:
            known = msgspec.json.decode(path.read_bytes(), type=Class)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise UsageError(f"{path} can't be read: {error}; to start again, name a new folder") from error
        if known.schema != SCHEMA:
            raise UsageError(
                f"{path} has schema {known.schema!r}, but this version of the grader reads only {SCHEMA!r}"
            )
        return known

    def is_written(self, student: str, stamp: str) -> bool:
        """Whether a student's files are there, and made from this."""
        try:
            return (self._written / student).read_text() == stamp and (self.path / student).is_dir()
        except (OSError, UnicodeDecodeError):
            return False

    def write_student(self, student: str, files: Mapping[str, bytes | None], stamp: str) -> None:
        """Write the files about a student, by their paths; None: there is none any more.

        `stamp`: what they were made from.
        """
        for name, content in files.items():
            if content is None:
                self.remove(name)
            else:
                self.write(name, content)
        self._put(self._written / student, stamp.encode())

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the folder."""
        self._put(self.path / name, content)

    def read(self, name: str) -> bytes | None:
        """A file of the folder; None if it is not there."""
        path = self.path / name
        return path.read_bytes() if path.is_file() else None

    def remove(self, name: str) -> None:
        """Remove a file of the folder, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def remove_student(self, student: str) -> None:
        """Remove the files of a student who has handed in nothing any more."""
        (self._written / student).unlink(missing_ok=True)
        self.remove_folder(student)
        self.remove_folder(f"{INSTRUCTOR}/{student}")

    def remove_folder(self, name: str) -> None:
        """Remove a folder of the folder with all that is in it, if it is there."""
        shutil.rmtree(self.path / name, ignore_errors=True)

    def _put(self, path: Path, content: bytes) -> None:
        part = path.parent / f".part-{secrets.token_hex(8)}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with part.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            _sync(path.parent)
        except OSError as error:
            raise CannotKeepError(self._why(error)) from error

    def _why(self, error: OSError) -> str:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return f"the disk with {self.path} is full; make room and run the same command again: it goes on from here"
        return f"can't write to {self.path}: {error.strerror or error}"


def _sync(folder: Path) -> None:
    """Have the kernel put a folder's entries on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
