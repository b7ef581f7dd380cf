"""Complete transcripts, for a replay or a capture: what is too long for a report goes in a file beside it.

A report shows the head and the tail of a long event.  The file has every event of each check that has a long one, by
the check's id, in the format of `evidence` in `report.json`; `limits.py` says how much of it is kept.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from grader.limits import EVENT_SHOWN_BYTES
from grader.model import Report
from grader.report.json import formatted
from grader.wire.transcript import shortened

_SUFFIX = ".transcripts.json"


def beside(report: Path) -> Path:
    """The path of the transcripts that belong to a report with this path."""
    return report.with_name(report.name.removesuffix(".json") + _SUFFIX)


def shown(report: Report) -> Report:
    """The report as it is written: with long events shortened."""
    checks = (msgspec.structs.replace(check, evidence=tuple(map(shortened, check.evidence))) for check in report.checks)
    return msgspec.structs.replace(report, checks=tuple(checks))


def render(report: Report) -> bytes | None:
    """The file's content; None if the report shows every event in full."""
    long = {
        check.id: check.evidence
        for check in report.checks
        if any(len(event.data) > EVENT_SHOWN_BYTES for event in check.evidence)
    }
    return formatted(long) if long else None
