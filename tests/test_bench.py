"""The benchmark works; how fast anything is, is not asserted here."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import plan
from grader.model import CheckResult, Event, EventKind, Outcome, Requirement

ROOT = Path(__file__).resolve().parent.parent
FLOOR = ROOT / "bench" / "floor.py"
RIGHT = ROOT / "reference" / "tcp_uppercase" / "good"


def event(kind: EventKind, **fields: object) -> Event:
    return Event(at_ms=0, kind=kind, **{"who": "client A", **fields})  # type: ignore[arg-type]


def steps(*events: Event) -> list[plan.Step]:
    check = CheckResult("server.x", "x", Requirement("1.1", "x"), Outcome.PASSED, 1, 1, evidence=events)
    return list(plan._steps(check, {}))


def play(folder: Path, planned: list[plan.Step]) -> subprocess.CompletedProcess[str]:
    path = folder / "plan.json"
    path.write_text(json.dumps(planned))
    return subprocess.run([sys.executable, FLOOR, path, RIGHT], check=False, capture_output=True, text=True)


STARTED = event(EventKind.STARTED, who="program", text="python3 threads.py 20001")
LISTENING = event(EventKind.LISTENING, who="program")
EXITED = event(EventKind.EXITED, who="program")
CONVERSATION = (
    STARTED,
    LISTENING,
    event(EventKind.CONNECTED),
    event(EventKind.SENT, data=b"ab\n", size_bytes=3, pieces=(1, 2)),
    event(EventKind.RECEIVED, data=b"AB\n", size_bytes=3),
    event(EventKind.HALF_CLOSED),
    event(EventKind.PEER_CLOSED),
    event(EventKind.CLOSED),
    event(EventKind.SIGNAL, who="grader"),
    EXITED,
)


def test_a_program_that_ends_without_listening_finds_its_port_taken() -> None:
    (started, _) = steps(STARTED, EXITED)
    (first, *_) = steps(STARTED, LISTENING, EXITED)
    assert isinstance(started[1], list)
    assert started[2] == int(started[1][-1])
    assert first[2] == 0


def test_left_out_bytes_are_sent_too() -> None:
    sent = event(EventKind.SENT, data=b"xy\n", size_bytes=103, omitted_bytes=100, head_bytes=2)
    ((_, _, encoded),) = steps(sent)
    assert base64.b64decode(str(encoded)) == b"xy" + b"a" * 100 + b"\n"


def test_the_floor_plays_a_conversation(tmp_path: Path) -> None:
    run = play(tmp_path, steps(*CONVERSATION))
    assert run.returncode == 0, run.stderr


def test_the_floor_does_not_overlook_a_missing_reply(tmp_path: Path) -> None:
    too_long = event(EventKind.RECEIVED, data=b"AB\n", size_bytes=4)
    changed = [too_long if each.kind is EventKind.RECEIVED else each for each in CONVERSATION]
    # The half-close comes first, so that the reply's end is known at once.
    changed[4], changed[5] = changed[5], changed[4]
    run = play(tmp_path, steps(*changed))
    assert run.returncode != 0
    assert "1 of 4 bytes are missing" in run.stderr


def test_the_floor_holds_the_port_of_a_program_that_must_refuse(tmp_path: Path) -> None:
    run = play(tmp_path, steps(STARTED, EXITED))
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("words", ["fragments in a second", "of the deadline", "times the floor", "hopeless server"])
def test_every_part_gives_a_figure(words: str, quick: str) -> None:
    assert words in quick


@pytest.fixture(scope="module")
def quick() -> str:
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr
    return run.stdout
