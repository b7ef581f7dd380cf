"""Exports: complete, the same for every submission, and with nothing in them that students must not have."""

from __future__ import annotations

import io
import json
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grader import export
from grader.assignment import folder_of, load
from grader.errors import UsageError
from grader.export import wheel
from grader.export.table import PLATFORMS
from grader.sandbox.local import IN_NAMESPACES
from grader.version import __version__
from tests.cli.command import ROOT, make_assignment

ECHO = export.Wanted(assignment=load("tcp_echo"), folder=folder_of("tcp_echo"))


def of(platform: str, **changes: object) -> dict[str, str]:
    """The text of an export's files, binary ones left out."""
    made = export.files(platform, export.Wanted(ECHO.assignment, ECHO.folder, **changes))  # type: ignore[arg-type]
    return {path: file.content.decode() for path, file in made.items() if not path.endswith(".whl")}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_everything_is_there_and_filled_in(platform: str) -> None:
    files = of(platform)
    own = {path: words for path, words in files.items() if "assignments/" not in path}
    assert not [path for path, words in own.items() if re.search(r"@[A-Z]+@", words)]
    inside = f"{PLATFORMS[platform].payload}/" if PLATFORMS[platform].payload else ""
    assert {f"{inside}constraints.txt", f"{inside}assignments/tcp_echo/protocol.py"} <= files.keys()
    assert any("assignments/tcp_echo" in words or "tcp_echo" in words for words in own.values())
    starts = [
        path
        for path, words in own.items()
        if "grader check" in words or '"check"' in words or '/grader" check' in words
    ]
    assert len(starts) == 1, "what is graded is said in one place"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_scripts_are_scripts_and_tables_are_tables(platform: str) -> None:
    for path, words in of(platform).items():
        shell = re.match(r"#!(?:/bin/|/usr/bin/env )(sh|bash)\n", words)
        if shell:
            subprocess.run([shell[1], "-n"], input=words, text=True, check=True)
        if path.endswith(".py"):
            compile(words, path, "exec")
        if path.endswith(".json"):
            json.loads(words)


def test_the_role_is_fixed_where_the_grader_is_started() -> None:
    assert "--role client --sandbox local" in of("gradescope", role="client")["grade"]
    assert '*"--role client".split()' in of("classroom50", role="client")["autograder.py"]
    assert '*"".split()' in of("classroom50")["autograder.py"]


def test_github_s_files_trust_nothing_that_was_pushed() -> None:
    files = of("github", at="course/grading@v3")
    workflows = [words for path, words in files.items() if path.endswith(".yml")]
    assert len(workflows) == 3
    for words in workflows:
        assert "pull_request" not in words
        for line in words.splitlines():
            if used := re.search(r"uses: (\S+)", line):
                pinned = re.search(r"@[0-9a-f]{40}$", used[1]) or used[1].startswith("course/grading")
                assert pinned, f"{line}: neither pinned nor the course's own"
            assert "${{" not in line or re.search(r"(SUBMISSION|path): \$\{\{ (inputs.submission|runner.temp) ", line)
    assert "uses: course/grading/.github/workflows/grade.yml@v3" in files["student/.github/workflows/grade.yml"]
    assert "permissions:\n  contents: read\n" in files[".github/workflows/grade.yml"]


def test_gitlab_s_jobs_have_names_that_are_no_keywords() -> None:
    """A job called `image` is taken for the image of all jobs, and the pipeline is refused."""
    files = of("gitlab")
    top = {
        path: re.findall(r"^([\w-]+):", words, re.MULTILINE) for path, words in files.items() if path.endswith(".yml")
    }
    assert top == {".gitlab-ci.yml": ["build-image"], "grade.yml": ["grade"], "student/.gitlab-ci.yml": ["include"]}


def test_gitlab_s_and_prairielearn_s_files_name_the_image() -> None:
    files = of("gitlab", at="course/sockets/grading@v3")
    assert "image: $CI_REGISTRY/course/sockets/grading/grader:v3" in files["grade.yml"]
    assert "project: course/sockets/grading\n    ref: v3" in files["student/.gitlab-ci.yml"]
    info = json.loads(of("prairielearn", at="course/sockets:2")["question/info.json"])
    assert info["externalGradingOptions"]["image"] == "course/sockets:2"
    assert info["title"] == ECHO.assignment.title
    assert "enableNetworking" not in info["externalGradingOptions"]


