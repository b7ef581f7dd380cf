"""`index.html`: the class on one page, for the instructor to look at.

It needs nothing else: no server, fonts, pictures or network, and its only script (which sorts and filters the table of
students) is known to the browser by its hash.  The template decides how things look and escapes whatever it gets; this
file only prepares the values.
"""

from __future__ import annotations

import base64
import hashlib
import statistics
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import jinja2

from grader.class_.model import Check, Class, Row, State
from grader.model import Outcome, Visibility
from grader.report import safe
from grader.report.text import number, plural, plural_points

_Item = TypeVar("_Item")
#: So many bars has the distribution: deciles are fine enough for any class, and fit on a phone.
_BARS: Final = 10
#: So many of the slowest submissions are listed.
_SLOWEST: Final = 5
#: So many lines of a list are shown; a click shows the others.
_NAMED: Final = 6
#: The heading of each list of students whom somebody has to look at.
ATTENTION: Final[dict[State, str]] = {
    "unjudged": "Not completely judged: look at these first",
    "unusable": "Unusable: nothing in it could be graded",
    "waiting": "Not graded yet: the run was interrupted",
    "missing": "Nothing handed in",
}
#: An outcome as one character of the table's data, and what it is called.  `?`: unjudged.
LETTERS: Final[dict[Outcome, str]] = {
    Outcome.PASSED: "p",
    Outcome.FAILED: "f",
    Outcome.SKIPPED: "s",
    Outcome.INCONCLUSIVE: "?",
    Outcome.ERROR: "?",
}
NAMES: Final = {"p": "passed", "f": "failed", "s": "skipped", "?": "not judged"}


class Link(NamedTuple):
    """A student's name and the page of the report; empty if there is none.  `aside`: a few words behind it."""

    name: str
    page: str
    aside: str = ""


class Group(NamedTuple):
    """Students under one heading; `more`: how many are left out."""

    heading: str
    links: list[Link]
    more: int
    state: str = ""


class Folded(NamedTuple, Generic[_Item]):
    """A list of which the beginning is shown, and the rest on demand."""

    first: list[_Item]
    rest: list[_Item]


class Bar(NamedTuple):
    """A bar of the distribution.  `part`: its height in percent of the highest."""

    label: str
    students: int
    part: float


class Line(NamedTuple):
    """A check, and how many students have each outcome.

    `column`: its place in the students' `outcomes`.  `seen`: the words for a check that students don't see.
    """

    column: int
    id: str
    title: str
    seen: str
    requirement: str
    points: str
    counts: list[tuple[str, str, int, float]]
    share: float


class Person(NamedTuple):
    """A line of the table of students.  `outcomes`: a letter for each check."""

    link: Link
    key: str
    group: str
    state: State
    words: str
    score: str
    part: float
    order: float
    first: str
    late: str
    seconds: str
    outcomes: str
    notes: str


def render(graded: Class) -> bytes:
    """The overview of a class as one HTML page in UTF-8."""
    return _template().render(_page(graded)).encode()


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_text("overview.html.j2"))


def _text(name: str) -> str:
    return resources.files("grader.class_").joinpath(name).read_text("utf-8")


def _page(graded: Class) -> dict[str, object]:
    """The template's values."""
    script = _text("overview.js")
    grades = [row.grade for row in graded.rows if row.grade is not None]
    return {
        "assignment": safe.one_line(graded.assignment),
        "title": safe.one_line(graded.title),
        "about": " · ".join(_about(graded)),
        "narrowed": _narrowed(graded),
        "weighting": safe.one_line(graded.weighting),
        "counts": [(state, words, len(_in(graded, state))) for state, words in _STATE_WORDS.items()],
        "numbers": _numbers(graded, grades),
        "bars": _bars(grades, graded.max_score),
        "attention": [_group(ATTENTION[state], _in(graded, state), state) for state in ATTENTION if _in(graded, state)],
        "unassigned": _folded([safe.one_line(words) for words in graded.unassigned]),
        "alike": _folded(_alike(graded.rows)),
        "slowest": _slowest(graded.rows),
        "lines": _lines(graded),
        "checks": [safe.one_line(check.title) for check in graded.checks],
        "people": [_person(row, graded) for row in graded.rows],
        "has_groups": any(row.student.group for row in graded.rows),
        "has_late": any(row.student.late_days or row.deducted for row in graded.rows),
        "names": NAMES,
        "states": {state: words for state, words in _STATE_WORDS.items() if _in(graded, state)},
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "version": safe.one_line(graded.version),
    }


#: The words for checks that students don't see.
_SEEN: Final[dict[Visibility, str]] = {
    "visible": "",
    "after_due_date": "hidden until the due date",
    "hidden": "hidden from students",
}
_STATE_WORDS: Final[dict[State, str]] = {
    "graded": "graded",
    "unjudged": "not completely judged",
    "unusable": "unusable",
    "waiting": "not graded yet",
    "missing": "nothing handed in",
}


def _about(graded: Class) -> Iterable[str]:
    yield plural(len(graded.rows), "student")
    yield graded.started.strftime("%Y-%m-%d %H:%M %Z").strip()
    if graded.sandbox:
        yield f"sandbox: {safe.one_line(graded.sandbox)}"
    yield f"seed {graded.seed}"


