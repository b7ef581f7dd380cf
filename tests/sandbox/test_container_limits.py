"""What a container counts, and what becomes of it: memory that is nobody's, processes, pseudo-terminals, CPUs."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from tests.cli.command import HOSTILE, Command, make_assignment
from tests.sandbox.test_hostile import LIMITS, submit

pytestmark = pytest.mark.container


def test_the_warden_outlives_hidden_memory(folder: Path, engine: docker.DockerClient) -> None:
    """Every check is judged: the program is ended in time, and told so."""
    command = Command(folder)
    assignments = make_assignment(folder / "assignments", LIMITS)
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", "docker", "--json", "-", "--quiet")
    ended = command.run("check", submit(command, "hides_memory"), *options)
    checks = ended.report()["checks"]
    assert {check["outcome"] for check in checks} <= {"passed", "failed", "skipped"}, checks


TAKES_TERMINALS = """
import os, sys
import honest
taken = []
try:
    while True:
        taken.append(os.openpty())
except OSError:
    honest.serve(lambda _: b"%d\\n" % len(taken))
"""


def test_pseudo_terminals_are_few(folder: Path) -> None:
    """The machine's are for all: nobody else may run out of them."""
    command = Command(folder)
    assignments = make_assignment(folder / "assignments", LIMITS)
    submission = command.submit_text(TAKES_TERMINALS, honest_py=(HOSTILE / "honest.py").read_text())
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", "docker", "--json", "-", "--quiet")
    ended = command.run("check", submission, *options, "--only", "answers", "--only", "ctrl_c_stops")
    assert b"31" in ended.out.encode()
    assert ended.outcomes()["server.ctrl_c_stops"] == "passed"