def test_languages_and_libraries_are_installed() -> None:
    assert "make default-jdk-headless nodejs" in of("gradescope", families=("jvm", "node"))["install.sh"]
    (packages,) = re.findall(r"python3-venv elfutils (.*)", of("gradescope")["install.sh"])
    assert packages == "gcc g++ libc6-dev make"


@pytest.fixture
def mine(tmp_path: Path) -> export.Wanted:
    """An assignment of an instructor's own, which extends one and has everything that students must not have."""
    make_assignment(tmp_path)
    variant = tmp_path / "variant"
    (variant / "reference" / "good").mkdir(parents=True)
    (variant / "reference" / "good" / "server.py").write_text("SOLUTION")
    (variant / "hidden").mkdir()
    (variant / "hidden" / "hidden.toml").write_text("")
    (variant / "assignment.toml").write_text('extends = "small"\ntitle = "Mine"\n')
    return export.Wanted(load("small", tmp_path), variant, extra=tmp_path)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_solutions_stay_at_home_and_hidden_checks_where_students_can_read_them(
    platform: str, mine: export.Wanted
) -> None:
    paths = [path.partition("assignments/")[2] for path in export.files(platform, mine) if "assignments/" in path]
    assert {"variant/assignment.toml", "small/assignment.toml", "small/protocol.py"} <= {*paths}
    assert not any("reference" in path for path in paths)
    assert ("variant/hidden/hidden.toml" in paths) == (not PLATFORMS[platform].public)


def test_gradescope_s_archive_has_its_scripts_in_the_root(tmp_path: Path) -> None:
    into = export.write(export.files("gradescope", ECHO), PLATFORMS["gradescope"], tmp_path / "out")
    assert [path.name for path in into.iterdir()] == ["autograder.zip"]
    with zipfile.ZipFile(into / "autograder.zip") as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert all(modes[name] & stat.S_IXUSR for name in ("setup.sh", "run_autograder"))
    assert not modes["constraints.txt"] & stat.S_IXUSR


def test_an_export_is_whole_or_not_there(tmp_path: Path) -> None:
    made = export.files("gitlab", ECHO)
    into = export.write(made, PLATFORMS["gitlab"], tmp_path / "out")
    assert {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()} == made.keys()
    with pytest.raises(UsageError, match="out exists already"):
        export.write(made, PLATFORMS["gitlab"], into)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't write"):
        export.write(made, PLATFORMS["gitlab"], tmp_path / "file" / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out"]


@pytest.mark.parametrize(("platform", "at"), [("github", "o/r@v1;id"), ("gitlab", "$(id)"), ("vpl", "somewhere")])
def test_places_that_mean_something_to_a_shell_are_refused(platform: str, at: str) -> None:
    with pytest.raises(UsageError):
        of(platform, at=at)


def test_vpl_gives_no_grade_to_a_program_that_could_have_written_it() -> None:
    words = of("vpl")["execution/vpl_evaluate.sh"]
    assert f'"{IN_NAMESPACES}"' in words
    assert 'elif report["unjudged"]' in words
    assert words.index("-m grader.sandbox.nest --probe") < words.index("grader check")
    assert "/bin/python -I - " in words  # else it would import what lies beside it: the submission


# the grader in an export


def test_the_wheel_is_what_runs_here(tmp_path: Path) -> None:
    path = tmp_path / wheel.file_name()
    path.write_bytes(wheel.built())
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-compile",
        "--target",
        "in",
    ]
    subprocess.run([*pip, path], check=True, cwd=tmp_path)
    shown = "import grader.version, grader.assignment as a; print(grader.version.__version__, *a.names(), a.__file__)"
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, 'in'); {shown}"],
        check=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    version, *names, file = run.stdout.split()
    assert version == __version__
    assert names == sorted(path.name for path in (ROOT / "assignments").iterdir() if path.is_dir())
    assert file.startswith(str(tmp_path))
    assert (tmp_path / "in" / "grader" / "_data" / "Dockerfile").read_bytes() == (ROOT / "Dockerfile").read_bytes()


def test_the_same_grader_makes_the_same_wheel() -> None:
    content = wheel.built()
    assert content == wheel.built()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        record = archive.read(f"socket_grader-{__version__}.dist-info/RECORD").decode()
    assert [line.split(",")[0] for line in record.splitlines()] == names
    assert not any("__pycache__" in name for name in names)


