"""The host is killed by SIGKILL, at moments told by what it has brought about: soon nothing remains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.cli.command import HOSTILE, Command, assert_nothing_left, make_assignment, wait_until

BUILDS_FOR_EVER = """[server]
build = ["sh", "-c", "trap : INT TERM HUP; setsid sleep 1000; : MARK"]
run = ["python3", "server_MARK.py", "{port}"]
"""
#: It daemonizes, ignores every signal, and never serves: the check that waits for it plays until READY_S.
NEVER_READY = (HOSTILE / "leaves_daemon.py").read_text().replace("honest.serve()", "while True:\n    os.getppid()\n")

NEST = "grader.sandbox.nest"


def start(command: Command, submission: Path, sandbox: str) -> None:
    assignments = make_assignment(command.folder / "assignments")
    command.start(
        "check", submission, "--assignment", "small", "--assignments", assignments, "--sandbox", sandbox, "--quiet"
    )


def kill_when(command: Command, moment: Callable[[], object], client: docker.DockerClient | None = None) -> None:
    """Kill the host at that moment; nothing may outlive it."""
    assert command.process is not None
    try:
        assert wait_until(moment, 30), "that moment never came"
        assert command.process.poll() is None, "it has ended before"
    finally:
        command.process.kill()
        command.process.wait()
    assert_nothing_left(command, client)


def runs(command: Command, words: str) -> Callable[[], bool]:
    """Whether a process of the run has these words among its arguments."""
    return lambda: any(words.replace("MARK", command.mark) in process for process in command.processes())


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_local_right_after_the_start(folder: Path, processes: int) -> None:
    """When the nest runs, then the driver beside it, then the warden as well."""
    command = Command(folder)
    start(command, command.submit_text(NEVER_READY, honest_py=""), "local")
    kill_when(command, lambda: len([each for each in command.processes() if NEST in each]) >= processes)


def test_local_while_building(folder: Path) -> None:
    command = Command(folder)
    start(command, command.submit_text("", grader_toml=BUILDS_FOR_EVER), "local")
    kill_when(command, runs(command, "sh -c trap"))


def test_local_while_checks_play(folder: Path) -> None:
    command = Command(folder)
    start(command, command.submit_text(NEVER_READY, honest_py=""), "local")
    kill_when(command, runs(command, "python3 server_MARK.py"))


@pytest.mark.container
def test_docker_when_the_first_container_appears(folder: Path, engine: docker.DockerClient) -> None:
    command = Command(folder)
    start(command, command.submit_text(NEVER_READY, honest_py=""), "docker")
    kill_when(command, lambda: command.engine_things(engine), engine)


@pytest.mark.container
def test_docker_when_the_volume_appears(folder: Path, engine: docker.DockerClient) -> None:
    """Both containers and the volume are there, or on their way."""
    command = Command(folder)
    start(command, command.submit_text(NEVER_READY, honest_py=""), "docker")
    kill_when(command, lambda: len(command.engine_things(engine)) >= 3, engine)


@pytest.mark.container
def test_docker_while_building(folder: Path, engine: docker.DockerClient) -> None:
    command = Command(folder)
    start(command, command.submit_text("", grader_toml=BUILDS_FOR_EVER), "docker")
    kill_when(command, runs(command, "sh -c trap"), engine)


@pytest.mark.container
def test_docker_while_checks_play(folder: Path, engine: docker.DockerClient) -> None:
    command = Command(folder)
    start(command, command.submit_text(NEVER_READY, honest_py=""), "docker")
    kill_when(command, runs(command, "python3 server_MARK.py"), engine)
