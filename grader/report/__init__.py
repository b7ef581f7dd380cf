"""Pure renderers: each is a function of a `Report`, and none can change a grade.

`text.py` has the words that all of them share; a renderer decides only where to put them.  Whatever a submission
printed or sent reaches a report through `safe.py`, so that student text can't control a report.  `write` is
the only I/O here; standard output belongs to `cli/`.
"""

from __future__ import annotations

import errno
import importlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from grader.errors import UsageError
from grader.model import Report

#: The module whose function `render` makes each kind of file; loaded, with its libraries, when it is needed.
RENDERERS: Final[dict[str, str]] = {
    "junitxml": "grader.report.junit",
    "json": "grader.report.json",
    "html": "grader.report.html",
    "feedback": "grader.report.feedback",
    "text": "grader.report.console",
}

__all__ = ["RENDERERS", "must_be_writable", "render", "write"]


def render(kind: str, report: Report) -> bytes:
    """`report` as a file of that kind, one of `RENDERERS`; long events are shortened."""
    transcripts = importlib.import_module("grader.report.transcripts")
    make: Callable[[Report], bytes] = importlib.import_module(RENDERERS[kind]).render
    return make(transcripts.shown(report))


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path`, whole or not at all.

    A link keeps pointing where it did; a device or a pipe (`/dev/null`) is written to, never replaced.
    Raises UsageError, with one sentence for the user, when it can't be written.
    """
    with _said_in_one_sentence(path):
        if _is_stream(path):
            path.write_bytes(content)
            return
        with _file_beside(path.resolve(), content) as beside:
            beside.replace(path.resolve())


def must_be_writable(path: Path) -> None:
    """Raise the UsageError that `write` would raise, and leave everything as it was."""
    with _said_in_one_sentence(path):
        if not _is_stream(path):
            with _file_beside(path.resolve(), b""):
                return
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only")


@contextmanager
def _said_in_one_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"can't write the report {path}: there is no folder {path.parent}") from error
    except (OSError, ValueError, RuntimeError) as error:  # a NUL byte in the name; links that form a circle
        raise UsageError(f"can't write the report {path}: {getattr(error, 'strerror', None) or error}") from error


def _is_stream(path: Path) -> bool:
    return (
        path.exists() and not path.is_dir() and (not path.is_file() or path.parts[:2] in {("/", "dev"), ("/", "proc")})
    )


@contextmanager
def _file_beside(path: Path, content: bytes) -> Iterator[Path]:
    """A file with `content` in the folder of `path`, gone afterwards unless it was renamed."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    # A folder's permission is enough for a rename, so without this test a read-only file would be replaced.
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only")
    beside = path.with_name(f".grader-{secrets.token_hex(8)}")
    try:
        beside.write_bytes(content)
        yield beside
    finally:
        beside.unlink(missing_ok=True)
