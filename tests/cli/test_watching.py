"""Grading again when a file changes: what has failed first, then the rest up to a failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from grader.cli import watching
from grader.cli.watching import Watch
from grader.errors import CannotJudgeError, Reason, UsageError
from grader.flow import Listener
from grader.job import Checked
from grader.model import Outcome, Report
from tests.report.examples import FULL

REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "tcp_uppercase"
ORDER = ("server.listens", "server.answers", "server.coalesced")


class Program:
    """What grades a program that fails some checks, and what was asked of it."""

    def __init__(self, *fails: str) -> None:
        self.fails = {*fails}
        self.asked: list[tuple[str, ...]] = []
        self.heard: list[str] = []
        self.shown: list[Report] = []

    def grade(self, only: tuple[str, ...], listen: Listener) -> Report:
        self.asked.append(only)
        template = FULL.checks[0]
        checks = []
        for check_id in only or ORDER:
            outcome = Outcome.FAILED if check_id in self.fails else Outcome.PASSED
            check = msgspec.structs.replace(
                template, id=check_id, outcome=outcome, reason=Reason.NO_REPLY if outcome is Outcome.FAILED else None
            )
            checks.append(check)
            self.heard.append(check_id)
            listen(Checked(check))
        return msgspec.structs.replace(FULL, checks=tuple(checks))

    def watch(self) -> Watch:
        return Watch(self.grade, self.shown.append)


def test_what_has_failed_is_graded_first_and_alone_until_it_passes() -> None:
    program = Program("server.answers")
    watch = program.watch()
    watch.look()
    watch.look()
    assert program.asked == [(), ("server.answers",)]
    assert watch.exit_code == 1
    program.fails.clear()
    watch.look()
    assert program.asked[2:] == [("server.answers",), ()]
    assert watch.exit_code == 0
    assert len(program.shown) == 3


def test_the_rest_stops_at_the_first_check_that_fails_now(capsys: pytest.CaptureFixture[str]) -> None:
    program = Program()
    watch = program.watch()
    watch.look()
    program.fails = {"server.answers", "server.coalesced"}
    program.heard.clear()
    watch.look()
    assert program.heard == ["server.listens", "server.answers"]
    assert "(server.answers)" in capsys.readouterr().out
    assert (watch.failed, watch.exit_code) == (("server.answers",), 1)


def test_what_cant_be_graded_is_told_and_watched_on(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(only: tuple[str, ...], listen: Listener) -> Report:
        raise CannotJudgeError("there is no sandbox")

    watch = Watch(broken, lambda _: None)
    watch.look()
    assert "there is no sandbox" in capsys.readouterr().err
    assert (watch.exit_code, watch.graded) == (3, False)


def test_only_the_submissions_own_files_count(tmp_path: Path) -> None:
    folder = watching._Of(tmp_path)
    assert folder(0, str(tmp_path / "src" / "server.py"))
    for other in (".git/index", "__pycache__/x.pyc", "server.py~", ".server.py.swp"):
        assert not folder(0, str(tmp_path / other)), other
    (tmp_path / "server.py").touch()
    alone = watching._Of(tmp_path / "server.py")
    assert alone(0, str(tmp_path / "server.py"))
    assert not alone(0, str(tmp_path / "report.html"))


def test_a_change_during_a_grading_is_not_missed(tmp_path: Path) -> None:
    program = tmp_path / "server.py"
    program.write_text("1")
    changes = watching._changes(program)
    next(changes)
    program.write_text("22")
    next(changes)


def test_a_folder_may_have_links_that_lead_out_of_it_and_be_deeper_than_any_path(tmp_path: Path) -> None:
    program = tmp_path / "server.py"
    program.write_text("1")
    (tmp_path / "everything").symlink_to("/")
    inner = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 255, dir_fd=inner)
        outer, inner = inner, os.open("d" * 255, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)
    changes = watching._changes(tmp_path)
    next(changes)
    program.write_text("22")
    next(changes)


def test_nothing_to_watch() -> None:
    with pytest.raises(UsageError, match="there is no"):
        watching.watch(Path("/nowhere"), lambda only, listen: FULL, lambda _: None)


@pytest.mark.timeout(120)
def test_a_program_that_is_mended_while_it_is_watched(tmp_path: Path) -> None:
    program = tmp_path / "server.py"
    program.write_bytes((REFERENCE / "broken" / "one_recv_is_one_message.py").read_bytes())
    asked = [
        "--assignment",
        "tcp_uppercase",
        "--role",
        "server",
        "--only",
        "coalesced",
        "--sandbox",
        "local",
        "--watch",
    ]
    command = [sys.executable, "-m", "grader", "check", str(program), *asked]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        waits = (line for line in running.stderr if "waiting for a change" in line)
        next(waits)
        program.write_bytes((REFERENCE / "good" / "threads.py").read_bytes())
        next(waits)
        os.kill(running.pid, signal.SIGINT)
        assert running.wait(60) == 0