def _narrowed(graded: Class) -> tuple[list[str], str] | None:
    """The options that left something out, and how much is left; None if it is the whole assignment."""
    if graded.narrowed is None:
        return None
    role = [f"--role {graded.narrowed.role}"] if graded.narrowed.role else []
    options = [*role, *(f"--only {safe.one_line(check)}" for check in graded.narrowed.only)]
    return options, f"{number(graded.max_score)} of its {plural_points(graded.narrowed.full_score)}"


def _numbers(graded: Class, grades: list[float]) -> list[tuple[str, str]]:
    if not grades:
        return []
    return [
        ("mean", number(statistics.fmean(grades))),
        ("median", number(statistics.median(grades))),
        ("lowest", number(min(grades))),
        ("highest", number(max(grades))),
        ("of", plural_points(graded.max_score)),
    ]


def _bars(grades: list[float], most: float) -> list[Bar]:
    """How many grades are in each tenth of the maximum, the last with its upper end."""
    if not grades or not most:
        return []
    counts = Counter(min(_BARS - 1, int(grade / most * _BARS)) for grade in grades)
    highest = max(counts.values())
    return [Bar(number(most * tenth / _BARS), counts[tenth], 100 * counts[tenth] / highest) for tenth in range(_BARS)]


def _folded(items: list[_Item]) -> Folded[_Item]:
    return Folded(items[:_NAMED], items[_NAMED:])


def _in(graded: Class, state: State) -> list[Row]:
    return [row for row in graded.rows if row.state == state]


def _group(heading: str, rows: list[Row], state: str = "") -> Group:
    return Group(heading, [_link(row, _why(row)) for row in rows[:_NAMED]], max(0, len(rows) - _NAMED), state)


def _why(row: Row) -> str:
    if row.result is None:
        return ""
    if row.state == "unjudged":
        return f"{plural_points(row.result.unjudged)} unjudged"
    return safe.one_line(row.result.why)


def _link(row: Row, aside: str = "") -> Link:
    folder = row.whole or row.folder
    page = f"{quote(folder)}/report.html" if folder else ""
    return Link(safe.one_line(row.student.name) or row.student.key, page, aside)


def _alike(rows: Iterable[Row]) -> list[Group]:
    """Hand-ins that differ in white space and file names alone, except of one group."""
    same: dict[str, list[Row]] = {}
    for row in rows:
        if row.result and row.result.alike:
            same.setdefault(row.result.alike, []).append(row)
    return [
        Group("", [_link(row) for row in found[:_NAMED]], max(0, len(found) - _NAMED))
        for found in same.values()
        if len(found) > 1 and len({row.student.group or row.student.key for row in found}) > 1
    ]


def _slowest(rows: Iterable[Row]) -> list[Link]:
    timed = sorted(((row.result.duration_s, row) for row in rows if row.result), key=lambda one: -one[0])
    return [_link(row, f"{seconds:.1f} s") for seconds, row in timed[:_SLOWEST] if seconds]


def _lines(graded: Class) -> list[Line]:
    """The checks, those first that the fewest pass."""
    outcomes = [_outcomes(row, graded.checks) for row in graded.rows if row.result]
    lines = []
    for column, check in enumerate(graded.checks):
        counted = Counter(letters[column] for letters in outcomes)
        counts = [
            (letter, words, counted[letter], 100 * counted[letter] / max(1, len(outcomes)))
            for letter, words in NAMES.items()
        ]
        lines.append(
            Line(
                column=column,
                id=safe.one_line(check.id),
                title=safe.one_line(check.title),
                seen=_SEEN[check.visibility],
                requirement=f"{safe.one_line(check.requirement.number)} {safe.one_line(check.requirement.text)}",
                points=number(check.points),
                counts=counts,
                share=counted["p"] / max(1, len(outcomes)),
            )
        )
    return sorted(lines, key=lambda line: line.share)


def _outcomes(row: Row, checks: Iterable[Check]) -> str:
    if row.result is None:
        return ""
    undecided = {*row.result.undecided}
    found = row.result.outcomes
    return "".join("?" if check.id in undecided else LETTERS[found.get(check.id, Outcome.ERROR)] for check in checks)


def _person(row: Row, graded: Class) -> Person:
    result = row.result
    outcomes = _outcomes(row, graded.checks)
    first = outcomes.find("f")
    return Person(
        link=_link(row),
        key=row.student.key,
        group=safe.one_line(row.student.group),
        state=row.state,
        words=_STATE_WORDS[row.state],
        score="" if row.grade is None else number(row.grade),
        part=100 * (row.grade or 0) / graded.max_score if graded.max_score else 0,
        order=-1 if row.grade is None else row.grade,
        first=_first(row, graded, first),
        late=_late(row),
        seconds=f"{result.duration_s:.1f}" if result else "",
        outcomes=outcomes,
        notes=" ".join(map(safe.one_line, row.notes)),
    )


def _first(row: Row, graded: Class, failed: int) -> str:
    """What a student has to look at first."""
    if row.result and row.result.why:
        return safe.one_line(row.result.why)
    if row.result and row.result.blocked_by:
        return ", ".join(map(safe.one_line, row.result.blocked_by))
    return safe.one_line(graded.checks[failed].title) if failed >= 0 else ""


def _late(row: Row) -> str:
    days = number(row.student.late_days) if row.student.late_days else ""
    return f"{days} (less {number(row.deducted)})" if row.deducted else days
