"""What is too long for a report is complete in the file beside it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from grader.limits import EVENT_SHOWN_BYTES
from grader.model import Event, EventKind, Report
from grader.report import json, render, transcripts
from grader.wire.transcript import cut
from tests.report.examples import FULL

LONG = bytes(at * at % 251 for at in range(3 * EVENT_SHOWN_BYTES))


def with_event(data: bytes) -> Report:
    event = Event(at_ms=1, kind=EventKind.SENT, who="client A", data=data, size_bytes=len(data))
    first, *others = FULL.checks
    return msgspec.structs.replace(FULL, checks=(msgspec.structs.replace(first, evidence=(event,)), *others))


def test_a_long_event_is_cut_in_the_report_and_complete_beside_it() -> None:
    report = with_event(LONG)
    (event,) = json.decode(render("json", report)).checks[0].evidence
    assert (event.data, event.omitted_bytes, event.head_bytes) == cut(LONG, EVENT_SHOWN_BYTES)
    assert event.size_bytes == len(LONG)
    content = transcripts.render(report)
    assert content is not None
    assert msgspec.json.decode(content, type=dict[str, tuple[Event, ...]]) == {
        report.checks[0].id: report.checks[0].evidence
    }


def test_where_nothing_is_long_there_is_no_file() -> None:
    report = with_event(LONG[:EVENT_SHOWN_BYTES])
    assert transcripts.render(report) is None
    assert json.decode(render("json", report)).checks[0].evidence == report.checks[0].evidence


@pytest.mark.parametrize(
    ("report", "file"), [("out/report.json", "out/report.transcripts.json"), ("a", "a.transcripts.json")]
)
def test_it_is_named_for_its_report(report: str, file: str) -> None:
    assert transcripts.beside(Path(report)) == Path(file)
