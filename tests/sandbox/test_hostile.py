"""Hostile programs, each in both sandboxes: a verdict in bounded time, and nothing is left behind.

`hostile/` holds the programs.  What each must get is in one table; whoever adds a program adds a row.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

import docker
import pytest

from tests.cli.command import HOSTILE, RIGHT, Command, Ended, assert_nothing_left, make_assignment

LIMITS: Final = {
    "memory_bytes": 128 << 20,
    "disk_bytes": 8 << 20,
    "disk_files": 500,
    "output_flood_bytes": 1 << 20,
    "processes": 48,
    "whole_s": 90,
}
#: Far more than any takes on an idle machine (stops_itself 6 s, the others 1 s), far less than `whole_s`.
BOUND_S: Final = 60.0

LISTENS, ANSWERS = "server.listens", "server.answers"
CTRL_C, LEAVES = "server.ctrl_c_stops", "server.leaves_nothing_running"

#: Program -> exit code, and for each check that does not pass the outcome and the reasons that are true of it.
VERDICTS: Final[dict[str, tuple[int, dict[str, tuple[str, set[str]]]]]] = {
    "never_starts": (1, {LISTENS: ("failed", {"not_listening"})}),
    "stops_itself": (1, {LISTENS: ("failed", {"not_listening"})}),
    "floods_output": (1, {LISTENS: ("failed", {"output_flood"})}),
    # Which limit a fork bomb meets first, processes or memory, is a race.
    "forks_without_end": (1, {LISTENS: ("failed", {"too_many_processes", "out_of_memory"})}),
    "fills_memory": (1, {LISTENS: ("failed", {"out_of_memory", "not_listening"})}),
    "prints_traps": (1, {LISTENS: ("failed", {"crashed"})}),
    "ignores_signals": (1, {CTRL_C: ("failed", {"still_running"})}),
    "leaves_daemon": (1, {LEAVES: ("failed", {"left_running"})}),
    "raw_terminal": (1, {CTRL_C: ("failed", {"still_running"})}),
    "fills_disk_by_one_file": (0, {}),
    "fills_disk_by_many_files": (0, {}),
    "kills_its_parent": (0, {}),
    "looks_for_its_graders": (0, {}),
    "hides_itself": (0, {}),  # nothing is hidden from a warden with SYS_PTRACE
    "closes_stdio": (0, {}),
    "writes_everywhere": (0, {}),
    "makes_folders_it_cannot_enter": (0, {}),
    "forks_workers": (0, {}),
    "counts_its_starts": (0, {}),
    # Bound sockets are counted, whether they listen or not.
    "holds_ports": (
        1,
        {
            **dict.fromkeys((LISTENS, ANSWERS, CTRL_C), ("failed", {"too_many_files"})),
            LEAVES: ("skipped", {"prerequisite"}),
        },
    ),
    "replies_without_end": (
        1,
        {ANSWERS: ("failed", {"wrong_reply"}), LEAVES: ("skipped", {"prerequisite"})},
    ),
}

Engine = docker.DockerClient | None


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.container)])
def sandbox(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def client(request: pytest.FixtureRequest, sandbox: str) -> Engine:
    return request.getfixturevalue("engine") if sandbox == "docker" else None


def grade(command: Command, submission: Path, sandbox: str, *more: str | Path) -> Ended:
    """Grade with small limits; the report on standard output."""
    assignments = make_assignment(command.folder / "assignments", LIMITS)
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", sandbox, "--json", "-", "--quiet")
    return command.run("check", submission, *options, *more)


def submit(command: Command, program: str) -> Path:
    return command.submit(HOSTILE / f"{program}.py", HOSTILE / "honest.py")


def test_every_hostile_program_has_a_verdict_here() -> None:
    programs = {path.stem for path in HOSTILE.glob("*.py")}
    beside = {"hides_memory", "honest", "stores_and_prints", "tells_what_it_sees", "tries_refused_calls"}
    assert programs == {*VERDICTS, *beside}


@pytest.mark.parametrize("program", VERDICTS)
def test_gets_its_verdict_and_leaves_nothing(folder: Path, program: str, sandbox: str, client: Engine) -> None:
    command = Command(folder)
    ended = grade(command, submit(command, program), sandbox)
    code, wrong = VERDICTS[program]
    got = {check["id"]: check for check in ended.report()["checks"]}
    explained = {check_id: (check["outcome"], check["reason"]) for check_id, check in got.items()}
    assert ended.code == code, (explained, ended.err)
    for check_id, check in got.items():
        needed_failed = LISTENS in wrong and check_id != LISTENS
        outcome, reasons = wrong.get(check_id, ("skipped", {"prerequisite"}) if needed_failed else ("passed", {None}))
        assert check["outcome"] == outcome, explained
        assert check["reason"] in reasons, explained
    assert ended.took_s < BOUND_S
    assert_nothing_left(command, client)


def test_a_right_server_gets_full_marks_after_a_hostile_one(folder: Path, sandbox: str, client: Engine) -> None:
    """The worst of each kind first: processes, memory, disk, files, a daemon."""
    for program in ("forks_without_end", "leaves_daemon", "fills_disk_by_many_files"):
        own = folder / program
        own.mkdir()
        command = Command(own)
        grade(command, submit(command, program), sandbox, "--only", "answers")
    after = Command(folder)
    ended = grade(after, after.submit(RIGHT), sandbox)
    assert ended.code == 0, ended.out
    assert_nothing_left(after, client)


@pytest.mark.parametrize(
    "name",
    [
        "$(touch pwned);server.py",
        "server'; touch pwned #.py",
        '"server" `touch pwned` {port} {0}.py',
        "-server.py",
        "sérvér [bold]\x1b[31m\n.py",
    ],
)
def test_a_file_name_is_no_command(folder: Path, name: str, sandbox: str, client: Engine) -> None:
    command = Command(folder)
    program = folder / name
    program.write_text(RIGHT.read_text())
    ended = grade(command, program, sandbox, "--only", "answers")
    assert ended.code == 0, ended.out + ended.err
    assert not list(folder.rglob("pwned"))


def test_a_c_file_name_is_no_command(folder: Path) -> None:
    command = Command(folder)
    program = folder / "$(touch pwned) server;.c"
    program.write_text((RIGHT.parent / "poll.c").read_text())
    ended = grade(command, program, "local", "--only", "answers")
    assert ended.code == 0, ended.out + ended.err


def test_what_it_prints_steers_no_report(folder: Path, sandbox: str) -> None:
    command = Command(folder)
    assignments = make_assignment(folder / "assignments", LIMITS)
    page, junit = folder / "page.html", folder / "junit.xml"
    ended = command.run(
        *("check", submit(command, "prints_traps"), "--assignment", "small", "--assignments", assignments),
        *("--sandbox", sandbox, "--html", page, "--junitxml", junit),
    )
    assert ended.code == 1
    assert '{"type":"finished"}' in ended.out, "its words are shown"
    for written in (ended.out, ended.err, page.read_text(), junit.read_text()):
        assert not set(written) & set("\x1b\x9b\x00\x07\x08\u202e")
    assert "<script>alert" not in page.read_text()


def seen_by_submission(ended: Ended) -> dict[str, Any]:
    """What `tells_what_it_sees` answered."""
    events = ended.check(ANSWERS)["evidence"]
    received = b"".join(base64.b64decode(event["data"]) for event in events if event["kind"] == "received")
    assert not any(event.get("omitted_bytes") for event in events)
    seen: dict[str, Any] = json.loads(received)
    return seen


def test_sees_nothing_of_the_grader_and_what_programs_need(folder: Path, sandbox: str) -> None:
    """The same in both sandboxes when the grader's user is root; the local one keeps an ordinary user's own id."""
    command = Command(folder)
    seen = seen_by_submission(grade(command, submit(command, "tells_what_it_sees"), sandbox, "--only", "answers"))
    assert set(seen["capabilities"]) == {"0" * 16}
    assert seen["no_new_privs"] == "1"
    assert seen["interfaces"] == ["lo"]
    assert seen["routes"] == []
    assert seen["writable"] == []
    assert seen["sockets"] == []
    assert seen["descriptors"] in ([0, 1, 2], [0, 1, 2, 3]), "listing them takes one"
    assert "GRADER_TEST_MARK" not in seen["environment"]
    # Itself and the warden, whose arguments name neither the checks nor the submission.
    assert len(seen["processes"]) == 2
    # In a network of its own, so that a slow reader's server blocks after kilobytes.
    assert seen["send_buffers"] == [4096] * 3
    # What a login gives.
    assert {"USER", "LOGNAME"} <= set(seen["environment"])
    # AI_ADDRCONFIG finds none of a family of which the machine has nothing but 127.0.0.1 or ::1.
    assert seen["found"] == [True, True]
    if sandbox == "docker":
        assert seen["uid"] == seen["gid"] == [65534] * 3
        assert seen["groups"] == []
        assert seen["readable"] == []
        assert seen["checks"] is False
