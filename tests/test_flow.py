"""What is graded: which programs of a submission, and which checks are played with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import pytest

from grader import flow, results
from grader.assignment import Assignment, CheckSpec, ClientSpec, load
from grader.errors import CannotJudgeError, Reason, UsageError
from grader.job import Built, Checked, Finished, Job, Lacking, Word
from grader.model import (
    BuildResult,
    CheckResult,
    Event,
    EventKind,
    Narrowed,
    Outcome,
    Report,
    Role,
    SourceLine,
    SubmissionInfo,
)
from grader.report.text import ADVICE
from grader.submission import take

UPPERCASE = load("tcp_uppercase")
ONE = msgspec.structs.replace(
    UPPERCASE,
    roles=("server",),
    client=None,
    checks=tuple(spec for spec in UPPERCASE.checks if spec.part == "server"),
)
CHECKS = {
    "server.listens": (),
    "server.answers": ("server.listens",),
    "client.connects": (),
    "client.answers": ("client.connects",),
    "pair.talk": ("server.answers", "client.connects"),
}
BOTH = msgspec.structs.replace(
    ONE,
    roles=("server", "client"),
    client=ClientSpec(),
    checks=tuple(
        CheckSpec(id=check_id, points=1, requirement="1.1", needs=needs) for check_id, needs in CHECKS.items()
    ),
)
SERVER, CLIENT, PAIR = (
    frozenset(check for check in CHECKS if check.startswith(part)) for part in ("server.", "client.", "pair.")
)


def planned(
    folder: Path,
    *names: str,
    asked: Assignment = BOTH,
    roles: tuple[Role, ...] | None = None,
    only: frozenset[str] | None = None,
) -> flow.Plan:
    """The plan for a folder with these files; for one name that ends in `!`, for that file alone."""
    for name in names:
        (folder / name.rstrip("!")).touch()
    path = folder / names[0].rstrip("!") if names[0].endswith("!") else folder
    return flow.plan(take(path), flow.Request(asked, 1, roles, only))


def test_both_programs_are_graded_with_all_checks(tmp_path: Path) -> None:
    plan = planned(tmp_path, "server.py", "client.py")
    assert {role: made.program for role, made in plan.recipes.items()} == {"server": "server.py", "client": "client.py"}
    assert plan.chosen == plan.playable == SERVER | CLIENT | PAIR
    assert plan.lacking == {}
    assert plan.notes == ("the server is 'server.py' (Python)", "the client is 'client.py' (Python)")


@pytest.mark.parametrize(("role", "chosen"), [("server", SERVER), ("client", CLIENT)])
def test_one_role_leaves_the_other_s_checks_and_the_pair_s_out(
    tmp_path: Path, role: Role, chosen: frozenset[str]
) -> None:
    plan = planned(tmp_path, "server.py", "client.py", roles=(role,))
    assert ([*plan.recipes], plan.chosen, plan.notes) == ([role], chosen, ())


def test_a_folder_with_one_program_lacks_the_other(tmp_path: Path) -> None:
    plan = planned(tmp_path, "tcpclient.py")
    assert [*plan.recipes] == ["client"]
    assert plan.lacking == {"server": "this submission has a client ('tcpclient.py') but no server"}
    assert plan.chosen == SERVER | CLIENT | PAIR
    assert plan.playable == CLIENT


@pytest.mark.parametrize(
    ("name", "role"),
    [("server.py!", "server"), ("UDPClient.py!", "client"), ("main.py!", "server"), ("x.c!", "server")],
)
def test_a_single_file_is_one_program_and_lacks_the_other(tmp_path: Path, name: str, role: Role) -> None:
    plan = planned(tmp_path, name)
    other = "client" if role == "server" else "server"
    assert ([*plan.recipes], [*plan.lacking]) == ([role], [other])
    assert plan.chosen == SERVER | CLIENT | PAIR
    assert plan.playable == (SERVER if role == "server" else CLIENT)
    assert plan.notes[-1] == (
        f"no {other} was handed in, which costs its points (--role {role} grades the {role} alone)"
    )


def test_a_single_file_is_graded_in_the_role_that_is_named(tmp_path: Path) -> None:
    plan = planned(tmp_path, "main.py!", roles=("client",))
    assert ([*plan.recipes], plan.chosen, plan.notes) == (["client"], CLIENT, ())


def test_only_the_programs_of_the_checks_asked_for_are_graded(tmp_path: Path) -> None:
    plan = planned(tmp_path, "server.py", only=frozenset({"server.answers"}))
    assert ([*plan.recipes], plan.lacking, plan.chosen) == (["server"], {}, SERVER)


def test_a_check_of_both_takes_along_what_it_needs_of_each(tmp_path: Path) -> None:
    plan = planned(tmp_path, "server.py", "client.py", only=frozenset({"pair.talk"}))
    assert plan.chosen == {"pair.talk", "server.answers", "server.listens", "client.connects"}
    assert [*plan.recipes] == ["server", "client"]


def test_a_check_of_the_other_program_than_the_single_file_finds_no_program(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has a client \('client.py'\) but no server"):
        planned(tmp_path, "client.py!", only=frozenset({"server.answers"}))


def test_a_single_file_is_played_those_of_the_checks_asked_for_that_are_its_own(tmp_path: Path) -> None:
    plan = planned(tmp_path, "client.py!", only=frozenset({"server.answers", "client.answers"}))
    assert (plan.chosen, plan.playable) == (SERVER | CLIENT, CLIENT)


@pytest.mark.parametrize("names", [("server.py!",), ("server.py",), ("server.py", "client.py"), ("main.c!",)])
def test_the_shape_of_a_submission_changes_no_maximum(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert planned(tmp_path, *names).chosen == set(CHECKS)


def test_no_program_at_all_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no server was found"):
        planned(tmp_path, "notes.txt", "more.txt")


def test_several_that_could_be_the_client_are_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="could each be the client"):
        planned(tmp_path, "server.py", "my_client.py", "your_client.py")


def test_a_role_that_is_named_and_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has a server .* but no client"):
        planned(tmp_path, "server.py", roles=("client",))


def test_an_assignment_with_one_role_has_nothing_to_say_of_another(tmp_path: Path) -> None:
    plan = planned(tmp_path, "server.py", "client.py", asked=ONE)
    assert ([*plan.recipes], plan.lacking, plan.notes) == (["server"], {}, ())
    assert plan.chosen == {spec.id for spec in ONE.checks}


# the maximum


class ScriptedSandbox:
    """A sandbox whose driver says these words, and which then breaks for this reason, if there is one."""

    private_network = True
    own_image = False
    environment: Mapping[str, str] = {"PATH": "/bin"}
    words = "scripted"
    files = ""
    images: Mapping[str, str] = {"sandbox": "sha256:1"}

    def __init__(self, *words: Word, breaks: str = "", opens: bool = True) -> None:
        """`opens`: whether it comes up at all."""
        self._said = words
        self._breaks = breaks
        self._opens = opens

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def open(self) -> None:
        """Come up, or not."""
        if not self._opens:
            raise CannotJudgeError(self._breaks)

    def play(self, job: Job) -> Iterator[Word]:
        """Say the words, whatever the job."""
        self.job = job
        yield from self._said
        if self._breaks:
            raise CannotJudgeError(self._breaks)


def graded(folder: Path, sandbox: ScriptedSandbox, only: frozenset[str] | None = None) -> Report:
    """A report on a server alone, for an assignment that asks for both."""
    (folder / "server.py").touch()
    return flow.grade(folder, flow.Request(BOTH, 1, only=only), lambda *_: sandbox, lambda _: None)


def verdict(check_id: str, outcome: Outcome, reason: Reason | None = None) -> Checked:
    points = int(outcome is Outcome.PASSED)
    requirement = BOTH.requirements["1.1"]
    return Checked(
        CheckResult(
            id=check_id,
            title=check_id,
            requirement=requirement,
            outcome=outcome,
            points=points,
            max_points=1,
            reason=reason,
        )
    )


LISTENS = verdict("server.listens", Outcome.PASSED)
BUILT = Built("server", BuildResult(outcome=Outcome.SKIPPED))
UNBUILT = Built("server", BuildResult(outcome=Outcome.FAILED, log="no", command="make"))


@pytest.mark.parametrize(
    ("sandbox", "score", "unjudged", "code"),
    [
        (ScriptedSandbox(BUILT, LISTENS, verdict("server.answers", Outcome.PASSED), Finished()), 2, 0, 1),
        (ScriptedSandbox(BUILT, LISTENS, verdict("server.answers", Outcome.FAILED, Reason.RESET), Finished()), 1, 0, 1),
        (
            ScriptedSandbox(BUILT, LISTENS, verdict("server.answers", Outcome.ERROR, Reason.GRADER_ERROR), Finished()),
            1,
            1,
            3,
        ),
        (ScriptedSandbox(UNBUILT, Finished()), 0, 0, 1),
        (ScriptedSandbox(BUILT, LISTENS, breaks="it broke"), 1, 1, 3),
        (ScriptedSandbox(BUILT, LISTENS, Finished()), 1, 1, 3),
        (ScriptedSandbox(BUILT, breaks="it broke"), 0, 2, 3),
        (ScriptedSandbox(breaks="it broke", opens=False), 0, 2, 3),
    ],
)
def test_the_maximum_is_the_assignment_s_whatever_happens(
    tmp_path: Path, sandbox: ScriptedSandbox, score: float, unjudged: float, code: int
) -> None:
    report = graded(tmp_path, sandbox)
    assert (report.score, report.unjudged, results.exit_code(report)) == (score, unjudged, code)
    assert report.max_score == sum(spec.points for spec in BOTH.checks) == sum(one.max_points for one in report.checks)
    assert {check.id for check in report.checks} >= set(CHECKS)
    assert report.narrowed is None
    assert report.grader.images == {"sandbox": "sha256:1"}


def test_who_lacks_a_tool_is_told_to_install_it(tmp_path: Path) -> None:
    report = graded(tmp_path, ScriptedSandbox(Lacking("server", ("python3",)), Finished()))
    found = {check.id: check for check in report.checks}["server.listens"]
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, Reason.TOOL_MISSING)
    assert "has no python3, which the server (Python) needs" in found.message
    assert ADVICE[Reason.TOOL_MISSING].startswith("install")


def test_checks_that_did_not_run_say_why(tmp_path: Path) -> None:
    report = graded(tmp_path, ScriptedSandbox(BUILT, LISTENS, breaks="the engine went away"))
    (answers,) = (check for check in report.checks if check.id == "server.answers")
    assert (answers.outcome, answers.reason) == (Outcome.INCONCLUSIVE, Reason.UNPROVED)
    assert answers.message == "This check did not run: the engine went away."


def test_only_narrows_the_maximum_to_what_is_named_and_what_it_needs(tmp_path: Path) -> None:
    asked = frozenset({"pair.talk"})
    report = graded(tmp_path, ScriptedSandbox(BUILT, breaks="it broke"), asked)
    assert report.max_score == len({"pair.talk", "server.answers", "server.listens", "client.connects"})
    assert report.narrowed == Narrowed(role=None, only=("pair.talk",), full_score=5)


def test_a_role_narrows_the_maximum_to_its_checks(tmp_path: Path) -> None:
    (tmp_path / "server.py").touch()
    sandbox = ScriptedSandbox(BUILT, breaks="it broke")
    report = flow.grade(tmp_path, flow.Request(BOTH, 1, ("server",)), lambda *_: sandbox, lambda _: None)
    assert (report.max_score, report.narrowed) == (2, Narrowed(role="server", only=(), full_score=5))


# a second look

ADDRESS_SANITIZER = b"""\
==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x602 at pc 0x55 bp 0x7f sp 0x7e
READ of size 1 at 0x602 thread T0
    #0 0x55d1 in main /work/server.c:1
