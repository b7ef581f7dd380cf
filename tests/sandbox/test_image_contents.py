"""What programs find in containers: their family's tools, their image's environment, and folders for caches."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from grader import flow
from grader.assignment import Assignment
from grader.errors import CannotJudgeError
from grader.model import Report
from grader.sandbox import engine as engines
from grader.sandbox.choose import contents_of
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.images import DEFAULT_BASE, Contents, Images
from grader.submission import take
from tests.cli.command import UPPERCASE

pytestmark = pytest.mark.container

NODE = """
require('net').createServer({ allowHalfOpen: true }, link => {
    link.on('data', data => link.write(data.toString('latin1').toUpperCase(), 'latin1'));
    link.on('end', () => link.end());
    link.on('error', () => {});
}).listen(+process.argv[2]);
"""
#: Builds with caches, and starts only where all is as an image and its user may expect.
PICKY = """
import os, pathlib, runpy, subprocess
caches = pathlib.Path(os.environ["GOCACHE"]).parent
assert os.environ["JAVA_HOME"] == "/opt/own" and os.environ["HOME"] == "/tmp", os.environ
assert os.environ["PYTHONPATH"] == "/nowhere" and os.environ["PATH"].startswith("/opt/own/bin:")
assert not [*caches.iterdir()] and pathlib.Path("built").exists()
for folder in ("/tmp", caches):
    script = pathlib.Path(folder, "script")
    script.write_text("#!/bin/sh\\nexit 7\\n")
    script.chmod(0o700)
    assert subprocess.run([script]).returncode == 7
runpy.run_path("threads.py", run_name="__main__")
"""
BUILD = 'mkdir -p "$GOCACHE" && head -c 30000000 /dev/zero >"$GOCACHE/large" && touch built'
REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "tcp_uppercase"
OWN_IMAGE = "socket-grader-test-own:1"


@pytest.fixture
def own_image(engine: docker.DockerClient) -> Iterator[str]:
    """An instructor's image: with Python, a user, a folder and variables of its own."""
    base = Images(engine, print).supply(Contents())["sandbox"].id
    lines = [
        f"FROM {base}",
        "ENV JAVA_HOME=/opt/own PATH=/opt/own/bin:$PATH PYTHONPATH=/nowhere",
        "USER 1234",
        "ENTRYPOINT []",
    ]
    engine.images.build(fileobj=io.BytesIO("\n".join(lines).encode()), tag=OWN_IMAGE)
    yield OWN_IMAGE
    engines.remove_name(engine, OWN_IMAGE)


def graded(
    engine: docker.DockerClient, folder: Path, own: str = "", only: frozenset[str] = frozenset({"server.answers"})
) -> Report:
    images = Images(engine, print)

    def make(assignment: Assignment, archive: bytes, families: frozenset[str]) -> DockerSandbox:
        supplied = images.supply(contents_of(assignment, families, own))
        return DockerSandbox(engine, assignment, archive, supplied, print)

    request = flow.Request(UPPERCASE, roles=("server",), only=only, seed=1)
    return flow.carry_out(flow.plan(take(folder), request), make, lambda _: None)


def test_a_program_in_javascript_runs_in_the_image_of_its_family(engine: docker.DockerClient, tmp_path: Path) -> None:
    (tmp_path / "server.js").write_text(NODE)
    (tmp_path / "grader.toml").write_text('[server]\nrun = ["node", "server.js", "{port}"]\n')
    report = graded(engine, tmp_path)
    assert (report.score, report.unjudged) == (report.max_score, 0)
    node = Images(engine, print).supply(Contents(frozenset({"base", "node"})))
    assert report.grader.images["sandbox"] == node["sandbox"].id


def test_an_own_image_s_environment_is_the_programs_and_caches_end_with_building(
    engine: docker.DockerClient, tmp_path: Path, own_image: str
) -> None:
    (tmp_path / "server.py").write_text(PICKY)
    right = REFERENCE / "good" / "threads.py"
    (tmp_path / "threads.py").write_bytes(right.read_bytes())
    (tmp_path / "grader.toml").write_text(
        f"[server]\nbuild = '''{BUILD}'''\nrun = ['python3', 'server.py', '{{port}}']\n"
    )
    report = graded(engine, tmp_path, own_image)
    assert (report.score, report.unjudged) == (report.max_score, 0), report.checks


def test_an_image_without_python_is_told_in_a_sentence(engine: docker.DockerClient) -> None:
    with pytest.raises(
        CannotJudgeError, match=r"can't build the image for programs in \S+: it must have python3, of version 3.11"
    ):
        Images(engine, print).supply(Contents(own=DEFAULT_BASE))


@pytest.mark.parametrize("program", ["one_recv_is_one_message.py", "one_recv_is_one_message.c"])
def test_the_line_that_a_program_was_at_is_found_in_its_container(
    engine: docker.DockerClient, tmp_path: Path, program: str
) -> None:
    (tmp_path / program).write_bytes((REFERENCE / "broken" / program).read_bytes())
    report = graded(engine, tmp_path, only=frozenset({"server.fragments_every_byte"}))
    assert f"in its source: {program}, line " in report.checks[-1].message
    assert "recv(" in report.checks[-1].message
