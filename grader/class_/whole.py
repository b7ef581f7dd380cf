"""A class from its hand-ins to its gradebook: what `grader class` and `grader points` do.

`class.json` is written when a run begins, so that its seed outlives whatever happens to it, and again when it ends,
however it ends; the gradebook and the overview are made from it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from grader import flow
from grader.class_ import overview, points
from grader.class_.books import plain
from grader.class_.books.platforms import Book, Filled
from grader.class_.collect import Collected
from grader.class_.files import Written
from grader.class_.model import Class, Row
from grader.class_.outfolder import OutFolder
from grader.class_.run import Crew, Event, Finished, Run
from grader.class_.summary import checks_of
from grader.errors import UsageError
from grader.limits import MOST_SEED
from grader.report.json import formatted
from grader.version import __version__

#: Whom to grade again although their result is kept.
Again = Literal["unjudged", "failed", "changed", "all"]
#: The file of points that counts, in the output folder.
_POINTS: Final = ".grader/points.toml"
#: The files that are made from `class.json`.
_MADE: Final[Mapping[str, Callable[[Class], bytes]]] = {
    "gradebook.csv": plain.render,
    "index.html": overview.render,
}


@dataclass(frozen=True)
class Asked:
    """What is asked for.  `request`: with any seed; `seed`: the user's (None: that of `class.json`, or a new one).

    `books`: gradebooks of platforms to be filled.
    """

    found: Collected
    request: flow.Request
    out: Path
    seed: int | None = None
    again: Again | None = None
    books: tuple[Book, ...] = ()


@dataclass(frozen=True)
class Done:
    """The class as it was written, and the platforms' gradebooks by the names of their files."""

    graded: Class
    books: Mapping[str, Filled]


#: Makes the crew when it is known that it is needed.
MakeCrew = Callable[[], AbstractContextManager[Crew]]


def grade(asked: Asked, make_crew: MakeCrew, listen: Callable[[Event], None]) -> Done:
    """Grade the class.

    However it ends, what was finished is kept and shown.

    Raises:
        GraderError: it can't begin or go on.
    """
    with OutFolder.held(asked.out) as folder:
        before = folder.remembered()
        _must_fit(asked, before)
        seed = asked.seed or (before.seed if before else 1 + secrets.randbelow(MOST_SEED))
        request = msgspec.structs.replace(asked.request, seed=seed)
        graded = _empty(asked, request)
        rows = _waiting(asked.found, before if before and _alike(before, graded) else None)
        for name in _put_off(asked.again, before):
            folder.set_aside(name)
        folder.write("class.json", formatted(_with(graded, rows.values())))
        try:
            with make_crew() as crew:
                graded = msgspec.structs.replace(graded, sandbox=crew.place.sandbox)
                earlier = _earlier(before, graded) if asked.again == "changed" else {}
                run = Run(request, graded.checks, crew, folder, Written(folder, request.assignment.visibility), earlier)
                for event in run.rows(asked.found.hand_ins):
                    if isinstance(event, Finished):
                        rows |= {row.student.key: row for row in event.rows}
                    listen(event)
        finally:
            done = _written(folder, _with(graded, rows.values()), asked.books)
        return done


def weigh(out: Path, file: Path | None, books: Callable[[Class], tuple[Book, ...]]) -> Done:
    """Count other points, those in a file, or the assignment's again; nothing is graded.

    `books`: gradebooks of platforms to be filled with the new grades.

    Raises:
        UsageError: the folder or the file can't be used.
    """
    with OutFolder.existing(out) as folder:
        graded = folder.remembered()
        if graded is None:
            raise UsageError(f"nothing has been graded in {out} yet")
        if file is None:
            folder.remove(_POINTS)
        else:
            try:
                content = file.read_bytes()
            except OSError as error:
                raise UsageError(f"{file} can't be read: {error.strerror or error}") from error
            points.read(content, str(file), graded.checks)
            folder.write(_POINTS, content)
        return _written(folder, graded, books(graded))


def _must_fit(asked: Asked, before: Class | None) -> None:
    if before is not None and before.assignment != asked.request.assignment.name:
        raise UsageError(f"{asked.out} has the results of {before.assignment}; name a different folder with --out")
    if before is None and asked.again not in {None, "all"}:
        raise UsageError(f"--again {asked.again}: nothing has been graded in {asked.out} yet")


def _empty(asked: Asked, request: flow.Request) -> Class:
    checks = checks_of(request)
    return Class(
        assignment=request.assignment.name,
        title=request.assignment.title,
        version=__version__,
        seed=request.seed,
        sandbox="",
        max_score=sum(check.points for check in checks),
        checks=checks,
        rows=(),
        started=datetime.now(UTC),
        narrowed=request.narrowed,
        unassigned=asked.found.unassigned,
    )


def _waiting(found: Collected, before: Class | None) -> dict[str, Row]:
    """The rows that are known before anything is graded, by the student's key."""
    known = {row.student.key: row for row in before.rows} if before else {}
    rows = {}
    for hand_in in found.hand_ins:
        for student in hand_in.students:
            earlier = known.get(student.key)
            waiting = Row(student=student, state="waiting", notes=hand_in.notes)
            rows[student.key] = msgspec.structs.replace(earlier, student=student) if earlier else waiting
    return rows


def _put_off(again: Again | None, before: Class | None) -> Iterable[str]:
    """Names of kept results that don't count any more."""
    for row in before.rows if before else ():
        if row.result and again in _MEANT[row.state] | (
            {"failed"} if row.result.score < row.result.max_score else set()
        ):
            yield row.result.kept_as


#: Which `--again` means rows in which state, besides `failed`.
_MEANT: Final[Mapping[str, frozenset[str]]] = {
    "unjudged": frozenset({"unjudged", "all"}),
    "unusable": frozenset({"failed", "all"}),
    "waiting": frozenset({"all"}),
    "missing": frozenset({"all"}),
    "graded": frozenset({"all"}),
}


def _earlier(before: Class | None, now: Class) -> dict[tuple[str, str], str]:
    """Names of kept results by student and snapshot, where the same was asked for."""
    if before is None or not _alike(before, now) or before.seed != now.seed:
        return {}
    return {(row.student.key, row.result.sha256): row.result.kept_as for row in before.rows if row.result}


def _alike(one: Class, other: Class) -> bool:
    """Whether results of the one can be next to those of the other: the same checks, with the same points."""
    return {check.id: check.usual for check in one.checks} == {check.id: check.usual for check in other.checks}


def _with(graded: Class, rows: Iterable[Row]) -> Class:
    return msgspec.structs.replace(graded, rows=tuple(rows))


def _written(folder: OutFolder, graded: Class, books: Iterable[Book]) -> Done:
    """Write `class.json` and all that is made from it, with the points that count."""
    content = folder.read(_POINTS)
    weights = points.read(content, f"{folder.path / _POINTS}", graded.checks) if content else points.Weights()
    graded = points.weighted(graded, weights, "points.toml" if content else "")
    folder.write("class.json", formatted(graded))
    for name, make in _MADE.items():
        folder.write(name, make(graded))
    filled = {book.file_name: book.filled(graded) for book in books}
    for name, book in filled.items():
        folder.write(name, book.content)
    return Done(graded, filled)
