"""A class goes on where it was interrupted, keeps its seed, and can be weighed differently."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

import msgspec
import pytest

from grader.class_ import whole
from grader.class_.books.platforms import Book
from grader.class_.model import Class
from grader.class_.outfolder import CannotKeepError, OutFolder
from grader.class_.run import Event, Finished
from grader.errors import UsageError
from grader.model import Report
from tests.class_.made import MOST, REQUEST, Scripted, hand_in, report

PROGRAMS = {"anna": "# a", "bob": "# b", "carl": "# c", "dora": "# d"}


def graded_as(text: str) -> Report:
    """Whatever is graded is graded so."""
    return report(failed=["server.answers"] if text == "# b" else [])


def asked(tmp_path: Path, again: whole.Again | None = None, seed: int | None = None) -> whole.Asked:
    found = hand_in(tmp_path / "in", {} if (tmp_path / "in").exists() else PROGRAMS)
    return whole.Asked(found, REQUEST, tmp_path / "out", seed, again)


def nobody_listens(_: Event) -> None:
    """Hear nothing."""


def no_books(_: Class) -> tuple[Book, ...]:
    """No platform's gradebook."""
    return ()


def grades(out: Path) -> dict[str, str]:
    """The gradebook, as anybody's CSV reader has it."""
    with (out / "gradebook.csv").open(encoding="utf-8-sig", newline="") as file:
        return {line["student"]: line["grade"] for line in csv.DictReader(file)}


def test_interrupted_at_every_place_it_ends_up_the_same(tmp_path: Path) -> None:
    executor = Scripted(graded_as)
    whole.grade(
        whole.Asked(hand_in(tmp_path / "in", PROGRAMS), REQUEST, tmp_path / "whole"), executor.as_crew, nobody_listens
    )
    for count in range(1, 5):
        heard = 0

        def interrupt(event: Event) -> None:
            nonlocal heard
            heard += isinstance(event, Finished) and not event.was_kept
            if heard == 1:
                raise KeyboardInterrupt

        before = len(executor.asked)
        with pytest.raises(KeyboardInterrupt):
            whole.grade(asked(tmp_path), executor.as_crew, interrupt)
        assert executor.was_cancelled
        assert sum(grade != "" for grade in grades(tmp_path / "out").values()) == count
        assert len(executor.asked) - before <= 2, "what was kept is not graded again"
    before = len(executor.asked)
    whole.grade(asked(tmp_path), executor.as_crew, nobody_listens)
    assert len(executor.asked) == before
    assert grades(tmp_path / "out") == grades(tmp_path / "whole")


def test_the_seed_is_drawn_once(tmp_path: Path) -> None:
    seeds = {whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, nobody_listens).graded.seed for _ in range(3)}
    assert len(seeds) == 1
    other = whole.grade(asked(tmp_path, seed=99), Scripted(graded_as).as_crew, nobody_listens)
    assert other.graded.seed == 99


def test_again_means_whom_it_says(tmp_path: Path) -> None:
    def first(text: str) -> Report:
        return report(unjudged=["server.coalesced"]) if text == "# c" else graded_as(text)

    whole.grade(asked(tmp_path), Scripted(first).as_crew, nobody_listens)
    wanted: dict[whole.Again, list[str]] = {"unjudged": ["# c"], "failed": ["# b"], "all": [*"abcd"], "changed": []}
    for again, texts in wanted.items():
        executor = Scripted(graded_as)
        whole.grade(asked(tmp_path, again), executor.as_crew, nobody_listens)
        assert sorted(text[-1] for text in executor.asked) == sorted(text[-1] for text in texts), again


def test_changed_keeps_what_another_version_of_the_grader_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, nobody_listens)
    monkeypatch.setattr("grader.class_.work.sources", lambda: "another version")
    hand_in(tmp_path / "in", {"dora": "# new"})
    executor = Scripted(graded_as)
    whole.grade(asked(tmp_path, "changed"), executor.as_crew, nobody_listens)
    assert executor.asked == ["# new"]
    executor = Scripted(graded_as)
    whole.grade(asked(tmp_path), executor.as_crew, nobody_listens)
    assert sorted(executor.asked) == ["# a", "# b", "# c"], "without it everybody is graded by the new version"


def test_two_runs_on_one_folder(tmp_path: Path) -> None:
    with OutFolder.held(tmp_path / "out"), pytest.raises(UsageError, match="another run is writing"):
        whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, nobody_listens)


def test_a_folder_of_somebody_else_s_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(UsageError, match="not empty and was not made by"):
        whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, nobody_listens)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_another_assignment_s_results_are_not_mixed(tmp_path: Path) -> None:
    graded = whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, nobody_listens).graded
    other = msgspec.structs.replace(graded, assignment="udp_reply")
    (tmp_path / "out" / "class.json").write_bytes(msgspec.json.encode(other))
    with pytest.raises(UsageError, match="has the results of udp_reply"):
        whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, nobody_listens)


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def fill(event: Event) -> None:
        if isinstance(event, Finished):
            heard.append(event.rows[0].student.key)
            monkeypatch.setattr(os, "fsync", no_space)

    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(CannotKeepError, match="is full; make room"):
        whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, fill)
    monkeypatch.undo()
    assert not [*(tmp_path / "out").rglob(".part-*")]
    executor = Scripted(graded_as)
    whole.grade(asked(tmp_path), executor.as_crew, nobody_listens)
    assert len(executor.asked) == len(PROGRAMS) - len(heard)
    assert len(grades(tmp_path / "out")) == len(PROGRAMS)


def test_other_points_count_without_grading(tmp_path: Path) -> None:
    usual = whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, nobody_listens).graded
    points = tmp_path / "points.toml"
    points.write_text('points."server.answers" = 10\npoints."server.listens" = 0\n')
    weighed = whole.weigh(tmp_path / "out", points, no_books).graded
    coalesced = next(check.usual for check in usual.checks if check.id == "server.coalesced")
    assert weighed.max_score == 10 + coalesced
    assert grades(tmp_path / "out") == {
        **dict.fromkeys(["anna", "carl", "dora"], f"{10 + coalesced:g}"),
        "bob": f"{coalesced:g}",
    }
    assert (
        whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, nobody_listens).graded.max_score == weighed.max_score
    )
    assert whole.weigh(tmp_path / "out", None, no_books).graded.max_score == usual.max_score == MOST
    assert written(tmp_path / "out").rows == usual.rows


def written(out: Path) -> Class:
    return msgspec.json.decode((out / "class.json").read_bytes(), type=Class)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("points = 3", "can't be used"),
        ('points."server.nonsense" = 1', "names the check 'server.nonsense', which"),
        ('points."server.answers" = -1', "can't be used"),
        ("\xff", "can't be used"),
    ],
)
def test_a_file_of_points_that_is_none(tmp_path: Path, text: str, words: str) -> None:
    whole.grade(asked(tmp_path), Scripted(graded_as).as_crew, nobody_listens)
    (tmp_path / "points.toml").write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match=words):
        whole.weigh(tmp_path / "out", tmp_path / "points.toml", no_books)


def test_what_was_not_graded_has_no_points(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match="was not made by grader class"):
        whole.weigh(tmp_path / "other", None, no_books)
