"""`grader class` as instructors call it: interrupted, killed and run again it ends up the same, and nothing is left."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import pytest

from tests.cli.command import REFERENCE, RIGHT, Command, Ended, assert_nothing_left, make_assignment, wait_until

WRONG = REFERENCE / "broken" / "never_answers.py"
STUDENTS = ("anna", "bob", "carl", "dora", "emil")


def a_class(folder: Path) -> Path:
    """Five students, two of whom have a server that never answers; no two hand-ins are the same."""
    for number, name in enumerate(STUDENTS):
        program = WRONG if number % 2 else RIGHT
        (folder / "in" / name).mkdir(parents=True, exist_ok=True)
        (folder / "in" / name / "server.py").write_text(f"{program.read_text()}\n# {name}\n")
    return folder / "in"


def options(folder: Path) -> tuple[str | Path, ...]:
    if not (folder / "assignments").exists():
        make_assignment(folder / "assignments")
    return (
        *("class", a_class(folder), "--assignment", "small", "--assignments", folder / "assignments"),
        *("--sandbox", "local", "--seed", "5", "--jobs", "2"),
    )


def grades(out: Path) -> dict[str, str]:
    with (out / "gradebook.csv").open(encoding="utf-8-sig", newline="") as file:
        return {line["student"]: line["grade"] for line in csv.DictReader(file)}


EXPECTED = {"anna": "4", "bob": "2", "carl": "4", "dora": "2", "emil": "4"}


def test_a_class_is_graded_and_told_about(folder: Path) -> None:
    command = Command(folder)
    roster = folder / "roster.csv"
    roster.write_text("Student,ID,SIS Login ID,Small (17)\nPoints Possible,,,4\n")
    with roster.open("a") as file:
        file.writelines(f"{name.title()},{number},{name},\n" for number, name in enumerate((*STUDENTS, "zoe")))
    more = ("--roster", roster, "--gradebook", f"canvas={roster}")
    ended = command.run(*options(folder), "--out", folder / "results", *more)
    assert ended.code == 0, ended.err
    assert grades(folder / "results") == {**EXPECTED, "zoe": ""}
    filled = (folder / "results" / "gradebook.canvas.csv").read_text()
    assert filled.splitlines()[2:] == [
        "Anna,0,anna,4",
        "Bob,1,bob,2",
        "Carl,2,carl,4",
        "Dora,3,dora,2",
        "Emil,4,emil,4",
        "Zoe,5,zoe,",
    ]
    assert "1 nothing handed in: Zoe" in ended.out
    lines = ended.err.splitlines()
    assert sum(line.startswith("[") for line in lines) == len(STUDENTS) + 1
    assert any(line.startswith("[6/6] ") for line in lines)
    assert "5 grades out of 4 points: mean 3.2, median 4" in ended.out
    assert (folder / "results" / "index.html").read_text().count("report.html") >= len(STUDENTS)
    assert_nothing_left(command)
    again = Command(folder).run(*options(folder), "--out", folder / "results", *more)
    assert "kept from earlier: 5 results" in again.err
    assert again.out == ended.out


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_it_goes_on(folder: Path, how: signal.Signals) -> None:
    command = Command(folder)
    process = command.start(*options(folder), "--out", folder / "results")
    assert wait_until(lambda: any((folder / "results" / name).exists() for name in STUDENTS))
    process.send_signal(how)
    assert process.wait() == (3 if how is signal.SIGINT else -how)
    assert_nothing_left(command)
    if how is signal.SIGINT:
        told = (folder / "err").read_text()
        assert "to go on, run the same command again" in told
        assert told.rstrip().endswith("grader: interrupted")
        assert "" in grades(folder / "results").values()
    ended = Command(folder).run(*options(folder), "--out", folder / "results")
    assert ended.code == 0
    assert "kept from earlier: " in ended.err
    assert grades(folder / "results") == EXPECTED


def sentence(ended: Ended, code: int = 2) -> str:
    """The only sentence of a command that could not begin."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    (line,) = [line for line in ended.err.splitlines() if line.startswith("grader: ")]
    return line


def test_what_is_wrong_is_said_in_a_sentence(folder: Path) -> None:
    run = Command(folder).run
    usual = options(folder)
    (folder / "empty").mkdir()
    (folder / "mine").mkdir()
    (folder / "mine" / "notes.txt").touch()
    out = ("--out", folder / "results")
    assert "contains no submissions" in sentence(run("class", folder / "empty", *usual[2:], *out))
    assert "nowhere" in sentence(run("class", folder / "nowhere", *usual[2:], *out))
    assert "was not made by grader class" in sentence(run(*usual, "--out", folder / "mine"))
    assert "no column that says who a student is" in sentence(run(*usual, *out, "--roster", __file__))
    assert "must be PLATFORM=FILE" in sentence(run(*usual, *out, "--gradebook", "excel=x"))
    assert "use tls://" in sentence(run(*usual, *out, "--scheduler", "tcp://10.0.0.1:8786"))
    assert "has no check 'nonsense'" in sentence(run(*usual, *out, "--only", "nonsense"))
    assert "nothing has been graded" in sentence(run(*usual, *out, "--again", "failed"))
    assert "was not made by grader class" in sentence(run("points", folder / "mine", "--reset"))
    assert "name a file with --points" in sentence(run("points", folder / "results"))
