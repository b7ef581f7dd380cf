"""Reference programs, graded as `grader verify` does it: each must get exactly the verdict written down for it.

All right programs and some broken ones of every assignment in the local sandbox, several at a time, and a few in
containers.  `grader verify` grades them all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, cast

import docker
import pytest

from grader import assignment, flow, verify
from grader.sandbox.choose import choose
from grader.verify import Expected, Trial

#: Broken programs of each assignment and role that are graded here, from all over the list.
_BROKEN_EACH = 3
_ROLES = ("server", "client", "both")


class Case(NamedTuple):
    """A reference program of an assignment."""

    assignment: str
    program: str

    def __str__(self) -> str:
        return f"{self.assignment}-{self.program}"


def verdicts_of(name: str) -> dict[str, Expected]:
    asked = assignment.load(name)
    return verify.load_verdicts(verify.reference_folder(asked), asked)


def cases(kind: str, name: str, role: str | None = None) -> list[Case]:
    """An assignment's right or broken programs, of one role or all, in languages that every sandbox has."""
    verdicts = {program: expected for program, expected in verdicts_of(name).items() if not expected.needs}
    programs = sorted(program for program in verdicts if program.startswith(f"{kind}/"))
    return [Case(name, program) for program in programs if role in {None, verdicts[program].role}]


def spread(found: list[Case], count: int) -> list[Case]:
    """So many of them, evenly over the list."""
    return found[:: max(1, len(found) // count)][:count]


ASSIGNMENTS = [name for name in assignment.names() if verify.reference_folder(assignment.load(name))]
RIGHT = [case for name in ASSIGNMENTS for case in cases("good", name)]
KINDS = [(name, role) for name in ASSIGNMENTS for role in _ROLES]
BROKEN = [case for name, role in KINDS for case in spread(cases("broken", name, role), _BROKEN_EACH)]
#: Each takes seconds for its containers: a right one of each assignment and role, a broken one of each transport and
#: role.
CONTAINED = [
    *(case for name, role in KINDS for case in cases("good", name, role)[:1]),
    *{
        (assignment.load(name).transport, role): case
        for name, role in KINDS
        for case in cases("broken", name, role)[:1]
    }.values(),
]


GRADER = (sys.executable, "-m", "grader")


def grade(case: Case) -> Trial:
    request = flow.Request(assignment.load(case.assignment), seed=1)
    (trial,) = verify.trials(request, choose("local", lambda _: None).make, rounds=1, programs=(case.program,))
    return trial


@pytest.fixture(scope="module")
def graded(request: pytest.FixtureRequest) -> Iterator[Mapping[Case, Future[Trial]]]:
    """The gradings of all cases that are asked for, as many at a time as there are CPUs."""
    here = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == Path(__file__)]
    asked = [cast("Case", item.callspec.params["case"]) for item in here if "graded" in item.fixturenames]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        yield {case: pool.submit(grade, case) for case in asked}
        pool.shutdown(cancel_futures=True)


def assert_right(trial: Trial) -> None:
    assert trial.flips == ()
    assert trial.report is not None
    assert trial.report.complete


@pytest.mark.parametrize("case", [*RIGHT, *BROKEN], ids=str)
def test_a_program_gets_its_verdict(case: Case, graded: Mapping[Case, Future[Trial]]) -> None:
    assert_right(graded[case].result())


@pytest.mark.container
@pytest.mark.parametrize("case", CONTAINED, ids=str)
def test_a_program_gets_its_verdict_in_a_container(case: Case, engine: docker.DockerClient) -> None:
    # By the command: docker's client leaves its connections to the end of the process.
    command = ["verify", case.assignment, "--program", case.program, "--sandbox", "docker"]
    run = subprocess.run([*GRADER, *command], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_verdicts_name_every_program_and_prove_every_check(name: str) -> None:
    verdicts = verdicts_of(name)
    assert verify.unproved(assignment.load(name), verdicts) == []
    for program, expected in verdicts.items():
        assert bool(expected.fails) == bool(expected.fault) == program.startswith("broken/"), program
    assert len(cases("good", name, "server")) >= 5
    if "client" in assignment.load(name).roles:
        assert len(cases("good", name, "client")) >= 3


def test_every_assignment_has_reference_programs() -> None:
    assert assignment.names() == ASSIGNMENTS
