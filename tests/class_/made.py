"""A small class without programs: requests, hand-ins, reports of any outcome, and an executor that gives them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from grader import flow
from grader.assignment import load
from grader.class_ import work
from grader.class_.collect import Collected, collect
from grader.class_.model import Class, Row, Student
from grader.class_.run import Crew
from grader.class_.summary import checks_of, result_of, state_of
from grader.model import Outcome, Report, SubmissionInfo

ASKED = frozenset({"server.listens", "server.answers", "server.coalesced"})
REQUEST = flow.Request(load("tcp_uppercase"), 7, ("server",), ASKED)
CHECKS = checks_of(REQUEST)
MOST = sum(check.points for check in CHECKS)
PLACE = work.Place("local")


def _bare(request: flow.Request) -> Report:
    """A report without any verdict."""
    return flow.give_up(SubmissionInfo(name="s", sha256="0" * 64), request, "it did not run")


#: Made once, since the titles of the checks are read from the sources.
_BARE = _bare(REQUEST)


def report(failed: Collection[str] = (), unjudged: Collection[str] = (), request: flow.Request = REQUEST) -> Report:
    """A report in which all pass but those."""
    bare = _BARE if request is REQUEST else _bare(request)
    checks = tuple(
        check
        if check.id in unjudged
        else msgspec.structs.replace(check, outcome=Outcome.FAILED)
        if check.id in failed
        else msgspec.structs.replace(check, outcome=Outcome.PASSED, reason=None, points=check.max_points)
        for check in bare.checks
    )
    return msgspec.structs.replace(
        bare,
        checks=checks,
        score=sum(check.points for check in checks),
        unjudged=sum(check.max_points for check in checks if check.id in unjudged),
        duration_s=1.5,
    )


def row(key: str, made: Report | None = None, **student: Any) -> Row:
    """A row of the class; without a report nothing was handed in."""
    who = Student(key=key, name=student.pop("name", key), **student)
    if made is None:
        return Row(student=who, state="missing")
    result = result_of(made, CHECKS, f"kept-{key}", f"alike-{key}")
    return Row(student=who, state=state_of(result), result=result, folder=key)


def class_of(*rows: Row) -> Class:
    """A class with these rows."""
    return Class(
        assignment="tcp_uppercase",
        title="TCP upper case",
        version="1",
        seed=7,
        sandbox="local",
        max_score=MOST,
        checks=CHECKS,
        rows=rows,
        started=report().started,
        narrowed=REQUEST.narrowed,
    )


def hand_in(folder: Path, programs: Mapping[str, str]) -> Collected:
    """A folder for each student, with a server of this text."""
    for name, text in programs.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "server.py").write_text(text)
    return collect(folder, "folders")


#: What becomes of a program's text: a report, or an exception for the future.
Answer = Callable[[str], Report | Exception]


@dataclass
class Scripted(Executor):
    """Gives the answers of a script, a moment after it was asked.

    `asked`: the texts of the programs, in the order in which they were handed over.  `most`: how many were with it at a
    time.  `until`: it answers nobody before so many have been handed over.
    """

    answer: Answer
    until: int = 1
    asked: list[str] = field(default_factory=list)
    most: int = 0
    was_cancelled: bool = False
    _waiting: list[Future[Any]] = field(default_factory=list)
    _begun: list[tuple[Future[Any], str]] = field(default_factory=list)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        assert fn is work.grade
        plan, _ = args
        text = bytes(plan.taken.contents()["server.py"]).decode()
        self.asked.append(text)
        future: Future[Any] = Future()
        self._waiting = [one for one in self._waiting if not one.done()]
        self._waiting.append(future)
        self.most = max(self.most, len(self._waiting))
        self._begun.append((future, text))
        if len(self.asked) >= self.until:
            for place, asked in enumerate(self._begun, start=1):
                timer = threading.Timer(0.01 * place, self._finish, asked)
                timer.daemon = True
                timer.start()
            self._begun.clear()
        return future

    def _finish(self, future: Future[Any], text: str) -> None:
        given = self.answer(text)
        if isinstance(given, Exception):
            future.set_exception(given)
        else:
            future.set_result(work.Done(work.encoded(given), ("untidy",) if text == "# untidy" else ()))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 — Executor's
        self.was_cancelled = cancel_futures

    def crew(self, jobs: int = 2, still_there: Callable[[], None] = lambda: None) -> Crew:
        """A crew of which this is the executor."""
        return Crew(self, jobs, PLACE, lambda _: {}, still_there)

    @contextmanager
    def as_crew(self, jobs: int = 2, still_there: Callable[[], None] = lambda: None) -> Iterator[Crew]:
        """The same as a context."""
        try:
            yield self.crew(jobs, still_there)
        except BaseException:
            self.shutdown(cancel_futures=True)
            raise
