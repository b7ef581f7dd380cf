"""A server that greets its clients although it should not."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import flow
from grader.assignment import load
from grader.model import Outcome
from grader.sandbox.choose import choose

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("check", "outcome"), [("server.answers", Outcome.PASSED), ("server.extra_reply_bytes", Outcome.FAILED)]
)
def test_a_check_by_itself_gets_the_verdict_that_it_has_among_all(check: str, outcome: Outcome) -> None:
    request = flow.Request(load("tcp_echo"), seed=1, only=frozenset({check}), roles=("server",))
    submission = ROOT / "reference" / "tcp_echo" / "broken" / "pair_with_greeting"
    report = flow.grade(submission, request, choose("local", lambda _: None).make, lambda _: None)
    assert {each.id: each.outcome for each in report.checks}[check] is outcome
