"""What is written about a hand-in: a folder for the student, and one for the instructor where that shows more.

The student's has the reports and a feedback, made from what the student may see of one report.  Only where that is not
everything, since checks are hidden, does the instructor have a report of the whole.

They are made again only if something that they are made from has changed: the report, how reports are written, or
whether the due date is past.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from grader import report as reports
from grader.assignment import VisibilitySpec
from grader.class_.keys import INSTRUCTOR
from grader.class_.model import HandIn
from grader.class_.outfolder import OutFolder
from grader.model import Outcome, Report
from grader.report import transcripts
from grader.report.audience import for_student

_HERE: Final = Path(__file__).resolve().parent.parent


def _transcripts(report: Report) -> bytes | None:
    """Those of failed checks, which `grader replay` plays: with all of them, a class would fill gigabytes."""
    failed = tuple(check for check in report.checks if check.outcome is Outcome.FAILED)
    return transcripts.render(msgspec.structs.replace(report, checks=failed))


#: What makes a file; None: there is none.
_Make = Callable[[Report], bytes | None]
#: The files of the instructor's folder, and what makes each.
WHOLE: Final[dict[str, _Make]] = {
    "report.html": lambda report: reports.render("html", report),
    "report.json": lambda report: reports.render("json", report),
    "report.transcripts.json": _transcripts,
}
#: The files of a student's folder.
FILES: Final[dict[str, _Make]] = {
    **WHOLE,
    "report.xml": lambda report: reports.render("junit", report),
    "feedback.md": lambda report: reports.render("markdown", report),
}


class Written:
    """Writes the folders of students."""

    def __init__(self, folder: OutFolder, visibility: VisibilitySpec) -> None:
        """`visibility`: when students may see checks that are not shown at any time."""
        self._folder = folder
        self._visibility = visibility
        self._now = datetime.now(UTC)

    def whole(self, hand_in: HandIn, report: Report) -> str:
        """The instructor's folder; empty where the student's shows everything."""
        return f"{INSTRUCTOR}/{hand_in.student.key}" if self._shown(report).checks != report.checks else ""

    def reports(self, hand_in: HandIn, report: Report, key: str) -> Iterator[str]:
        """Write the files, if they are not there; notes about those that could not be made.

        Raises:
            CannotKeepError: they can't be written.
        """
        student = hand_in.student.key
        stamp = f"{key} {report.submission.name!r} {_sources()} {self._visibility.is_past(self._now)}"
        if key and self._folder.is_written(student, stamp):
            return
        files: dict[str, bytes | None] = {}
        whole = self.whole(hand_in, report)
        for folder, made_from, makers in ((student, self._shown(report), FILES), (whole, report, WHOLE)):
            if folder:
                yield from _made(files, folder, made_from, makers)
        if not whole:
            self._folder.remove_folder(f"{INSTRUCTOR}/{student}")
        self._folder.write_student(student, files, stamp)

    def _shown(self, report: Report) -> Report:
        return for_student(report, self._visibility, self._now)


def _made(files: dict[str, bytes | None], folder: str, report: Report, makers: Mapping[str, _Make]) -> Iterator[str]:
    """Add a folder's files; notes about those that could not be made."""
    for name, make in makers.items():
        try:
            files[f"{folder}/{name}"] = make(report)
        except Exception as error:  # noqa: BLE001 — what a program printed must not cost the others their reports
            yield f"{name} could not be written: {error!r}"


@cache
def _sources() -> str:
    """A fingerprint of all that decides how reports look."""
    whole = hashlib.sha256()
    for path in sorted((*(_HERE / "report").glob("*"), *(_HERE / "class_").glob("*"))):
        if path.is_file():
            whole.update(path.read_bytes())
    return whole.hexdigest()
