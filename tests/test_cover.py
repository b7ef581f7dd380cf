"""The choice of broken programs: every wanted check is failed by one, in few plays, by quick ones where there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.cover import Play, cover

CHECKS = st.sampled_from("abcdefgh")
FAILS = st.dictionaries(st.sampled_from([f"p{number}" for number in range(9)]), st.frozensets(CHECKS), max_size=9)


@given(FAILS, st.frozensets(CHECKS), st.data())
def test_each_wanted_check_is_failed_in_one_play(
    fails: dict[str, frozenset[str]], wanted: frozenset[str], data: st.DataObject
) -> None:
    slow = data.draw(st.frozensets(st.sampled_from([*fails]))) if fails else frozenset[str]()
    possible = wanted.intersection(frozenset[str]().union(*fails.values()))
    plays = cover(fails, wanted, slow)
    assert sorted(check for play in plays for check in play.checks) == sorted(possible)
    assert len({play.program for play in plays}) == len(plays) <= len(possible)
    for play in plays:
        assert play.checks <= fails[play.program]
    quick = frozenset[str]().union(*(checks for program, checks in fails.items() if program not in slow))
    for play in plays:
        assert play.program not in slow or play.checks - quick, "another would have done"


@given(FAILS)
def test_the_order_in_which_programs_come_changes_nothing(fails: dict[str, frozenset[str]]) -> None:
    wanted = frozenset[str]().union(*fails.values())
    backwards = dict(reversed(fails.items()))
    assert cover(fails, wanted) == cover(backwards, sorted(wanted, reverse=True))


def test_a_program_that_proves_several_checks_comes_before_one_for_each() -> None:
    fails = {"one": {"a"}, "three": {"a", "b", "c"}, "two": {"c", "d"}}
    assert cover(fails, "abcd") == [Play("three", frozenset("abc")), Play("two", frozenset("d"))]


def test_a_slow_program_is_chosen_only_for_what_no_other_proves_and_then_for_all_that_it_proves() -> None:
    fails = {"slow": {"a", "b", "c"}, "quick": {"a"}, "also_quick": {"b"}}
    assert cover(fails, "ab", slow={"slow"}) == [Play("also_quick", frozenset("b")), Play("quick", frozenset("a"))]
    assert cover(fails, "abc", slow={"slow"}) == [Play("slow", frozenset("abc"))]
