"""From verdicts to a grade."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import results
from grader.assignment import CheckSpec, load
from grader.errors import Reason
from grader.model import BuildResult, CheckResult, GraderInfo, Outcome, Report, Requirement, SubmissionInfo, judged

ASSIGNMENT = load("tcp_uppercase")


def check(outcome: Outcome, reason: Reason | None = None, max_points: float = 2) -> CheckResult:
    return CheckResult(
        id="server.one",
        title="One",
        requirement=Requirement(number="1.1", text="It does."),
        outcome=outcome,
        points=max_points if outcome is Outcome.PASSED else 0,
        max_points=max_points,
        reason=reason,
    )


PASSED, FAILED = check(Outcome.PASSED), check(Outcome.FAILED, Reason.NO_REPLY)
SKIPPED = check(Outcome.SKIPPED, Reason.PREREQUISITE)
UNJUDGED = (
    check(Outcome.INCONCLUSIVE, Reason.UNPROVED),
    check(Outcome.ERROR, Reason.GRADER_ERROR),
    check(Outcome.SKIPPED, Reason.PREREQUISITE_UNJUDGED),
)


def report(*checks: CheckResult) -> Report:
    return results.make_report(
        ASSIGNMENT,
        "server",
        submission=SubmissionInfo(name="hw", sha256="00"),
        grader=GraderInfo(version="0", seed=1, sandbox="local"),
        started=datetime(2026, 1, 1, tzinfo=UTC),
        duration_s=1.23456,
        build=BuildResult(outcome=Outcome.SKIPPED),
        checks=checks,
    )


@pytest.mark.parametrize(
    ("checks", "score", "max_score", "unjudged", "code"),
    [
        ((PASSED, PASSED), 4, 4, 0, 0),
        ((PASSED, FAILED), 2, 4, 0, 1),
        ((PASSED, FAILED, SKIPPED), 2, 6, 0, 1),
        *(((PASSED, one), 2, 4, 2, 3) for one in UNJUDGED),
        *(((PASSED, FAILED, one), 2, 6, 2, 3) for one in UNJUDGED),
        (UNJUDGED, 0, 6, 6, 3),
    ],
)
def test_what_cannot_be_judged_is_neither_earned_nor_lost(
    checks: tuple[CheckResult, ...], score: float, max_score: float, unjudged: float, code: int
) -> None:
    graded = report(*checks)
    assert (graded.score, graded.max_score, graded.unjudged) == (score, max_score, unjudged)
    assert graded.complete == (unjudged == 0)
    assert results.exit_code(graded) == code


_verdicts = st.builds(
    lambda one, points: check(one.outcome, one.reason, points),
    st.sampled_from([PASSED, FAILED, SKIPPED, *UNJUDGED]),
    st.integers(0, 100).map(lambda quarters: quarters / 4),
)


@given(st.lists(_verdicts, min_size=1))
def test_the_maximum_is_what_is_earned_lost_and_unjudged(checks: list[CheckResult]) -> None:
    graded = report(*checks)
    lost = sum(one.max_points for one in checks if judged(one) and one.outcome is not Outcome.PASSED)
    assert graded.score + lost + graded.unjudged == graded.max_score == sum(one.max_points for one in checks)
    assert graded.checks == tuple(checks)
    assert graded.complete == all(judged(one) for one in checks)


@given(st.lists(_verdicts, min_size=1), st.lists(_verdicts, min_size=1))
def test_no_verdict_changes_the_maximum(checks: list[CheckResult], others: list[CheckResult]) -> None:
    other = [
        check(two.outcome, two.reason, one.max_points) for one, two in zip(checks, others * len(checks), strict=False)
    ]
    assert report(*checks).max_score == report(*other).max_score


def test_a_report_says_what_was_graded() -> None:
    graded = report(PASSED)
    assert (graded.assignment, graded.role, graded.duration_s) == ("tcp_uppercase", "server", 1.235)


def test_a_program_that_cannot_be_built_fails_one_check_and_skips_the_chosen() -> None:
    chosen = frozenset({"server.listens", "server.answers"})
    build = BuildResult(outcome=Outcome.FAILED, log="server.c:1: error\n", command="make server", duration_s=0.5)
    titles = {spec.id: spec.id.upper() for spec in ASSIGNMENT.checks}
    first, *others = results.without_a_program(ASSIGNMENT, chosen, titles, results.not_built("server", build))
    assert (first.id, first.outcome, first.reason, first.max_points) == (
        "server.builds",
        Outcome.FAILED,
        Reason.BUILD_FAILED,
        0,
    )
    assert (first.message, first.duration_s) == ("$ make server\nserver.c:1: error", 0.5)
    assert [(one.id, one.title, one.outcome, one.reason) for one in others] == [
        ("server.listens", "SERVER.LISTENS", Outcome.SKIPPED, Reason.PREREQUISITE),
        ("server.answers", "SERVER.ANSWERS", Outcome.SKIPPED, Reason.PREREQUISITE),
    ]
    graded = report(first, *others)
    assert graded.score == 0
    assert graded.max_score == sum(ASSIGNMENT.spec(check_id).points for check_id in chosen)
    assert graded.complete
    assert results.exit_code(graded) == 1


def test_a_program_that_is_not_there_takes_its_checks_and_those_of_both_with_it() -> None:
    specs = tuple(
        CheckSpec(id=check, points=2, requirement="1.1") for check in ("server.a", "client.a", "client.b", "pair.a")
    )
    both = msgspec.structs.replace(ASSIGNMENT, checks=specs)
    failed = results.not_handed_in("client", "this submission has a server but no client")
    chosen = frozenset({"server.a", "client.a", "pair.a"})
    titles = {spec.id: spec.id.upper() for spec in specs}
    first, *others = results.without_a_program(both, chosen, titles, failed)
    assert (first.id, first.title, first.outcome, first.reason) == (
        "client.handed_in",
        "A client was handed in",
        Outcome.FAILED,
        Reason.NOT_HANDED_IN,
    )
    assert (first.max_points, first.message) == (0, "This submission has a server but no client.")
    assert [(one.id, one.outcome, one.message, one.max_points) for one in others] == [
        ("client.a", Outcome.SKIPPED, "skipped: the client was not handed in", 2),
        ("pair.a", Outcome.SKIPPED, "skipped: the client was not handed in", 2),
    ]
    assert (report(first, *others).max_score, results.exit_code(report(first, *others))) == (4, 1)


BUILT = BuildResult(outcome=Outcome.PASSED, log="made\n", command="make server", duration_s=0.5)
UNBUILT = BuildResult(outcome=Outcome.FAILED, log="no\n", command="make client", duration_s=0.25)
NOTHING = BuildResult(outcome=Outcome.SKIPPED)


def test_builds_of_two_programs_are_one_that_names_both() -> None:
    assert results.one_build({"server": BUILT}) == BUILT
    assert results.one_build({"server": BUILT, "client": UNBUILT}) == BuildResult(
        outcome=Outcome.FAILED,
        log="server:\nmade\n\nclient:\nno\n",
        command="make server; make client",
        duration_s=0.75,
    )
    assert results.one_build({"server": NOTHING, "client": BUILT}).outcome is Outcome.PASSED
    assert results.one_build({"server": NOTHING, "client": NOTHING}) == NOTHING
