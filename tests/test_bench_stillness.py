"""The trial of verdicts works, and notices a false one; how long anything takes is not asserted here."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from bench import stillness as trial
from grader.wire import stillness
from grader.wire.stillness import Verdict

THREADS = next(runtime for runtime in trial.RUNTIMES if runtime.title == "cpython threads")


def test_a_right_server_gets_no_false_verdict(tmp_path: Path) -> None:
    with trial.serving(THREADS, tmp_path) as server:
        tally = trial.try_often(server, THREADS, 10, random.Random(1), eager=True)  # noqa: S311 — an order
    assert tally.outcomes == {"answered": 10}
    assert not tally.false


@pytest.mark.alone
def test_a_false_verdict_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A judge that takes every sleep for the last one.
    monkeypatch.setattr(stillness, "judge", lambda *_, **__: Verdict.STILL)
    sleeper = replace(THREADS, kinds=("sleep",))
    with trial.serving(sleeper, tmp_path) as server:
        tally = trial.try_often(server, sleeper, 10, random.Random(1), eager=True)  # noqa: S311 — an order
    assert tally.outcomes["still, and then answered"] == len(tally.false) > 0


@pytest.mark.parametrize("kind", ["ignore", "stuck"])
def test_what_is_never_answered_gets_its_verdict(kind: str, tmp_path: Path) -> None:
    said, _ = trial.hopeless_verdicts(THREADS, tmp_path, kind)
    assert said == {"still (STILL)": 5}
