"""The command with an assignment that asks for a server and a client: what is graded, what is said, what counts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.cli.command import REFERENCE, RIGHT, ROOT, Command, Ended, assert_nothing_left
from tests.cli.test_command import assert_not_clear, assert_one_sentence

TOML = """
title = "Two"
roles = ["server", "client"]
transport = "tcp"
[server]
default_port = 12000
[client]
"""
CHECKS = (
    ("server.listens", 2, ()),
    ("server.talks", 1, ("server.listens",)),
    ("client.starts", 3, ()),
    ("client.talks", 2, ("client.starts",)),
    ("pair.meet", 4, ("server.talks", "client.talks")),
)
OWN = {
    "test_own.py": """
def test_talks(connect, protocol):
    '''Answers'''
    with connect() as client:
        client.ask(protocol.exchange(1))
""",
    "test_client_own.py": """
from grader import fail

def test_starts(stage):
    '''Starts'''
    program = stage.programs.run(("python3", "client.py", "start"))
    program.wait_end()
    assert program.stdout.data == b"started\\r\\n"

def test_talks(stage):
    '''Prints'''
    program = stage.programs.run(("python3", "client.py"))
    program.wait_end()
    if program.stdout.data != b"hello\\r\\n":
        fail(None, "it does not say hello", expected=b"hello\\r\\n", received=bytes(program.stdout.data))
""",
    "test_pair_own.py": """
def test_meet(stage):
    '''Both run'''
    stage.launch()
