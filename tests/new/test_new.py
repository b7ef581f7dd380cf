"""New assignments: each kind grades as it is written, and what can't be written is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import flow, new, verify
from grader.assignment import folder_of, load
from grader.errors import UsageError
from grader.lint import flaws
from grader.new.table import KINDS
from grader.sandbox.choose import choose
from tests.cli.command import Command, Ended

EACH = pytest.mark.parametrize("kind", KINDS)


def grader(folder: Path, *words: str, cwd: Path | None = None) -> Ended:
    return Command(folder).run(*words, cwd=cwd)


def made(tmp_path: Path, kind: str) -> Path:
    return new.write(new.of_kind("tried_out", kind), tmp_path, "tried_out")


@EACH
def test_a_new_assignment_has_no_mistakes(tmp_path: Path, kind: str) -> None:
    folder = made(tmp_path, kind)
    assert flaws(folder, tmp_path) == []
    assert not any(b"@NAME@" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@EACH
def test_its_programs_get_their_verdicts(tmp_path: Path, kind: str) -> None:
    asked = load("tried_out", made(tmp_path, kind).parent)
    references = verify.load_references(verify.reference_folder(asked, tmp_path / "tried_out"), asked)
    assert sum(name.startswith("good/") for name in references.verdicts) == 1
    assert len(references.mutants) >= 2
    make = choose("local", lambda _: None).make
    for program, expected in references.verdicts.items():
        request = flow.Request(asked, seed=1, only=frozenset(expected.fails) or None)
        (trial,) = verify.trials(references, request, make, rounds=1, programs=(program,))
        assert trial.flips == (), program
        assert trial.report is not None
        assert trial.report.complete


def test_an_assignment_is_copied_with_its_programs(tmp_path: Path) -> None:
    run = grader(tmp_path, "new", "shout", str(tmp_path), "--like", "udp_uppercase")
    assert run.code == 0, run.err
    assert f"grader verify {tmp_path}/shout" in run.out
    asked, parent = load("shout", tmp_path), load("udp_uppercase")
    assert (asked.title, asked.checks) == ("Shout", parent.checks)
    assert flaws(tmp_path / "shout", tmp_path) == []
    copied = verify.load_references(verify.reference_folder(asked, tmp_path / "shout"), asked)
    ours = verify.load_references(verify.reference_folder(parent, folder_of("udp_uppercase")), parent)
    assert copied.folder == tmp_path / "shout" / "reference"
    assert copied.verdicts == ours.verdicts


def test_a_copy_of_a_new_assignment_is_named_by_its_path(tmp_path: Path) -> None:
    folder = made(tmp_path, "line")
    run = grader(tmp_path, "new", "again", str(tmp_path), "--like", str(folder))
    assert run.code == 0, run.err
    assert load("again", tmp_path).checks == load("tried_out", tmp_path).checks


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("taken",), "taken exists already"),
        (("Bad name",), "'Bad name' can't be the name of an assignment: small letters, digits and underscores only"),
        (("../up",), "can't be the name of an assignment"),
        (("other", "--like", "nothing"), "--like nothing: there is no assignment 'nothing'; known: "),
        (
            ("other", "--like", "./taken"),
            "--like ./taken: there is no assignment at ./taken: it has no assignment.toml",
        ),
    ],
)
def test_what_can_t_be_written_is_refused(tmp_path: Path, words: tuple[str, ...], complaint: str) -> None:
    here = tmp_path / "here"
    (here / "taken").mkdir(parents=True)
    run = grader(tmp_path, "new", *words, cwd=here)
    assert (run.code, run.out) == (2, "")
    assert complaint in run.err
    assert [path.name for path in here.iterdir()] == ["taken"]
    assert not (tmp_path / "up").exists()


def test_a_place_that_can_t_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"^can't write .*/file/a: "):
        new.write({"assignment.toml": b""}, tmp_path / "file", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
