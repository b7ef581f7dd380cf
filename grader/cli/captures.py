"""`--pcap`: a folder with a packet capture of each failed check."""

from __future__ import annotations

from pathlib import Path

from grader.errors import UsageError
from grader.model import Outcome, Report
from grader.report import pcap
from grader.report import write as write_file


def must_be_usable(folder: Path) -> None:
    """Make the folder if it isn't there (UsageError: that can't be done)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"can't write captures to {folder}: {error.strerror}") from error


def write(report: Report, folder: Path) -> None:
    """Write a file for each failed check, and remove an earlier run's of checks that have not failed now."""
    for check in report.checks:
        path = folder / pcap.file_name(check)
        if check.outcome is Outcome.FAILED and check.evidence:
            write_file(path, pcap.render(report, check))
        elif path.is_file():
            path.unlink()
