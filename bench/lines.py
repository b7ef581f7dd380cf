"""`python -m bench.lines [ASSIGNMENT ...]`: which line of its source is named for wrong reference programs, to be read.

Of each assignment some of the wrong programs in Python and in C, by turns and spread over all of them, are played the
first check that they must fail.  Whether a reader would name the same line is for a reader to say.
"""

from __future__ import annotations

import argparse
import re
import statistics
from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

import click

from bench.figures import ms
from grader import assignment as assignments
from grader import flow
from grader.assignment import Assignment
from grader.model import CheckResult, EventKind, Role
from grader.sandbox.choose import choose
from grader.verify import Expected
from grader.verify.references import References, load_references, reference_folder

ASSIGNMENTS = ("tcp_uppercase", "tcp_echo", "tcp_sum", "tcp_chat", "udp_reply", "mailbox")
_ENDINGS = (".py", ".c")
_PLACE = re.compile(r"in its source: .+")


class Named(NamedTuple):
    """A wrong program, the check, and what its message says of places; `took_s`: the check."""

    program: str
    expected: Expected
    result: CheckResult

    @property
    def looked_s(self) -> float:
        """How long the check went on after its verdict: to look where the program was, and to take leave of it."""
        verdict_ms = next(event.at_ms for event in self.result.evidence if event.kind is EventKind.VERDICT)
        return self.result.duration_s - verdict_ms / 1000

    @property
    def places(self) -> list[str]:
        """Each with the line of source that is marked."""
        lines = self.result.message.split("\n")
        marked = [line.strip() for line in lines if re.match(r"\s*> +\d+ ", line)]
        told = [found[0] for line in lines if (found := _PLACE.match(line))]
        return [f"{place}   {source}" for place, source in zip_longest(told, marked, fillvalue="")]


def chosen(known: References, asked: Assignment, count: int) -> list[str]:
    """Some wrong programs, by turns in Python and in C."""
    listed = {spec.id for spec in asked.checks}
    wrong = {
        ending: [
            program
            for program, expected in known.verdicts.items()
            if expected.role != "both"
            and listed.intersection(expected.fails)
            and Path(known.mutants[program].of if program in known.mutants else program).suffix == ending
        ]
        for ending in _ENDINGS
    }
    spread = [programs[:: max(1, len(programs) * len(_ENDINGS) // count)] for programs in wrong.values()]
    return [program for program in chain.from_iterable(zip_longest(*spread)) if program][:count]


def named(name: str, count: int) -> Iterator[Named]:
    """What is named for some programs of an assignment."""
    asked = assignments.load(name)
    known = load_references(reference_folder(asked, assignments.folder_of(name)), asked)
    make = choose("local", lambda _: None).make
    listed = [spec.id for spec in asked.checks]
    for program in chosen(known, asked, count):
        expected = known.verdicts[program]
        check = next(check for check in expected.fails if check in listed)
        roles: tuple[Role, ...] = expected.roles
        request = flow.Request(asked, 1, roles, frozenset({check}), second_look=False)
        with known.handed_in(program) as path:
            report = flow.grade(path, request, make, lambda _: None)
        yield Named(program, expected, next(one for one in report.checks if one.id == check))


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(prog="python -m bench.lines", description=__doc__.partition("\n")[0])
    parser.add_argument("assignments", nargs="*", default=ASSIGNMENTS, metavar="ASSIGNMENT")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="programs of each")
    asked = parser.parse_args()
    without, looked_s = 0, []
    for name in asked.assignments:
        for one in named(name, asked.count):
            looked_s.append(one.looked_s)
            click.echo(f"\n{name} {one.program}: {one.expected.fault}")
            click.echo(f"  {one.result.id}: {one.result.message.partition(chr(10))[0]}")
            click.echo("\n".join(f"  {place}" for place in one.places) or "  no line is named")
            without += not one.places
    click.echo(f"\n{len(looked_s)} programs, {without} without a line")
    click.echo(f"after the verdict a check took {ms(statistics.median(looked_s))} ms more (median)")


if __name__ == "__main__":
    main()
