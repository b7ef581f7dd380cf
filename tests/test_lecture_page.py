"""docs/lectures.md: each check that it names is one of that assignment, and tests that requirement."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.assignment import load

PAGE = Path(__file__).resolve().parent.parent / "docs" / "lectures.md"
TABLE = re.compile(r"^## (?P<title>.*)\n\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE)
PLACE = re.compile(r"`(\w+)` (\d+\.\d+) `((?:server|client|pair)\.\w+)`")
PLACES = PLACE.findall(PAGE.read_text(encoding="utf-8"))
NOT_TESTED = "What is not tested"


def rows_of(title: str) -> list[list[str]]:
    tables = {found["title"]: found["rows"] for found in TABLE.finditer(PAGE.read_text(encoding="utf-8"))}
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in tables[title].splitlines()[2:]]


@pytest.mark.parametrize(("assignment", "requirement", "check"), sorted(set(PLACES)))
def test_a_check_on_the_page_tests_the_requirement_beside_it(assignment: str, requirement: str, check: str) -> None:
    assert requirement in [spec.requirement for spec in load(assignment).checks if spec.id == check]


def test_each_point_names_its_lectures_and_a_check_or_says_why_not() -> None:
    titles = [found["title"] for found in TABLE.finditer(PAGE.read_text(encoding="utf-8"))]
    for title in titles:
        for _, lectures, what in rows_of(title):
            assert re.fullmatch(r"[1-4](, [1-4])*", lectures)
            assert title == NOT_TESTED or PLACE.search(what) or what.startswith("not "), what
