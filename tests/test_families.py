"""The table of families of languages, and what is asked of it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import families
from grader.families import BASE, FAMILIES

NAMES = st.frozensets(st.sampled_from([*FAMILIES]))


def test_each_command_is_of_one_family() -> None:
    counted = Counter(word for family in FAMILIES.values() for word in (*family.commands, *family.also))
    assert set(counted.values()) == {1}


def test_a_family_has_packages_or_says_what_to_do_instead() -> None:
    assert all(family.packages or family.note for family in FAMILIES.values())
    assert all(family.commands for family in FAMILIES.values())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["javac", "-d", "out", "Server.java"], {"jvm"}),
        (["/usr/lib/go-1.19/bin/go", "build"], {"go"}),
        (["cmake", "--build", "build", "node"], {"cmake", "node"}),
        (["./go_server", "{port}"], set()),
        ([], set()),
    ],
)
def test_a_command_line_tells_its_families_by_their_commands(words: list[str], found: set[str]) -> None:
    assert families.families_of_words(words) == {BASE, *found}


@given(NAMES)
def test_what_a_family_contains_comes_with_it(names: frozenset[str]) -> None:
    closed = families.closed(names)
    assert {BASE, *names} <= closed
    assert all(set(FAMILIES[name].needs) <= closed for name in closed)
    assert families.closed(closed) == closed


def test_a_name_that_is_no_family_is_refused() -> None:
    with pytest.raises(KeyError):
        families.closed(["cobol"])


def test_families_have_titles_as_in_a_sentence() -> None:
    assert families.titles({BASE}) == "Python, C and C++"
    assert families.titles({BASE, "go"}) == "Go"
    assert families.titles({"ruby", "node", "go"}) == "Go, JavaScript and Ruby"
