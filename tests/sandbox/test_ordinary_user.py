"""The local sandbox for whom it is made: an ordinary user, with namespaces or refused them."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.sandbox.local import WITHOUT_NAMESPACES
from tests.cli.command import (
    HOSTILE,
    RIGHT,
    UPPERCASE,
    Ended,
    User,
    assert_nothing_left,
    make_assignment,
    ordinary_user,
)

# A user may run so many processes in all, and these programs fill that number.
pytestmark = pytest.mark.xdist_group("nobody")
#: A process that forks sandboxes outlives them, and a program may run as the same user.
LOOKS_INTO_ITS_FORK_SERVER = """
from contextlib import suppress
from grader.sandbox.fork_server import ForkServer
with ForkServer() as server:
    assert server.fork(()) is not None  # so it is ready
    with suppress(PermissionError):
        open(f"/proc/{server.pid}/mem")
        raise SystemExit(1)
"""
FULL = ("check", "--assignment", "tcp_uppercase", "--sandbox", "local", "--json", "-")
RIGHT_CLIENT = RIGHT.with_name("client_arguments.py")


@pytest.fixture(scope="module")
def user() -> User:
    found = ordinary_user()
    if found is None:
        pytest.skip("the user nobody has no interpreter here that can import the grader and its libraries")
    return found


@pytest.fixture(scope="module")
def refused(user: User) -> User:
    """That user, where the kernel refuses namespaces."""
    found = user.refused_namespaces()
    if not found.can("true"):
        pytest.skip("the tests can't make a user namespace here, so they can't make one that refuses others")
    assert not found.can("unshare", "-U", "true")
    return found


def assert_full_marks(ended: Ended) -> None:
    assert ended.code == 0, ended.out + ended.err
    report = ended.report()
    assert report["score"] == report["max_score"] == sum(spec.points for spec in UPPERCASE.checks)
    assert report["unjudged"] == 0


def test_full_marks_with_namespaces(folder: Path, user: User) -> None:
    if not user.can("unshare", "-U", "-n", "-p", "-m", "-f", "true"):
        pytest.skip("this kernel refuses namespaces to an ordinary user")
    command = user.command(folder)
    ended = command.run(*FULL, command.submit(RIGHT, RIGHT_CLIENT))
    assert_full_marks(ended)
    words = ended.report()["grader"]["sandbox"]
    assert "in namespaces of its own" in words
    assert_nothing_left(command)


def test_a_program_of_the_same_user_does_not_end_the_warden_of_its_namespace(folder: Path, user: User) -> None:
    if not user.can("unshare", "-U", "-n", "-p", "-m", "-f", "true"):
        pytest.skip("this kernel refuses namespaces to an ordinary user")
    command = user.command(folder)
    assignments = make_assignment(folder / "assignments")
    submission = command.submit(HOSTILE / "kills_its_parent.py", HOSTILE / "honest.py")
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", "local")
    ended = command.run("check", submission, *options)
    assert ended.code == 0, ended.out + ended.err
    assert_nothing_left(command)


def test_full_marks_without_namespaces_and_the_words_say_so(folder: Path, refused: User) -> None:
    command = refused.command(folder)
    ended = command.run(*FULL, command.submit(RIGHT, RIGHT_CLIENT))
    assert_full_marks(ended)
    said = WITHOUT_NAMESPACES[False]
    assert ended.report()["grader"]["sandbox"] == said
    assert said in " ".join(ended.err.split()), "the console says so too"
    assert_nothing_left(command)


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("leaves_daemon", 1),
        ("ignores_signals", 1),
        ("forks_without_end", 1),
        ("fills_memory", 1),
        ("makes_folders_it_cannot_enter", 0),
        ("hides_itself", 1),
        ("kills_its_parent", 3),  # nothing keeps it from the warden, which is the same user's
    ],
)
def test_without_namespaces_nothing_is_left_either(folder: Path, refused: User, program: str, code: int) -> None:
    command = refused.command(folder)
    limits = {"memory_bytes": 128 << 20, "disk_bytes": 8 << 20, "processes": 48}
    assignments = make_assignment(folder / "assignments", limits)
    submission = command.submit(HOSTILE / f"{program}.py", HOSTILE / "honest.py")
    ended = command.run(
        "check", submission, "--assignment", "small", "--assignments", assignments, "--sandbox", "local"
    )
    assert ended.code == code, ended.out + ended.err
    assert_nothing_left(command)


def test_doctor_tells_that_namespaces_are_refused(folder: Path, refused: User) -> None:
    ended = refused.command(folder).run("doctor")
    assert "no  private namespaces for the local sandbox: refused" in ended.out
    assert "local" in ended.out.splitlines()[-1]


def test_nobody_looks_into_the_process_that_forks_sandboxes(user: User) -> None:
    assert user.can(user.python, "-c", LOOKS_INTO_ITS_FORK_SERVER)


@pytest.mark.parametrize("namespaces", [True, False])
def test_sandboxes_are_forked(folder: Path, user: User, namespaces: bool, request: pytest.FixtureRequest) -> None:
    command = (user if namespaces else request.getfixturevalue("refused")).command(folder)
    ended = command.run(
        "verify", "tcp_uppercase", "--sandbox", "local", "--program", "good/threads.py", "--rounds", "2",
        "--only", "server.listens", "--only", "server.answers",
    )  # fmt: skip
    assert ended.code == 0, ended.out + ended.err
    assert_nothing_left(command)
