"""Starters for students: each builds, is found, fails politely, and says what its assignment says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from grader import flow, starter
from grader.assignment import folder_of, load, names
from grader.assignment.values import ServerSpec
from grader.cli import grader
from grader.errors import UsageError
from grader.model import Outcome
from grader.report.safe import visible
from grader.sandbox import standalone
from grader.sandbox.choose import choose
from grader.sandbox.images import Contents, Origin
from grader.starter import Wanted
from grader.starter.table import LANGUAGES
from tests.cli.command import UPPERCASE, Command

#: What it takes to build and run a language's programs here.
TOOLS = {"c": "cc", "cpp": "c++", "java": "javac", "go": "go", "javascript": "node", "rust": "rustc"}


def written(folder: Path, wanted: Wanted) -> Path:
    starter.write(starter.files_of(wanted), folder / "starter")
    return folder / "starter"


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_programs_build_and_say_that_they_are_not_written(tmp_path: Path, language: str) -> None:
    if language in TOOLS and not shutil.which(TOOLS[language]):
        pytest.skip(f"no {TOOLS[language]}")
    made = written(tmp_path, Wanted(UPPERCASE, UPPERCASE.roles, language))
    request = flow.Request(UPPERCASE, seed=1, only=frozenset({"server.listens", "client.connects"}))
    report = flow.grade(made, request, choose("local", lambda _: None).make, lambda _: None)
    assert report.build.outcome is not Outcome.FAILED, report.build
    assert "warning" not in report.build.log
    for check in report.checks:
        assert check.outcome is Outcome.FAILED
        assert "exited with status 1" in str(check), check
        assert "not written yet" in str(check), check


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("language", ["python", "java"])
def test_each_assignment_has_one_for_each_of_its_roles(name: str, language: str) -> None:
    asked = load(name)
    made = starter.files_of(Wanted(asked, asked.roles, language))
    files = {path: data.decode() for path, data in made.items() if not path.startswith("files/")}
    assert files["handout.md"] == (folder_of(name) / "handout.md").read_text()
    programs = [path for path in files if path.endswith((".py", ".java"))]
    assert len(programs) == len(asked.roles)
    for path, text in files.items():
        assert not re.search(r"@[A-Z_]+@", text), path
        assert visible(text) == text, path
    for path in programs:
        assert f"`{path}`" in files["README.md"]
        assert "  1 Starting" in files[path] or "client" in files[path]
    total = sum(spec.points for spec in asked.checks)
    shown = re.findall(r"^\| \d+ .+ \| ([\d.]+) \|$", files["README.md"], re.MULTILINE)
    assert sum(map(float, shown)) == total


def test_what_it_types_are_commands_that_exist() -> None:
    files = starter.files_of(Wanted(UPPERCASE, UPPERCASE.roles))
    words = files["README.md"].decode()
    context = grader.make_context("grader", ["check"])
    check = grader.get_command(context, "check")
    assert check is not None
    options = {name for parameter in check.params for name in parameter.opts}
    typed = re.findall(r"^(?:docker run .* socket-grader|grader) check (.*)$", words, re.MULTILINE)
    typed += re.findall(r"\| `(--[^`]+)` \|", words)
    assert len(typed) == 7
    for line in typed:
        assert set(re.findall(r"--[a-z]+", line)) <= options


def test_its_workflow_runs_the_self_test() -> None:
    for image, runs in (("", "grader check --assignment"), ("registry.test/course:1", "docker run ")):
        files = starter.files_of(Wanted(UPPERCASE, ("server",), own_image=image))
        workflow = files[starter.CI].decode()
        (run,) = re.findall(r"^      - run: (.* check .*)$", workflow, re.MULTILINE)
        assert run.startswith(runs)
        assert "--assignment tcp_uppercase --role server" in run
        assert image in run
        assert "permissions:\n  contents: read\n" in workflow


def test_the_image_has_the_language() -> None:
    assert Wanted(UPPERCASE, ("server",)).image == "socket-grader"
    java = Wanted(UPPERCASE, ("server",), "java")
    assert java.image == standalone.image_of(Contents(frozenset({"base", "jvm"})), Origin("", ""), {}).name
    assert b"`grader image build --grader --family jvm`" in starter.files_of(java)["README.md"]


def test_arguments_and_variables_come_where_the_assignment_says() -> None:
    web = load("web_server")
    files = starter.files_of(Wanted(web, web.roles, "java"))
    assert b"private static int run(int port, String root)" in files["WebServer.java"]
    assert b"usage: java WebServer PORT ROOT" in files["WebServer.java"]
    assert files["files/www/index.html"] == web.beside["www/index.html"]
    mail = starter.files_of(Wanted(load("mailbox"), ("server",)))["mailbox.py"].decode()
    assert "def run(smtp_port, pop3_port, users):" in mail
    assert "return run(port_in(arguments[0]), port_in(arguments[1]), arguments[2])" in mail
    page = starter.files_of(Wanted(load("http_client"), ("client",), "go"))["http_client.go"].decode()
    assert "os.Exit(run(os.Args[1]))" in page
    assert "strconv" not in page, "Go refuses what is not used"
    by_variable = ServerSpec(arguments=("--fast",), environment={"HTTP_PORT": "{port}"})
    program = starter.program_of(msgspec.structs.replace(UPPERCASE, server=by_variable), "server", "python")
    assert 'if len(arguments) != 1 or not port_in(os.environ.get("HTTP_PORT", "")):' in program
    assert "import os\nimport sys" in program


def test_arguments_are_called_as_in_the_handout_and_none_is_lost() -> None:
    server = starter.program_of(load("discovery"), "server", "python")
    assert "python3 server.py PORT SERVICE SERVICEPORT NAME" in server
    assert "return run(port_in(arguments[0]), arguments[1], arguments[2], arguments[3])" in server
    other = msgspec.structs.replace(load("discovery"), handout="")
    assert "usage: python3 server.py PORT printer 9100 kitchen" in starter.program_of(other, "server", "python")
    client = starter.program_of(load("dns_resolver"), "client", "go")
    assert "func run(host string, port int, name string, type_ string) int {" in client


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "starter").mkdir()
    (tmp_path / "starter" / "server.py").write_text("mine")
    with pytest.raises(UsageError, match=r"server\.py exists already; nothing was written"):
        written(tmp_path, Wanted(UPPERCASE, UPPERCASE.roles))
    assert [path.name for path in (tmp_path / "starter").iterdir()] == ["server.py"]


def test_a_link_that_leads_nowhere_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "starter").mkdir()
    (tmp_path / "starter" / "server.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(UsageError, match=r"server\.py exists already; nothing was written"):
        written(tmp_path, Wanted(UPPERCASE, UPPERCASE.roles))
    assert not (tmp_path / "elsewhere.py").exists()


def test_the_command_writes_one_where_it_is_told(tmp_path: Path) -> None:
    shutil.copytree(folder_of("tcp_uppercase"), tmp_path / "shout")
    run = Command(tmp_path).run("init", tmp_path / "shout", tmp_path / "mine", "--language", "c", "--role", "client")
    assert run.code == 0, run.err
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {
        *("README.md", "handout.md", "client.c", "Makefile", ".gitignore")  # nobody else could run a workflow
    }
    assert "PATH/TO/shout --role client --sandbox local" in (tmp_path / "mine" / "README.md").read_text()
    assert Command(tmp_path).run("init", "no_such").code == 2


@pytest.mark.parametrize(
    ("words", "status"), [("6881 share", 1), ("6881 share 127.0.0.1 6969", 1), ("6881 share x", 2)]
)
@pytest.mark.parametrize("language", ["python", "c"])
def test_what_the_handout_calls_with_more_arguments_accepts_them(
    tmp_path: Path, language: str, words: str, status: int
) -> None:
    made = written(tmp_path, Wanted(load("peer_to_peer"), ("server",), language))
    command = ["./peer"] if language == "c" else [sys.executable, "peer.py"]
    if language == "c":
        subprocess.run(["make"], cwd=made, check=True, capture_output=True)
    ended = subprocess.run([*command, *words.split()], cwd=made, capture_output=True, text=True, check=False)
    assert ended.returncode == status
    assert ("PORT FOLDER [TRACKER_HOST TRACKER_PORT]" in ended.stderr) == (status == 2)
