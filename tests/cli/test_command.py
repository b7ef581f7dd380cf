"""The command as users call it: exit codes, streams, report files, and one sentence for whatever is wrong.

Everything here runs the real command as a process; what is graded is graded by few checks in the local sandbox.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from junitparser import JUnitXml
from lxml import etree

from grader.limits import MOST_SEED
from grader.report import safe
from tests.cli.command import (
    REFERENCE,
    RIGHT,
    ROOT,
    UPPERCASE,
    Command,
    Ended,
    assert_nothing_left,
    make_assignment,
    wait_until,
)
from tests.report.commands import obeyed

WRONG = REFERENCE / "broken" / "never_answers.py"
LOCAL = ("--assignment", "tcp_uppercase", "--sandbox", "local")
#: One check that needs nobody else: the quickest grading there is.
QUICK = (*LOCAL, "--only", "listens")


def assert_one_sentence(ended: Ended, code: int, *words: str) -> None:
    """Nothing on standard output, one line `grader: …` on standard error, this exit code."""
    assert ended.code == code, ended.out + ended.err
    assert ended.out == ""
    (line,) = [line for line in ended.err.splitlines() if line.startswith("grader: ")]
    assert ended.err.splitlines()[-1] == line
    assert "Traceback" not in ended.err
    for word in words:
        assert word in line


# exit codes and streams


def test_all_passed_is_0_with_results_on_stdout_and_progress_on_stderr(folder: Path) -> None:
    assignments = make_assignment(folder / "assignments")
    options = ("--assignment", "small", "--assignments", assignments, "--sandbox", "local")
    ended = Command(folder).run("check", RIGHT, *options)
    assert ended.code == 0
    assert "Score: 4 of 4 points" in ended.out
    assert ended.err.splitlines() == ["sandbox: local (as asked); it does not protect this machine from the program"]
    assert "\x1b" not in ended.out + ended.err


def test_a_failed_check_is_1_and_its_requirement_is_quoted(folder: Path) -> None:
    ended = Command(folder).run("check", WRONG, *LOCAL, "--only", "answers")
    assert ended.code == 1
    assert "server.answers" in ended.out
    assert "Requirement 2.1: " in ended.out


def test_what_could_not_be_judged_is_3(folder: Path) -> None:
    assignments = make_assignment(folder / "assignments", {"whole_s": 1e-6})
    ended = Command(folder).run(
        "check", RIGHT, "--assignment", "small", "--assignments", assignments, "--sandbox", "local", "--json", "-"
    )
    assert ended.code == 3
    assert set(ended.outcomes().values()) == {"inconclusive"}
    assert ended.report()["unjudged"] == ended.report()["max_score"] == 4


def test_quiet_says_only_the_last_lines(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, *QUICK, "--quiet")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "1 passed",
        "Only part of the assignment was graded (--only server.listens and what it",
        "depends on): 2 of its 82 points.",
        "Score: 2 of 2 points",
        "All checks passed.",
    ]
    assert ended.err == ""


def test_signals_that_who_starts_it_ignores_or_blocks_change_nothing(folder: Path) -> None:
    started = ("env", "--ignore-signal=CHLD", "--block-signal=INT", sys.executable, "-m", "grader")
    arguments = (*LOCAL, "--only", "server.ctrl_c_stops", "--quiet")
    ended = subprocess.run([*started, "check", str(RIGHT), *arguments], check=False, timeout=60, cwd=folder)
    assert ended.returncode == 0


def test_json_on_stdout_is_nothing_but_json(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, *QUICK, "--json", "-")
    report = json.loads(ended.out)
    assert report["schema"] == "grader/report/v2"
    assert "Score: 2 of 2 points" in ended.err
    assert Command(folder).run("check", RIGHT, *QUICK, "--json", "-", "--quiet").err == ""


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colour_follows_the_environment(folder: Path, environment: dict[str, str], coloured: bool) -> None:
    ended = Command(folder, environment=environment).run("check", RIGHT, *QUICK)
    assert ("\x1b[3" in ended.out or "\x1b[1;3" in ended.out) == coloured


def test_ctrl_c_is_3_and_leaves_nothing(folder: Path) -> None:
    command = Command(folder)
    process = command.start("check", command.submit_text("import signal\nwhile True: pass\n"), *LOCAL)
    assert wait_until(lambda: any("python3 server_" in words for words in command.processes()))
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 3
    assert (folder / "err").read_text().splitlines()[-1] == "grader: interrupted"
    assert_nothing_left(command)


@pytest.mark.parametrize(
    ("streams", "code", "words"),
    [
        (">/dev/full", 2, "grader: can't write to standard output: No space left on device\n"),
        ("2>/dev/full no_such_assignment", 2, ""),
        (">&- 2>&- <&-", 0, ""),
        ("| true", 0, ""),
    ],
)
def test_streams_that_take_nothing_are_no_internal_error(streams: str, code: int, words: str) -> None:
    command = f"set -o pipefail; {sys.executable} -m grader list {streams}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert (ended.returncode, ended.stderr) == (code, words)


def test_a_reader_that_leaves_early_is_no_traceback(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "grader", "check", str(RIGHT), *QUICK],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert "Traceback" not in done.stderr
    assert done.returncode != 1, "1 says that a check failed"


def test_our_own_failure_is_3_and_not_the_student_s_1(folder: Path) -> None:
    """An interpreter that can't be started again is the nearest way to break the grader from outside."""
    broken = "import sys\nfrom grader import cli\nsys.executable = '/nonexistent/python'\ncli.main()\n"
    done = subprocess.run(
        [sys.executable, "-c", broken, "check", str(RIGHT), *QUICK],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr


def test_pytest_s_settings_in_the_environment_change_nothing(folder: Path) -> None:
    environment = {"PYTEST_ADDOPTS": "--frobnicate", "PYTEST_PLUGINS": "no_such_plugin"}
    ended = Command(folder, environment=environment).run("check", RIGHT, *QUICK, "--quiet")
    assert ended.code == 0, ended.err


# names and words of others

#: What a terminal or a CI system would obey, and what nobody would see.
HOSTILE_NAME = "\n::error::x ##[error] ##vso[task.complete] ##teamcity[x]\r\x1b[2J\x9b2J \u202e\u200b--- "


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", f"missing{HOSTILE_NAME}", *LOCAL),
        ("check", RIGHT, "--assignment", HOSTILE_NAME),
        ("check", RIGHT, *LOCAL, "--only", HOSTILE_NAME),
        ("check", RIGHT, *LOCAL, "--assignments", HOSTILE_NAME),
        ("check", RIGHT, *LOCAL, "--junitxml", f"{HOSTILE_NAME}/report"),
        ("check", RIGHT, *LOCAL, "--role", HOSTILE_NAME),
        ("check", RIGHT, f"--{HOSTILE_NAME}"),
        (HOSTILE_NAME,),
        ("list", HOSTILE_NAME),
        ("verify", "tcp_sum", "--program", HOSTILE_NAME),
    ],
)
def test_no_name_on_standard_error_is_a_command(folder: Path, arguments: tuple[str | Path, ...]) -> None:
    ended = Command(folder).run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "error" in ended.err
    assert safe.visible(ended.err) == ended.err
    assert obeyed(ended.err) == []


