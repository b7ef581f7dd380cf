"""What checks conclude from steps that they share."""

from __future__ import annotations

from itertools import count

from grader.checks.crowds import until_enough
from grader.limits import CROWD_S


def test_clients_that_take_no_time_all_come() -> None:
    assert list(until_enough(200, lambda: 0.0)) == list(range(200))


def test_of_clients_that_take_long_a_few_come_and_no_more() -> None:
    seconds = count()
    assert list(until_enough(200, lambda: next(seconds) * 2 * CROWD_S)) == list(range(12))


def test_those_that_came_in_time_are_enough() -> None:
    seconds = count()
    came = list(until_enough(200, lambda: next(seconds) * CROWD_S / 50))
    assert 12 < len(came) < 100
