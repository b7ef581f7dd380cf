"""The values that travel through the flow, and nothing else.

A `Report` is the source of truth of a grading: every other report is a pure function of it.  All values are
frozen; bytes are the program's bytes, never decoded here (in JSON they are base64).  This file imports
nothing of the project but the closed list of reasons.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, cast

import msgspec

from grader.errors import Reason

SCHEMA = "grader/report/v2"

#: A program that an assignment asks for.
Role = Literal["server", "client"]
#: In the order in which they are played and shown.
ROLES: Final[tuple[Role, ...]] = ("server", "client")
Transport = Literal["tcp", "udp"]
#: Whose check it is: the server's, the client's, or both programs' together.
Part = Literal["server", "client", "pair"]
#: What reports call its checks where there are several.
SECTIONS: Final[dict[Part, str]] = {"server": "Server", "client": "Client", "pair": "Together"}
#: Which programs a grading is of.
Graded = Literal["server", "client", "both"]
#: In the order in which they are played and shown.
PARTS: Final[tuple[Part, ...]] = ("server", "client", "pair")


def part_of(check_id: str) -> Part:
    """Whose check that is, by its id (ValueError: unknown)."""
    return PARTS[[*PARTS].index(cast("Part", check_id.partition(".")[0]))]


def parts_of(roles: Collection[Role]) -> tuple[Part, ...]:
    """Whose checks can be played with these programs, in the order in which they are played."""
    return tuple(part for part in PARTS if part in roles or (part == "pair" and set(roles) == {*ROLES}))


class Outcome(StrEnum):
    """How a check ended.  The points of `inconclusive` and `error` are unjudged: neither earned nor lost."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


#: Who may see a check: everybody; students once the due date is over; the instructor alone.
Visibility = Literal["visible", "after_due_date", "hidden"]

UNJUDGED = frozenset({Outcome.INCONCLUSIVE, Outcome.ERROR})


class Audience(StrEnum):
    """Who a report is for: a student's contains nothing that only the instructor may know."""

    STUDENT = "student"
    INSTRUCTOR = "instructor"


class EventKind(StrEnum):
    """What happened at one moment of a check."""

    STARTED = "started"
    LISTENING = "listening"
    TYPED = "typed"
    CONNECTED = "connected"
    SENT = "sent"
    RECEIVED = "received"
    HALF_CLOSED = "half_closed"
    CLOSED = "closed"
    RESET = "reset"
    PEER_CLOSED = "peer_closed"
    PEER_RESET = "peer_reset"
    SIGNAL = "signal"
    FROZEN = "frozen"
    THAWED = "thawed"
    OUTPUT = "output"
    EXITED = "exited"
    KERNEL = "kernel"
    NOTE = "note"
    VERDICT = "verdict"


#: What is said of a message that was sent so; our FIN has an event of its own.
WITH_ITS_FIN: Final = "with its FIN in the same segment"


_FINDS_FILE: Final = re.compile(r"finds the file (\S+)")


def finds_file(path: str) -> str:
    """The words for a file that a program finds in its folder; its content is the event's data."""
    return f"finds the file {path}"


def found_file(text: str) -> str:
    """The path in such words; empty: they are others."""
    found = _FINDS_FILE.fullmatch(text)
    return found[1] if found else ""