""",
}
CLIENT = """
import sys
print("started" if "start" in sys.argv else "hello")
"""
SILENT_CLIENT = "print('started')"


@pytest.fixture
def two(folder: Path) -> tuple[str | Path, ...]:
    """Options for an assignment `two`, in the local sandbox."""
    place = folder / "assignments" / "two"
    place.mkdir(parents=True)
    shutil.copy(ROOT / "assignments" / "tcp_uppercase" / "protocol.py", place)
    for name, text in OWN.items():
        (place / name).write_text(text)
    rows = [
        f'checks.{check} = {{ requirement = "1.{number}", points = {points}, needs = {list(needs)} }}\n'
        for number, (check, points, needs) in enumerate(CHECKS, 1)
    ]
    (place / "assignment.toml").write_text("".join(rows) + TOML)
    lines = [f"- **1.{number}** Requirement {number}.\n" for number in range(1, len(CHECKS) + 1)]
    (place / "handout.md").write_text("# Two\n\n" + "".join(lines))
    return "--assignment", "two", "--assignments", place.parent, "--sandbox", "local"


def submit(folder: Path, **files: str) -> Path:
    """A folder with these files; `server_py` for `server.py`."""
    place = folder / "handed"
    place.mkdir()
    for name, text in files.items():
        (place / name.replace("_", ".")).write_text(text)
    return place


def test_both_are_graded_apart_and_added_up(folder: Path, two: tuple[str | Path, ...]) -> None:
    command = Command(folder)
    junit = folder / "r.xml"
    handed = submit(folder, server_py=RIGHT.read_text(), client_py=SILENT_CLIENT)
    ended = command.run("check", handed, *two, "--json", "-", "--junitxml", junit)
    assert ended.outcomes() == {
        "server.listens": "passed",
        "server.talks": "passed",
        "client.starts": "passed",
        "client.talks": "failed",
        "pair.meet": "skipped",
    }
    report = ended.report()
    assert (ended.code, report["role"], report["score"], report["max_score"]) == (1, "both", 6, 12)
    assert "the server is 'server.py' (Python)" in ended.err
    assert "the client is 'client.py' (Python)" in ended.err
    for words in ("Server: 3 of 3 points", "Client: 3 of 5 points", "Together: 0 of 4 points", "Score: 6 of 12 points"):
        assert words in ended.err.splitlines()
    suites = JUnitXml.fromfile(str(junit))
    named = [(suite.name, case.name.rpartition(" ")[2]) for suite in suites for case in suite]
    assert named == [(f"two.{check.partition('.')[0]}", f"({check})") for check, _, _ in CHECKS]
    assert_nothing_left(command)


def test_two_right_programs_get_all_points(folder: Path, two: tuple[str | Path, ...]) -> None:
    ended = Command(folder).run("check", submit(folder, server_py=RIGHT.read_text(), client_py=CLIENT), *two)
    assert ended.code == 0
    assert "Score: 12 of 12 points" in ended.out.splitlines()


@pytest.mark.parametrize(("role", "points"), [("server", 3), ("client", 5)])
def test_role_grades_only_that_program(folder: Path, two: tuple[str | Path, ...], role: str, points: int) -> None:
    handed = submit(folder, server_py=RIGHT.read_text(), client_py=CLIENT)
    ended = Command(folder).run("check", handed, *two, "--role", role, "--json", "-", "--quiet")
    assert ended.code == 0
    assert {check.partition(".")[0] for check in ended.outcomes()} == {role}
    assert (ended.report()["role"], ended.report()["max_score"]) == (role, points)


def assert_without_a_client(ended: Ended) -> None:
    assert ended.code == 1
    assert ended.outcomes() == {
        "server.listens": "passed",
        "server.talks": "passed",
        "client.handed_in": "failed",
        "client.starts": "skipped",
        "client.talks": "skipped",
        "pair.meet": "skipped",
    }
    assert (ended.report()["score"], ended.report()["max_score"], ended.report()["role"]) == (3, 12, "both")
    absent = ended.check("client.handed_in")
    assert (absent["reason"], absent["max_points"]) == ("not_handed_in", 0)
    assert absent["message"] == "This submission has a server ('server.py') but no client."
    assert ended.check("pair.meet")["message"] == "skipped: the client was not handed in"


def test_a_folder_without_a_client_loses_its_points(folder: Path, two: tuple[str | Path, ...]) -> None:
    handed = submit(folder, server_py=RIGHT.read_text())
    assert_without_a_client(Command(folder).run("check", handed, *two, "--json", "-", "--quiet"))


def test_an_archive_without_a_client_loses_its_points(folder: Path, two: tuple[str | Path, ...]) -> None:
    handed = submit(folder, server_py=RIGHT.read_text())
    archive = shutil.make_archive(str(folder / "handed"), "zip", handed)
    assert_without_a_client(Command(folder).run("check", Path(archive), *two, "--json", "-", "--quiet"))


def test_a_single_file_loses_the_points_of_the_other_program(folder: Path, two: tuple[str | Path, ...]) -> None:
    program = submit(folder, server_py=RIGHT.read_text()) / "server.py"
    ended = Command(folder).run("check", program, *two, "--json", "-")
    assert_without_a_client(ended)
    notes = [line for line in ended.err.splitlines() if line.startswith("no client was handed in")]
    assert notes == ["no client was handed in, which costs its points (--role server grades the server alone)"]


def test_a_single_file_is_graded_alone_by_its_role(folder: Path, two: tuple[str | Path, ...]) -> None:
    program = submit(folder, client_py=CLIENT) / "client.py"
    ended = Command(folder).run("check", program, *two, "--role", "client", "--json", "-")
    assert (ended.code, ended.report()["score"], ended.report()["max_score"]) == (0, 5, 5)
    assert "Only part of the assignment was graded (--role client): 5 of its 12 points." in ended.err.splitlines()


def test_a_build_that_fails_is_one_programs_fault(folder: Path, two: tuple[str | Path, ...]) -> None:
    makefile = "server: server.py\n\tcp server.py server && chmod +x server\nclient:\n\t@echo no client; false\n"
    server = f"#!/usr/bin/env python3\n{RIGHT.read_text()}"
    config = '[server]\nbuild = "make server"\nrun = ["./server", "{port}"]\n[client]\n'
    config += 'build = "make client"\nrun = ["./client"]\n'
    handed = submit(folder, server_py=server, Makefile=makefile, grader_toml=config)
    ended = Command(folder).run("check", handed, *two, "--json", "-")
    assert ended.code == 1
    assert ended.outcomes() == {
        "server.listens": "passed",
        "server.talks": "passed",
        "client.builds": "failed",
        "client.starts": "skipped",
        "client.talks": "skipped",
        "pair.meet": "skipped",
    }
    build = ended.report()["build"]
    assert build["outcome"] == "failed"
    assert build["log"].startswith("server:\ncp server.py server")
    assert "\nclient:\nno client\n" in build["log"]
    assert "Next: fix the client's build: make: ***" in ended.err


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        (("talks",), {"server.listens", "server.talks", "client.starts", "client.talks"}),
        (("client.talks",), {"client.starts", "client.talks"}),
        (("meet",), {check for check, _, _ in CHECKS}),
        (("starts", "listens"), {"server.listens", "client.starts"}),
    ],
)
def test_only_takes_checks_of_any_role(
    folder: Path, two: tuple[str | Path, ...], only: tuple[str, ...], ids: set[str]
) -> None:
    handed = submit(folder, server_py=RIGHT.read_text(), client_py=CLIENT)
    options = [word for check in only for word in ("--only", check)]
    ended = Command(folder).run("check", handed, *two, *options, "--json", "-", "--quiet")
    assert (ended.code, set(ended.outcomes())) == (0, ids)


def test_a_check_of_the_other_role_is_wrong_usage(folder: Path, two: tuple[str | Path, ...]) -> None:
    ended = Command(folder).run("check", RIGHT, *two, "--role", "server", "--only", "client.talks")
    assert_one_sentence(ended, 2, "two (--role server) has no check 'client.talks'")


def test_neither_program_is_wrong_usage(folder: Path, two: tuple[str | Path, ...]) -> None:
    ended = Command(folder).run("check", submit(folder, notes_txt="", more_txt=""), *two)
    assert_one_sentence(ended, 2, "no server was found")


def test_several_clients_are_wrong_usage(folder: Path, two: tuple[str | Path, ...]) -> None:
    handed = submit(folder, server_py="", client_c="", tcpclient_py="")
    line = assert_not_clear(Command(folder).run("check", handed, *two), "could each be the client")
    assert line.startswith("client = {")


def test_verify_takes_programs_of_one_role(folder: Path) -> None:
    options = ("--program", "good/threads.py", "--sandbox", "local")
    assert "1 gradings" in Command(folder).run("verify", "tcp_sum", *options, "--role", "server").out
    ended = Command(folder).run("verify", "tcp_sum", *options, "--role", "client")
    assert_one_sentence(ended, 2, "none of these reference programs is graded as client")


def test_list_shows_the_roles_apart(folder: Path, two: tuple[str | Path, ...]) -> None:
    shown = Command(folder).run("list", "two", *two[2:4]).out
    assert shown.startswith("two: Two, 5 checks, 12 points\n\nThe server is started as `server PORT`.\n")
    assert "\n\nServer: 2 checks, 3 points\n\n   2  server.listens\n" in shown
    order = ["Server: 2 checks, 3 points", "server.talks", "Client: 2 checks, 5 points", "client.starts"]
    places = [shown.index(words) for words in (*order, "client.talks", "Together: 1 check, 4 points", "pair.meet")]
    assert places == sorted(places)
    assert "Server:" not in Command(folder).run("list", "web_server").out


def test_of_two_programs_it_is_told_what_each_did_before_it_was_stopped(folder: Path) -> None:
    pair = REFERENCE / "broken" / "pair_of_two_line_ends"
    options = ("--assignment", "tcp_uppercase", "--sandbox", "local", "--json", "-", "--quiet")
    message = (
        Command(folder)
        .run("check", pair, "--only", "pair.works_together", *options)
        .check("pair.works_together")["message"]
    )
    assert "your server: blocked in recv on a connection\n" in message
    assert "your client: blocked in recv on a connection\n" in message
