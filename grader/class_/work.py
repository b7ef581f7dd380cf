"""What is done for one submission, in a process of its own and on whatever machine: a plan in, a report out.

The values here travel to workers; everything else about a class (who it is, what is kept, what is shown) stays with the
command that started it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from grader import flow
from grader.errors import CannotJudgeError
from grader.limits import HOST_GRACE_S, SandboxLimits
from grader.model import Report
from grader.report.json import formatted
from grader.sandbox import engine
from grader.sandbox.choose import Choice, Needs, Rules, Wanted, choose
from grader.sandbox.host import patience_s

_HERE: Final = Path(__file__).resolve().parent.parent
#: What has no part in a verdict: how it is asked for, shown and collected.
_NO_PART: Final = frozenset(
    {"cli", "class_", "report", "doctor.py", "lint.py", "new", "verify", "__main__.py", "_data"}
)


class Place(msgspec.Struct, frozen=True):
    """Where submissions are graded: the sandbox, never `auto`, and the user's options for images."""

    sandbox: Wanted
    image: str = ""
    offline: bool = False

    def choice(self, needs: Needs, listen: Callable[[str], None] = lambda _: None) -> Choice:
        """The sandbox on this machine (CannotJudgeError: there is none); `listen` is told about slow steps."""
        return choose(self.sandbox, listen, Rules(offline=self.offline, image=self.image), needs)


class Done(msgspec.Struct, frozen=True):
    """A grading's report, encoded, and what could not be tidied up after it, in a sentence each."""

    report: bytes
    complaints: tuple[str, ...] = ()


class Kept:
    """A sandbox that is chosen once by a process and kept from one of its gradings to the next; no container is.

    Asking an engine for its images, and hashing all that they are made of, is work that each grading of a class would
    do again.  Where points can't be judged, what is kept may be the reason (an image was removed, the engine
    restarted), so it is chosen again for the next one.
    """

    def __init__(self, choose: Callable[[Needs], Choice]) -> None:
        """`choose`: the choice for what programs need; it provides what other programs need too, when it is asked."""
        self._choose = choose
        self._choice: Choice | None = None

    def grade(self, plan: flow.Plan) -> Done:
        """Grade one submission (GraderError: it can't be graded here)."""
        complaints: tuple[str, ...] = ()
        is_good = False
        try:
            if self._choice is None:
                self._choice = self._choose(Needs(plan.request.assignment, plan.families))
                self._choice.keep()
            report = flow.carry_out(plan, self._choice.make, lambda _: None)
            complaints = tuple(self._choice.complaints)
            is_good = not (report.unjudged or complaints)
        finally:
            if self._choice is not None and not is_good:
                self._choice.close()
                self._choice = None
        return Done(encoded(report), complaints)


@cache
def _kept(place: Place) -> Kept:
    return Kept(place.choice)


def grade(plan: flow.Plan, place: Place) -> Done:
    """Grade one submission, with what this process has kept of the place.

    Raises:
        GraderError: it can't be graded here.
    """
    return _kept(place).grade(plan)


def encoded(report: Report) -> bytes:
    """A report with complete transcripts, as it travels and is kept; a lone surrogate in it becomes an escape."""
    try:
        return msgspec.json.encode(report)
    except UnicodeEncodeError:
        return formatted(report)


def decoded(content: bytes) -> Report:
    """What `encoded` made (msgspec.DecodeError: it is something else)."""
    return msgspec.json.decode(content, type=Report)


def limit_s(limits: SandboxLimits) -> float:
    """After this time a grading whose images are there, and that has not finished, never will."""
    return patience_s(limits) + HOST_GRACE_S


@cache
def sources() -> str:
    """A fingerprint of all of the grader that has a part in a verdict."""
    whole = hashlib.sha256()
    for path in deciding():
        content = path.read_bytes()
        whole.update(f"{path.relative_to(_HERE).as_posix()}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def deciding() -> list[Path]:
    """The files of the grader that have a part in a verdict."""
    return sorted(path for path in _HERE.rglob("*.py") if path.relative_to(_HERE).parts[0] not in _NO_PART)


class Abilities(msgspec.Struct, frozen=True):
    """What a worker can do.  `docker`: whether an engine answers there; `sources`: which grader it has."""

    sources: str
    docker: bool


def abilities() -> Abilities:
    """What the machine can do that this runs on."""
    return Abilities(sources(), _engine_answers())


def _engine_answers() -> bool:
    try:
        engine.connect().close()
    except CannotJudgeError:
        return False
    return True
