"""A message cut at every place, against servers that are right, wrong, or wrong only together."""

from __future__ import annotations

import random

import pytest

from grader.checks.splits import Splits, serves_at_once
from grader.errors import Reason
from grader.harness.greeting import Greeting
from grader.harness.stage import Stage
from grader.limits import SPLITS_SAMPLED
from grader.model import EventKind
from grader.protocol.dialogues import in_turn
from grader.protocol.script import Exchange
from grader.wire.faults import FaultError
from tests.harness.conftest import MakeStage

RNG = random.Random(1)  # noqa: S311 — repeatable, not secret
HELLO = Exchange(b"hello\n", b"HELLO\n")
#: More places than are played at once.
LONG = Exchange(b"a" * 39 + b"\n", b"A" * 39 + b"\n")


def splits(stage: Stage, exchange: Exchange, *, at_once: bool, ends: bool) -> Splits:
    return Splits(stage, lambda: in_turn([exchange]), RNG, at_once, ends)


def connections(stage: Stage) -> int:
    return len(stage.peers._clients)


@pytest.mark.parametrize("exchange", [HELLO, LONG])
@pytest.mark.parametrize("which", ["right", "right_one_by_one"])
def test_a_right_server_answers_all_splits(make_stage: MakeStage, which: str, exchange: Exchange) -> None:
    stage = make_stage(which)
    server = stage.shared()
    at_once = which == "right"
    assert splits(stage, exchange, at_once=at_once, ends=False).play(server) is server
    assert connections(stage) == len(exchange.request) - 1, "one for each place"


def test_all_splits_are_one_line_of_the_transcript(make_stage: MakeStage) -> None:
    stage = make_stage("right")
    server = stage.shared()
    before = stage.transcript.events
    splits(stage, HELLO, at_once=True, ends=False).play(server)
    (told,) = stage.transcript.events[len(before) :]
    assert (told.kind, told.text) == (EventKind.NOTE, "'hello\\n': all 5 splits")


@pytest.mark.parametrize(
    ("which", "at_once"), [("right", True), ("greeting", True), ("right_one_by_one", False), ("one_buffer", True)]
)
def test_whether_it_serves_several_is_found_out(make_stage: MakeStage, which: str, at_once: bool) -> None:
    stage = make_stage(which, greeting=Greeting(b"Welcome\n" if which == "greeting" else b""))
    assert serves_at_once(stage, stage.shared(), HELLO) is at_once


@pytest.mark.parametrize("which", ["takes_three_for_all", "takes_three_for_all_one_by_one"])
def test_the_smallest_place_that_fails_is_told(make_stage: MakeStage, which: str) -> None:
    stage = make_stage(which)
    with pytest.raises(FaultError) as caught:
        splits(stage, HELLO, at_once=not which.endswith("one_by_one"), ends=False).play(stage.shared())
    fault = caught.value
    assert (fault.reason, fault.expected) == (Reason.WRONG_REPLY, b"HELLO\n")
    assert fault.what.endswith(": 'hel' >>> SPLIT HERE <<< 'lo\\n' (after byte 3 of 6)")
    sent = [event.data for event in stage.transcript.events if event.kind is EventKind.SENT]
    assert sent[-2:] == [b"hel", b"lo\n"], "the transcript ends with the split that failed"


def test_a_place_far_behind_is_found_too(make_stage: MakeStage) -> None:
    exchange = Exchange(b"ab\n" + b"c" * 200 + b"\n", b"AB\n" + b"C" * 200 + b"\n")
    stage = make_stage("takes_three_for_all")
    with pytest.raises(FaultError) as caught:
        splits(stage, exchange, at_once=True, ends=False).play(stage.shared())
    # The first three bytes end with a line, so the next place is the first that fails.
    assert f"{'c' * 60}' … (after byte 4 of 204)" in caught.value.what
    assert "'ab\\nc' >>> SPLIT HERE <<< 'ccc" in caught.value.what


def test_what_fails_only_together_is_no_fault_of_a_split(make_stage: MakeStage) -> None:
    stage = make_stage("one_buffer")
    server = stage.shared()
    left = splits(stage, LONG, at_once=True, ends=False).play(server)
    with stage.connect(left) as client:
        client.ask(HELLO)


def test_where_the_answer_ends_the_connection_the_end_is_awaited(make_stage: MakeStage) -> None:
    stage = make_stage("one_line")
    splits(stage, HELLO, at_once=True, ends=True).play(stage.shared())
    stage = make_stage("right")
    with pytest.raises(FaultError, match="after byte 1 of 6") as caught:
        splits(stage, HELLO, at_once=True, ends=True).play(stage.shared())
    assert caught.value.reason is Reason.NOT_CLOSED


def test_a_slow_server_is_cut_at_some_of_the_last_places(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = make_stage("right")
    server = stage.shared()
    monkeypatch.setattr("grader.checks.splits.SPLITS_S", -1.0)  # as if it had taken longer than that already
    splits(stage, LONG, at_once=True, ends=False).play(server)
    assert connections(stage) == SPLITS_SAMPLED + 1, "and the last place"
    words = f"17 of {len(LONG.request) - 1} splits, since it takes so long; the seed chose the last {SPLITS_SAMPLED}"
    assert stage.transcript.events[-1].text.endswith(words)
