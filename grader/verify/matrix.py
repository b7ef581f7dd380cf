"""Reference programs by checks, as text: which program fails what, and how often verdicts flipped.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from grader.assignment import Assignment
from grader.model import Graded, Outcome, Part
from grader.verify import Expected, Trial

_MARKS = {
    Outcome.PASSED: ".",
    Outcome.FAILED: "F",
    Outcome.SKIPPED: "s",
    Outcome.INCONCLUSIVE: "?",
    Outcome.ERROR: "!",
}
_HEADINGS: dict[Graded, str] = {"server": "Servers", "client": "Clients", "both": "Servers with clients"}


def matrix(assignment: Assignment, verdicts: Mapping[str, Expected], trials: Sequence[Trial]) -> str:
    """One line per program: a mark for each check (the last trial's), its gradings and flips, its time.

    Programs are grouped by their roles, each under the checks that are played with it; those with several roles, which
    a folder with both programs is graded by, are in a group of their own.
    """
    width = max((len(program) for program in verdicts), default=0)
    lines: list[str] = []
    for role, heading in _HEADINGS.items():
        tried = {trial.program for trial in trials}
        programs = [name for name, expected in verdicts.items() if name in tried and expected.role == role]
        if not programs:
            continue
        groups = _groups(assignment, verdicts[programs[0]].parts)
        lines += [heading, ""] if len(assignment.roles) > 1 else []
        lines += [f"{number:>3}  {check}" for number, check in enumerate((id_ for ids in groups for id_ in ids), 1)]
        lines += ["", "  . passed   F failed   s skipped   ? inconclusive   ! error", ""]
        for program in programs:
            own = [trial for trial in trials if trial.program == program]
            row = " ".join(_row(own[-1], ids) for ids in groups)
            lines.append(f"{program:<{width}}  {row}  {_times(own)}")
        lines.append("")
    return "\n".join([*lines, _total(trials)])


def _groups(assignment: Assignment, parts: Iterable[Part]) -> list[list[str]]:
    """The ids of the checks of each part that has any."""
    groups = ([spec.id for spec in assignment.checks if spec.part == part] for part in parts)
    return [ids for ids in groups if ids]


def _row(trial: Trial, ids: Sequence[str]) -> str:
    if trial.report is None:
        return ("-" if trial.lacking else "!") * len(ids)
    outcomes = {check.id: check.outcome for check in trial.report.checks}
    return "".join(_MARKS[outcomes[check]] if check in outcomes else "-" for check in ids)


def _times(own: Sequence[Trial]) -> str:
    seconds = sorted(trial.report.duration_s for trial in own if trial.report)
    median = f"{seconds[len(seconds) // 2]:.1f} s" if seconds else "-"
    if own[-1].lacking:
        return f"not played: no {own[-1].lacking} here"
    flipped = sum(bool(trial.flips) for trial in own)
    return f"{median}{f'  {flipped} of {len(own)} FLIPPED' if flipped else ''}"


def _total(trials: Sequence[Trial]) -> str:
    flipped = sum(bool(trial.flips) for trial in trials)
    verdicts = sum(len(trial.report.checks) for trial in trials if trial.report)
    played = sum(not trial.lacking for trial in trials)
    return f"{played} gradings, {verdicts} verdicts, {flipped} gradings with a flip"
