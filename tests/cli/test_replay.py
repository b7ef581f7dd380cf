"""`grader replay` with a submission: its programs are built, started and talked to, alone or with each other."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from grader.cli.replay import _lay
from grader.report.json import formatted
from tests.cli.command import Command
from tests.report.examples import FULL
from tests.report.test_replaying import ASKS, CLIENT, CONVERSATION, REPLIES, SERVER, TOGETHER, check_of


@pytest.fixture
def report(folder: Path) -> Path:
    (path := folder / "report.json").write_bytes(
        formatted(msgspec.structs.replace(FULL, checks=(check_of(*TOGETHER, part="pair"), check_of(*CONVERSATION))))
    )
    return path


@pytest.fixture
def submission(folder: Path) -> Path:
    (submission := folder / "submission").mkdir()
    (submission / "server.py").write_text(SERVER)
    (submission / "client.py").write_text(CLIENT)
    return submission


def test_one_program_is_talked_to(folder: Path, report: Path, submission: Path) -> None:
    ended = Command(folder).run("replay", report, "server.x", "--submission", submission)
    assert (ended.code, "it sent: b'<A><BC>'" in ended.out) == (0, True), ended.out + ended.err


def test_two_programs_talk_to_each_other(folder: Path, report: Path, submission: Path) -> None:
    ended = Command(folder).run("replay", report, "pair.x", "--submission", submission)
    assert ended.code == 0, ended.err
    assert r"your client sends b'hello\n'" in ended.out
    assert r"your server sends b'<HELLO\n>'" in ended.out
    assert r"shown b'<HELLO\n>'" in ended.out


def test_of_two_servers_the_one_for_the_assignments_transport_is_played(folder: Path) -> None:
    asked = msgspec.structs.replace(FULL, assignment="udp_uppercase", checks=(check_of(*TOGETHER, part="pair"),))
    (report := folder / "report.json").write_bytes(formatted(asked))
    (submission := folder / "submission").mkdir()
    for name, text in {"server_1.py": SERVER, "server_2.py": REPLIES, "client.py": ASKS}.items():
        (submission / name).write_text(text)
    ended = Command(folder).run("replay", report, "pair.x", "--submission", submission)
    assert (ended.code, "your server sends b'HELLO'" in ended.out) == (0, True), ended.out + ended.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--submission", "server.py"), "no client"),
        (("--submission", ".", "--role", "server"), "--role says which of two programs is debugged"),
        (("--submission", ".", "--debug", "--step"), "goes without --step"),
        ((), "name your program with --submission"),
    ],
)
def test_what_is_lacking_is_said(
    folder: Path, report: Path, submission: Path, options: tuple[str, ...], says: str
) -> None:
    ended = Command(folder).run("replay", report, "pair.x", *options, cwd=submission)
    assert (ended.code, says in ended.err) == (2, True), ended.err


def test_files_of_a_report_stay_in_the_folder_of_the_program(tmp_path: Path) -> None:
    (work := tmp_path / "work").mkdir()
    (work / "server.py").write_text("own")
    _lay({"../out": b"x", "/tmp/out": b"x", "in/a.bin": b"x", "server.py": b"x"}, work)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        "work/in/a.bin",
        "work/server.py",
    ]
    assert (work / "server.py").read_text() == "own"
