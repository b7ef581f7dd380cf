"""What the commands about a class say at their end."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Final

from grader.class_.model import STATES, Class, Row, State
from grader.cli.say import show
from grader.errors import NOT_JUDGED
from grader.report.text import number, plural, plural_points

#: A state in words.
WORDS: Final[dict[State, str]] = {
    "unjudged": "not completely judged",
    "unusable": "unusable",
    "waiting": "not graded yet",
    "missing": "nothing handed in",
    "graded": "graded",
}
#: So many names are listed; the overview has the others.
_MOST_NAMES: Final = 8


def tell(graded: Class, out: Path) -> None:
    """Print the numbers that matter, and what to do next."""
    grades = [row.grade for row in graded.rows if row.grade is not None]
    if grades:
        middle = f"mean {number(statistics.fmean(grades))}, median {number(statistics.median(grades))}"
        show(f"{plural(len(grades), 'grade')} of {plural_points(graded.max_score)} at most: {middle}")
    for state in STATES:
        rows = [row for row in graded.rows if row.state == state]
        if rows and state != "graded":
            show(f"{len(rows)} {WORDS[state]}: {_names(rows)}")
    for line in graded.unassigned:
        show(f"belongs to nobody: {line}")
    if graded.weighting:
        show(f"points: as in {graded.weighting}, not the assignment's own (grader points {out} --reset)")
    show(f"gradebook: {out / 'gradebook.csv'}\noverview: {out / 'index.html'}")
    if any(row.state == "unjudged" for row in graded.rows):
        show("next: look at the unjudged ones first in the overview; --again unjudged tries them again")


def _names(rows: list[Row]) -> str:
    names = [row.student.name or row.student.key for row in rows[:_MOST_NAMES]]
    more = [f"{len(rows) - _MOST_NAMES} more"] if len(rows) > _MOST_NAMES else []
    return ", ".join([*names, *more])


def exit_code(graded: Class) -> int:
    """0: everybody is graded; 3: somebody has to look at some; a failing student is no error."""
    return NOT_JUDGED if any(row.state in {"unjudged", "waiting"} for row in graded.rows) else 0
