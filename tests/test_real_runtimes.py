"""Servers of runtimes with timers of their own, as far as they are on this machine: looked at all the time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench import stillness as trial
from grader.limits import REPLY_S
from grader.wire.faults import FaultError
from grader.wire.stillness import Verdict
from grader.wire.waiting import NoProgressError, Why

RUNTIMES = {runtime.title: runtime for runtime in trial.RUNTIMES}


@pytest.mark.parametrize(
    ("title", "verdict"),
    [("java threads", Verdict.PRESUMED), ("go goroutines", Verdict.PRESUMED), ("node net", Verdict.STILL)],
)
def test_what_it_answers_is_awaited_and_silence_is_foreseen(title: str, verdict: Verdict, tmp_path: Path) -> None:
    runtime = RUNTIMES[title]
    if why_not := trial.why_not_built(runtime, tmp_path):
        pytest.skip(why_not)
    with trial.serving(runtime, tmp_path) as server:
        tally = trial.try_often(server, runtime, 10, random.Random(1), eager=True)  # noqa: S311 — an order
        assert (tally.outcomes, tally.false) == ({"answered": 10}, [])
        with server.client() as client:
            client.send(b"ignore 0 never\n")
            with pytest.raises(FaultError) as fault:
                client.expect(b"NEVER\n")
            stop = fault.value.__context__
            assert isinstance(stop, NoProgressError)
            # Node has a timer of its own now and then, which runs out later than anybody waits.
            assert stop.verdict in {verdict, Verdict.LATER}
            # By silence it might pass: no verdict that rests on its own words is enough.
            strict = server.program.wait_still(REPLY_S / 4)
            assert strict.why is (Why.STILL if strict.verdict is Verdict.STILL else Why.DEADLINE)
