"""The values of a class: who is in it, what was handed in, and what became of it.  `class.json` is `Class`.

A layout makes `HandIn`s, a roster more `Student`s; the runner makes a `Row` of each, and everything that is shown
(gradebooks, feedback, the overview) is a pure function of the `Class`.  Names are other people's: a renderer makes
them safe for where it puts them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from grader.model import Frozen, Narrowed, Outcome, Requirement, Visibility
from grader.submission import Part

SCHEMA: Final = "grader/class/v1"


class Student(Frozen, frozen=True):
    """Somebody in the class.

    `key`: unique in the class however upper and lower case are compared, and safe as a folder's name: ASCII letters,
    digits, `-`, `_` and `.`, never first.  `name`: as a platform shows it (empty: nobody says).  `ids`: by the column
    or kind of number that platforms know them under, such as `id`, `username` or `sis_id`.  `group`: empty for those
    who work alone.  `late_days`: by a column of the roster.
    """

    key: str
    name: str = ""
    ids: dict[str, str] = msgspec.field(default_factory=dict)
    email: str = ""
    group: str = ""
    late_days: float = 0


class HandIn(msgspec.Struct, frozen=True):
    """What a student handed in.

    `parts`: what belongs together, wherever it is (`submission.take_parts`); none if nothing was handed in.  `notes`:
    sentences about what was left out, such as an earlier attempt, for the instructor.  `students`: all of a group, the
    first of whom it is listed under.
    """

    students: tuple[Student, ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()

    @property
    def student(self) -> Student:
        """Whom it is listed under."""
        return self.students[0]


#: What became of a hand-in: `graded`, whatever its score; `unjudged`: some points need a person's look, or it broke the
#: grader; `unusable`: nothing in it can be graded, which is what its report says; `missing`: nothing was handed in;
#: `waiting`: the run was interrupted before it.
State = Literal["unjudged", "unusable", "waiting", "missing", "graded"]
#: Those that somebody has to look at come first.
STATES: Final[tuple[State, ...]] = ("unjudged", "unusable", "waiting", "missing", "graded")


class Check(Frozen, frozen=True, omit_defaults=False):
    """A check that the class was graded by.  `points`: what it counts; `usual`: what the assignment gives for it.

    `visibility`: whether students see more of it than that it passed or failed.
    """

    id: str
    title: str
    points: float
    usual: float
    requirement: Requirement
    visibility: Visibility = "visible"


class Result(Frozen, frozen=True, omit_defaults=False):
    """A grading, as far as an overview and a gradebook need it; the rest is in the student's `report.json`.

    `kept_as`: the name under which the whole report is kept, a hash of all that it depends on.  `outcomes`: by check.
    `undecided`: the checks whose points are unjudged, those skipped for another such one among them.  `blocked_by`: ids
    such as `server.builds`, that failed beside the assignment's own checks and for which others were skipped.  `why`:
    one sentence, where the whole is unusable or broke the grader.  `alike`: the same for hand-ins that differ in white
    space and file names alone (empty: nothing could be read).
    """

    kept_as: str
    sha256: str
    score: float
    max_score: float
    unjudged: float
    outcomes: dict[str, Outcome]
    undecided: tuple[str, ...]
    blocked_by: tuple[str, ...]
    duration_s: float
    finished: datetime
    why: str = ""
    alike: str = ""


class Row(Frozen, frozen=True, omit_defaults=False):
    """A line of the gradebook.  `folder`: of the student's reports, in the output folder (empty: there is none).

    `whole`: of the instructor's, where the student's don't show everything.  `deducted`: points taken off for late
    days.
    """

    student: Student
    state: State
    result: Result | None = None
    folder: str = ""
    whole: str = ""
    deducted: float = 0
    notes: tuple[str, ...] = ()

    @property
    def grade(self) -> float | None:
        """What a gradebook's cell contains; None for an empty one: there are unjudged points, or nothing came."""
        if self.state in {"unjudged", "waiting", "missing"} or self.result is None:
            return None
        return max(0.0, self.result.score - self.deducted)


class Class(Frozen, frozen=True, omit_defaults=False):
    """`class.json`, schema grader/class/v1: the source of the gradebooks and of the overview.

    `seed`: of everybody's inputs.  `max_score`: the same for everybody.  `narrowed`: by `--role` and `--only`.
    `rows`: in the order of the roster, or of the names.  `unassigned`: what was handed in and belongs to nobody, in a
    sentence each.  `weighting`: the name of the file of points, if other points than the assignment's count.
    """

    assignment: str
    title: str
    version: str
    seed: int
    sandbox: str
    max_score: float
    checks: tuple[Check, ...]
    rows: tuple[Row, ...]
    started: datetime
    narrowed: Narrowed | None = None
    unassigned: tuple[str, ...] = ()
    weighting: str = ""
    schema: str = SCHEMA
