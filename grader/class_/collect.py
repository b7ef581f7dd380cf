"""From an export and a roster to hand-ins: whose each is, and which attempt counts.

The last attempt counts, and the others are named in a note.  What belongs to nobody for certain is graded under a name
of its own, if it can be, and listed: it is neither lost nor guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from grader.class_ import keys, layouts
from grader.class_.layouts.found import Attempt
from grader.class_.model import HandIn, Student
from grader.class_.people import People
from grader.class_.roster import Roster
from grader.submission import Part, shown


class Collected(NamedTuple):
    """The class.

    `layout`: its name in `layouts.NAMES`.  `hand_ins`: one for each student or group, those who handed in nothing
    included, in the order of the roster, then of the names.  `unassigned`: what belongs to nobody, in a sentence each.
    """

    layout: str
    hand_ins: tuple[HandIn, ...]
    unassigned: tuple[str, ...]


class _Work(NamedTuple):
    """The attempt of one student or group that counts, with notes about it."""

    attempt: Attempt
    notes: tuple[str, ...]

    @property
    def words(self) -> str:
        """What it is called in a message."""
        return shown(self.attempt.files[0][0])


def collect(path: Path, layout: str = "auto", roster: Roster | None = None) -> Collected:
    """What the class has handed in, at `path`; `roster`: who is in it, if that is known.

    Raises:
        UsageError: there is nothing, in one sentence that says what was looked for.
    """
    found = layouts.read(path, layout)
    works = _last_attempts(found.attempts)
    hand_ins, unassigned = (_by_themselves(works), list[str]()) if roster is None else _assigned(works, roster)
    parts = tuple(
        msgspec.structs.replace(hand_in, parts=tuple(_part(found.parts, part) for part in hand_in.parts))
        for hand_in in hand_ins
    )
    return Collected(found.layout, parts, (*found.strays, *unassigned))


def _part(parts: dict[str, Part], named: Part) -> Part:
    """Where that file of the export is, under its name in the submission."""
    return parts[str(named.path)]._replace(name=named.name)


def _last_attempts(attempts: Iterable[Attempt]) -> list[_Work]:
    by_whom: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        by_whom.setdefault(attempt.whose, []).append(attempt)
    works = []
    for _, each in sorted(by_whom.items()):
        *earlier, last = sorted(each, key=lambda attempt: attempt.order)
        notes = tuple(f"{_called(last)} counts, not {_called(one)}" for one in reversed(earlier))
        works.append(_Work(last, (*last.notes, *notes)))
    return works


def _called(attempt: Attempt) -> str:
    return attempt.words or shown(attempt.files[0][0])


def _by_themselves(works: list[_Work]) -> list[HandIn]:
    """Each under the name that the export gives it."""
    everybody = [student for work in works for student in work.attempt.students]
    made = iter(keys.keys(student.key for student in everybody))
    named = [
        HandIn(
            tuple(msgspec.structs.replace(student, key=next(made)) for student in work.attempt.students),
            _named(work),
            work.notes,
        )
        for work in works
    ]
    return sorted(named, key=lambda hand_in: (hand_in.student.name.casefold(), hand_in.student.key))


def _named(work: _Work) -> tuple[Part, ...]:
    return tuple(Part(Path(entry), name) for entry, name in work.attempt.files)


def _assigned(works: list[_Work], roster: Roster) -> tuple[list[HandIn], list[str]]:
    """Each hand-in with those of the roster whose it is."""
    people = People(roster.students)
    owned: dict[str, HandIn] = {}
    own: list[_Work] = []
    unassigned: list[str] = []
    taken: dict[str, _Work] = {}
    # Later attempts first, so that of two hand-ins of one student the later one is the student's.
    for work in sorted(works, key=lambda work: work.attempt.order, reverse=True):
        owners, why = _owners(people, work.attempt)
        other = next((taken[student.key] for student in owners if student.key in taken), None)
        if other is not None:
            why = f"{other.words} belongs to the same student"
        if why:
            own.append(work._replace(notes=(*work.notes, f"it was not assigned to anybody in the roster: {why}")))
            unassigned.append(f"{work.words} was not assigned to anybody in the roster: {why}")
            continue
        hand_in = HandIn((*owners,), _named(work), work.notes)
        for student in owners:
            taken[student.key] = work
            owned[student.key] = hand_in
    return [*_in_order(roster, owned), *_strangers(own, roster)], sorted(unassigned)


def _owners(people: People, attempt: Attempt) -> tuple[list[Student], str]:
    """Whose it is; or nobody, and why."""
    owners: dict[str, Student] = {}
    for seen in attempt.students:
        found = people.find(seen) or people.group(seen.name) or people.group(seen.key)
        if not found:
            return [], f"the roster has no {shown(seen.name or seen.key)}"
        if len(found) > 1 and found != people.group(found[0].group):
            names = " and ".join(shown(student.name or student.key) for student in found)
            return [], f"it may be that of {names}"
        owners |= {student.key: student for student in found}
    return [*owners.values()], ""


def _in_order(roster: Roster, owned: dict[str, HandIn]) -> list[HandIn]:
    """Everybody in the roster, a group where its first member is; who handed in nothing has no parts."""
    hand_ins: dict[str, HandIn] = {}
    for student in roster.students:
        hand_in = owned.get(student.key, HandIn((student,), ()))
        hand_ins.setdefault(hand_in.student.key, hand_in)
    return [*hand_ins.values()]


def _strangers(works: list[_Work], roster: Roster) -> list[HandIn]:
    """Hand-ins of nobody in the roster, under keys that nobody in it has."""
    theirs = _by_themselves(works)
    known = {student.key.lower() for student in roster.students}

    def renamed(student: Student) -> Student:
        key = student.key if student.key.lower() not in known else f"{student.key}-not-in-roster"
        return msgspec.structs.replace(student, key=key)

    return [msgspec.structs.replace(one, students=tuple(map(renamed, one.students))) for one in theirs]