def test_no_name_of_a_submission_is_a_command(folder: Path) -> None:
    handed = folder / f"handed{HOSTILE_NAME}"
    (handed / "venv").mkdir(parents=True)
    (handed / f"server{HOSTILE_NAME}.py").write_text("raise SystemExit(f'{__file__}')")
    for more in ((), ("--json", "-")):
        ended = Command(folder).run("check", handed, *QUICK, *more)
        assert ended.code == 1, ended.err
        assert not re.search(r"##\w*\[", (ended.out + ended.err).replace(r"\x23#", ""))
        for printed in (ended.out, ended.err):
            assert safe.visible(printed) == printed
            assert obeyed(printed) == []


# --only


@pytest.mark.parametrize("name", ["listens", "server.listens"])
def test_only_takes_ids_with_and_without_role(folder: Path, name: str) -> None:
    ended = Command(folder).run("check", RIGHT, *LOCAL, "--only", name, "--json", "-", "--quiet")
    assert ended.outcomes() == {"server.listens": "passed"}


def test_only_takes_along_what_a_check_needs(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, *LOCAL, "--only", "connect_and_leave", "--json", "-", "--quiet")
    assert set(ended.outcomes()) == {"server.answers", "server.sequential_clients", "server.connect_and_leave"}


def test_only_suggests_the_nearest_name(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, *LOCAL, "--only", "coalessed")
    assert_one_sentence(ended, 2, "no check 'coalessed'", "did you mean coalesced?")


