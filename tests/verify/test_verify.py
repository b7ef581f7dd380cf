"""Verdicts of reference programs: what is written down, and what in a report differs from it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from grader import flow, verify
from grader.assignment import Assignment, ClientSpec, builds, folder_of, load
from grader.errors import REASONS, AssignmentError, CannotJudgeError, Reason, UsageError
from grader.model import BuildResult, CheckResult, Graded, GraderInfo, Narrowed, Outcome, Report, SubmissionInfo
from grader.results import make_report
from grader.sandbox.choose import choose
from grader.verify import Expected, Trial
from grader.verify.matrix import matrix
from tests.cli.command import Command

WHOLE = load("tcp_uppercase")
OURS = verify.load_references(verify.reference_folder(WHOLE, folder_of(WHOLE.name)), WHOLE)
#: Its server alone.
ASSIGNMENT = msgspec.structs.replace(
    WHOLE, roles=("server",), client=None, checks=tuple(spec for spec in WHOLE.checks if spec.part == "server")
)
IDS = [spec.id for spec in ASSIGNMENT.checks]
NEEDS = {spec.id: spec.needs for spec in ASSIGNMENT.checks}
BUILDS = builds("server")
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
    assert flips(coalesced=Outcome.FAILED) == [f"{COALESCED} is expected to pass, but failed"]
    assert flips(coalesced=Outcome.ERROR) == [f"{COALESCED} is expected to pass, but stopped at an error of the grader"]


def test_a_broken_program_must_fail_exactly_its_checks() -> None:
    assert flips((COALESCED,), coalesced=Outcome.FAILED) == []
    assert flips((COALESCED,)) == [f"{COALESCED} is expected to fail, but passed"]
    assert flips((COALESCED,), coalesced=Outcome.FAILED, fragments_every_byte=Outcome.FAILED) == [
        f"{FRAGMENTS} is expected to pass, but failed"
    ]


def test_only_what_was_asked_for_must_be_played() -> None:
    expected = Expected(fails=(COALESCED, FRAGMENTS, BUILDS))
    whole = report(coalesced=Outcome.FAILED)
    needed = ASSIGNMENT.with_needed(frozenset({COALESCED}))
    played = tuple(check for check in whole.checks if check.id in needed)
    part = msgspec.structs.replace(whole, checks=played, narrowed=Narrowed(role=None, only=(COALESCED,), full_score=9))
    assert list(verify.flips(ASSIGNMENT, expected, part)) == [f"{BUILDS} is expected to fail, but was not played"]
    all_asked = msgspec.structs.replace(whole, checks=played)
    assert f"{FRAGMENTS} is expected to fail, but was not played" in list(verify.flips(ASSIGNMENT, expected, all_asked))


@pytest.mark.parametrize(
    ("outcome", "how"),
    [
        (Outcome.SKIPPED, "was skipped"),
        (Outcome.INCONCLUSIVE, f"was inconclusive: {REASONS[Reason.UNPROVED]}"),
        (Outcome.ERROR, "stopped at an error of the grader"),
    ],
)
def test_nothing_else_counts_as_failing(outcome: Outcome, how: str) -> None:
    assert flips((COALESCED,), coalesced=outcome) == [f"{COALESCED} is expected to fail, but {how}"]


def test_nothing_may_be_inconclusive() -> None:
    (flip,) = flips(coalesced=Outcome.INCONCLUSIVE)
    assert flip.startswith(f"{COALESCED} is expected to pass, but was inconclusive: ")


def test_a_check_may_be_skipped_only_with_what_it_needs() -> None:
    assert flips(coalesced=Outcome.SKIPPED) == [
        f"{COALESCED} was skipped, though every check that it depends on passed"
    ]
    needing = [check for check, needs in NEEDS.items() if needs == ("server.answers",)]
    skipped = {check.removeprefix("server."): Outcome.SKIPPED for check in needing}
    left = verify.flips(ASSIGNMENT, Expected(fails=("server.answers",)), report(answers=Outcome.FAILED, **skipped))
    assert list(left) == []


@pytest.mark.parametrize("cause", [BUILDS, "server.listens"])
def test_without_a_listening_program_everything_may_be_skipped(cause: str) -> None:
    everything = {check.removeprefix("server."): Outcome.SKIPPED for check in IDS}
    everything[cause.removeprefix("server.")] = Outcome.FAILED
    left = list(verify.flips(ASSIGNMENT, Expected(fails=(cause,)), report(**everything)))
    assert left == ([f"{BUILDS} is expected to fail, but was not played"] if cause == BUILDS else [])


def test_the_first_check_says_that_nothing_listens_where_no_other_was_asked_for() -> None:
    whole = report(answers=Outcome.FAILED, coalesced=Outcome.SKIPPED, fragments_every_byte=Outcome.FAILED)
    asked = {"server.answers", COALESCED, FRAGMENTS}
    played = tuple(check for check in whole.checks if check.id in asked)
    narrowed = Narrowed(role=None, only=tuple(sorted(asked)), full_score=9)
    part = msgspec.structs.replace(whole, checks=played, narrowed=narrowed)
    left = list(verify.flips(ASSIGNMENT, Expected(fails=("server.listens",)), part))
    assert left == [f"{FRAGMENTS} is expected to pass, but failed"]


def of_both(*more: str) -> Assignment:
    """The first check of a server, a check of a client and one of both, and more."""
    specs = [ASSIGNMENT.checks[0]]
    for check in ("client.sends", "client.prints", "pair.talk", *more):
        specs.append(msgspec.structs.replace(specs[0], id=check, needs=()))
    return msgspec.structs.replace(
        ASSIGNMENT,
        roles=("server", "client"),
        client=ClientSpec(),
        checks=tuple(specs),
        requirements=ASSIGNMENT.requirements,
    )


def report_of(asked: Assignment, role: Graded, **outcomes: Outcome) -> Report:
    """A report in which all these checks ended so; names with `__` for the dot."""
    checks = tuple(
        CheckResult(
            id=name.replace("__", "."),
            title=name,
            requirement=ASSIGNMENT.requirements["1.1"],
            outcome=outcome,
            points=0,
            max_points=1,
        )
        for name, outcome in outcomes.items()
    )
    return msgspec.structs.replace(report(), role=role, assignment=asked.name, checks=checks)


PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED


@pytest.mark.parametrize("cause", ["client__builds", "client__handed_in"])
def test_without_a_client_its_checks_and_those_of_both_may_be_skipped(cause: str) -> None:
    expected = Expected(role="both", fails=(cause.replace("__", "."),))
    rest = {"client__sends": SKIPPED, "client__prints": SKIPPED, "pair__talk": SKIPPED}
    asked = of_both()
    graded = report_of(asked, "both", **{cause: FAILED}, server__listens=PASSED, **rest)
    assert list(verify.flips(asked, expected, graded)) == []
    also = report_of(asked, "both", **{cause: FAILED}, server__listens=SKIPPED, **rest)
    assert list(verify.flips(asked, expected, also)) == [
        "server.listens was skipped, though every check that it depends on passed"
    ]


def test_a_server_that_never_listens_skips_no_check_of_a_client() -> None:
    asked = of_both()
    graded = report_of(asked, "both", server__listens=FAILED, client__sends=SKIPPED, pair__talk=SKIPPED)
    assert list(verify.flips(asked, Expected(role="both", fails=("server.listens",)), graded)) == [
        "client.sends was skipped, though every check that it depends on passed",
        "pair.talk was skipped, though every check that it depends on passed",
    ]


BOTH_VERDICTS = """
["good/server.py"]
["good/client.py"]
role = "client"
["broken/both"]
role = "both"
fails = ["pair.talk", "client.handed_in"]
"""


def test_programs_have_roles(tmp_path: Path) -> None:
    folder = write_reference(tmp_path / "x", BOTH_VERDICTS, "good/server.py", "good/client.py", "broken/both")
    verdicts = verify.load_references(folder, of_both()).verdicts
    assert [(expected.role, expected.roles, expected.parts) for expected in verdicts.values()] == [
        ("server", ("server",), ("server",)),
        ("client", ("client",), ("client",)),
        ("both", ("server", "client"), ("server", "client", "pair")),
    ]
    assert verify.unproved(of_both(), verdicts) == ["client.sends", "client.prints"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('role = "client"', 'role = "pair"', "Invalid enum value 'pair'"),
        (
            'role = "client"',
            'fails = ["client.sends"]',
            'good/client.py: client.sends is not played with a server; is it role = "client"?',
        ),
        (
            'role = "both"',
            'role = "client"',
            'broken/both: pair.talk is not played with a client; is it role = "both"?',
        ),
    ],
)
def test_a_fault_in_the_roles_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = BOTH_VERDICTS.replace(old, new)
    folder = write_reference(tmp_path / "x", text, "good/server.py", "good/client.py", "broken/both")
    with pytest.raises(AssignmentError) as caught:
        verify.load_references(folder, of_both())
    assert words in str(caught.value)


def test_a_program_of_a_role_that_is_not_asked_for_is_refused(tmp_path: Path) -> None:
    folder = write_reference(tmp_path / "x", '["good/client.py"]\nrole = "client"\n', "good/client.py")
    with pytest.raises(AssignmentError, match=r"good/client\.py: there is no role client here"):
        verify.load_references(folder, ASSIGNMENT)


def test_only_programs_of_a_role_are_tried() -> None:
    def broken(*_: object) -> None:
        raise CannotJudgeError("no engine")

    def tried(role: Graded | None) -> list[str]:
        request = flow.Request(WHOLE, seed=1)
        programs = ("good/threads.py",)
        found = verify.trials(OURS, request, broken, rounds=1, programs=programs, role=role)  # type: ignore[arg-type]
        return [trial.program for trial in found]

    assert tried(None) == tried("server") == ["good/threads.py"]
    with pytest.raises(UsageError, match="none of these reference programs is graded as client"):
        tried("client")


def test_programs_that_the_checks_are_not_for_are_left_out() -> None:
    def broken(*_: object) -> None:
        raise CannotJudgeError("no engine")

    def tried(*programs: str) -> list[str]:
        request = flow.Request(WHOLE, seed=1, only=frozenset({"client.sends_exactly"}))
        return [trial.program for trial in verify.trials(OURS, request, broken, rounds=1, programs=programs)]  # type: ignore[arg-type]

    assert tried("good/threads.py", "good/client_asks.py") == ["good/client_asks.py"]
    with pytest.raises(UsageError, match=r"none of these reference programs is graded by client\.sends_exactly"):
        tried("good/threads.py")


def test_the_matrix_shows_programs_of_each_role_apart() -> None:
    asked = of_both()
    verdicts = {
        "good/s.py": Expected(),
        "good/c.py": Expected(role="client"),
        "broken/b": Expected(role="both", fails=("pair.talk",)),
    }
    rest = {"client__sends": PASSED, "client__prints": FAILED}
    shown = matrix(
        asked,
        verdicts,
        [
            Trial("broken/b", 1, report_of(asked, "both", server__listens=PASSED, **rest, pair__talk=SKIPPED), ()),
            Trial("good/s.py", 1, report_of(asked, "server", server__listens=PASSED), ()),
            Trial("good/c.py", 1, report_of(asked, "client", **rest), ("flipped",)),
        ],
    )
    legend = "  . passed   F failed   s skipped   ? inconclusive   ! error"
    assert shown.splitlines() == [
        "Servers",
        "",
        "  1  server.listens",
        "",
        legend,
        "",
        "good/s.py  .  2.0 s",
        "",
        "Clients",
        "",
        "  1  client.sends",
        "  2  client.prints",
        "",
        legend,
        "",
        "good/c.py  .F  2.0 s  1 of 1 FLIPPED",
        "",
        "Servers with clients",
        "",
        "  1  server.listens",
        "  2  client.sends",
        "  3  client.prints",
        "  4  pair.talk",
        "",
        legend,
        "",
        "broken/b   . .F s  2.0 s",
        "",
        "3 gradings, 7 verdicts, 1 gradings with a flip",
    ]


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
    assert verify.load_references(folder, ASSIGNMENT).verdicts == {
        "good/a.py": Expected(),
        "broken/b.py": Expected(fault="wrong", fails=(COALESCED, BUILDS)),
    }


def test_what_an_interpreter_leaves_behind_is_no_program(tmp_path: Path) -> None:
    folder = write_reference(tmp_path / "x", '["good/a.py"]\n', "good/a.py")
    (folder / "good" / "__pycache__").mkdir()
    assert list(verify.load_references(folder, ASSIGNMENT).verdicts) == ["good/a.py"]


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
        verify.load_references(folder, ASSIGNMENT)
    assert words in str(caught.value)


def test_a_reference_folder_without_verdicts_is_refused_in_words(tmp_path: Path) -> None:
    folder = write_reference(tmp_path / "x", "")
    (folder / "verdicts.toml").unlink()
    with pytest.raises(AssignmentError, match=r"^x/verdicts\.toml: .*No such file"):
        verify.load_references(folder, ASSIGNMENT)


def test_every_fault_is_named_in_one_go(tmp_path: Path) -> None:
    folder = write_reference(tmp_path / "x", '["good/a.py"]\n["broken/c.py"]\n', "good/b.py")
    with pytest.raises(AssignmentError) as caught:
        verify.load_references(folder, ASSIGNMENT)
    assert str(caught.value).splitlines() == [
        "x/verdicts.toml: good/b.py has no verdict",
        "x/verdicts.toml: there is no program broken/c.py",
        "x/verdicts.toml: there is no program good/a.py",
    ]
    assert list(caught.value.sentences) == str(caught.value).splitlines()


def test_the_command_names_each_fault_on_a_line_of_its_own(tmp_path: Path) -> None:
    folder = write_reference(tmp_path / "x", '["good/a.py"]\n["broken/c.py"]\n', "good/b.py")
    ended = Command(tmp_path).run("verify", ASSIGNMENT.name, "--reference", str(folder))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "grader: x/verdicts.toml: good/b.py has no verdict",
        "grader: x/verdicts.toml: there is no program broken/c.py",
        "grader: x/verdicts.toml: there is no program good/a.py",
    ]


def test_our_verdicts_name_every_program_and_prove_every_check() -> None:
    verdicts = OURS.verdicts
    for program, expected in verdicts.items():
        assert bool(expected.fails) == bool(expected.fault) != program.startswith("good/"), program


def test_a_check_that_no_broken_program_fails_is_not_yet_a_check() -> None:
    own = msgspec.structs.replace(ASSIGNMENT.checks[0], id="server.of_its_own")
    asked = msgspec.structs.replace(ASSIGNMENT, checks=(*ASSIGNMENT.checks, own))
    assert verify.unproved(asked, {"broken/b.py": Expected(fails=(own.id,))}) == []
    assert verify.unproved(asked, {"broken/b.py": Expected(fails=tuple(IDS))}) == [own.id]
    assert verify.unproved(asked, {"broken/b.py": Expected(fails=tuple(IDS))}, inherited={own.id}) == []


def test_what_the_catalogue_has_need_not_be_proved_again() -> None:
    assert verify.unproved(ASSIGNMENT, {}) == []


def test_an_assignment_without_reference_programs_is_wrong_usage(tmp_path: Path) -> None:
    class Named:
        name = "no_such_assignment"
        extends = ()

    with pytest.raises(UsageError, match="no reference programs for no_such_assignment"):
        verify.reference_folder(Named(), tmp_path)  # type: ignore[arg-type]  # only its name is looked at


def test_a_quick_trial_is_of_what_a_wrong_program_must_fail() -> None:
    whole = flow.Request(WHOLE, seed=1)
    asked = flow.Request(WHOLE, seed=1, only=frozenset({"server.listens", COALESCED}))
    wrong = Expected(fails=(COALESCED, "server.answers", "server.builds"))
    enough = verify._enough
    assert enough(whole, wrong) == frozenset({COALESCED, "server.answers"})
    assert enough(asked, wrong) == frozenset({COALESCED})
    assert enough(whole, Expected()) is None
    assert enough(asked, Expected()) == enough(asked, Expected(fails=("server.builds",))) == asked.only


def test_in_a_quick_trial_a_program_is_left_out_whose_checks_a_variant_has_dropped() -> None:
    def broken(*_: object) -> None:
        raise CannotJudgeError("no engine")

    right, wrong, dropped = "good/threads.py", "broken/aborts_with_reset.c", "broken/one_recv_is_one_message.py"
    verdicts = {right: Expected(), wrong: Expected(fails=(COALESCED,)), dropped: Expected(open=True)}
    references = msgspec.structs.replace(OURS, verdicts=verdicts)
    request = flow.Request(WHOLE, seed=1)
    for quick, played in ((True, [right, wrong]), (False, [right, wrong, dropped])):
        found = verify.trials(references, request, broken, rounds=1, quick=quick)  # type: ignore[arg-type]
        assert [trial.program for trial in found] == played


def test_a_variant_is_proved_by_the_programs_in_its_parents_folder(tmp_path: Path) -> None:
    shutil.copytree(folder_of(WHOLE.name), tmp_path / "parent")
    (tmp_path / "variant").mkdir()
    (tmp_path / "variant" / "assignment.toml").write_text('extends = "parent"\ndrop = ["server.answers"]\n')
    verdicts = '["good/a.py"]\n["broken/b.py"]\nfault = "x"\nfails = ["server.listens", "server.answers"]\n'
    place = write_reference(tmp_path / "parent" / "reference", verdicts, "good/a.py", "broken/b.py")
    variant = load("variant", tmp_path)
    assert verify.reference_folder(variant, tmp_path / "variant") == place
    expected = verify.load_references(place, variant).verdicts["broken/b.py"]
    assert (expected.fails, expected.open) == (("server.listens",), True)
    assert verify.load_references(place, load("parent", tmp_path)).verdicts["broken/b.py"].open is False


def test_with_several_jobs_each_program_is_tried_once() -> None:
    def broken(*_: object) -> None:
        raise CannotJudgeError("no engine")

    request = flow.Request(WHOLE, seed=1)
    found = [*verify.trials(OURS, request, broken, rounds=2, jobs=3)]  # type: ignore[arg-type]
    tried = sorted((trial.round, trial.program) for trial in found)
    assert tried == sorted((number, program) for number in (1, 2) for program in OURS.verdicts)
    assert {trial.flips for trial in found} == {("no engine",)}


def test_real_trials_of_a_good_and_a_broken_program_do_not_flip() -> None:
    request = flow.Request(WHOLE, only=frozenset({"server.listens", COALESCED}), seed=5)
    make = choose("local", lambda _: None).make
    programs = ("good/threads.py", "broken/one_recv_is_one_message.py")
    heard: list[str] = []
    good, broken = verify.trials(OURS, request, make, rounds=1, programs=programs, listen=heard.append)
    assert heard == [f"round 1: {program}" for program in programs]
    assert (good.program, good.round, good.flips) == (programs[0], 1, ())
    assert good.report is not None
    assert broken.report is not None
    assert good.report.grader.seed == 5
    assert COALESCED in [check.id for check in broken.report.checks if check.outcome is Outcome.FAILED]
    assert broken.flips == ()


def test_a_program_for_which_the_sandbox_has_no_tools_is_not_played() -> None:
    def none_made(*_: object) -> None:
        raise AssertionError

    request = flow.Request(WHOLE, seed=1)
    asked: list[str] = []

    def has(command: str) -> bool:
        asked.append(command)
        return command == "javac"

    trials = verify.trials(OURS, request, none_made, rounds=1, programs=("good/java_threads",), has=has)  # type: ignore[arg-type]
    assert [*trials] == [Trial("good/java_threads", 1, None, (), "java")]
    assert asked == ["javac", "java"]


def test_an_unknown_program_is_wrong_usage() -> None:
    request = flow.Request(WHOLE, seed=1)
    make = choose("local", lambda _: None).make
    with pytest.raises(UsageError, match=r"there is no reference program 'good/nothing\.py'"):
        list(verify.trials(OURS, request, make, rounds=1, programs=("good/nothing.py",)))


def test_a_sandbox_that_fails_is_a_flip_and_no_crash() -> None:
    def broken(*_: object) -> None:
        raise CannotJudgeError("no engine")

    request = flow.Request(WHOLE, seed=1)
    trials = verify.trials(OURS, request, broken, rounds=2, programs=("good/threads.py",))  # type: ignore[arg-type]
    assert [(trial.round, trial.report, trial.flips) for trial in trials] == [
        (1, None, ("no engine",)),
        (2, None, ("no engine",)),
    ]


def test_verdicts_are_counted_by_outcome() -> None:
    counted = verify.counts([report(coalesced=Outcome.FAILED), report()])
    assert (counted[Outcome.FAILED], counted[Outcome.PASSED]) == (1, 2 * len(IDS) - 1)


def test_the_matrix_has_a_mark_for_each_check() -> None:
    verdicts = {
        "good/a.py": Expected(),
        "broken/b.py": Expected(fault="x", fails=(IDS[0],)),
        "good/c": Expected(needs=("javac",)),
    }
    failed, unjudged = report(listens=Outcome.FAILED, answers=Outcome.SKIPPED), report(listens=Outcome.INCONCLUSIVE)
    shown = matrix(
        ASSIGNMENT,
        verdicts,
        [
            Trial("good/a.py", 1, report(), ()),
            Trial("good/a.py", 2, unjudged, ("flipped",)),
            Trial("broken/b.py", 1, failed, ()),
            Trial("broken/b.py", 2, None, ("no engine",)),
            Trial("good/c", 1, None, (), "javac"),
        ],
    ).splitlines()
    count = len(IDS)
    assert shown[:count] == [f"{number:>3}  {check}" for number, check in enumerate(IDS, 1)]
    assert shown[count + 3 :] == [
        f"good/a.py    ?{'.' * (count - 1)}  2.0 s  1 of 2 FLIPPED",
        f"broken/b.py  {'!' * count}  2.0 s  1 of 2 FLIPPED",
        f"good/c       {'-' * count}  not played: no javac here",
        "",
        f"4 gradings, {3 * count} verdicts, 2 gradings with a flip",
    ]
