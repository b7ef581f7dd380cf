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

from bench import NotMeasuredError, costs, failing, gradings, growth, waiting
from bench.figures import line, ms
from bench.gradings import ASSIGNMENT, ASSIGNMENTS, REFERENCE, REFERENCES, WHOLE_EVIDENCE, Where
from bench.timed import LISTENS, Seconds
from bench.warden import running
from grader import assignment as assignments
from grader.errors import CannotJudgeError, GraderError
from grader.sandbox.choose import choose

_RIGHT = ("good/threads.py", "good/poll.c", "good/asyncio_streams.py")
_HOPELESS = "broken/hopeless.py"
_RIGHT_CLIENTS = ("good/client_arguments.py", "good/client_stdio.c")
_ENDLESS_CLIENTS = ("broken/client_waits_at_the_end.py", "broken/client_asks_for_ever.py")
#: Right programs of which each check's cost is shown, by assignment.
_COSTS = {
    ASSIGNMENT: ("good/threads.py", "good/poll.c"),
    "tcp_echo": ("good/threads.py",),
    "udp_reply": ("good/loop.py", "good/loop.c"),
}

_FRAGMENTS_PER_S = 1000
_LOCAL_BY_FLOOR = 2.0
_DOCKER_MORE_S = 1.5
_HOPELESS_BY_RIGHT = 1.5
_ONE_CHECK_S = 0.35
_SPLIT_BYTES = 200
_SPLIT_S = 1.0


@dataclass(frozen=True)
class Size:
    """How much is measured.  `programs`: right ones, below the reference folder; None: all that there are.

    `whole`: whether the cost of a whole grading is shown.  `first`: how many of the first checks a cost is shown of.
    `counts`: of how many checks a grading's time is taken.
    """

    programs: tuple[str, ...] = _RIGHT
    clients: tuple[str, ...] = _RIGHT_CLIENTS
    endless: tuple[str, ...] = _ENDLESS_CLIENTS
    rounds: int = 5
    gated: int = 2000
    slept: int = 50
    waits: int = 11
    docker: bool = True
    whole: bool = True
    costs: tuple[str, ...] = tuple(_COSTS)
    first: int | None = None
    cost_rounds: int = 3
    failing: tuple[str, ...] | None = None
    broken: int | None = None
    right: int | None = None
    counts: tuple[int | None, ...] = (1, 5, 10, 20, None)
    lengths_bytes: tuple[int, ...] = (50, 100, _SPLIT_BYTES, 400)
    growth_rounds: int = 3


