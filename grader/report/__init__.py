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
from typing import Final, NamedTuple

from grader.errors import UsageError
from grader.model import Report


class Format(NamedTuple):
    """A kind of report: what it is for, and the function that makes it, loaded with its libraries when it is needed."""

    words: str
    module: str
    function: str = "render"


#: Every kind of report, by the name that `--format` takes.
FORMATS: Final[dict[str, Format]] = {
    "junit": Format("JUnit XML, as GitLab, Azure, Artemis and CodeGrade read it", "junit"),
    "junit-strict": Format("JUnit XML within the schema of Jenkins' xUnit plugin", "junit", "render_strict"),
    "json": Format("the whole report, from which all others are made", "json"),
    "html": Format("a page with pictures, in one file", "html"),
    "markdown": Format("Markdown, for a comment or a file beside a grade", "feedback"),
    "text": Format("what the console shows", "console"),
    "tap": Format("TAP version 13, as prove and Jenkins read it", "tap"),
    "gradescope": Format("Gradescope's results.json", "gradescope"),
    "classroom50": Format("the score and the tests of Classroom 50's result.json", "classroom50"),
    "prairielearn": Format("PrairieLearn's results.json", "prairielearn"),
    "submitty": Format("Submitty's validation_results.json", "submitty"),
    "vpl": Format("comments for Moodle's Virtual Programming Lab", "vpl"),
    "github": Format("annotations, for the log of GitHub Actions", "github"),
    "github-summary": Format("Markdown that fits in a job's summary on GitHub", "github", "render_summary"),
}

__all__ = ["FORMATS", "Format", "must_be_writable", "render", "write"]


def render(name: str, report: Report) -> bytes:
    """`report` in that format, one of `FORMATS`; long events are shortened."""
    transcripts = importlib.import_module("grader.report.transcripts")
    made = FORMATS[name]
    make: Callable[[Report], bytes] = getattr(importlib.import_module(f"{__name__}.{made.module}"), made.function)
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