class Frozen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all values here."""


class Event(Frozen, frozen=True):
    """One event of a transcript.

    `at_ms`: milliseconds since the check began.  `who`: "client A", "program" or "grader".
    `data`: the bytes sent, received or printed; long ones keep their beginning and end, `size_bytes` is the true length
    and `omitted_bytes` what was left out between `data[:head_bytes]` and the rest.
    `pieces`: for `sent`, the length in bytes of each piece that was handed to the kernel separately (empty: one piece);
    `times_ms`: when each of them was.  `ends`: host and port of our end and of the program's, for `connected` and for
    each datagram.
    `text`: what the kernel said or what was done, in words.  `means`: a message that was sent or received, as
    the assignment's `describe` says it in words.
    """

    at_ms: float
    kind: EventKind
    who: str
    text: str = ""
    data: bytes = b""
    size_bytes: int = 0
    omitted_bytes: int = 0
    head_bytes: int = 0
    pieces: tuple[int, ...] = ()
    times_ms: tuple[float, ...] = ()
    ends: tuple[tuple[str, int], ...] = ()
    means: str = ""


class Requirement(Frozen, frozen=True):
    """A numbered sentence of the handout."""

    number: str
    text: str


class Compared(Frozen, frozen=True):
    """Bytes that should have arrived and those that did, around the first byte that differs.

    `at_bytes`: the offset of the first byte of both in what was awaited.  `difference`: where in them they differ.
    """

    expected: bytes
    received: bytes
    difference: int
    at_bytes: int = 0


class SourceLine(Frozen, frozen=True, omit_defaults=False):
    """A line of the program's own source; `file` is its path in the submission, as the program's tools know it."""

    file: str
    line: int


class SanitizerReport(Frozen, frozen=True, omit_defaults=False):
    """What the sanitizers of a compiler say first of a program that was built with them and played the same check.

    `kind`: their own name for it, such as "stack-buffer-overflow".  `words`: what the program does, as a clause without
    its subject.  `place`: where, in a file of the submission.  `function`: which contains that; empty: not known.
    `source`: that line, without its indentation.
    """

    kind: str
    words: str
    place: SourceLine
    function: str
    source: str


class CheckResult(Frozen, frozen=True, omit_defaults=False):
    """One check's verdict.

    `message`: several lines of plain text for the student: what was sent, what was received, what the program was
    doing.  Control characters of the program are never in it raw; they are escaped.  `hint`: what to look at next.
    `compared`: None where no bytes were awaited.  `place`: where the program was in its source at that moment, if that
    is known.  `sanitizer`: of one failed check at most, what a second look has found; no part of the verdict.
    `depends_on`: of a skipped check, the id of the one that did not pass; empty if that is no check.
    `visibility`: who may see it; in a student's report, anything but `visible` has a number and an outcome only.
    """

    id: str
    title: str
    requirement: Requirement
    outcome: Outcome
    points: float
    max_points: float
    reason: Reason | None = None
    message: str = ""
    hint: str = ""
    duration_s: float = 0.0
    evidence: tuple[Event, ...] = ()
    compared: Compared | None = None
    place: SourceLine | None = None
    sanitizer: SanitizerReport | None = None
    depends_on: str = ""
    visibility: Visibility = "visible"


def judged(check: CheckResult) -> bool:
    """Whether its points are earned or lost; a person has to look at the others."""
    return check.outcome not in UNJUDGED and check.reason is not Reason.PREREQUISITE_UNJUDGED


class BuildResult(Frozen, frozen=True, omit_defaults=False):
    """The result of building.

    `outcome` is skipped if nothing has to be built; `log` is what the compiler printed.  `likely`: the programs that it
    made, if it is not clear which one is meant.
    """

    outcome: Outcome
    log: str = ""
    command: str = ""
    duration_s: float = 0.0
    likely: tuple[str, ...] = ()


class SubmissionInfo(Frozen, frozen=True, omit_defaults=False):
    """The submission's name as handed in, and the SHA-256 of its snapshot (hex; empty if none could be made)."""

    name: str
    sha256: str


class GraderInfo(Frozen, frozen=True, omit_defaults=False):
    """What graded: version, the seed of the random inputs, and the sandbox in words.

    `images`: ids of the images that its containers were made from, `sandbox` and `driver`; none without containers.
    """

    version: str
    seed: int
    sandbox: str
    images: dict[str, str] = {}


class Narrowed(Frozen, frozen=True, omit_defaults=False):
    """Says that only a part of the assignment was asked for.

    `role`: the only one, by `--role` (None: not narrowed by it).  `only`: ids of the checks named by `--only` (none:
    not narrowed by it); what they depend on is graded with them.  `full_score`: the points of the whole assignment.
    """

    role: Literal["server", "client"] | None
    only: tuple[str, ...]
    full_score: float


class Report(Frozen, frozen=True, omit_defaults=False):
    """`report.json`, schema grader/report/v2.

    `max_score`: the points of all checks that were asked for, whatever the program did and whatever was handed in.
    `score` of them are earned; `unjudged` are neither earned nor lost, since no verdict could be given; the rest is
    lost.  `narrowed`: None where the whole assignment was asked for.  `notes`: sentences about what was handed in:
    what was left out of it, and what its author should know of it whatever the checks say.  `handout`: the text that
    the requirements are from, in Markdown.
    """

    assignment: str
    role: Graded
    submission: SubmissionInfo
    grader: GraderInfo
    started: datetime
    duration_s: float
    score: float
    max_score: float
    unjudged: float
    build: BuildResult
    checks: tuple[CheckResult, ...]
    narrowed: Narrowed | None = None
    notes: tuple[str, ...] = ()
    audience: Audience = Audience.STUDENT
    handout: str = ""
    schema: str = SCHEMA

    @property
    def complete(self) -> bool:
        """Whether every check was judged."""
        return all(judged(check) for check in self.checks)
