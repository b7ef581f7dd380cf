"""The image with everything: what is in it, and that it grades with no rights, no network, and whoever it runs as."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from packaging.requirements import Requirement

from grader import families, languages
from grader.assignment import Libraries
from grader.languages.recipe import Recipe
from grader.sandbox import engine as engines
from grader.sandbox import here, standalone
from grader.sandbox.images import Contents, Images, Origin
from grader.sandbox.local import WITHOUT_NAMESPACES
from tests.cli.command import RIGHT, ROOT
from tests.sandbox.engine_fake import FakeEngine

NAME = "socket-grader-test:standalone"
FILES = {"Dockerfile": b"FROM", "host/grader/flow.py": b"1"}
DEBIAN = Origin("debian", "debian")
GO = Contents(frozenset({"base", "go"}))


def pins() -> dict[str, Requirement]:
    lines = (ROOT / "requirements-grader.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    return {pin.name: pin for pin in found}


def test_what_it_installs_is_pinned_and_fits_what_the_command_needs() -> None:
    assert all([spec.operator for spec in pin.specifier] == ["=="] for pin in pins().values())
    for word in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        needed = Requirement(word)
        (spec,) = pins()[needed.name].specifier
        assert needed.specifier.contains(spec.version), word


def test_it_has_the_command_with_its_assignments(tmp_path: Path) -> None:
    for path, content in standalone.host_files().items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    script = "import sys; sys.path.insert(0, sys.argv.pop(1)); from grader.__main__ import main; main()"
    command = [sys.executable, "-I", "-B", "-c", script, str(tmp_path / "host"), "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    assert [line.split()[0] for line in listed.splitlines()] == sorted(
        path.name for path in (ROOT / "assignments").iterdir() if path.is_dir()
    )
    assert not any("__pycache__" in path for path in standalone.host_files())


def test_an_instructor_s_assignments_come_without_what_students_must_not_have(tmp_path: Path) -> None:
    for path in ("mine/assignment.toml", "mine/files/reference", "mine/reference/good/a.py", "mine/hidden/hidden.toml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    there = [path.removeprefix("host/grader/_data/assignments/") for path in standalone.assignment_files(tmp_path)]
    assert there == ["mine/assignment.toml", "mine/files/reference"]


def test_it_is_named_for_what_it_has_besides_the_usual() -> None:
    twisted = Contents(GO.families, Libraries(packages=("python3-twisted",)), assignment="chat")
    named = [standalone.image_of(contents, DEBIAN, FILES).name for contents in (Contents(), GO, twisted)]
    assert named == ["socket-grader:latest", "socket-grader:go", "socket-grader:go-chat"]
    assert standalone.image_of(GO, DEBIAN, FILES, "registry/course:1").name == "registry/course:1"


def test_it_is_built_with_the_families_that_are_asked_for_even_if_there_is_one() -> None:
    engine = FakeEngine()
    for _ in range(2):
        standalone.build(Images(engine.client, lambda _: None), GO)
    assert [(built["target"], built["buildargs"]["PACKAGES"]) for built in engine.built] == [
        ("grader", "golang-go")
    ] * 2


def test_it_doesn_t_tell_anybody_to_install_what_can_t_be_installed_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not families.STANDALONE
    for module in (families, languages):
        monkeypatch.setattr(module, "STANDALONE", True)
    assert here.way_out("kotlin") == "use an image that has it: grader image build --grader --family kotlin"
    java = Recipe("Java", "Server.java", (("javac",),), ("java",), families=frozenset({"jvm"}))
    assert "image build --grader --family jvm" in languages.lacking(java, "server", ["javac"], in_images=False)


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient) -> Iterator[str]:
    standalone.build(Images(engine, lambda _: None), Contents(), NAME)
    yield NAME
    engines.remove_name(engine, NAME)


@pytest.mark.container
@pytest.mark.parametrize(
    ("user", "dropped", "sandbox"),
    [("0", [], WITHOUT_NAMESPACES[True]), ("0", ["ALL"], WITHOUT_NAMESPACES[False]), ("1234", ["ALL"], None)],
)
def test_it_grades_what_is_mounted_and_writes_reports_there(
    engine: docker.DockerClient, folder: Path, image: str, user: str, dropped: list[str], sandbox: str | None
) -> None:
    (folder / "server.py").write_bytes(RIGHT.read_bytes())
    engine.containers.run(
        image,
        ["check", "--assignment", "tcp_uppercase", "--only", "server.answers", "--json", "report.json"],
        user=user,
        cap_drop=dropped,
        security_opt=["no-new-privileges"],
        network_mode="none",
        volumes={str(folder): {"bind": "/submission", "mode": "rw"}},
        remove=True,
    )
    report = json.loads((folder / "report.json").read_bytes())
    assert (report["score"], report["unjudged"]) == (report["max_score"], 0)
    assert report["grader"]["sandbox"] == (sandbox or WITHOUT_NAMESPACES[False])
    assert report["submission"]["name"] == "submission"


@pytest.mark.container
def test_it_has_the_tools_that_find_the_line_of_a_program_in_c(
    engine: docker.DockerClient, folder: Path, image: str
) -> None:
    wrong = ROOT / "reference" / "tcp_uppercase" / "broken" / "one_recv_is_one_message.c"
    (folder / "server.c").write_bytes(wrong.read_bytes())
    report, check = folder / "report.json", "server.message_and_a_half"
    with pytest.raises(docker.errors.ContainerError):  # it exits with 1: a check failed
        engine.containers.run(
            image,
            ["check", "--assignment", "tcp_uppercase", "--only", check, "--json", report.name],
            network_mode="none",
            volumes={str(folder): {"bind": "/submission", "mode": "rw"}},
            remove=True,
        )
    (failed,) = (one for one in json.loads(report.read_bytes())["checks"] if one["id"] == check)
    assert failed["place"]["file"] == "server.c"
