"""Replaying under a debugger: which command it is, and a real session in pdb."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from grader.cli.debugging import filled, not_optimized, under_debugger
from grader.cli.replay import _debugged
from grader.errors import UsageError
from grader.model import SourceLine

PLACE = SourceLine(file="server.py", line=8)


@pytest.mark.parametrize(
    ("run", "command"),
    [
        (
            "python3 server.py {port}",
            ["python3", "-m", "pdb", "-c", "break server.py:8", "-c", "continue", "server.py"],
        ),
        ("python3 -u server.py {port}", ["python3", "-u", "-m", "pdb", "-c", "break server.py:8", "-c", "continue"]),
        ("./server {port}", ["gdb", "-q", "-ex", "break server.py:8", "-ex", "run", "--args", "./server", "{port}"]),
    ],
)
def test_a_program_stops_where_the_report_says_that_it_was(run: str, command: list[str]) -> None:
    assert under_debugger(run.split(), PLACE)[: len(command)] == command


def test_without_a_place_the_debugger_waits() -> None:
    assert under_debugger(["python3", "s.py"], None) == ["python3", "-m", "pdb", "s.py"]
    assert under_debugger(["./s"], None) == ["gdb", "-q", "--args", "./s"]


def test_it_is_built_so_that_its_variables_are_known() -> None:
    build = ["cc", "-Wall", "-O1", "-g", "-o", "server", "-Other.c"]
    assert not_optimized(build) == ["cc", "-Wall", "-O0", "-g", "-o", "server", "-Other.c"]
    assert not_optimized(["g++", "-O"]) == ["g++", "-O0"]


def test_no_debugger_is_known_for_java() -> None:
    with pytest.raises(UsageError, match="none for java"):
        under_debugger(["/usr/bin/java", "Server"], None)


def test_a_debugger_that_is_missing_is_told() -> None:
    assert filled(["gdb", "{port}"], {"port": "7"}, lambda _: "/usr/bin/gdb") == ["gdb", "7"]
    with pytest.raises(UsageError, match="gdb isn't installed here"):
        filled(["gdb"], {}, lambda _: None)


def test_the_conversation_ends_with_the_debugger(tmp_path: Path) -> None:
    player = tmp_path / "player.py"
    player.write_text("import sys, time\nprint(*sys.argv[1:], flush=True)\ntime.sleep(100)\n")
    assert (
        _debugged([sys.executable, str(player)], ["python3", "-c", "import sys; sys.exit(3)", "{port}"], tmp_path) == 0
    )