def test_only_points_to_the_list_when_nothing_is_near(folder: Path) -> None:
    assert_one_sentence(Command(folder).run("check", RIGHT, *LOCAL, "--only", "xyz"), 2, "grader list tcp_uppercase")


# report files


def test_writes_three_reports_that_others_can_read(folder: Path) -> None:
    junit, data, page = folder / "r.xml", folder / "r.json", folder / "r.html"
    paths = ("--junitxml", junit, "--json", data, "--html", page)
    ended = Command(folder).run("check", WRONG, *LOCAL, "--only", "coalesced", *paths)
    assert ended.code == 1
    report = json.loads(data.read_text())
    assert {c["id"]: c["outcome"] for c in report["checks"]} == {
        "server.answers": "failed",
        "server.coalesced": "skipped",
    }
    (suite,) = JUnitXml.fromfile(str(junit))
    assert (suite.tests, suite.failures, suite.skipped, suite.errors) == (2, 1, 1, 0)
    tree = etree.parse(str(page), etree.HTMLParser())
    assert "server.answers" in "".join(map(str, tree.getroot().itertext()))
    assert not [path for path in folder.iterdir() if path.name.startswith(".grader")]


@pytest.mark.parametrize("option", ["--junitxml", "--json", "--html"])
def test_a_report_that_cannot_be_written_is_known_before_grading(folder: Path, option: str) -> None:
    command = Command(folder)
    # The submission does not exist either: that the report is complained of shows what was looked at first.
    ended = command.run("check", folder / "missing", *LOCAL, option, folder / "no" / "folder" / "report")
    assert_one_sentence(ended, 2, "can't write the report", "there is no folder")


# what is asked for


def test_an_unknown_assignment_is_2_and_the_known_are_named(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, "--assignment", "tcp_lowercase")
    assert_one_sentence(ended, 2, "there is no assignment 'tcp_lowercase'", "tcp_uppercase")


def test_no_assignment_is_2_and_says_where_to_name_it(folder: Path) -> None:
    assert_one_sentence(Command(folder).run("check", RIGHT), 2, "--assignment", "grader.toml", "tcp_uppercase")


def test_an_assignment_is_no_path(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, "--assignment", "../assignments/tcp_uppercase")
    assert_one_sentence(ended, 2, "there is no assignment")


def test_a_missing_assignments_folder_is_2(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, *LOCAL, "--assignments", folder / "none")
    assert_one_sentence(ended, 2, "there is no folder")


def test_grader_toml_names_assignment_and_program(folder: Path) -> None:
    command = Command(folder)
    toml = 'assignment = "tcp_uppercase"\n[server]\nrun = ["python3", "-u", "server_MARK.py", "{port}"]\n'
    submission = command.submit_text(RIGHT.read_text(), grader_toml=toml)
    ended = command.run("check", submission, "--sandbox", "local", "--only", "listens", "--json", "-", "--quiet")
    assert ended.code == 0, ended.err
    started = ended.check("server.listens")["evidence"][0]["text"]
    assert started.startswith(f"python3 -u server_{command.mark}.py ")


def test_a_role_that_is_not_asked_for_is_2(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, "--assignment", "web_server", "--sandbox", "local", "--role", "client")
    assert_one_sentence(ended, 2, "web_server does not ask for a client")


def test_wrong_usage_is_2(folder: Path) -> None:
    for arguments in (
        ("check",),
        ("frobnicate",),
        ("check", RIGHT, "--sandbox", "vm"),
        ("check", RIGHT, "--seed", "x"),
        ("check", RIGHT, "--seed", "0"),
        ("check", RIGHT, "--seed", "2147483649"),
    ):
        assert Command(folder).run(*arguments).code == 2


def test_a_seed_is_in_the_report(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, *QUICK, "--seed", "77", "--json", "-", "--quiet")
    assert ended.report()["grader"]["seed"] == 77


def test_without_a_seed_each_run_draws_one_and_says_it(folder: Path) -> None:
    runs = [Command(folder).run("check", RIGHT, *QUICK, "--json", "-") for _ in range(2)]
    seeds = [run.report()["grader"]["seed"] for run in runs]
    assert len(set(seeds)) == 2
    for run, seed in zip(runs, seeds, strict=True):
        assert 1 <= seed <= MOST_SEED
        assert f"seed {seed}" in " ".join(run.err.split())


