"""Which threads and processes count as lost: from what a program had at rest and what it has."""

from __future__ import annotations

import pytest

from grader.checks import workers
from grader.checks.workers import Workers


def had(processes: int, *steady: int, passing: tuple[int, ...] = ()) -> Workers:
    every = frozenset({*steady, *passing})
    return Workers(processes, len(every), every, frozenset(steady))


@pytest.mark.parametrize(
    ("before", "now", "lost"),
    [
        (had(1, 1, 2, 3), had(1, 1, 2, 3), []),
        (had(1, 1, 2, 3), had(1, 1, 2), [("threads", 3, 2)]),
        (had(1, 1, 2, 3), had(1, 1, 2, 4), []),  # its pool has replaced it
        (had(1, 1, passing=(2, 3)), had(1, 1, passing=(3,)), []),  # kept for the next task, and let go
        (had(1, 1, 2, passing=(3,)), had(1, 1, passing=(2,)), []),  # waits for a time now
        (had(1, 1, 2, passing=(3,)), had(1, 1, passing=(3,)), [("threads", 3, 2)]),
        (had(3, 1, 2, 3), had(2, 1, 2), [("processes", 3, 2), ("threads", 3, 2)]),
    ],
)
def test_only_threads_that_wait_for_good_are_missed(
    before: Workers, now: Workers, lost: list[tuple[str, int, int]]
) -> None:
    assert [*workers.lost(before, now)] == lost
