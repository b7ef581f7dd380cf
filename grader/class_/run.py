"""The run: every hand-in graded once, as many at a time as there are workers, whatever becomes of any of them.

A hand-in is made ready only when a worker will soon be free, so that few of them are in memory.  On this machine one
is ready more than are graded, so that no core idles while reports are written about what has just finished.  One whose
result is kept is not graded at all; one that is the same as another that is being graded waits for that one's result.

A grading that broke (its process was killed, the sandbox did not start, it took too long) or left points unjudged is
tried once more at the end, when nothing else runs, since its neighbours may have been the reason.  What can't be judged
then is unjudged.  But if the *place* where everything is graded has gone (`still_there` raises), the run ends, since
that is nobody's result: the same command goes on from there.

A result is kept before it is shown.  The order of the rows is the order of the hand-ins, whenever each was finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field

import msgspec

from grader import flow
from grader.class_ import work
from grader.class_.files import Written
from grader.class_.model import Check, HandIn, Result, Row, State
from grader.class_.outfolder import OutFolder
from grader.class_.prepared import Prepared, key_of, prepared
from grader.class_.summary import result_of, state_of
from grader.errors import AssignmentError, CannotJudgeError, GraderError
from grader.model import Report, SubmissionInfo

#: Ids of the images that programs of these families run in (CannotJudgeError: there are none); empty without images.
Images = Callable[[frozenset[str]], Mapping[str, str]]


@dataclass(frozen=True)
class Crew:
    """Who grades: an executor of `concurrent.futures`, and how many gradings it does at a time.

    `ahead`: how many more may be handed over, to wait there.  `images`: what their programs run in.  `still_there`:
    raises CannotJudgeError if nothing can be graded any more.
    """

    executor: Executor
    jobs: int
    place: work.Place
    images: Images
    still_there: Callable[[], None]
    ahead: int = 0


@dataclass(frozen=True)
class Finished:
    """What became of a hand-in: a row for each of its students.  `was_kept`: the result, by an earlier run."""

    rows: tuple[Row, ...]
    was_kept: bool


@dataclass(frozen=True)
class Untidy:
    """What a grading could not tidy up, in a sentence; its verdicts stand."""

    words: str


@dataclass(frozen=True)
class TriedAgain:
    """So many hand-ins are graded once more, one by one."""

    count: int


Event = Finished | Untidy | TriedAgain


@dataclass(frozen=True)
class _About:
    """What is needed of a hand-in when its snapshot is no longer in memory."""

    submitted: SubmissionInfo
    alike: str = ""


@dataclass
class _Job:
    """A hand-in on its way: whose, what is needed of it, and the name of its result.  Twins get the same result."""

    hand_in: HandIn
    about: _About
    key: str
    twins: list[tuple[HandIn, _About]] = field(default_factory=list)


@dataclass
class Run:
    """One run.  `earlier`: names of kept results that are taken as they are, by student's key and snapshot.

    `_made`: names of the results that this run has kept itself.
    """

    request: flow.Request
    checks: tuple[Check, ...]
    crew: Crew
    folder: OutFolder
    written: Written
    earlier: Mapping[tuple[str, str], str] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)

    def rows(self, hand_ins: Iterable[HandIn]) -> Iterator[Event]:
        """Grade them; each row as soon as it is known.

        Raises:
            CannotKeepError: the output folder can't be written.
            CannotJudgeError: there is no place to grade any more.
            AssignmentError: nobody's program can be graded by this assignment.
        """
        again: list[_Job] = []
        running: dict[Future[work.Done], _Job] = {}
        for hand_in in hand_ins:
            known = self._known(hand_in, running)
            if isinstance(known, Finished):
                yield known
            elif known is not None:
                future, job = known
                running[future] = job
                if len(running) >= self.crew.jobs + self.crew.ahead:
                    yield from self._collected(running, again)
        while running:
            yield from self._collected(running, again)
        if again:
            yield TriedAgain(len(again))
        for job in again:
            yield from self._last_try(job)

    def _known(
        self, hand_in: HandIn, running: Mapping[Future[work.Done], _Job]
    ) -> Finished | tuple[Future[work.Done], _Job] | None:
        """What is known of a hand-in without grading it; or its grading, begun; None if that of a twin has begun."""
        if not hand_in.parts:
            self.folder.remove_student(hand_in.student.key)
            return Finished(_rows(hand_in, "missing"), was_kept=False)
        try:
            ready = prepared(hand_in, self.request)
        except Exception as error:  # noqa: BLE001 — a submission that breaks what reads it costs only itself
            about = _About(SubmissionInfo(name=hand_in.student.key, sha256=""))
            report = flow.give_up(about.submitted, self.request, f"internal error while it was read: {error!r}")
            return self._finished(hand_in, about, report, "")
        about = _About(ready.submitted, ready.alike)
        if earlier := self.earlier.get((hand_in.student.key, ready.submitted.sha256)):
            report_before = self.folder.kept(earlier)
            if report_before is not None:
                return self._finished(hand_in, about, report_before, earlier, was_kept=True)
        return self._graded(hand_in, ready, about, running)

    def _graded(
        self, hand_in: HandIn, ready: Prepared, about: _About, running: Mapping[Future[work.Done], _Job]
    ) -> Finished | tuple[Future[work.Done], _Job] | None:
        try:
            images = self.crew.images(ready.plan.families) if ready.plan else {}
        except CannotJudgeError as error:  # such as for a language that there is no image for
            self.crew.still_there()
            return self._finished(hand_in, about, flow.give_up(about.submitted, self.request, str(error)), "")
        key = key_of(ready, self.crew.place, images, self.request)
        kept = self.folder.kept(key)
        if kept is not None:
            return self._finished(hand_in, about, kept, key, was_kept=key not in self._made)
        if ready.plan is None:
            assert ready.report is not None  # noqa: S101 — one or the other
            self._keep(key, ready.report)
            return self._finished(hand_in, about, ready.report, key)
        for job in running.values():
            if job.key == key:
                job.twins.append((hand_in, about))
                return None
        job = _Job(hand_in, about, key)
        return self.crew.executor.submit(work.grade, ready.plan, self.crew.place), job

    def _collected(self, running: dict[Future[work.Done], _Job], again: list[_Job]) -> Iterator[Event]:
        """Wait for one grading at least; what has broken or left points unjudged goes to `again`."""
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            job = running.pop(future)
            report, complaints = self._answer(future, job)
            yield from map(Untidy, complaints)
            if report.unjudged:
                self.crew.still_there()
                again.append(job)
            else:
                yield from self._kept(job, report)

    def _last_try(self, job: _Job) -> Iterator[Event]:
        complaints: tuple[str, ...] = ()
        try:
            ready = prepared(job.hand_in, self.request)
        except Exception:  # noqa: BLE001 — it could be read before
            ready = Prepared(job.about.submitted)
        if ready.plan is None or ready.submitted.sha256 != job.about.submitted.sha256:
            report = flow.give_up(
                job.about.submitted, self.request, "what was handed in was changed while it was graded"
            )
        else:
            report, complaints = self._answer(self.crew.executor.submit(work.grade, ready.plan, self.crew.place), job)
        yield from map(Untidy, complaints)
        if report.unjudged:
            self.crew.still_there()
        yield from self._kept(job, report)

    def _answer(self, future: Future[work.Done], job: _Job) -> tuple[Report, tuple[str, ...]]:
        """A grading's report, and what it could not tidy up; if it broke, the report that says so."""
        try:
            done = future.result()
            return work.decoded(done.report), done.complaints
        except AssignmentError:
            raise
        except (GraderError, msgspec.DecodeError) as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 — an executor's own: whatever it is, it is no verdict
            why = f"the worker broke down: {error!r}"
        return flow.give_up(job.about.submitted, self.request, why), ()

    def _kept(self, job: _Job, report: Report) -> Iterator[Finished]:
        self._keep(job.key, report)
        for hand_in, about in ((job.hand_in, job.about), *job.twins):
            yield self._finished(hand_in, about, report, job.key)

    def _keep(self, key: str, report: Report) -> None:
        self.folder.keep(key, report)
        self._made.add(key)

    def _finished(
        self, hand_in: HandIn, about: _About, report: Report, key: str, *, was_kept: bool = False
    ) -> Finished:
        """Write what the student and the instructor read about it."""
        own = msgspec.structs.replace(report, submission=about.submitted)
        result = result_of(own, self.checks, key, about.alike)
        notes = (*hand_in.notes, *self.written.reports(hand_in, own, key))
        rows = _rows(hand_in, state_of(result), result, notes)
        whole = self.written.whole(hand_in, own)
        return Finished(
            tuple(msgspec.structs.replace(row, folder=hand_in.student.key, whole=whole) for row in rows), was_kept
        )


def _rows(hand_in: HandIn, state: State, result: Result | None = None, notes: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """A row for each of its students."""
    return tuple(
        Row(student=student, state=state, result=result, notes=notes or hand_in.notes) for student in hand_in.students
    )