# submissions that can't be graded


def test_a_missing_path_is_2(folder: Path) -> None:
    assert_one_sentence(Command(folder).run("check", folder / "missing", *LOCAL), 2, "missing")


def test_an_empty_folder_is_2(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert_one_sentence(Command(folder).run("check", folder / "empty", *LOCAL), 2, "no files to grade")


def test_an_archive_that_leads_out_is_2(folder: Path) -> None:
    with zipfile.ZipFile(folder / "s.zip", "w") as archive:
        archive.writestr("../server.py", "print()")
    assert_one_sentence(Command(folder).run("check", folder / "s.zip", *LOCAL), 2, "../server.py")
    assert not (folder.parent / "server.py").exists()


def assert_not_clear(ended: Ended, *words: str) -> str:
    """Wrong usage, in one sentence with these words; the line of a `grader.toml` that follows it."""
    assert (ended.code, ended.out) == (2, "")
    *_, sentence, line = ended.err.splitlines()
    assert sentence.startswith("grader: ")
    assert all(word in sentence for word in words)
    return line


def test_two_candidates_are_2_and_what_is_pasted_decides(folder: Path) -> None:
    command = Command(folder)
    submission = command.submit(RIGHT, name="server")
    shutil.copy(RIGHT, submission / "other_server.py")
    ended = command.run("check", submission, *LOCAL)
    line = assert_not_clear(ended, "other_server.py", f"server_{command.mark}.py", "could each be the server")
    (submission / "grader.toml").write_text(line)
    assert command.run("check", submission, *QUICK).code == 0


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"notes.txt": "", "more.txt": ""}, "no server was found"),
        ({"server.cs": "class Server {}"}, "is written in C#"),
        ({"server.hs": "main = pure ()"}, "is written in Haskell"),
        ({"my_server.py": "", "your_server.py": ""}, "could each be the server"),
        ({"grader.toml": "[server"}, "grader.toml is not valid TOML"),
        ({}, "no files to grade"),
        ({"s.zip": "PK\x03\x04"}, "s.zip"),
    ],
)
def test_a_submission_that_cannot_be_used_gives_every_report(folder: Path, files: dict[str, str], words: str) -> None:
    handed = folder / "handed"
    handed.mkdir()
    for name, content in files.items():
        (handed / name).write_text(content)
    submission = handed / "s.zip" if "s.zip" in files else handed
    junit, page = folder / "r.xml", folder / "r.html"
    ended = Command(folder).run("check", submission, *LOCAL, "--json", "-", "--junitxml", junit, "--html", page)
    assert ended.code == 2
    sentence = ended.err.splitlines()[0]
    assert sentence.startswith("grader: ")
    assert words in sentence
    report = ended.report()
    assert (report["score"], report["max_score"]) == (0, sum(spec.points for spec in UPPERCASE.checks))
    assert ended.check("server.handed_in")["reason"] == "unusable"
    suites = JUnitXml.fromfile(str(junit))
    assert (suites.tests, suites.failures, suites.skipped) == (len(UPPERCASE.checks) + 1, 1, len(UPPERCASE.checks))
    for written in (ended.check("server.handed_in")["message"], junit.read_text(), html.unescape(page.read_text())):
        assert words in written


def test_a_path_that_is_not_there_and_an_assignment_that_nobody_named_give_no_report(folder: Path) -> None:
    (folder / "empty").mkdir()
    for arguments in ((folder / "missing", *LOCAL), (folder / "file" / "missing", *LOCAL), (folder / "empty",)):
        (folder / "file").touch()
        ended = Command(folder).run("check", *arguments, "--json", folder / "r.json")
        assert ended.code == 2
        assert not (folder / "r.json").exists()


def test_a_fifo_in_a_folder_hangs_nobody(folder: Path) -> None:
    command = Command(folder)
    submission = command.submit(RIGHT)
    os.mkfifo(submission / "pipe")
    ended = command.run("check", submission, *QUICK, patience_s=20)
    assert ended.code in {0, 2}
    assert "pipe" in ended.out


# sandboxes


