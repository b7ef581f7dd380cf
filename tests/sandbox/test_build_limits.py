"""Building happens within limits, and its failure is the submission's, in the compiler's words."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from tests.cli.command import REFERENCE, Command, Ended, assert_nothing_left, make_assignment

RUN = '[server]\nbuild = ["sh", "-c", "{}"]\nrun = ["python3", "server_MARK.py", "{{port}}"]\n'


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.container)])
def sandbox(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def client(request: pytest.FixtureRequest, sandbox: str) -> docker.DockerClient | None:
    return request.getfixturevalue("engine") if sandbox == "docker" else None


def grade_build(command: Command, build: str, sandbox: str, **limits: float) -> Ended:
    submission = command.submit_text("", grader_toml=RUN.format(build))
    assignments = make_assignment(command.folder / "assignments", limits)
    return command.run(
        *("check", submission, "--assignment", "small", "--assignments", assignments),
        *("--sandbox", sandbox, "--json", "-", "--quiet"),
    )


def assert_build_failed(ended: Ended) -> str:
    """The log of the build, after the rest of the report is as it must be."""
    assert ended.code == 1, ended.err
    report = ended.report()
    builds, *others = report["checks"]
    assert (builds["id"], builds["outcome"], builds["reason"]) == ("server.builds", "failed", "build_failed")
    assert {check["outcome"] for check in others} == {"skipped"}
    assert len(others) == 4
    assert report["score"] == 0
    assert report["build"]["outcome"] == "failed"
    log: str = report["build"]["log"]
    return log


def test_a_compiler_s_words_reach_the_student(folder: Path, sandbox: str) -> None:
    command = Command(folder)
    assignments = make_assignment(folder / "assignments")
    program = REFERENCE / "broken" / "does_not_compile.c"
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", sandbox)
    ended = command.run("check", program, *options, "--json", "-")
    log = assert_build_failed(ended)
    assert "does_not_compile.c:77:5: error:" in log
    assert "does_not_compile.c:77:5: error:" in ended.err, "the console shows it too"
    assert "1 failed, 4 skipped" in ended.err


def test_a_build_that_hangs_is_cut(folder: Path, sandbox: str, client: docker.DockerClient | None) -> None:
    command = Command(folder)
    ended = grade_build(command, "trap : INT TERM HUP; setsid sleep 1000", sandbox, build_s=1)
    assert "building took longer than 1 s" in assert_build_failed(ended)
    assert 1.0 <= ended.took_s < 10.0
    assert_nothing_left(command, client)


def test_a_build_that_floods_is_cut(folder: Path, sandbox: str) -> None:
    ended = grade_build(Command(folder), "yes", sandbox, build_s=30, output_flood_bytes=1 << 20)
    assert "printed more than 1 MiB" in assert_build_failed(ended)
    assert ended.took_s < 10.0
    assert len(ended.out) < 1 << 20, "only the head of it is kept"


def test_a_build_that_leaves_a_process_does_not_keep_it(
    folder: Path, sandbox: str, client: docker.DockerClient | None
) -> None:
    command = Command(folder)
    ended = grade_build(command, "sleep 1000 & exit 3", sandbox, build_s=30)
    assert "exited with status 3" in assert_build_failed(ended)
    assert_nothing_left(command, client)


def test_a_build_command_that_is_missing_is_named(folder: Path, sandbox: str) -> None:
    # A folder that the program's user may not enter would be called the reason.
    command = Command(folder, environment={"PATH": "/usr/bin:/bin"})
    toml = '[server]\nbuild = ["no-such-tool", "all"]\nrun = ["./server", "{port}"]\n'
    submission = command.submit_text("", grader_toml=toml)
    assignments = make_assignment(folder / "assignments")
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", sandbox, "--json", "-", "--quiet")
    log = assert_build_failed(command.run("check", submission, *options))
    assert "no-such-tool: No such file or directory" in log


def test_the_time_for_the_whole_submission_is_a_limit(folder: Path) -> None:
    """A program that takes its own time over every start meets it, and so fails what was not played."""
    command = Command(folder)
    slow = "import signal\nwhile True:\n    signal.sigtimedwait([], 0.01)\n"
    checks = [(f"server.{name}", "1.1", "") for name in ("bad_arguments_reported", "listens", "answers")]
    assignments = make_assignment(folder / "assignments", {"whole_s": 1}, checks)
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", "local", "--json", "-", "--quiet")
    ended = command.run("check", command.submit_text(slow), *options)
    assert ended.check("server.answers")["reason"] == "too_slow"
    assert ended.report()["unjudged"] == 0
    assert ended.code == 1
