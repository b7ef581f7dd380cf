"""What each check costs with programs that are right: starting, playing, and all that belongs to it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.figures import ms
from bench.timed import Timed, grade
from grader.assignment import Assignment

_HEADS = ("start", "play", "all", "n")
_WIDTH = 8
#: A grading's checks by id.
Grading = Mapping[str, Timed]


def gradings(
    assignment: Assignment, programs: Mapping[str, Path], rounds: int, only: frozenset[str] | None
) -> dict[str, list[Grading]]:
    """Each program's gradings; the programs take turns."""
    found: dict[str, list[Grading]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, path in programs.items():
            found[name].append({timed.check.id: timed for timed in grade(path, assignment, only).checks})
    return found


def table(assignment: Assignment, found: Mapping[str, Sequence[Grading]]) -> Iterator[str]:
    """A row for each check that was played, with four columns for each program: medians, in ms."""
    rows = [spec.id for spec in assignment.checks if any(spec.id in each for own in found.values() for each in own)]
    width = 2 + max(map(len, rows), default=0)
    yield f"  {assignment.name:<{width}}" + "".join(f"{name:>{_WIDTH * len(_HEADS)}}" for name in found)
    yield f"  {'':<{width}}" + "".join(f"{head:>{_WIDTH}}" for head in _HEADS) * len(found)
    for row in rows:
        cells = [cell for own in found.values() for cell in _cells([each[row] for each in own if row in each])]
        yield (f"  {row:<{width}}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells)).rstrip()
    for name, own in found.items():
        started = statistics.median(sum(timed.started for timed in each.values()) for each in own)
        yield f"  {name}: {started:g} programs started for {len(own[0])} checks"


def _cells(played: Sequence[Timed]) -> tuple[str, ...]:
    if not played:
        return ("",) * len(_HEADS)
    started = statistics.median(timed.started for timed in played)
    start_s = statistics.median(timed.start_s for timed in played)
    return (
        ms(start_s) if start_s else "",  # those that must refuse to start never listen
        ms(statistics.median(timed.check.duration_s for timed in played)),
        ms(statistics.median(timed.whole_s for timed in played)),
        f"{started:g}" if started else "",
    )