@pytest.mark.parametrize("host", ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:1", "rubbish"])
def test_docker_that_does_not_answer_is_3(folder: Path, host: str) -> None:
    command = Command(folder, environment={"DOCKER_HOST": host})
    ended = command.run("check", RIGHT, "--assignment", "tcp_uppercase", "--sandbox", "docker")
    assert_one_sentence(ended, 3, "container")


def test_auto_takes_the_local_sandbox_and_says_why(folder: Path) -> None:
    command = Command(folder, environment={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    ended = command.run("check", RIGHT, "--assignment", "tcp_uppercase", "--only", "listens")
    assert ended.code == 0
    assert "sandbox: local (" in ended.err
    assert "no container engine answers" in ended.err
    assert "does not protect" in ended.err


@pytest.mark.container
def test_auto_takes_docker_where_it_answers(folder: Path) -> None:
    ended = Command(folder).run("check", RIGHT, "--assignment", "tcp_uppercase", "--only", "answers", "--json", "-")
    assert ended.code == 0, ended.err
    assert "sandbox: docker (a container engine is running)" in ended.err
    assert ended.report()["grader"]["sandbox"].startswith("docker")
    assert ended.outcomes() == {"server.answers": "passed"}


# the other commands


def test_list_names_assignments_and_their_checks(folder: Path) -> None:
    extra = make_assignment(folder / "mine")
    assert "tcp_uppercase  TCP upper case" in Command(folder).run("list").out.splitlines()
    assert "small  Small" in Command(folder).run("list", "--assignments", extra).out.splitlines()
    ended = Command(folder).run("list", "tcp_uppercase")
    assert ended.code == 0
    checks, points = UPPERCASE.checks, sum(int(spec.points) for spec in UPPERCASE.checks)
    assert ended.out.startswith(f"tcp_uppercase: TCP upper case, {len(checks)} checks, {points} points\n")
    assert f"{int(UPPERCASE.spec('server.coalesced').points):>4}  server.coalesced\n" in ended.out
    assert_one_sentence(Command(folder).run("list", "none"), 2, "there is no assignment 'none'")


def test_doctor_without_an_engine_still_offers_the_local_sandbox(folder: Path) -> None:
    command = Command(folder, environment={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    ended = command.run("doctor")
    assert ended.code == 0
    assert "no  container engine: " in ended.out
    assert ended.out.splitlines()[-1] == "sandboxes that work here: local"


def test_clean_needs_an_engine(folder: Path) -> None:
    command = Command(folder, environment={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    assert_one_sentence(command.run("clean"), 3, "container")


def test_version_and_help(folder: Path) -> None:
    assert Command(folder).run("--version").out.startswith("grader, version ")
    assert "Exit codes: 0" in Command(folder).run("--help").out


# verify


@pytest.fixture
def copied(folder: Path) -> Command:
    """A command of a copy of the checkout, so that reference programs and verdicts can be changed."""
    for name in ("grader", "assignments", "reference"):
        shutil.copytree(ROOT / name, folder / "copy" / name)
    return Command(folder, environment={"PYTHONPATH": str(folder / "copy")})


def verify(command: Command, program: str) -> Ended:
    options = ("--sandbox", "local", "--program", program)
    return command.run("verify", "tcp_uppercase", *options, cwd=command.folder / "copy")


def test_verify_agrees_with_a_right_verdict(copied: Command) -> None:
    ended = verify(copied, "broken/never_answers.py")
    assert ended.code == 0, ended.out
    assert "FLIP" not in ended.out


def test_verify_finds_a_wrong_verdict(copied: Command) -> None:
    verdicts = copied.folder / "copy" / "reference" / "tcp_uppercase" / "verdicts.toml"
    text = verdicts.read_text()
    start = text.index("fails = [", text.index('["broken/never_answers.py"]')) + len("fails = [")
    verdicts.write_text(f'{text[:start]}"server.listens", {text[start:]}')
    ended = verify(copied, "broken/never_answers.py")
    assert ended.code == 1, ended.out
    assert "FLIP round 1 (seed 1) broken/never_answers.py (prints " in ended.out
    assert ": server.listens is expected to fail, but passed\n" in ended.out


def test_verify_finds_a_program_without_a_verdict(copied: Command) -> None:
    program = copied.folder / "copy" / "reference" / "tcp_uppercase" / "broken" / "new.py"
    program.write_text("")
    assert_one_sentence(verify(copied, "broken/new.py"), 2, "broken/new.py has no verdict")


def test_verify_names_no_program_that_is_not_there(copied: Command) -> None:
    assert_one_sentence(verify(copied, "broken/none.py"), 2, "there is no reference program 'broken/none.py'")
