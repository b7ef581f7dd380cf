"""Which broken programs prove every check with the fewest gradings.  Pure: what fails what comes in, plays come out.

A check is proved where a program that breaks it is seen to fail it.  Every start of a program and its driver costs
about the same, so a program that proves several checks comes before several that prove one each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

#: What a program and a check are called: words, or several words.
Name = TypeVar("Name", str, tuple[str, str])


class Play(NamedTuple, Generic[Name]):
    """A program, and the checks that it is to fail: it is graded by them and by what they depend on."""

    program: Name
    checks: frozenset[Name]


def cover(
    fails: Mapping[Name, Collection[Name]], wanted: Collection[Name], slow: Collection[Name] = ()
) -> list[Play[Name]]:
    """Plays in which each wanted check is failed once, if any program fails it.

    `fails`: for each program the checks that it fails.  `slow`: programs that are chosen only where no other proves a
    check.  The choice does not depend on the order in which programs and checks come.
    """
    left: set[Name] = {check for checks in fails.values() for check in checks if check in wanted}
    quick: dict[Name, Collection[Name]] = {program: checks for program, checks in fails.items() if program not in slow}
    only_slow: set[Name] = left.difference(*quick.values())
    return list(chain(_greedy(fails, only_slow, left), _greedy(quick, left, left)))


def _greedy(fails: Mapping[Name, Collection[Name]], wanted: set[Name], left: set[Name]) -> Iterator[Play[Name]]:
    """The program that proves most of what is wanted and left, again and again; all that it proves is left no more.

    V. Chvatal, "A greedy heuristic for the set-covering problem", 1979: at most ln n times the least number of plays.
    """
    while todo := wanted & left:
        program = min(fails, key=lambda name: (-len(todo.intersection(fails[name])), name))
        found = frozenset(left.intersection(fails[program]))
        left -= found
        yield Play(program, found)
