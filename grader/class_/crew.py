"""The crew of this machine: a process for each grading, as many at a time as it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from grader.assignment import Assignment
from grader.class_ import work
from grader.class_.processes import Processes
from grader.class_.run import Crew
from grader.sandbox.choose import Choice, Needs


@contextmanager
def of_this_machine(assignment: Assignment, place: work.Place, choice: Choice, jobs: int) -> Iterator[Crew]:
    """So many gradings at a time in the sandbox that was chosen.

    If the context ends by an exception, running gradings are interrupted, and have tidied up when it is left.
    """
    known: dict[frozenset[str], Mapping[str, str]] = {}

    def images(families: frozenset[str]) -> Mapping[str, str]:
        if families not in known:
            # Nothing starts before a sandbox is entered, but its images are there by then.
            known[families] = dict(choice.make(assignment, b"", families).images)
        return known[families]

    def still_there() -> None:
        place.choice(Needs(assignment)).close()

    executor = Processes(jobs, work.limit_s(assignment.limits))
    try:
        yield Crew(executor, jobs, place, images, still_there, ahead=1)
    except BaseException:
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()
