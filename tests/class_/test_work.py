"""What a process keeps from one grading of a class to the next, and when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from grader.class_ import work
from grader.errors import CannotJudgeError
from grader.job import Finished, Word
from grader.model import Outcome
from grader.sandbox.choose import Choice, Needs
from tests.test_flow import BUILT, LISTENS, ScriptedSandbox, planned, verdict

WHOLE: tuple[Word, ...] = (BUILT, LISTENS, verdict("server.answers", Outcome.PASSED), Finished())
BROKEN: tuple[Word, ...] = (BUILT, LISTENS)


@dataclass
class Place:
    """Gives a choice whose sandboxes say these words, one after the other; it counts what it was asked for."""

    scripts: Iterator[tuple[Word, ...]]
    complaint: str = ""
    chosen: int = 0
    closed: list[int] = field(default_factory=list)

    def choose(self, _: Needs) -> Choice:
        self.chosen += 1
        complaints = [self.complaint] if self.complaint else []
        number = self.chosen

        def make(*_: object) -> ScriptedSandbox:
            words = next(self.scripts)
            return ScriptedSandbox(*words, breaks="" if words[-1:] == (Finished(),) else "it broke")

        return Choice("docker", "as asked", make, complaints, close=lambda: self.closed.append(number))


def graded(folder: Path, place: Place, count: int) -> list[work.Done]:
    plan = planned(folder, "server.py", roles=("server",))
    kept = work.Kept(place.choose)
    return [kept.grade(plan) for _ in range(count)]


def test_the_sandbox_is_chosen_once(tmp_path: Path) -> None:
    place = Place(iter([WHOLE] * 3))
    done = graded(tmp_path, place, 3)
    assert (place.chosen, place.closed) == (1, [])
    assert [work.decoded(one.report).unjudged for one in done] == [0, 0, 0]


def test_it_is_chosen_again_after_points_that_could_not_be_judged(tmp_path: Path) -> None:
    place = Place(iter([WHOLE, BROKEN, WHOLE]))
    done = graded(tmp_path, place, 3)
    assert (place.chosen, place.closed) == (2, [1])
    assert [work.decoded(one.report).unjudged > 0 for one in done] == [False, True, False]


def test_a_complaint_is_told_once_and_belongs_to_its_grading(tmp_path: Path) -> None:
    place = Place(iter([WHOLE, WHOLE]), complaint="it can't be removed")
    first, second = graded(tmp_path, place, 2)
    assert first.complaints == second.complaints == ("it can't be removed",)
    assert (place.chosen, place.closed) == (2, [1, 2])


def test_a_place_that_is_not_there_is_looked_for_each_time(tmp_path: Path) -> None:
    asked: list[Needs] = []

    def gone(needs: Needs) -> Choice:
        asked.append(needs)
        raise CannotJudgeError("no engine answers")

    kept, plan = work.Kept(gone), planned(tmp_path, "server.py", roles=("server",))
    for _ in range(2):
        with pytest.raises(CannotJudgeError, match="no engine answers"):
            kept.grade(plan)
    assert len(asked) == 2
