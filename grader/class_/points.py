"""Another weighting of what was graded: a small file of points, and what late days cost.

    [points]
    "server.coalesced" = 5          # checks that are not named keep their points; 0: not counted

    [late]
    per_day = 10                    # percent of the maximum, for each day or part of one ...
    free = 2                        # ... after so many
    most = 50                       # percent, at most

Nothing is graded again: what counts is whether a check passed.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from grader.class_.model import Check, Class, Result, Row
from grader.class_.summary import state_of
from grader.errors import UsageError
from grader.model import Outcome

_Points = Annotated[float, msgspec.Meta(ge=0, le=1000)]
_Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class Late(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What late days cost, in percent of the maximum."""

    per_day: _Percent = 0
    free: Annotated[float, msgspec.Meta(ge=0)] = 0
    most: _Percent = 100


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of points."""

    points: dict[str, _Points] = msgspec.field(default_factory=dict)
    late: Late = Late()


def read(content: bytes, name: str, checks: tuple[Check, ...]) -> Weights:
    """The weights in a file.

    Raises:
        UsageError: it is not such a file, or names a check that the class was not graded by.
    """
    try:
        weights = msgspec.toml.decode(content, type=Weights)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} can't be used: {error}") from error
    known = {check.id for check in checks}
    for check in weights.points:
        if check not in known:
            raise UsageError(f"{name} names the check {check!r}, which this class was not graded by")
    return weights


def weighted(graded: Class, weights: Weights, name: str) -> Class:
    """The class with these weights instead of the assignment's.  `name`: the file's, to be shown."""
    checks = tuple(
        msgspec.structs.replace(check, points=weights.points.get(check.id, check.usual)) for check in graded.checks
    )
    worth = {check.id: check.points for check in checks}
    whole = sum(worth.values())
    return msgspec.structs.replace(
        graded,
        checks=checks,
        max_score=whole,
        rows=tuple(_weighted(row, worth, weights.late) for row in graded.rows),
        weighting=name,
    )


def _weighted(row: Row, worth: dict[str, float], late: Late) -> Row:
    whole = sum(worth.values())
    days = max(0.0, math.ceil(row.student.late_days) - late.free)
    deducted = round(whole * min(late.most, days * late.per_day) / 100, 2)
    if row.result is None:
        return row
    result = _result(row.result, worth, whole)
    return msgspec.structs.replace(row, state=state_of(result), result=result, deducted=deducted)


def _result(result: Result, worth: dict[str, float], whole: float) -> Result:
    earned = sum(worth[check] for check, outcome in result.outcomes.items() if outcome is Outcome.PASSED)
    return msgspec.structs.replace(
        result, score=earned, max_score=whole, unjudged=sum(worth[check] for check in result.undecided)
    )
