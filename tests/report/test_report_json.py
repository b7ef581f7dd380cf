"""The JSON report: read back it is the report, and everything else is refused in one sentence."""

from __future__ import annotations

import json as stdlib_json

import msgspec
import pytest
from hypothesis import given

from grader.errors import UsageError
from grader.model import Report
from grader.report import json, safe
from tests.report.commands import obeyed
from tests.report.examples import FULL, HOSTILE, report_strategy


def has_surrogates(report: Report) -> bool:
    try:
        msgspec.json.encode(report)
    except UnicodeEncodeError:
        return True
    return False


@given(report=report_strategy)
def test_what_is_written_is_read_back(report: Report) -> None:
    content = json.render(report)
    again = json.decode(content)
    assert again == report or has_surrogates(report)
    assert json.render(again) == content


@given(report=report_strategy)
def test_it_may_go_to_a_terminal_and_a_log(report: Report) -> None:
    content = json.render(report).decode("ascii")
    assert safe.visible(content) == content
    assert obeyed(content) == []


def test_lone_surrogates_become_escapes_and_nothing_else_changes() -> None:
    again = json.decode(json.render(FULL))
    hostile = next(check for check in again.checks if check.id == HOSTILE.id)
    assert hostile.message == HOSTILE.message.replace("\ud800", r"\ud800")
    assert hostile.evidence == HOSTILE.evidence


def test_it_is_indented_json_with_the_schema() -> None:
    content = json.render(FULL).decode()
    assert content.startswith('{\n  "assignment": "tcp_uppercase"')
    assert content.endswith("}\n")
    read = stdlib_json.loads(content)
    assert read["schema"] == "grader/report/v2"
    assert read["checks"][0]["evidence"][3]["data"] == "aGVsbG8K"


@pytest.mark.parametrize("content", [b"", b"{}", b"[1", b"\xff", b'{"schema": 1}', b'{"x": ' + b"[" * 100_000])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="not a grader report"):
        json.decode(content)


def test_other_schemas_are_refused() -> None:
    past = msgspec.structs.replace(FULL, schema="grader/report/v1")
    with pytest.raises(UsageError, match="grader/report/v1"):
        json.decode(json.render(past))
