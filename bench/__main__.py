"""`python -m bench`: the figures beside their goals.  Exit code 0 always: a busy machine is no fault."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from bench import gradings, waiting
from bench.gradings import REFERENCE, Seconds, Where
from bench.warden import running
from grader.errors import CannotJudgeError
from grader.sandbox.choose import choose

_RIGHT = ("good/threads.py", "good/poll.c", "good/asyncio_streams.py")
_HOPELESS = "broken/hopeless.py"

_FRAGMENTS_PER_S = 1000
_LOCAL_BY_FLOOR = 2.0
_DOCKER_MORE_S = 1.5
_HOPELESS_BY_RIGHT = 1.5


@dataclass(frozen=True)
class Size:
    """How much is measured.  `programs`: right ones, below the reference folder."""

    programs: tuple[str, ...] = _RIGHT
    rounds: int = 5
    gated: int = 2000
    slept: int = 50
    waits: int = 11
    docker: bool = True


_QUICK = Size(programs=_RIGHT[:1], rounds=1, gated=100, slept=5, waits=2, docker=False)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios of times, measured in turns.")
    parser.add_argument("--quick", action="store_true", help="one small round without containers: does it work at all?")
    size = _QUICK if parser.parse_args().quick else Size()
    _fragments(size)
    _hopeless_answers(size)
    _gradings(size)


def _say(what: str, figure: str, goal: str = "", *, met: bool = True) -> None:
    click.echo(f"{what:<52} {figure:>16}   {goal}{'' if met else '   MISSED'}".rstrip())


def _alternate(rounds: int, first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float]:
    pairs = [(first(), second()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _fragments(size: Size) -> None:
    click.echo("Fragments, each proved to have been read, beside 10 ms of sleep after each")
    with running(REFERENCE / "good/threads.py") as server:
        gated, slept = _alternate(
            size.rounds,
            partial(waiting.gated_fragments_per_s, server, size.gated),
            partial(waiting.slept_fragments_per_s, server.address, size.slept),
        )
    goal = f"goal: at least {_FRAGMENTS_PER_S}"
    _say("  fragments in a second", f"{gated:.0f}", goal, met=gated >= _FRAGMENTS_PER_S)
    _say("  sleeping gives", f"1/{gated / slept:.0f} of that")


def _hopeless_answers(size: Size) -> None:
    click.echo("Until the verdict that no answer will come, beside a deadline of 2 s")
    # A client for each: the server takes one at a time.
    with running(REFERENCE / _HOPELESS) as server:
        proved_s = statistics.median(waiting.hopeless_wait_s(server) for _ in range(size.waits))
        waited_s = waiting.deadline_wait_s(server.address)
    _say("  verdict by the kernel's facts", f"1/{waited_s / proved_s:.0f} of the deadline")


def _gradings(size: Size) -> None:
    places = _places(size)
    with ExitStack() as stack:
        jobs: dict[str, Callable[[], Seconds]] = {}
        for name in size.programs:
            jobs[f"floor {name}"] = stack.enter_context(gradings.floor_of(REFERENCE / name))
            for where in places:
                jobs[f"{where} {name}"] = partial(gradings.grade_s, REFERENCE / name, where, 0)
        for where in places:
            jobs[f"{where} {_HOPELESS}"] = partial(gradings.grade_s, REFERENCE / _HOPELESS, where, 1)
        medians = gradings.medians(jobs, size.rounds)
    click.echo("Whole gradings beside their floor: the same starts, connections and bytes without a check")
    for name in size.programs:
        _one_grading(medians, name)
    click.echo(f"A hopeless server beside a right one ({Path(_RIGHT[0]).name})")
    for where in places:
        ratio = medians[f"{where} {_HOPELESS}"] / medians[f"{where} {_RIGHT[0]}"]
        goal = f"goal: at most {_HOPELESS_BY_RIGHT:g}"
        _say(f"  {where}", f"{ratio:.2f} times", goal, met=ratio <= _HOPELESS_BY_RIGHT)


def _one_grading(medians: dict[str, Seconds], name: str) -> None:
    local, floor = medians[f"local {name}"], medians[f"floor {name}"]
    goal = f"goal: at most {_LOCAL_BY_FLOOR:g} times the floor"
    figure = f"{local / floor:.2f} times"
    _say(f"  {name} local ({local:.2f} s, floor {floor:.2f} s)", figure, goal, met=local <= _LOCAL_BY_FLOOR * floor)
    docker = medians.get(f"docker {name}")
    if docker is not None:
        more = docker - local
        goal = f"goal: at most {_DOCKER_MORE_S:g} s more than local"
        _say(f"  {name} docker ({docker:.2f} s)", f"{more:+.2f} s", goal, met=more <= _DOCKER_MORE_S)


def _places(size: Size) -> tuple[Where, ...]:
    if not size.docker:
        return ("local",)
    try:
        choose("docker", partial(click.echo, err=True))  # builds the images if need be, so that no grading has to
    except CannotJudgeError as error:
        click.echo(f"without containers: {error}")
        return ("local",)
    return ("local", "docker")


if __name__ == "__main__":
    main()