"""
COMPLAINS = Event(at_ms=1, kind=EventKind.OUTPUT, who="program", text="stderr", data=ADDRESS_SANITIZER)
CRASHES = verdict("server.answers", Outcome.FAILED, Reason.CRASHED)
SANITIZED = Checked(msgspec.structs.replace(CRASHES.result, evidence=(COMPLAINS,)))


def looked_at_twice(folder: Path, again: ScriptedSandbox, name: str = "server.c", *, looks: bool = True) -> CheckResult:
    """The result of a check in which a server crashes; `again`: the sandbox of the second look."""
    (folder / name).write_text("int main(void) { }\n")
    sandboxes = iter((ScriptedSandbox(BUILT, LISTENS, CRASHES, Finished()), again))
    request = flow.Request(BOTH, 1, ("server",), second_look=looks)
    report = flow.grade(folder, request, lambda *_: next(sandboxes), lambda _: None)
    (answers,) = (check for check in report.checks if check.id == "server.answers")
    assert msgspec.structs.replace(answers, sanitizer=None) == CRASHES.result, "a verdict has changed"
    return answers


def test_what_a_sanitizer_says_of_a_crash_stands_beside_it(tmp_path: Path) -> None:
    again = ScriptedSandbox(BUILT, LISTENS, SANITIZED, Finished())
    found = looked_at_twice(tmp_path, again).sanitizer
    assert found is not None
    assert (found.kind, found.place, found.function) == (
        "heap-use-after-free",
        SourceLine(file="server.c", line=1),
        "main",
    )
    assert again.job.chosen == {"server.listens", "server.answers"}
    assert again.job.commands["server"].build[1][:2] == ("sh", "-c")


@pytest.mark.parametrize(
    "again",
    [
        ScriptedSandbox(BUILT, LISTENS, CRASHES, Finished()),
        ScriptedSandbox(UNBUILT, Finished()),
        ScriptedSandbox(BUILT, breaks="it broke"),
        ScriptedSandbox(breaks="it broke", opens=False),
    ],
)
def test_a_second_look_that_finds_nothing_costs_nothing(tmp_path: Path, again: ScriptedSandbox) -> None:
    assert looked_at_twice(tmp_path, again).sanitizer is None


@pytest.mark.parametrize(("name", "looks"), [("server.py", True), ("server.c", False)])
def test_no_second_look(tmp_path: Path, name: str, looks: bool) -> None:
    again = ScriptedSandbox(BUILT, LISTENS, SANITIZED, Finished())
    assert looked_at_twice(tmp_path, again, name, looks=looks).sanitizer is None
    assert not hasattr(again, "job")


# a submission that can't be used

SUBMITTED = SubmissionInfo(name="hw.zip", sha256="")


@pytest.mark.parametrize(
    ("request_", "first", "max_score"),
    [
        (flow.Request(BOTH, 1), "server.handed_in", 5),
        (flow.Request(BOTH, 1, ("client",)), "client.handed_in", 2),
        (flow.Request(BOTH, 1, only=frozenset({"client.connects"})), "client.handed_in", 1),
        (flow.Request(ONE, 1), "server.handed_in", sum(spec.points for spec in ONE.checks)),
    ],
)
def test_a_submission_that_cannot_be_used_loses_everything_and_says_why(
    request_: flow.Request, first: str, max_score: float
) -> None:
    report = flow.refuse(SUBMITTED, request_, "it is encrypted")
    failed, *others = report.checks
    assert (failed.id, failed.outcome, failed.reason) == (first, Outcome.FAILED, Reason.UNUSABLE)
    assert failed.message == "it is encrypted."
    assert {check.id for check in others} == request_.chosen
    assert {check.outcome for check in others} == {Outcome.SKIPPED}
    assert (report.score, report.unjudged, report.max_score) == (0, 0, max_score)
    assert results.exit_code(report) == 2
    assert (report.submission, report.narrowed) == (SUBMITTED, request_.narrowed)
