"""What the functions of an assignment's `protocol.py` promise that give visits.  Pure."""

from __future__ import annotations

from typing import Final

from grader.protocol.shapes import SIZES, UNIT_BYTES, Promise
from grader.protocol.visit import Visit, VisitProtocol, outline, own_words, said

#: The visits that checks make.
NUMBERS: Final = range(3)
#: What can be cut in two.
_TWO_BYTES: Final = 2


def _differ(protocol: VisitProtocol) -> bool:
    visits = [outline(protocol.visit(number)) for number in NUMBERS]
    return all(visit not in visits[:at] for at, visit in enumerate(visits))


def _end_with_an_answer(protocol: VisitProtocol) -> bool:
    last = [_last_answer(protocol.visit(number)) for number in NUMBERS]
    return all(answer is None or len(answer) >= _TWO_BYTES for answer in last)


def _is_as_long_as_asked(protocol: VisitProtocol) -> bool:
    last = [(size, _last_answer(protocol.visit_sized(size))) for size in SIZES]
    return all(answer is None or abs(size - len(answer)) <= UNIT_BYTES for size, answer in last)


def _has_turns(protocol: VisitProtocol) -> bool:
    visit = protocol.visit_in_turns()
    return len(visit.turns) > 1 and _last_answer(visit) is not None


def _last_answer(visit: Visit) -> bytes | None:
    """What the server says last; None: a function tells, once something was heard."""
    last = visit.turns[-1]
    return None if callable(last.says) else own_words(said(last, ()))


PROMISES: Final[dict[str, tuple[Promise, ...]]] = {
    "visit": (
        Promise("visits that are all different", _differ),
        Promise("visits in whose last turn the server says two bytes or more", _end_with_an_answer),
    ),
    "visit_sized": (Promise("a last answer that is as long as asked for", _is_as_long_as_asked),),
    "visit_in_turns": (Promise("two turns or more, and a last answer in plain bytes", _has_turns),),
}
