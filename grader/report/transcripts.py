"""Complete transcripts, for a replay or a capture: what is too long for a report stands in a file beside it.

A report shows the head and the tail of a long event.  The file has every event of each check that has a long one, by
the check's id, as `report.json` has its evidence; how much of it is kept is for `limits.py` to say.
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
    """Where the transcripts of a report are that is written there."""
    return report.with_name(report.name.removesuffix(".json") + _SUFFIX)


def shown(report: Report) -> Report:
    """The report as it is written: long events cut."""
    checks = (msgspec.structs.replace(check, evidence=tuple(map(shortened, check.evidence))) for check in report.checks)
    return msgspec.structs.replace(report, checks=tuple(checks))


def render(report: Report) -> bytes | None:
    """The file; None: every event stands whole in the report."""
    long = {
        check.id: check.evidence
        for check in report.checks
        if any(len(event.data) > EVENT_SHOWN_BYTES for event in check.evidence)
    }
    return formatted(long) if long else None
