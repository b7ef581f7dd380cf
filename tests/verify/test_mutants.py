"""Mutants: what is changed where, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import verify
from grader.assignment import folder_of, load, names
from grader.errors import AssignmentError, UsageError
from grader.verify.mutants import CannotMutateError, Change, Mutant, difference, mutated
from grader.verify.references import load_references

ASSIGNMENT = load("tcp_uppercase")
RIGHT = b"listen()\nwhile data := recv():\n    send(data)\n"


def changed(*changes: tuple[str, str]) -> Mutant:
    return Mutant("good/a.py", tuple(Change(old, new) for old, new in changes))


@given(st.lists(st.text("abc", min_size=1), min_size=2, unique=True), st.data())
def test_each_change_is_made_in_its_place(lines: list[str], data: st.DataObject) -> None:
    numbered = [f"{number}:{line}\n" for number, line in enumerate(lines)]
    chosen = data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=1))
    order = data.draw(st.permutations(sorted(chosen)))
    mutant = changed(*((numbered[place], f"new {place}\n") for place in order))
    (made,) = mutated({"": "".join(numbered).encode()}, mutant).values()
    expected = [f"new {place}\n" if place in chosen else line for place, line in enumerate(numbered)]
    assert made.decode() == "".join(expected)


def test_a_change_is_made_in_the_right_program_and_not_in_what_another_made() -> None:
    mutant = changed(("listen()", "recv():"), ("recv():", "listen()"))
    assert mutated({"": b"listen() recv():"}, mutant) == {"": b"recv(): listen()"}


def test_a_folder_changes_in_the_files_that_are_named() -> None:
    files = {"a.py": b"one", "b/c.py": b"one\xff"}
    mutant = Mutant("good/a", (Change("one", "two", file="b/c.py"),))
    assert mutated(files, mutant) == {"a.py": b"one", "b/c.py": b"two\xff"}
    assert [*difference(files, mutant, "mutants/x")] == [
        "good/a/b/c.py becomes mutants/x/b/c.py:",
        "@@ -1 +1 @@",
        r"-one\xff",
        r"+two\xff",
    ]


@pytest.mark.parametrize(
    ("mutant", "words"),
    [
        (changed(("accept()", "")), "'accept()' occurs not at all in good/a.py: it must occur exactly once"),
        (changed(("data", "")), "'data' occurs 2 times in good/a.py: it must occur exactly once"),
        (changed(("", "x")), "'' occurs not at all in good/a.py: it must occur exactly once"),
        (changed(("listen", "x"), ("listen()", "y")), "two of its changes overlap in good/a.py"),
        (changed(("listen", "listen")), "it is the same as good/a.py: nothing is changed"),
        (changed(), "it is the same as good/a.py: nothing is changed"),
        (
            Mutant("good/a.py", (Change("listen", "", file="b.py"),)),
            "good/a.py has no file 'b.py': it has no file to be named, since it is a single one",
        ),
    ],
)
def test_what_does_not_fit_is_refused(mutant: Mutant, words: str) -> None:
    with pytest.raises(CannotMutateError) as caught:
        mutated({"": RIGHT}, mutant)
    assert str(caught.value) == words


def write(folder: Path, mutants: str, verdicts: str) -> Path:
    (folder / "good" / "both").mkdir(parents=True)
    (folder / "good" / "a.py").write_bytes(RIGHT)
    (folder / "good" / "both" / "run.sh").write_text("run\n")
    (folder / "good" / "both" / "run.sh").chmod(0o755)
    (folder / "mutants.toml").write_text(mutants)
    (folder / "verdicts.toml").write_text('["good/a.py"]\n["good/both"]\n' + verdicts)
    return folder


NO_LOOP = '[no_loop]\nof = "good/a.py"\nchange = [{ old = "while", new = "if" }]\n'
NO_RUN = '[no_run]\nof = "good/both"\nchange = [{ file = "run.sh", old = "run", new = "walk" }]\n'
VERDICTS = '["mutants/no_loop"]\n["mutants/no_run"]\n'


def test_a_mutant_is_handed_in_like_its_right_program(tmp_path: Path) -> None:
    references = load_references(write(tmp_path / "x", NO_LOOP + NO_RUN, VERDICTS), ASSIGNMENT)
    with references.handed_in("mutants/no_loop") as path:
        assert (path.name, path.read_bytes()) == ("a.py", RIGHT.replace(b"while", b"if"))
    assert not path.exists()
    with references.handed_in("mutants/no_run") as path:
        (script,) = path.iterdir()
        assert (path.name, script.read_text(), script.stat().st_mode & 0o777) == ("both", "walk\n", 0o755)
    with references.handed_in("good/a.py") as path:
        assert path == tmp_path / "x" / "good" / "a.py"


def test_a_difference_is_asked_for_by_name(tmp_path: Path) -> None:
    references = load_references(write(tmp_path / "x", NO_LOOP + NO_RUN, VERDICTS), ASSIGNMENT)
    assert references.difference("no_loop") == references.difference("mutants/no_loop")
    assert references.difference("no_loop")[2:] == [
        " listen()",
        "-while data := recv():",
        "+if data := recv():",
        "     send(data)",
    ]
    with pytest.raises(UsageError, match=r"no_loops. in x/mutants\.toml; close to it: no_loop, no_run$"):
        references.difference("no_loops")


@pytest.mark.parametrize(
    ("mutants", "verdicts", "words"),
    [
        (NO_LOOP, "", "x/verdicts.toml: mutants/no_loop has no verdict"),
        ("", '["mutants/no_loop"]', "x/verdicts.toml: there is no program mutants/no_loop"),
        (NO_LOOP.replace('"while"', '"for"'), VERDICTS, "x/mutants.toml: no_loop: 'for' occurs not at all"),
        (
            NO_LOOP.replace("good/a", "good/b"),
            VERDICTS,
            "x/mutants.toml: no_loop: there is no right program 'good/b.py': good/a.py, good/both",
        ),
        (NO_LOOP.replace("good/a.py", "../y"), VERDICTS, "x/mutants.toml: no_loop: there is no right program '../y'"),
        (NO_LOOP.replace("of =", "off ="), VERDICTS, "x/mutants.toml: Object"),
    ],
)
def test_a_fault_in_the_mutants_is_refused(tmp_path: Path, mutants: str, verdicts: str, words: str) -> None:
    with pytest.raises(AssignmentError) as caught:
        load_references(write(tmp_path / "x", mutants, verdicts), ASSIGNMENT)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", names())
def test_our_own_mutants_differ_from_their_right_programs_by_a_few_lines(name: str) -> None:
    asked = load(name)
    references = load_references(verify.reference_folder(asked, folder_of(name)), asked)
    for mutant in references.mutants:
        lines = [line for line in references.difference(mutant) if line[:1] in "+-"]
        assert 1 <= len(lines) <= 40, mutant