_QUICK = Size(
    programs=_RIGHT[:1],
    clients=_RIGHT_CLIENTS[:1],
    endless=_ENDLESS_CLIENTS[:1],
    rounds=1,
    gated=100,
    slept=5,
    waits=2,
    docker=False,
    whole=False,
    costs=(ASSIGNMENT,),
    first=3,
    cost_rounds=1,
    failing=(ASSIGNMENT,),
    broken=2,
    right=1,
    counts=(1, 3),
    lengths_bytes=(20,),
    growth_rounds=1,
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios of times, measured in turns.")
    parser.add_argument("--quick", action="store_true", help="one small round without containers: does it work at all?")
    size = _QUICK if parser.parse_args().quick else Size()
    for part in (_fragments, _hopeless_answers, _starts, _gradings, _clients, _costs, _failing, _checks, _lengths):
        try:
            part(size)
        except (NotMeasuredError, GraderError) as error:
            click.echo(f"  not measured: {error}")


def _say(what: str, figure: str, goal: str = "", *, met: bool = True) -> None:
    click.echo(line(what, figure, goal, met=met))


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


def _starts(size: Size) -> None:
    """One check, which is little more than a start, and all of a server's: what they cost, in the local sandbox."""
    program = REFERENCE / _RIGHT[0]
    jobs: dict[str, Callable[[], object]] = {
        "pytest": gradings.load_pytest,
        "one check": partial(gradings.grade_s, program, "local", 0, (LISTENS,)),
    }
    if size.whole:
        jobs["all checks"] = partial(gradings.grade_s, program, "local", 0)
    rounds = [{name: gradings.cost_of(job) for name, job in jobs.items()} for _ in range(size.rounds)]
    found = {
        name: gradings.Cost(*map(statistics.median, zip(*(each[name] for each in rounds), strict=True)))
        for name in jobs
    }
    click.echo(f"Start and CPU time of a grading ({program.name}, local), beside an interpreter that loads pytest")
    one = found["one check"]
    _say("  one check", f"{one.wall_s:.2f} s", f"goal: at most {_ONE_CHECK_S:g} s", met=one.wall_s <= _ONE_CHECK_S)
    for name in (name for name in found if name != "pytest"):
        cpu_s = found[name].cpu_s
        _say(f"  {name}, CPU time ({cpu_s:.2f} s)", f"{cpu_s / found['pytest'].cpu_s:.1f} times")


def _gradings(size: Size) -> None:
    places = _places(size)
    with ExitStack() as stack:
        jobs: dict[str, Callable[[], Seconds]] = {}
        for name in size.programs:
            jobs[f"floor {name}"] = stack.enter_context(gradings.floor_of(REFERENCE / name))
            for where in places:
                jobs[f"{where} {name}"] = partial(gradings.grade_s, REFERENCE / name, where, 0, WHOLE_EVIDENCE)
        for where in places:
            jobs[f"{where} right"] = partial(gradings.grade_s, REFERENCE / _RIGHT[0], where, 0)
            jobs[f"{where} hopeless"] = partial(gradings.grade_s, REFERENCE / _HOPELESS, where, 1)
        medians = gradings.medians(jobs, size.rounds)
    count = f"{len(WHOLE_EVIDENCE)} of {len(assignments.load(ASSIGNMENT).checks)} checks, whose evidence is whole"
    click.echo(f"Gradings ({count}) beside their floor: the same starts, connections and bytes without a check")
    for name in size.programs:
        _one_grading(medians, name)
    click.echo(f"A hopeless server beside a right one ({Path(_RIGHT[0]).name}), all checks")
    for where in places:
        ratio = medians[f"{where} hopeless"] / medians[f"{where} right"]
        goal = f"goal: at most {_HOPELESS_BY_RIGHT:g}"
        _say(f"  {where}", f"{ratio:.2f} times", goal, met=ratio <= _HOPELESS_BY_RIGHT)


def _clients(size: Size) -> None:
    """Clients: whole gradings beside their floor, and what those cost that never end."""
    checks = tuple(spec.id for spec in assignments.load(ASSIGNMENT).checks if spec.id.startswith("client."))
    with ExitStack() as stack:
        jobs: dict[str, Callable[[], Seconds]] = {}
        for name in size.clients:
            jobs[f"floor {name}"] = stack.enter_context(gradings.floor_of(REFERENCE / name, checks, "client"))
            jobs[f"local {name}"] = partial(gradings.grade_s, REFERENCE / name, "local", 0, checks, "client")
        for name in size.endless:
            jobs[name] = partial(gradings.grade_s, REFERENCE / name, "local", 1, checks, "client")
        medians = gradings.medians(jobs, size.rounds)
    click.echo(f"Clients ({len(checks)} checks) beside their floor: the same starts, lines, connections and bytes")
    for name in size.clients:
        _one_grading(medians, name)
    click.echo(f"Clients that never end beside a right one ({Path(size.clients[0]).name})")
    for name in size.endless:
        taken_s = medians[name]
        _say(f"  {name} ({taken_s:.2f} s)", f"{taken_s / medians[f'local {size.clients[0]}']:.2f} times")


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


def _costs(size: Size) -> None:
    click.echo("Cost of each check with right programs, in ms: start until it listens; play, as the report has it;")
    click.echo("all from verdict to verdict, with ending and coming to rest; n programs started")
    for name in size.costs:
        asked = assignments.load(name)
        programs = {Path(each).name: REFERENCES / name / each for each in _COSTS[name]}
        there = {each: path for each, path in programs.items() if path.is_file()}
        only = frozenset(growth.first_checks(asked, size.first))
        for row in costs.table(asked, costs.gradings(asked, there, size.cost_rounds, only)):
            click.echo(row)


def _failing(size: Size) -> None:
    click.echo("Failing fast: time to a verdict against a broken program, less the same check's median with right ones")
    findings = failing.Findings()
    for name in assignments.names() if size.failing is None else size.failing:
        verdicts = failing.verdicts_of(REFERENCES / name)
        right = [program for program, expected in verdicts.items() if not expected.fails]
        broken = [program for program, expected in verdicts.items() if failing.is_timed(expected)]
        chosen = {program: verdicts[program] for program in broken[: size.broken]}
        found = failing.find(REFERENCES / name, assignments.load(name), right[: size.right], chosen)
        click.echo(failing.median_line(name, found))
        findings.failures += found.failures
        findings.untimed += found.untimed
    for row in failing.lines(findings):
        click.echo(row)


def _checks(size: Size) -> None:
    asked = assignments.load(ASSIGNMENT)
    chosen = {len(checks): checks for checks in (growth.first_checks(asked, count) for count in size.counts)}
    jobs = {
        str(count): partial(gradings.grade_s, REFERENCE / _RIGHT[0], "local", 0, checks)
        for count, checks in chosen.items()
    }
    medians = gradings.medians(jobs, size.growth_rounds)
    fewest = min(chosen)
    click.echo(f"Growth with the number of checks ({Path(_RIGHT[0]).name}, local)")
    for count in chosen:
        taken_s = medians[str(count)]
        ratio = taken_s / medians[str(fewest)]
        _say(f"  {count} of the assignment's checks ({taken_s:.2f} s)", f"{ratio:.2f} times")


def _lengths(size: Size) -> None:
    click.echo("Growth with the length of a message: one message, byte by byte, and split at every place")
    for one in growth.messages(REFERENCE / _RIGHT[0], ASSIGNMENTS / ASSIGNMENT, size.lengths_bytes, size.growth_rounds):
        _say(f"  {one.length_bytes} bytes, byte by byte", f"{ms(one.every_byte_s)} ms")
        is_goal = one.length_bytes == _SPLIT_BYTES
        goal = f"goal: under {_SPLIT_S:g} s" if is_goal else ""
        met = not is_goal or one.every_split_s < _SPLIT_S
        _say(f"  {one.length_bytes} bytes, split at every place", f"{ms(one.every_split_s)} ms", goal, met=met)


if __name__ == "__main__":
    main()