def test_every_dependency_has_its_version() -> None:
    pinned = dict(line.split("==") for line in wheel.constraints().splitlines())
    assert {"click", "docker", "Jinja2", "junit-xml", "msgspec", "pytest", "rich", "requests"} <= pinned.keys()
    assert not {"hypothesis", "mypy", "distributed"} & pinned.keys()


# what runs in a container


FAKE = """#!/bin/sh
echo "$@" > "$SAID"
for word; do case $word in */*=* | *=/*) echo real > "${word#*=}" ;; esac; done
exit 3
"""


@pytest.fixture
def graded(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The script of an export, with a grader that only writes its reports; a program has been there before them."""
    (tmp_path / "fake").write_text(FAKE)
    (tmp_path / "fake").chmod(0o755)
    script = of("gradescope")["grade"].replace("/opt/socket-grader/bin/grader", str(tmp_path / "fake"))
    (tmp_path / "opt").mkdir(mode=0o755)
    (tmp_path / "opt" / "grade").write_text(script)
    into = tmp_path / "into"
    (into / "folder.json").mkdir(parents=True)
    (tmp_path / "precious").write_text("precious")
    (into / "link.json").symlink_to(tmp_path / "precious")
    words = ["gradescope=link.json", "json=folder.json", "--audience=instructor"]
    command = ["sh", str(tmp_path / "opt" / "grade"), str(tmp_path / "submission"), str(into), *words]
    return subprocess.run(
        command, env={"SAID": str(tmp_path / "said"), "PATH": "/usr/bin:/bin"}, check=False, text=True
    )


def test_what_a_program_put_where_a_report_belongs_gives_way(
    tmp_path: Path, graded: subprocess.CompletedProcess[str]
) -> None:
    assert (tmp_path / "precious").read_text() == "precious"
    reports = [tmp_path / "into" / name for name in ("link.json", "folder.json")]
    assert [path.read_text() for path in reports if not path.is_symlink()] == ["real\n"] * 2
    assert graded.returncode == 3


def test_a_report_that_was_handed_in_is_gone_when_the_grader_gives_none(tmp_path: Path) -> None:
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt" / "grade").write_text(of("gitlab")["grade"].replace("/opt/socket-grader/bin/grader", "false"))
    into = tmp_path / "submission" / "reports"
    into.mkdir(parents=True)
    (into / "report.xml").write_text("all passed")
    command = ["sh", str(tmp_path / "opt" / "grade"), str(into.parent), str(into), "junit=report.xml"]
    assert subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, check=False).returncode == 1
    assert not [*into.iterdir()]


@pytest.mark.parametrize("handed_in", [True, False])
def test_a_link_does_not_lead_reports_elsewhere(tmp_path: Path, handed_in: bool) -> None:
    elsewhere, into, grader = tmp_path / "elsewhere", tmp_path / "submission" / "reports", tmp_path / "fake"
    for folder in (elsewhere, into.parent, tmp_path / "opt"):
        folder.mkdir()
    (elsewhere / "report.xml").write_text("precious")
    link = f"ln -s {elsewhere} {into}\n"
    grader.write_text(FAKE.replace("exit", f"{'' if handed_in else link}exit"))
    grader.chmod(0o755)
    if handed_in:
        into.symlink_to(elsewhere)
    (tmp_path / "opt" / "grade").write_text(of("gitlab")["grade"].replace("/opt/socket-grader/bin/grader", str(grader)))
    command = ["sh", str(tmp_path / "opt" / "grade"), str(into.parent), str(into), "junit=report.xml"]
    subprocess.run(command, env={"SAID": str(tmp_path / "said"), "PATH": "/usr/bin:/bin"}, check=False)
    assert (elsewhere / "report.xml").read_text() == "precious"
    assert not into.is_symlink()
    assert (into / "report.xml").read_text() == "real\n"


def test_the_grader_is_asked_for_what_the_export_says(tmp_path: Path, graded: subprocess.CompletedProcess[str]) -> None:
    said = (tmp_path / "said").read_text().split()
    assert said[:6] == [
        "check",
        str(tmp_path / "submission"),
        "--assignment",
        str(tmp_path / "opt" / "assignments" / "tcp_echo"),
        "--sandbox",
        "local",
    ]
    assert "--audience=instructor" in said
    assert stat.S_IMODE((tmp_path / "opt").stat().st_mode) == 0o700
