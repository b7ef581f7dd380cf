"""What the way in which a check ended means: its verdict, its place, its bytes; nothing here plays anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader.catalogue import START_BY_HAND, Behaviour
from grader.catalogue.usual import OPENERS
from grader.driver.author import blame
from grader.errors import REASONS, Reason
from grader.harness import expect
from grader.model import UNJUDGED, CheckResult, Compared, Outcome, SourceLine
from grader.wire.faults import FaultError, NotStartedError, UnprovedError
from grader.wire.transcript import compared

#: Outcomes for which there was a moment in which they became known.
KNOWN_AT = frozenset({Outcome.FAILED, Outcome.INCONCLUSIVE})


def fault_of(error: BaseException | None) -> FaultError | UnprovedError | None:
    """What did not hold, if that is why the check did not pass."""
    found = error.fault if isinstance(error, NotStartedError) else error
    return found if isinstance(found, FaultError | UnprovedError) else None


def row_for(row: Behaviour, check_id: str, error: BaseException | None) -> Behaviour:
    """The row whose hints fit: a program that was never reached has not shown anything of what its check is about."""
    unreached = isinstance(error, NotStartedError) and check_id not in OPENERS
    return replace(row, hint=START_BY_HAND, hints={}) if unreached else row


def compared_in(error: BaseException | None) -> Compared | None:
    """What was expected beside what came, where both are bytes."""
    fault = fault_of(error)
    if isinstance(fault, FaultError) and isinstance(fault.expected, bytes) and fault.received is not None:
        return compared(fault.expected, fault.received)
    return None


def place_of(error: BaseException | None) -> SourceLine | None:
    """The line that the program was at, the first if there are several."""
    fault = fault_of(error)
    places = fault.places if isinstance(fault, FaultError) else None
    return SourceLine(file=places[0].file, line=places[0].line) if places else None


class PrerequisiteError(Exception):
    """A check is not played, or its failure doesn't count, since one that it depends on did not pass: `needed`."""

    def __init__(self, needed: CheckResult) -> None:
        super().__init__(needed.id)
        self.needed = needed


def _unjudged(result: CheckResult) -> bool:
    return result.outcome in UNJUDGED or result.reason is Reason.PREREQUISITE_UNJUDGED


def verdict_without_play(error: BaseException, folder: Path) -> tuple[Outcome, Reason, str]:
    """The verdict of a check that could not be played, or broke: because of an author's file in this folder, or us."""
    match error:
        case NotStartedError(fault=fault, needed=needed_program):
            return Outcome.SKIPPED, Reason.PREREQUISITE, expect.because(needed_program, fault)
        case PrerequisiteError(needed=needed):
            if _unjudged(needed):
                words = expect.because(f"“{needed.title}”, which could not be judged")
                return Outcome.SKIPPED, Reason.PREREQUISITE_UNJUDGED, words
            return Outcome.SKIPPED, Reason.PREREQUISITE, expect.because(f"“{needed.title}”, which did not pass")
    if flaw := blame(error, folder):
        return Outcome.ERROR, Reason.ASSIGNMENT_ERROR, f"In {flaw}."
    return Outcome.ERROR, Reason.GRADER_ERROR, f"{REASONS[Reason.GRADER_ERROR]}: {error!r}"
