"""What the commands about a class say at their end."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Final

import click

from grader.class_.books.platforms import PLATFORMS, Book
from grader.class_.model import STATES, Class, Row, State
from grader.class_.whole import Done
from grader.cli.say import show
from grader.errors import NOT_JUDGED
from grader.report.text import number, plural, plural_points

GRADEBOOK: Final = click.option(
    "--gradebook",
    multiple=True,
    metavar="PLATFORM=FILE",
    help=f"Fill a column of this export of a platform's ({', '.join(PLATFORMS)}); may be repeated.",
)
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


def books_of(wanted: tuple[str, ...], *titles: str) -> tuple[Book, ...]:
    """The gradebooks that `--gradebook` names (UsageError: one of them can't be filled)."""
    return tuple(Book(each, titles) for each in wanted)


def tell(done: Done, out: Path) -> None:
    """Print the numbers that matter, and what to do next."""
    graded = done.graded
    grades = [row.grade for row in graded.rows if row.grade is not None]
    if grades:
        middle = f"mean {number(statistics.fmean(grades))}, median {number(statistics.median(grades))}"
        show(f"{plural(len(grades), 'grade')} out of {plural_points(graded.max_score)}: {middle}")
    for state in STATES:
        rows = [row for row in graded.rows if row.state == state]
        if rows and state != "graded":
            show(f"{len(rows)} {WORDS[state]}: {_names(rows)}")
    for line in graded.unassigned:
        show(f"belongs to nobody: {line}")
    if graded.weighting:
        show(f"points: as in {graded.weighting}, not the assignment's own (grader points {out} --reset)")
    show(f"gradebook: {out / 'gradebook.csv'}\noverview: {out / 'index.html'}")
    for name, book in done.books.items():
        show(f"for the platform: {out / name} ({plural(book.grades, 'grade')})")
        for note in book.notes:
            show(f"  {note}")
    if any(row.state == "unjudged" for row in graded.rows):
        show("next: look at the unjudged ones first in the overview; --again unjudged tries them again")


def _names(rows: list[Row]) -> str:
    names = [row.student.name or row.student.key for row in rows[:_MOST_NAMES]]
    more = [f"{len(rows) - _MOST_NAMES} more"] if len(rows) > _MOST_NAMES else []
    return ", ".join([*names, *more])


def exit_code(graded: Class) -> int:
    """0: everybody is graded; 3: somebody has to look at some; a failing student is no error."""
    return NOT_JUDGED if any(row.state in {"unjudged", "waiting"} for row in graded.rows) else 0
