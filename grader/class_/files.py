"""What a student's folder contains: the reports and a short feedback, made from what the student may see of one report.

They are made again only if something that they are made from has changed: the report, how reports are written, or
whether the due date is past.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from grader import report as reports
from grader.assignment import VisibilitySpec
from grader.class_ import feedback
from grader.class_.model import HandIn
from grader.class_.outfolder import OutFolder
from grader.model import Report
from grader.report.audience import for_student

_HERE: Final = Path(__file__).resolve().parent.parent

#: The files of a student's folder, and what makes each.
FILES: Final[dict[str, Callable[[Report], bytes]]] = {
    "report.html": lambda report: reports.render("html", report),
    "report.json": lambda report: reports.render("json", report),
    "report.xml": lambda report: reports.render("junit", report),
    "feedback.md": feedback.render,
}


class Written:
    """Writes students' folders."""

    def __init__(self, folder: OutFolder, visibility: VisibilitySpec) -> None:
        """`visibility`: when students may see checks that are not shown at any time."""
        self._folder = folder
        self._visibility = visibility
        self._now = datetime.now(UTC)

    def reports(self, hand_in: HandIn, report: Report, key: str) -> Iterator[str]:
        """Write a student's files, if they are not there; notes about those that could not be made.

        Raises:
            CannotKeepError: they can't be written.
        """
        folder = hand_in.student.key
        stamp = f"{key} {report.submission.name!r} {_sources()} {self._visibility.is_past(self._now)}"
        if key and self._folder.is_written(folder, stamp):
            return
        shown = for_student(report, self._visibility, self._now)
        files = {}
        for name, make in FILES.items():
            try:
                files[name] = make(shown)
            except Exception as error:  # noqa: BLE001 — what a program printed must not cost the others their reports
                yield f"{name} could not be written: {error!r}"
        self._folder.write_student(folder, files, stamp)


@cache
def _sources() -> str:
    """A fingerprint of all that decides how reports look."""
    whole = hashlib.sha256()
    for path in sorted((*(_HERE / "report").glob("*"), *(_HERE / "class_").glob("*"))):
        if path.is_file():
            whole.update(path.read_bytes())
    return whole.hexdigest()
