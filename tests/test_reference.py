"""Reference programs, graded as `grader verify` does it: each must get exactly the verdict written down for it.

Every check of the catalogue that an assignment lists is failed by a broken program of some assignment, and its own by
one of its own; each is graded by that check and by what it depends on (`cover.py` chooses).  Of right programs, one of
each assignment and role is graded by all checks, each time in another style; of right pairs, by those checks that are
for both together, since a server and a client are graded by all others.  All are played in the local sandbox; one right
and one broken program of each role and transport are played in containers.  `make verify` plays all programs with all
checks.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import docker
import pytest
from _pytest.mark import ParameterSet

from grader import assignment, flow, verify
from grader.assignment import Assignment
from grader.catalogue.usual import USUAL
from grader.model import Graded, Outcome
from grader.sandbox.choose import choose
from grader.verify import Expected
from tests.cover import cover

ROLES: tuple[Graded, ...] = ("server", "client", "both")
#: Programs that take many times as long to fail a check as another one does.
SLOW = {
    ("tcp_uppercase", "broken/children_go_back_to_accept.c"),  # each look is at many processes, for each of 65 clients
    ("tcp_echo", "broken/spins_at_eof.c"),  # never still, so that each wait lasts until its deadline
    ("udp_reply", "broken/pair_client_adds_the_ok"),  # waits a second for each reply
    ("udp_uppercase", "broken/client_asks_for_ever.c"),  # each check has to wait until it gives it up
}


class Case(NamedTuple):
    """A reference program of an assignment, and the checks that it is graded by, with their needs (none: all).

    A wrong one must fail each of them.
    """

    assignment: str
    program: str
    checks: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.assignment}-{self.program}"


ASSIGNMENTS = {name: assignment.load(name) for name in assignment.names()}
REFERENCES = {
    name: verify.load_references(verify.reference_folder(asked, assignment.folder_of(name)), asked)
    for name, asked in ASSIGNMENTS.items()
}
VERDICTS = {name: references.verdicts for name, references in REFERENCES.items()}


def programs_of(asked: Assignment, role: Graded | None = None, *, right: bool) -> list[str]:
    """An assignment's right or wrong programs, of one role or all, in languages that every sandbox has."""
    everywhere = {name: expected for name, expected in VERDICTS[asked.name].items() if not expected.needs}
    found = (name for name, expected in everywhere.items() if role in {None, expected.role})
    return sorted(name for name in found if name.startswith("good/") is right)


def proved_by(asked: Assignment) -> set[str]:
    """The listed checks that a wrong program of this assignment fails."""
    failed = {check for expected in VERDICTS[asked.name].values() for check in expected.fails}
    return failed & {spec.id for spec in asked.checks}


def name_of(asked: Assignment, check: str) -> tuple[str, str]:
    """A check and where it has to be proved: one of the catalogue anywhere over this transport, its own here."""
    return (asked.transport if check in USUAL else asked.name, check)


def broken_ones() -> Iterator[Case]:
    """Wrong programs of any assignment that fail every check that is proved."""
    fails = {
        (name, program): [name_of(asked, check) for check in VERDICTS[name][program].fails if check in proved_by(asked)]
        for name, asked in ASSIGNMENTS.items()
        for program in programs_of(asked, right=False)
    }
    wanted = {name_of(asked, check) for asked in ASSIGNMENTS.values() for check in proved_by(asked)}
    for (name, program), checks in cover(fails, wanted, SLOW):
        yield Case(name, program, frozenset(check for _, check in checks))


def expected_of(case: Case) -> Expected:
    return VERDICTS[case.assignment][case.program]


def waits(case: Case) -> bool:
    """Whether its time is that of its client's own timers: nearly all of it is, over UDP."""
    return ASSIGNMENTS[case.assignment].transport == "udp" and expected_of(case).role != "server"


