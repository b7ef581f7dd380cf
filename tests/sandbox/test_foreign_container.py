"""The local sandbox inside somebody else's container, as a CI job runs it: no namespaces, few capabilities."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

import docker
import pytest

from grader.sandbox.images import Contents, Images
from grader.sandbox.local import WITHOUT_NAMESPACES
from tests.cli.command import HOSTILE, ROOT, Command, make_assignment

_PYTHON = "/usr/bin/python3"
_SAME_PYTHON = sys.version_info[:2] == (3, 11)


#: Who the grader is -> what its sandbox is called.
USERS = {"0": WITHOUT_NAMESPACES[True], "1000": WITHOUT_NAMESPACES[False]}
#: Program -> the checks that are played (none: all of its role), and those that fail.
UPPERCASE = {
    "good/pair_python": (["unknown_host_reported", "port_reuse_after_ctrl_c", "pair.works_together"], []),
    "broken/no_reuse_address.c": (["port_reuse_after_ctrl_c"], ["server.port_reuse_after_ctrl_c"]),
    "broken/client_traceback_without_host.py": (["unknown_host_reported"], ["client.unknown_host_reported"]),
}


def grade(engine: docker.DockerClient, user: str, *arguments: str | Path, shown: Path = ROOT) -> dict[str, Any]:
    """The report of a grading there; `shown`: a folder that it sees besides the project's."""
    libraries = sysconfig.get_path("purelib")
    words = engine.containers.run(
        Images(engine, lambda _: None).supply(Contents())["sandbox"].id,
        ["-c", _WITHOUT_STATUS, "check", *map(str, arguments), *_OPTIONS],
        entrypoint=_PYTHON,
        user=user,
        network_mode="none",
        environment={"PYTHONPATH": f"{ROOT}:{libraries}"},
        volumes={str(path): {"bind": str(path), "mode": "ro"} for path in (ROOT, libraries, shown)},
        remove=True,
    )
    report: dict[str, Any] = json.loads(words)
    assert report["grader"]["sandbox"] == USERS[user]
    return report


def not_passed(report: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["outcome"] for check in report["checks"] if check["outcome"] != "passed"}


@pytest.mark.container
@pytest.mark.skipif(not _SAME_PYTHON, reason="the image's Python 3.11 can't import libraries built for another version")
@pytest.mark.parametrize(
    ("user", "program"),
    [
        ("0", "good/pair_python"),
        ("1000", "good/pair_python"),
        ("0", "broken/client_traceback_without_host.py"),
        ("1000", "broken/no_reuse_address.c"),
    ],
)
def test_gets_the_same_verdict(engine: docker.DockerClient, user: str, program: str) -> None:
    checks, failed = UPPERCASE[program]
    only = [word for check in checks for word in ("--only", check)]
    path = f"{ROOT}/reference/tcp_uppercase/{program}"
    report = grade(engine, user, path, "--assignment", "tcp_uppercase", *only)
    assert not_passed(report) == dict.fromkeys(failed, "failed")
    assert report["unjudged"] == 0


@pytest.mark.container
@pytest.mark.skipif(not _SAME_PYTHON, reason="the image's Python 3.11 can't import libraries built for another version")
@pytest.mark.parametrize(
    ("program", "user", "check", "reasons"),
    [
        ("looks_for_its_graders", "0", "server.listens", {None}),
        ("kills_its_parent", "0", "server.listens", {None}),
        ("hides_itself", "0", "server.listens", {"hidden"}),
        ("counts_its_starts", "0", "server.leaves_nothing_running", {None}),
        ("looks_for_its_graders", "1000", "server.listens", {"crashed"}),  # its user's processes may be signalled
    ],
)
def test_a_user_of_its_own_keeps_it_from_its_graders(
    engine: docker.DockerClient, folder: Path, program: str, user: str, check: str, reasons: set[str | None]
) -> None:
    assignments = make_assignment(folder / "assignments")
    submission = Command(folder).submit(HOSTILE / f"{program}.py", HOSTILE / "honest.py")
    options = ("--assignment", "small", "--assignments", assignments, "--only", check)
    report = grade(engine, user, submission, *options, shown=folder)
    assert {played["reason"] for played in report["checks"] if played["id"] == check} == reasons


_OPTIONS = ("--sandbox", "local", "--json", "-", "--quiet")
#: A failed check ends the command with 1, which the engine's client would raise; the report says it too.
_WITHOUT_STATUS = "from grader import cli\ntry:\n    cli.main()\nexcept SystemExit:\n    pass\n"
