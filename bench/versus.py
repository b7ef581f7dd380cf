"""`python -m bench.versus CHECKOUT`: how fast exact replies are checked here, and by the grader of another checkout.

Both grade the same program by the same assignments, in turns, so that a busy machine shows in both; only ratios mean
anything.  What is timed is the check itself, as reports have it.  The other checkout has its own `.venv` (`make`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import click

from bench import NotMeasuredError
from bench.figures import line, ms
from bench.gradings import ASSIGNMENT, ASSIGNMENTS, REFERENCES, medians
from bench.growth import EVERY_BYTE, EVERY_SPLIT, MESSAGES, padded
from bench.timed import Seconds

_HERE: Final = Path(__file__).resolve().parent.parent
#: Long enough that a check's other work is little beside its fragments.
_FRAGMENTED_BYTES: Final = 1000
_SPLIT_BYTES: Final = 200
_CLIENTS: Final = 500


class Figure(NamedTuple):
    """What is compared.

    `check`: whose time it is.  `length_bytes`: how long the messages are; 0: as the assignment has them.  `shown`: a
    time, as it is printed.
    """

    words: str
    assignment: str
    check: str
    length_bytes: int
    shown: Callable[[Seconds], str]


def _per_second(taken_s: Seconds) -> str:
    return f"{MESSAGES[EVERY_BYTE] * _FRAGMENTED_BYTES / taken_s:.0f} in a second"


def _each(taken_s: Seconds) -> str:
    return f"{ms(taken_s / MESSAGES[EVERY_SPLIT])} ms"


FIGURES: Final = (
    Figure("fragments, each proved to have been read", ASSIGNMENT, EVERY_BYTE, _FRAGMENTED_BYTES, _per_second),
    Figure(f"{_SPLIT_BYTES} bytes, split at every place", ASSIGNMENT, EVERY_SPLIT, _SPLIT_BYTES, _each),
    Figure(f"{_CLIENTS} clients", "tcp_echo", "server.many_clients", 0, lambda taken_s: f"{ms(taken_s)} ms"),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.versus", description="Two checkouts, in turns.")
    parser.add_argument("checkout", type=Path, help="the other one, with a .venv of its own")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    asked = parser.parse_args()
    try:
        for row in compared(asked.checkout.resolve(), asked.rounds):
            click.echo(row)
    except NotMeasuredError as error:
        sys.exit(f"not measured: {error}")


def compared(other: Path, rounds: int) -> Iterator[str]:
    """A line for each figure.

    Raises:
        NotMeasuredError: the other checkout has no grader, or a grading did not pass.
    """
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
        for number, figure in enumerate(FIGURES):
            folder = padded(ASSIGNMENTS / figure.assignment, figure.length_bytes, Path(name) / str(number))
            jobs = {str(where): partial(check_s, where, figure, folder) for where in (_HERE, other)}
            yield said(figure, medians(jobs, rounds), str(other))


def said(figure: Figure, found: Mapping[str, Seconds], other: str) -> str:
    """How long it takes here and there.  Pure."""
    here_s, there_s = found[str(_HERE)], found[other]
    ratio = f"there {figure.shown(there_s)}; {here_s / there_s:.2f} times as long here"
    return line(f"  {figure.words}", figure.shown(here_s), ratio)


def check_s(checkout: Path, figure: Figure, assignments: Path) -> Seconds:
    """The time of the check, played by a checkout's grader with a right program of ours.

    Raises:
        NotMeasuredError: there is no such grader, or the program does not pass.
    """
    grader = checkout / ".venv" / "bin" / "grader"
    if not grader.is_file():
        raise NotMeasuredError(f"{checkout} has no .venv: type make .venv/.ready there")
    program = REFERENCES / figure.assignment / "good" / "threads.py"
    command = [str(grader), "check", str(program), "--assignment", figure.assignment, "--role", "server"]
    command += ["--assignments", str(assignments), "--only", figure.check, "--sandbox", "local", "--seed", "1"]
    ended = subprocess.run([*command, "--json", "-"], cwd="/", check=False, capture_output=True, text=True)
    if ended.returncode:
        raise NotMeasuredError(f"{checkout}: exit code {ended.returncode}\n{ended.stderr}")
    checks = json.loads(ended.stdout)["checks"]
    return float(next(check["duration_s"] for check in checks if check["id"] == figure.check))


if __name__ == "__main__":
    main()
