"""Hidden checks: played last, in a sandbox of their own, and nothing of them in anything that a student gets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader import assignment, flow
from grader.assignment import Assignment
from grader.errors import AssignmentError, Reason
from grader.model import Audience, Outcome, Report, SubmissionInfo
from grader.plan import hidden_seed
from grader.report import FORMATS, pcap, render, transcripts
from grader.report.audience import for_student
from grader.sandbox.local import LocalSandbox
from tests.cli.command import ROOT, make_assignment

PROGRAM = ROOT / "tests" / "hostile" / "stores_and_prints.py"
SECRET = "Zq1ndigo"  # noqa: S105 — no password
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TITLE = "Takes the secret path"
TABLE = """
[checks.server]
coalesced = { requirement = "2.1", points = 3, needs = [] }
secret = { requirement = "2.1", points = 2, needs = ["coalesced"] }
knows = { requirement = "2.1", points = 1, needs = [] }
"""
CHECK = f'''
def test_secret():
    """{TITLE}"""


def test_knows():
    """Also {TITLE}"""
'''
PROTOCOL = f"""
from visible_protocol import *
import visible_protocol
from grader.protocol.script import Exchange


def exchange(number, rng):
    whole = visible_protocol.exchange(number, rng)
    line = b"{SECRET}" + whole.request
    return Exchange(line, line.upper())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_assignment(tmp_path_factory.mktemp("visibility"))
    hidden = made / "small" / "hidden"
    hidden.mkdir()
    (hidden / "hidden.toml").write_text(TABLE)
    (hidden / "test_secret.py").write_text(CHECK)
    (hidden / "protocol.py").write_text(PROTOCOL)
    return made


@pytest.fixture(scope="module")
def asked(folder: Path) -> Assignment:
    return assignment.load("small", folder)


@pytest.fixture(scope="module")
def report(asked: Assignment) -> Report:
    heard: list[object] = []
    request = flow.Request(asked, 7)
    return flow.grade(PROGRAM, request, lambda one, archive, _: LocalSandbox(one, archive), heard.append)


def _files(report: Report) -> Iterator[tuple[str, bytes]]:
    for kind in FORMATS:
        yield kind, render(kind, report)
    yield "transcripts", transcripts.render(report) or b""
    for check in report.checks:
        yield f"{check.id}.pcap", pcap.render(report, check)


def test_the_instructor_sees_everything(report: Report) -> None:
    assert report.audience is Audience.INSTRUCTOR
    outcomes = {check.id: check.outcome for check in report.checks}
    assert outcomes["server.answers"] is Outcome.PASSED
    assert outcomes["server.coalesced"] is Outcome.FAILED
    assert outcomes["server.secret"] is Outcome.SKIPPED
    assert outcomes["server.knows"] is Outcome.PASSED
    whole = b"".join(content for _, content in _files(report))
    assert TITLE.encode() in whole
    assert SECRET.encode() in whole


def test_nothing_of_a_hidden_check_is_in_any_file_of_a_student(report: Report, asked: Assignment) -> None:
    student = for_student(report, asked.visibility, NOW)
    assert student.audience is Audience.STUDENT
    assert (student.score, student.max_score, student.unjudged) == (report.score, report.max_score, report.unjudged)
    for name, content in _files(student):
        for secret in (SECRET, SECRET.upper(), TITLE, "server.secret", "coalesced", "server.knows", "test_secret"):
            assert secret.encode() not in content, (name, secret)
    hidden = [check for check in student.checks if check.visibility == "hidden"]
    assert [(check.id, check.outcome, check.reason) for check in hidden] == [
        ("server.hidden_1", Outcome.FAILED, Reason.UNDISCLOSED),
        ("server.hidden_2", Outcome.FAILED, Reason.UNDISCLOSED),
        ("server.hidden_3", Outcome.PASSED, None),
    ]
    assert all(check.duration_s == 0 for check in hidden)


def test_what_is_played_where_all_may_see_contains_nothing_of_it(asked: Assignment) -> None:
    shown = asked.shown_part()
    assert not {spec.id for spec in shown.checks} & asked.concealed
    assert not shown.hidden_files
    assert SECRET.encode() not in b"".join(shown.files.values())


def test_the_seed_of_hidden_checks_is_not_the_one_that_reports_show(asked: Assignment) -> None:
    assert hidden_seed(7, asked.hidden_files) not in {7, hidden_seed(7, {})}


def test_a_due_date_opens_what_was_closed_until_then(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "a")
    shutil.rmtree(tmp_path / "a" / "small" / "hidden")
    table = tmp_path / "a" / "small" / "assignment.toml"
    said = '[visibility]\nafter_due_date = ["server.leaves_nothing_running"]\ndue = 2026-11-30T12:00:00Z\n'
    table.write_text(table.read_text() + said)
    asked = assignment.load("small", tmp_path / "a")
    refused = flow.refuse(_nobody(), flow.Request(asked, 1), "it is empty")
    before = for_student(refused, asked.visibility, NOW - timedelta(seconds=1))
    after = for_student(refused, asked.visibility, NOW)
    assert before.checks[-1].id == "server.hidden_1"
    assert [check.id for check in after.checks] == [check.id for check in refused.checks]


def _nobody() -> SubmissionInfo:
    return SubmissionInfo(name="s", sha256="")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('hidden = ["server.nothing"]', "hidden names server.nothing, which is not among the checks"),
        ('after_due_date = ["server.listens"]', "after_due_date needs a due date"),
        ('hidden = ["server.answers"]', "leaves_nothing_running can be seen, but depends on server.answers"),
        ('elsewhere = ["9.9"]', "elsewhere names requirement 9.9"),
    ],
)
def test_mistakes_are_said(tmp_path: Path, said: str, words: str) -> None:
    table = make_assignment(tmp_path) / "small" / "assignment.toml"
    table.write_text(f"{table.read_text()}[visibility]\n{said}\n")
    with pytest.raises(AssignmentError, match=words):
        assignment.load("small", tmp_path)


def test_a_hidden_folder_that_is_none_is_said(tmp_path: Path) -> None:
    hidden = make_assignment(tmp_path) / "small" / "hidden"
    hidden.mkdir()
    with pytest.raises(AssignmentError, match=r"hidden\.toml"):
        assignment.load("small", tmp_path)
