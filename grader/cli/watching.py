"""`grader check --watch`: grade again whenever a file of the submission changes.

The first time everything is graded.  After a change first what has failed, since that is what is being mended; when it
passes, everything else, up to the first check that fails now.  The seed stays the same, so that a check that failed
asks the same again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from grader import flow, results
from grader.cli.say import complain, say, show
from grader.errors import NOT_JUDGED, GraderError, UsageError
from grader.job import Checked, Word
from grader.model import CheckResult, Outcome, Report

#: An editor that writes a file in several steps has written all of it after this.
_SETTLED_MS: Final = 300
#: How often we look ourselves: nobody tells of a change that comes while a grading runs.
_LOOK_MS: Final = 1000
#: Folders that the kernel tells of; in others, and in new ones, a change is seen when we look.
_MOST_WATCHED: Final = 100
_MISSING: Final = (
    "--watch needs watchfiles: pip install 'socket-grader[watch]', or with pipx: "
    "pipx install --force 'socket-grader[watch]'"
)

#: Grades the submission as it is now: the checks that are named (none: all), telling each result as it comes.
Grade = Callable[[tuple[str, ...], flow.Listener], Report]
Show = Callable[[Report], None]


class _FailsNowError(Exception):
    """A check fails, and nothing after it needs to be seen now."""

    def __init__(self, check: CheckResult) -> None:
        super().__init__(check.id)
        self.check = check


@dataclass
class Watch:
    """What is known between two gradings.  `failed`: ids of the checks to be played first."""

    grade: Grade
    show: Show
    failed: tuple[str, ...] = ()
    graded: bool = False
    exit_code: int = NOT_JUDGED

    def look(self) -> None:
        """Grade once, or say in a sentence why that can't be done."""
        try:
            if not self.graded:
                self._keep(self.grade((), lambda _: None))
            elif self._mended():
                self._everything()
        except GraderError as error:
            for sentence in error.sentences:
                complain(sentence)
            self.exit_code = error.exit_code

    def _mended(self) -> bool:
        """Whether what has failed passes now."""
        if not self.failed:
            return True
        report = self.grade(self.failed, lambda _: None)
        if results.exit_code(report) == 0:
            say("What failed before passes now. Everything else:")
            return True
        self.show(report)
        self.exit_code = results.exit_code(report)
        self.failed = _failed(report)
        return False

    def _everything(self) -> None:
        try:
            self._keep(self.grade((), _up_to_a_failure))
        except _FailsNowError as stop:
            self.failed, self.exit_code = (stop.check.id,), 1
            _show_one(stop.check)

    def _keep(self, report: Report) -> None:
        self.show(report)
        self.graded = True
        self.failed, self.exit_code = _failed(report), results.exit_code(report)


def _failed(report: Report) -> tuple[str, ...]:
    return tuple(check.id for check in report.checks if check.outcome is Outcome.FAILED)


def _up_to_a_failure(word: Word) -> None:
    if isinstance(word, Checked) and word.result.outcome is Outcome.FAILED:
        raise _FailsNowError(word.result)


def _show_one(check: CheckResult) -> None:
    from grader.report import text  # noqa: PLC0415 — loaded while somebody edits

    lines = [f"✗  {text.title(check)}  ({check.id})", *(f"   {line}" for line in text.explain(check))]
    show("\n".join(lines))


def watch(submission: Path, grade: Grade, show_: Show) -> int:
    """Grade now and after every change, until Ctrl-C; the exit code of the last grading.

    Raises:
        UsageError: there is nothing to watch with, or nothing to watch.
    """
    if not submission.exists():
        message = f"there is no {submission}"
        raise UsageError(message)
    watched = Watch(grade, show_)
    with suppress(KeyboardInterrupt):
        for _ in _changes(submission):
            watched.look()
            say(f"\N{HORIZONTAL ELLIPSIS} waiting for a change in {submission} (Ctrl-C ends this)")
    return watched.exit_code


def _changes(submission: Path) -> Iterator[None]:
    """Once immediately, and then after each change, also one during what is done in between; until Ctrl-C."""
    try:
        import watchfiles  # noqa: PLC0415 — an extra
    except ImportError:
        raise UsageError(_MISSING) from None
    own = submission.resolve()
    counts = _Of(own)
    folder = own if own.is_dir() else own.parent
    seen = _stamps(folder, counts)
    yield None
    # Not by its own recursion, which follows links, out of the folder too.
    watched = dict.fromkeys([str(folder), *map(os.path.dirname, seen)])
    for _ in watchfiles.watch(
        *islice(watched, _MOST_WATCHED),
        watch_filter=counts,
        debounce=_SETTLED_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        recursive=False,
    ):
        if (now := _stamps(folder, counts)) != seen:
            seen = now
            yield None


def _stamps(folder: Path, counts: _Of) -> dict[str, tuple[int, int]]:
    """When each of the files that count was changed, and its size."""
    found = {}
    # What is gone since it was listed, or lies too deep for any path to it, is no file of the submission's either.
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if counts(None, f"{place}/{name}")]
        for path in (f"{place}/{name}" for name in names):
            if counts(None, path):
                with suppress(OSError):
                    status = os.lstat(path)
                    found[path] = status.st_mtime_ns, status.st_size
    return found


class _Of:
    """Which changes count: those of the file, or in the folder but for what tools keep there."""

    def __init__(self, own: Path) -> None:
        self._own = own
        self._is_folder = own.is_dir()

    def __call__(self, _: object, path: str) -> bool:
        if not self._is_folder:
            return Path(path) == self._own
        inner = Path(path).relative_to(self._own).parts
        return not any(part.startswith(".") or part in _OF_TOOLS or part.endswith("~") for part in inner)


#: Folders that appear next to a program when it is run or built by hand.
_OF_TOOLS: Final = frozenset({"__pycache__", "node_modules", "target"})
