"""Deadlines that an assignment sets itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import Reason
from grader.limits import SandboxLimits
from grader.model import Outcome
from tests.driver.play import ECHO, job, play

#: Its timer is longer than the shortest deadline, and shorter than the usual one.
LATE = ECHO.replace("while data", "import time\n            while data").replace(
    "sock.sendall(data)", "time.sleep(0.8); sock.sendall(data)"
)
CHECK = '''
def test_answers(connect, protocol):
    """Answers"""
    connect().ask(protocol.exchange(0))
'''


@pytest.mark.parametrize(
    ("reply_s", "outcome", "reason"), [(0.5, Outcome.FAILED, Reason.NO_REPLY), (2.0, Outcome.PASSED, None)]
)
def test_the_time_for_a_reply_is_the_assignments(
    tmp_path: Path, reply_s: float, outcome: Outcome, reason: Reason | None
) -> None:
    played = play(job(CHECK, "answers", program=LATE, limits=SandboxLimits(reply_s=reply_s)), tmp_path)
    assert (played.checks["answers"].outcome, played.checks["answers"].reason) == (outcome, reason)
