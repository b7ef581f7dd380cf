"""Reference programs by checks, as text: which program fails what, and how often verdicts flipped.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.assignment import Assignment
from grader.model import Outcome
from grader.verify import Expected, Trial

_MARKS = {
    Outcome.PASSED: ".",
    Outcome.FAILED: "F",
    Outcome.SKIPPED: "s",
    Outcome.INCONCLUSIVE: "?",
    Outcome.ERROR: "!",
}


def matrix(assignment: Assignment, verdicts: Mapping[str, Expected], trials: Sequence[Trial]) -> str:
    """One line a program: a mark for each check (the last trial's), its gradings and flips, its time."""
    ids = [spec.id for spec in assignment.checks]
    width = max((len(program) for program in verdicts), default=0)
    lines = [f"{number:>3}  {check}" for number, check in enumerate(ids, 1)]
    lines += ["", "  . passed   F failed   s skipped   ? inconclusive   ! error", ""]
    for program in dict.fromkeys(trial.program for trial in trials):
        own = [trial for trial in trials if trial.program == program]
        lines.append(f"{program:<{width}}  {_row(own[-1], ids)}  {_times(own)}")
    return "\n".join([*lines, "", _total(trials)])


def _row(trial: Trial, ids: Sequence[str]) -> str:
    if trial.report is None:
        return "!" * len(ids)
    outcomes = {check.id: check.outcome for check in trial.report.checks}
    return "".join(_MARKS[outcomes[check]] if check in outcomes else "-" for check in ids)


def _times(own: Sequence[Trial]) -> str:
    seconds = sorted(trial.report.duration_s for trial in own if trial.report)
    median = f"{seconds[len(seconds) // 2]:.1f} s" if seconds else "-"
    flipped = sum(bool(trial.flips) for trial in own)
    return f"{median}{f'  {flipped} of {len(own)} FLIPPED' if flipped else ''}"


def _total(trials: Sequence[Trial]) -> str:
    flipped = sum(bool(trial.flips) for trial in trials)
    verdicts = sum(len(trial.report.checks) for trial in trials if trial.report)
    return f"{len(trials)} gradings, {verdicts} verdicts, {flipped} gradings with a flip"
