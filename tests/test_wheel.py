"""The wheel has everything that the command needs: it is built, unpacked and used in place of the checkout."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grader.assignment import names
from grader.new.table import KINDS
from grader.version import __version__
from tests.cli.command import RIGHT, ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's contents."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")  # our own
    return folder / "site"


def run(unpacked: Path, cwd: Path, *words: str | Path) -> str:
    """What the command prints, run from the wheel."""
    command = [sys.executable, "-P", "-m", "grader", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_it_has_every_file_of_the_package_and_no_other(unpacked: Path) -> None:
    def below(folder: Path) -> set[str]:
        files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {str(path.relative_to(folder)) for path in files}

    data = below(unpacked / "grader" / "_data")
    assert below(unpacked / "grader") - {f"_data/{path}" for path in data} == below(ROOT / "grader")
    assert {path for path in data if "/" in path} == {f"assignments/{path}" for path in below(ROOT / "assignments")}
    assert {path for path in data if "/" not in path} == {
        "Dockerfile",
        "requirements-driver.txt",
        "requirements-grader.txt",
    }


def test_it_says_what_it_is(unpacked: Path) -> None:
    (folder,) = unpacked.glob("*.dist-info")
    said = email.message_from_string((folder / "METADATA").read_text(encoding="utf-8"))
    assert (said["Name"], said["Version"], said["License-Expression"]) == ("socket-grader", __version__, "MIT")
    assert said["Requires-Python"] == ">=3.11"
    assert (folder / "licenses" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert "grader = grader.__main__:main" in (folder / "entry_points.txt").read_text()


def test_the_command_works_from_it(unpacked: Path, tmp_path: Path) -> None:
    assert f"version {__version__}" in run(unpacked, tmp_path, "--version")
    assert [line.split()[0] for line in run(unpacked, tmp_path, "list").splitlines()] == names()
    for kind in KINDS:
        run(unpacked, tmp_path, "new", kind, "--like", kind)
        assert "no mistakes" in run(unpacked, tmp_path, "lint", f"./{kind}")
    run(unpacked, tmp_path, "init", "web_server", "--language", "java")
    options = ("--assignment", "tcp_uppercase", "--only", "server.answers", "--sandbox", "local")
    reports = ("--html", "r.html", "--junitxml", "r.xml", "--json", "r.json", "--markdown", "r.md")
    assert "All checks passed." in run(unpacked, tmp_path, "check", RIGHT, *options, *reports)
    script = run(unpacked, tmp_path, "replay", "r.json", "server.answers", "--print")
    assert script.startswith("#!")


def test_what_it_has_builds_images(unpacked: Path, tmp_path: Path) -> None:
    script = (
        "from grader.sandbox import images, standalone; print(*{**images.context_files(), **standalone.host_files()})"
    )
    command = [sys.executable, "-P", "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout
    ours = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert set(said.split()) == set(ours.split())