def played(cases: Iterable[Case]) -> list[ParameterSet]:
    return [pytest.param(case, marks=[pytest.mark.waits] if waits(case) else [], id=str(case)) for case in cases]


def right_ones() -> Iterator[Case]:
    """One of each assignment and role; of each name, which tells the style, only one as far as that can be."""
    seen: set[str] = set()
    for asked, role in itertools.product(ASSIGNMENTS.values(), ROLES):
        programs = programs_of(asked, role, right=True)
        together = frozenset(spec.id for spec in asked.checks if spec.part == "pair") if role == "both" else frozenset()
        for program in [*(program for program in programs if program not in seen), *programs][:1]:
            seen.add(program)
            yield Case(asked.name, program, together)


#: What a wrong program of some assignment fails.
PROVED = {check for asked in ASSIGNMENTS.values() for check in proved_by(asked)}
BROKEN = [*broken_ones()]
RIGHT = [*right_ones()]


def one_of_each_kind(cases: list[Case]) -> list[Case]:
    """One of each role and transport, where an assignment has fewest checks: each takes seconds for its containers."""
    by_length = sorted(cases, key=lambda case: len(ASSIGNMENTS[case.assignment].checks), reverse=True)
    kinds = {(ASSIGNMENTS[case.assignment].transport, expected_of(case).role): case for case in by_length}
    return [*kinds.values()]


@pytest.mark.parametrize("case", played([*RIGHT, *BROKEN]))
def test_a_program_gets_its_verdict(case: Case) -> None:
    request = flow.Request(ASSIGNMENTS[case.assignment], seed=1, only=case.checks or None, second_look=False)
    make = choose("local", lambda _: None).make
    (trial,) = verify.trials(REFERENCES[case.assignment], request, make, rounds=1, programs=(case.program,))
    assert trial.flips == ()
    assert trial.report is not None
    assert trial.report.complete
    must = Outcome.FAILED if expected_of(case).fails else Outcome.PASSED
    assert case.checks <= {check.id for check in trial.report.checks if check.outcome is must}


@pytest.mark.container
@pytest.mark.parametrize("case", played([*one_of_each_kind(RIGHT), *one_of_each_kind(BROKEN)]))
def test_a_program_gets_its_verdict_in_a_container(case: Case, engine: docker.DockerClient) -> None:
    # By the command: docker's client leaves its connections to the end of the process.
    only = [word for check in sorted(case.checks) for word in ("--only", check)]
    command = ["verify", case.assignment, "--program", case.program, "--sandbox", "docker", *only]
    run = subprocess.run([sys.executable, "-m", "grader", *command], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 gradings" in run.stdout


def test_every_proved_check_is_failed_once_by_a_program_that_is_played() -> None:
    played = [name_of(ASSIGNMENTS[case.assignment], check) for case in BROKEN for check in case.checks]
    assert len(played) == len({*played})
    assert {*played} == {name_of(asked, check) for asked in ASSIGNMENTS.values() for check in proved_by(asked)}
    assert all(case.checks <= {*expected_of(case).fails} for case in BROKEN)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_verdicts_name_every_program_and_prove_every_check(name: str) -> None:
    asked, verdicts = ASSIGNMENTS[name], VERDICTS[name]
    proved = set[str]().union(*(proved_by(ASSIGNMENTS[each]) for each in (name, *asked.extends)))
    assert {spec.id for spec in asked.checks} <= proved | ({*USUAL} & PROVED)
    for program, expected in verdicts.items():
        assert bool(expected.fails) == bool(expected.fault) != program.startswith("good/"), program
    for role in asked.roles:
        assert len({name for name in verdicts if name.startswith("good/") and verdicts[name].role == role}) >= 3


def test_every_assignment_has_a_right_program_of_each_role_here() -> None:
    kinds = {(case.assignment, expected_of(case).role) for case in RIGHT}
    assert kinds >= {(name, role) for name, asked in ASSIGNMENTS.items() for role in asked.roles}
