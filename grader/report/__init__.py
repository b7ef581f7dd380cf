"""Pure renderers: every one is a function of a `Report`, and none can change a grade.

`text.py` holds the words that all of them share; a renderer decides only where they stand.  Whatever a submission
printed or sent reaches a report through `text.visible`, so that no report can be steered by student text.  `write` is
the only I/O here; the standard output belongs to `cli.py`.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from grader.errors import UsageError
from grader.model import Report
from grader.report import console, html, json, junit

#: What each file format is made by.
RENDERERS: Final[dict[str, Callable[[Report], bytes]]] = {
    "junitxml": junit.render,
    "json": json.render,
    "html": html.render,
    "text": console.render,
}

__all__ = ["RENDERERS", "write"]


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path`, whole or not at all.

    A link keeps pointing where it did; a device or a pipe (`/dev/null`) is written to, never replaced.
    Raises UsageError, with one sentence for the user, when it can't be written.
    """
    try:
        if _is_stream(path):
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"can't write the report {path}: there is no folder {path.parent}") from error
    except (OSError, ValueError, RuntimeError) as error:  # a NUL byte in the name; links that go round in a circle
        raise UsageError(f"can't write the report {path}: {getattr(error, 'strerror', None) or error}") from error


def _is_stream(path: Path) -> bool:
    return (
        path.exists() and not path.is_dir() and (not path.is_file() or path.parts[:2] in {("/", "dev"), ("/", "proc")})
    )


def _replace(path: Path, content: bytes) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    # A folder's permission is enough for a rename, so a file made read-only would be lost without this question.
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only")
    beside = path.with_name(f".grader-{secrets.token_hex(8)}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
