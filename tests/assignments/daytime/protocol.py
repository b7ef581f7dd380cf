"""Nothing is asked: the time comes by itself."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

from grader import Exchange, until

_FORM = "%Y-%m-%d %H:%M:%S"
_TOLERATED_S = 5


def is_now(line: bytes) -> str | None:
    """What is wrong with a time."""
    try:
        told = datetime.strptime(line.decode("ascii"), _FORM).replace(tzinfo=UTC)
    except ValueError:
        return "it is no time like 2026-11-30 18:33:05"
    off_s = told.timestamp() - time.time()
    return (
        None if abs(off_s) < _TOLERATED_S else f"this time is {abs(off_s):.0f} s {'ahead' if off_s > 0 else 'behind'}"
    )


def exchange(number: int, rng: random.Random) -> Exchange:
    """The same for everybody."""
    now = datetime.now(UTC).strftime(_FORM).encode()
    return Exchange(b"", until(b"\r\n", judge=is_now, words="the time in UTC", examples=[now], wrong=[b"noon"]))
