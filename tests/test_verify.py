"""Verdicts of reference programs: what is written down, and what in a report differs from it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader import flow, verify
from grader.assignment import BUILDS, load
from grader.errors import AssignmentError, CannotJudgeError, Reason, UsageError
from grader.matrix import matrix
from grader.model import BuildResult, CheckResult, GraderInfo, Outcome, Report, SubmissionInfo
from grader.results import make_report
from grader.sandbox.choose import choose
from grader.verify import Expected, Trial

ASSIGNMENT = load("tcp_uppercase")
IDS = [spec.id for spec in ASSIGNMENT.checks]
NEEDS = {spec.id: spec.needs for spec in ASSIGNMENT.checks}
FRAGMENTS, COALESCED = "server.fragments_every_byte", "server.coalesced"


def report(**outcomes: Outcome) -> Report:
    """A report in which all checks passed but those given by name."""
    by_id = {f"server.{name}": outcome for name, outcome in outcomes.items()}
    checks = tuple(
        CheckResult(
            id=spec.id,
            title=spec.id,
            requirement=ASSIGNMENT.requirements[spec.requirement],
            outcome=by_id.get(spec.id, Outcome.PASSED),
            points=0,
            max_points=spec.points,
            reason=Reason.UNPROVED if by_id.get(spec.id) is Outcome.INCONCLUSIVE else None,
        )
        for spec in ASSIGNMENT.checks
    )
    return make_report(
        ASSIGNMENT,
        "server",
        submission=SubmissionInfo(name="p", sha256="00"),
        grader=GraderInfo(version="0", seed=1, sandbox="none"),
        started=datetime(2026, 1, 1, tzinfo=UTC),
        duration_s=2.0,
        build=BuildResult(outcome=Outcome.SKIPPED),
        checks=checks,
    )


def flips(fails: tuple[str, ...] = (), **outcomes: Outcome) -> list[str]:
    return list(verify.flips(ASSIGNMENT, Expected(fails=fails), report(**outcomes)))


def test_a_right_program_must_pass_everything() -> None:
    assert flips() == []
    assert flips(coalesced=Outcome.FAILED) == [f"{COALESCED} must pass, but is failed (None): "]
    assert flips(coalesced=Outcome.ERROR) == [f"{COALESCED} must pass, but is error (None): "]


def test_a_broken_program_must_fail_exactly_its_checks() -> None:
    assert flips((COALESCED,), coalesced=Outcome.FAILED) == []
    assert flips((COALESCED,)) == [f"{COALESCED} must fail, but is passed"]
    assert flips((COALESCED,), coalesced=Outcome.FAILED, fragments_every_byte=Outcome.FAILED) == [
        f"{FRAGMENTS} must pass, but is failed (None): "
    ]


@pytest.mark.parametrize("outcome", [Outcome.SKIPPED, Outcome.INCONCLUSIVE, Outcome.ERROR])
def test_nothing_else_counts_as_failing(outcome: Outcome) -> None:
    assert flips((COALESCED,), coalesced=outcome) == [f"{COALESCED} must fail, but is {outcome}"]


def test_nothing_may_be_inconclusive() -> None:
    (flip,) = flips(coalesced=Outcome.INCONCLUSIVE)
    assert flip.startswith(f"{COALESCED} must pass, but is inconclusive (unproved)")


def test_a_check_may_be_skipped_only_with_what_it_needs() -> None:
    assert flips(coalesced=Outcome.SKIPPED) == [f"{COALESCED} was skipped without need"]
    needing = [check for check, needs in NEEDS.items() if needs == "server.answers"]
    skipped = {check.removeprefix("server."): Outcome.SKIPPED for check in needing}
    left = verify.flips(ASSIGNMENT, Expected(fails=("server.answers",)), report(answers=Outcome.FAILED, **skipped))
    assert list(left) == []


@pytest.mark.parametrize("cause", [BUILDS, "server.listens"])
def test_without_a_listening_program_everything_may_be_skipped(cause: str) -> None:
    everything = {check.removeprefix("server."): Outcome.SKIPPED for check in IDS}
    everything[cause.removeprefix("server.")] = Outcome.FAILED
    left = list(verify.flips(ASSIGNMENT, Expected(fails=(cause,)), report(**everything)))
    assert left == ([f"{BUILDS} was not played"] if cause == BUILDS else [])


def write_reference(folder: Path, verdicts: str, *programs: str) -> Path:
    for kind in ("good", "broken"):
        (folder / kind).mkdir(parents=True)
    for program in programs:
        (folder / program).write_text("")
    (folder / "verdicts.toml").write_text(verdicts)
    return folder


def test_verdicts_are_read_by_program(tmp_path: Path) -> None:
    text = f'["good/a.py"]\n["broken/b.py"]\nfault = "wrong"\nfails = ["{COALESCED}", "{BUILDS}"]\n'
    folder = write_reference(tmp_path / "x", text, "good/a.py", "broken/b.py")
    assert verify.load_verdicts(folder, ASSIGNMENT) == {
        "good/a.py": Expected(),
        "broken/b.py": Expected(fault="wrong", fails=(COALESCED, BUILDS)),
    }


@pytest.mark.parametrize(
    ("verdicts", "programs", "words"),
    [
        ("", ["good/a.py"], "good/a.py has no verdict"),
        ('["good/a.py"]', [], "there is no program good/a.py"),
        (
            '["broken/b.py"]\nfails = ["server.nothing"]',
            ["broken/b.py"],
            "broken/b.py: there is no check server.nothing",
        ),
        ('["broken/b.py"]\nfail = []', ["broken/b.py"], "unknown field `fail`"),
        ("[", [], "key"),
    ],
)
def test_a_fault_in_the_verdicts_is_refused(tmp_path: Path, verdicts: str, programs: list[str], words: str) -> None:
    folder = write_reference(tmp_path / "x", verdicts, *programs)
    with pytest.raises(AssignmentError, match=r"^x/verdicts\.toml: ") as caught:
        verify.load_verdicts(folder, ASSIGNMENT)
    assert words in str(caught.value)


def test_a_reference_folder_without_broken_programs_is_refused_in_words(tmp_path: Path) -> None:
    folder = write_reference(tmp_path / "x", "")
    (folder / "broken").rmdir()
    with pytest.raises(AssignmentError):
        verify.load_verdicts(folder, ASSIGNMENT)


def test_our_verdicts_name_every_program_and_prove_every_check() -> None:
    verdicts = verify.load_verdicts(verify.reference_folder(ASSIGNMENT), ASSIGNMENT)
    assert verify.unproved(ASSIGNMENT, verdicts) == []
    for program, expected in verdicts.items():
        assert bool(expected.fails) == bool(expected.fault) == program.startswith("broken/"), program


def test_a_check_that_no_broken_program_fails_is_not_yet_a_check() -> None:
    verdicts = {"broken/b.py": Expected(fails=tuple(IDS[1:]))}
    assert verify.unproved(ASSIGNMENT, verdicts) == [IDS[0]]


def test_an_assignment_without_reference_programs_is_wrong_usage() -> None:
    class Named:
        name = "no_such_assignment"

    with pytest.raises(UsageError, match="no reference programs for no_such_assignment"):
        verify.reference_folder(Named())  # type: ignore[arg-type]  # only its name is looked at


def test_real_trials_of_a_good_and_a_broken_program_do_not_flip() -> None:
    request = flow.Request(ASSIGNMENT, only=frozenset({"server.listens", COALESCED}), seed=5)
    make = choose("local", lambda _: None).make
    programs = ("good/threads.py", "broken/one_recv_is_one_message.py")
    heard: list[str] = []
    good, broken = verify.trials(request, make, rounds=1, programs=programs, listen=heard.append)
    assert heard == [f"round 1: {program}" for program in programs]
    assert (good.program, good.round, good.flips) == (programs[0], 1, ())
    assert good.report is not None
    assert broken.report is not None
    assert good.report.grader.seed == 5
    assert COALESCED in [check.id for check in broken.report.checks if check.outcome is Outcome.FAILED]
    # It was asked for one of the checks that it must fail only; the others were not played, and that is said.
    assert all(flip.endswith("was not played") for flip in broken.flips)
    assert len(broken.flips) >= 2


def test_an_unknown_program_is_wrong_usage() -> None:
    request = flow.Request(ASSIGNMENT)
    make = choose("local", lambda _: None).make
    with pytest.raises(UsageError, match=r"there is no reference program 'good/nothing\.py'"):
        list(verify.trials(request, make, rounds=1, programs=("good/nothing.py",)))


def test_a_sandbox_that_fails_is_a_flip_and_no_crash() -> None:
    def broken(*_: object) -> None:
        raise CannotJudgeError("no engine")

    request = flow.Request(ASSIGNMENT)
    trials = verify.trials(request, broken, rounds=2, programs=("good/threads.py",))  # type: ignore[arg-type]
    assert [(trial.round, trial.report, trial.flips) for trial in trials] == [
        (1, None, ("no engine",)),
        (2, None, ("no engine",)),
    ]


def test_verdicts_are_counted_by_outcome() -> None:
    counted = verify.counts([report(coalesced=Outcome.FAILED), report()])
    assert (counted[Outcome.FAILED], counted[Outcome.PASSED]) == (1, 2 * len(IDS) - 1)


def test_the_matrix_has_a_mark_for_each_check() -> None:
    verdicts = {"good/a.py": Expected(), "broken/b.py": Expected(fault="x", fails=(IDS[0],))}
    failed, unjudged = report(listens=Outcome.FAILED, answers=Outcome.SKIPPED), report(listens=Outcome.INCONCLUSIVE)
    shown = matrix(
        ASSIGNMENT,
        verdicts,
        [
            Trial("good/a.py", 1, report(), ()),
            Trial("good/a.py", 2, unjudged, ("flipped",)),
            Trial("broken/b.py", 1, failed, ()),
            Trial("broken/b.py", 2, None, ("no engine",)),
        ],
    ).splitlines()
    count = len(IDS)
    assert shown[:count] == [f"{number:>3}  {check}" for number, check in enumerate(IDS, 1)]
    assert shown[count + 3 :] == [
        f"good/a.py    ?{'.' * (count - 1)}  2.0 s  1 of 2 FLIPPED",
        f"broken/b.py  {'!' * count}  2.0 s  1 of 2 FLIPPED",
        "",
        f"4 gradings, {3 * count} verdicts, 2 gradings with a flip",
    ]
