"""The made-up class of the benchmark: every platform's export of it is the same class."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.made_class import LAYOUTS, compare, make, members
from grader import flow
from grader.assignment import load
from grader.class_.collect import collect
from grader.class_.prepared import prepared
from grader.class_.roster import load as roster
from grader.report import write

STUDENTS = 140  # each program once, and a few again


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("class")
    make(made, STUDENTS)
    return made


def snapshots(folder: Path, layout: str) -> dict[str, str]:
    """Of each student what was handed in, as its hash, and whether it can be graded."""
    request = flow.Request(load("tcp_uppercase"), 7, ("server",), frozenset({"server.answers"}))
    found = collect(folder / layout, "auto", roster(folder / "roster.csv"))
    assert found.layout == layout
    assert found.unassigned == ()
    ready = {one.student.key: prepared(one, request) for one in found.hand_ins if one.parts}
    return {key: f"{one.submitted.sha256} {one.plan is not None}" for key, one in ready.items()}


def test_every_layout_is_the_same_class(folder: Path) -> None:
    first, *others = (snapshots(folder, layout) for layout in LAYOUTS)
    assert len(first) == STUDENTS - 1  # one hands in nothing
    for other in others:
        assert other == first


def test_it_has_all_languages_hostile_programs_and_twins() -> None:
    everybody = [*members(STUDENTS)]
    suffixes = {Path(name).suffix for one in everybody for name in one.files or ()}
    assert suffixes >= {".py", ".c", ".cpp", ".java", ".go", ".rs", ".js"}
    assert [one for one in everybody if one.expected and one.expected.fault == "hostile"]
    assert everybody[-4].files == everybody[0].files


def test_what_is_not_as_expected_is_said(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "gradebook.csv", b"")
    said = [*compare(folder, [tmp_path])]
    assert len(said) == STUDENTS - 2
    assert said[0].startswith(f"{tmp_path}: u0000 ")
    assert said[0].endswith("has no report")
