"""An assignment's files lie beside its programs, which can read them and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import docker
import pytest

from grader import flow
from grader.assignment import Assignment, examine, load
from grader.limits import MAX_FILES_BYTES
from grader.model import Outcome
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.host import Sandbox
from grader.sandbox.images import Contents, Images
from grader.sandbox.local import LocalSandbox
from tests.cli.command import User, ordinary_user

TABLE = """\
title = "Files"
roles = ["server"]
transport = "tcp"

[server]
arguments = ["{port}", "{files}"]

[checks.server]
answers = "1.1"
"""
#: Its reply has what is in the file, and how many of the ways to change something worked.
SERVER = r"""
import os, socket, sys
port, files = int(sys.argv[1]), sys.argv[2]
path = os.path.join(files, "words", "list.txt")
def tried(*ways):
    worked = 0
    for way in ways:
        try:
            way()
            worked += 1
        except OSError:
            pass
    return worked
changed = tried(
    lambda: open(path, "a"), lambda: os.chmod(path, 0o777), lambda: os.unlink(path),
    lambda: os.rename(path, path + "x"), lambda: os.mkdir(os.path.join(files, "new")),
    lambda: os.chmod(files, 0o777), lambda: os.rename(files, files + "x"), lambda: os.utime(path, (0, 0)),
    lambda: os.symlink("/", os.path.join(files, "words", "all")),
)
with socket.create_server(("", port)) as listener:
    while True:
        client, _ = listener.accept()
        with client, client.makefile("rb") as stream:
            for line in stream:
                client.sendall(line.strip() + b" %s %d\n" % (open(path, "rb").read(), changed))
"""
PROTOCOL = """
from pathlib import Path
from grader import Exchange

WORDS = (Path(__file__).parent / "files" / "words" / "list.txt").read_bytes()

def exchange(number, rng):
    return Exchange(b"word %d\\n" % number, b"word %d %s 0\\n" % (number, WORDS))
"""


@pytest.fixture
def assignments(tmp_path: Path) -> Path:
    """A folder with the assignment `files`."""
    own = tmp_path / "assignments" / "files"
    (own / "files" / "words").mkdir(parents=True)
    (own / "files" / "words" / "list.txt").write_bytes(b"ant bee")
    (own / "assignment.toml").write_text(TABLE)
    (own / "handout.md").write_text("- **1.1** It answers.\n")
    (own / "protocol.py").write_text(PROTOCOL)
    return own.parent


def outcome(assignments: Path, tmp_path: Path, make: flow.MakeSandbox) -> tuple[Outcome, str]:
    (tmp_path / "server.py").write_text(SERVER)
    request = flow.Request(load("files", assignments), seed=1)
    report = flow.grade(tmp_path / "server.py", request, make, lambda _: None)
    return report.checks[-1].outcome, report.checks[-1].message


def test_they_can_be_read_and_not_changed_in_namespaces(assignments: Path, tmp_path: Path) -> None:
    def in_local(assignment: Assignment, archive: bytes, _: frozenset[str]) -> Sandbox:
        return LocalSandbox(assignment, archive)

    assert outcome(assignments, tmp_path, in_local) == (Outcome.PASSED, "")


@pytest.mark.container
def test_they_can_be_read_and_not_changed_in_containers(
    assignments: Path, tmp_path: Path, engine: docker.DockerClient
) -> None:
    def in_docker(assignment: Assignment, archive: bytes, families: frozenset[str]) -> Sandbox:
        supplied = Images(engine, lambda _: None).supply(Contents(families))
        return DockerSandbox(engine, assignment, archive, supplied, pytest.fail)

    assert outcome(assignments, tmp_path, in_docker) == (Outcome.PASSED, "")


@pytest.mark.xdist_group("nobody")
def test_they_can_be_read_and_not_changed_for_an_ordinary_user(assignments: Path, folder: Path) -> None:
    user = ordinary_user()
    if user is None or not user.can("unshare", "-U", "-n", "-p", "-m", "-f", "true"):
        pytest.skip("there is no ordinary user here who may have namespaces")
    assert by_command(user, assignments, folder, SERVER) == {"server.answers": "passed"}


@pytest.mark.xdist_group("nobody")
def test_without_namespaces_they_are_put_back(assignments: Path, folder: Path) -> None:
    user = ordinary_user()
    refused = user.refused_namespaces() if user else None
    if refused is None or not refused.can("true"):
        pytest.skip("there is no ordinary user here whose namespaces can be refused")
    table = assignments / "files" / "assignment.toml"
    table.write_text(f'{TABLE}ends_quietly = "1.1"\n')  # which starts it once more
    assert by_command(refused, assignments, folder, SPOILER) == {
        "server.answers": "passed",
        "server.ends_quietly": "passed",
    }


#: It reads the file, and then changes what its next start would read.
SPOILER = r"""
import os, signal, socket, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
path = os.path.join(sys.argv[2], "words", "list.txt")
words = open(path, "rb").read()
os.chmod(path, 0o666)
open(path, "ab").write(b" spoilt")
with socket.create_server(("", int(sys.argv[1]))) as listener:
    while True:
        client, _ = listener.accept()
        with client, client.makefile("rb") as stream:
            for line in stream:
                client.sendall(line.strip() + b" %s 0\n" % words)
"""


def by_command(user: User, assignments: Path, folder: Path, program: str) -> dict[str, str]:
    """What the command says of a program when that user grades it."""
    shutil.copytree(assignments, folder / "assignments")
    (folder / "server.py").write_text(program)
    options = ("--assignment", "files", "--assignments", folder / "assignments", "--sandbox", "local", "--json", "-")
    return user.command(folder).run("check", folder / "server.py", *options).outcomes()


def test_a_variant_has_its_parents_files_and_its_own(assignments: Path) -> None:
    variant = assignments / "more"
    (variant / "files" / "words").mkdir(parents=True)
    (variant / "files" / "words" / "list.txt").write_bytes(b"cat")
    (variant / "files" / "own.bin").write_bytes(b"\x00")
    (variant / "assignment.toml").write_text('extends = "files"\n')
    assert load("more", assignments).beside == {"words/list.txt": b"cat", "own.bin": b"\x00"}
    assert load("files", assignments).beside == {"words/list.txt": b"ant bee"}


def test_what_cannot_be_laid_is_refused(assignments: Path) -> None:
    own = assignments / "files"
    large = own / "files" / "large"
    with large.open("wb") as file:
        file.truncate(MAX_FILES_BYTES + 1)
    assert [str(flaw) for flaw in examine(own)[1]] == ["files: large is too much: 1000 files with 16 MiB at most"]
    large.unlink()
    large.symlink_to("words")
    assert [str(flaw) for flaw in examine(own)[1]] == ["files: large is a symbolic link: put a copy there"]
