"""The platforms' formats: each within its documented schema, with the same points, whatever a submission printed.

A schema is written down here as its documentation has it, strictly: what is not in it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given

from grader import limits
from grader.errors import Reason
from grader.model import Audience, CheckResult, Outcome, Report, SourceLine
from grader.report import (
    FORMATS,
    classroom50,
    github,
    gradescope,
    prairielearn,
    render,
    rows,
    safe,
    submitty,
    tap,
    text,
)
from tests.report.commands import obeyed
from tests.report.examples import (
    BOTH,
    BROKEN_OFF,
    CLIENT_UNBUILT,
    FRAGMENTS,
    FULL,
    IN_PART,
    PASSED,
    PERFECT,
    UNBUILT,
    UNBUILT_UNSAID,
    UNJUDGED,
    report_strategy,
)

EXAMPLES = (FULL, BOTH, PERFECT, UNJUDGED, UNBUILT, UNBUILT_UNSAID, CLIENT_UNBUILT, BROKEN_OFF, IN_PART)
#: Characters that control a terminal, are not seen, or change the direction of writing.
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
#: Any may be printed, and so get into the log of a CI system.  Annotations are commands, and have a test of their own.
PRINTED = tuple(name for name in FORMATS if name != "github")


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A documented object: a field that is not documented is refused."""


@given(report=report_strategy)
def test_nothing_that_a_submission_printed_is_obeyed_or_hidden(report: Report) -> None:
    for name in PRINTED:
        content = render(name, report).decode()
        assert not HIDDEN.search(content), name
        lines = [line for line in content.split("\n") if line != "  ---"]  # ours: it begins a diagnostic of TAP
        assert obeyed("\n".join(lines)) == [], name


def test_every_format_has_its_words_and_a_renderer() -> None:
    for name, made in FORMATS.items():
        assert made.words, name
        assert render(name, FULL)


# Gradescope: autograder specifications, "Output format"

Visibility = Literal["hidden", "after_due_date", "after_published", "visible"]
TextFormat = Literal["text", "html", "simple_format", "md", "ansi"]


class GradescopeTest(Strict):
    """One of `tests`."""

    score: float
    max_score: float
    name: str
    number: str
    output: str
    status: Literal["passed", "failed"] | None = None
    name_format: TextFormat = "text"
    output_format: TextFormat = "text"
    tags: list[str] = []
    visibility: Visibility = "visible"
    extra_data: dict[str, Any] = {}


class Gradescope(Strict):
    """`results.json`."""

    score: float
    execution_time: int
    output: str
    tests: list[GradescopeTest]
    output_format: TextFormat
    test_output_format: TextFormat
    test_name_format: TextFormat
    visibility: Visibility
    stdout_visibility: Visibility
    extra_data: dict[str, Any]


@pytest.mark.parametrize("report", EXAMPLES)
def test_gradescope_has_the_same_points(report: Report) -> None:
    results = msgspec.json.decode(gradescope.render(report), type=Gradescope)
    assert results.score == report.score == sum(test.score for test in results.tests)
    assert sum(test.max_score for test in results.tests) == report.max_score
    assert len({test.number for test in results.tests}) == len(results.tests)
    assert {test.visibility for test in results.tests} == {"visible"}


@given(report=report_strategy)
def test_gradescope_is_within_its_schema(report: Report) -> None:
    results = msgspec.json.decode(gradescope.render(report), type=Gradescope)
    assert len(results.tests) == len(report.checks) + text.build_stands_alone(report)


def test_gradescope_hides_what_the_instructor_alone_may_see() -> None:
    secret = msgspec.structs.replace(FRAGMENTS, visibility="hidden", title="SECRET")
    late = msgspec.structs.replace(PASSED, visibility="after_due_date")
    report = msgspec.structs.replace(FULL, checks=(PASSED, late, secret), audience=Audience.INSTRUCTOR)
    results = msgspec.json.decode(gradescope.render(report), type=Gradescope)
    assert [test.visibility for test in results.tests] == ["visible", "after_due_date", "hidden"]
    assert results.stdout_visibility == "hidden"
    assert "SECRET" not in results.output


def test_what_nobody_could_judge_is_not_called_failed() -> None:
    results = msgspec.json.decode(gradescope.render(UNJUDGED), type=Gradescope)
    assert [test.status for test in results.tests] == ["passed", None]
    assert results.tests[1].name == "Not judged yet: ends on Ctrl-C"
    assert "1 check could not be judged" in results.output


# Classroom 50: "The result.json contract", as its collector validates it


class Classroom50Test(Strict):
    """One of `tests`; fields of our own are kept as they are."""

    test_name: Annotated[str, msgspec.Meta(min_length=1)] = msgspec.field(name="test-name")
    passed: bool
    score: Annotated[int, msgspec.Meta(ge=0)]
    max_score: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(name="max-score")
    check: str
    output: str


class Classroom50(Strict):
    """The part of `result.json` that is not about whose submission it is."""

    schema: Literal["classroom50/result/v1"]
    graded_at: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    score: Annotated[int, msgspec.Meta(ge=0)]
    max_score: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(name="max-score")
    tests: list[Classroom50Test]


@given(report=report_strategy)
def test_classroom50_has_whole_points_that_add_up(report: Report) -> None:
    result = msgspec.json.decode(classroom50.render(report), type=Classroom50, strict=True)
    assert result.score == sum(test.score for test in result.tests)
    assert result.max_score == sum(test.max_score for test in result.tests)
    assert all(test.score <= test.max_score for test in result.tests)


@pytest.mark.parametrize(("report", "factor"), [(FULL, 2), (PERFECT, 1), (BOTH, 2), (UNBUILT, 1)])
def test_classroom50_doubles_points_where_there_are_halves(report: Report, factor: int) -> None:
    result = msgspec.json.decode(classroom50.render(report), type=Classroom50)
    assert (result.score, result.max_score) == (factor * report.score, factor * report.max_score)


# PrairieLearn: "Grading results" of external grading


class PrairieLearnTest(Strict):
    """One of `tests`."""

    name: str
    description: str
    points: float
    max_points: float
    message: str
    output: str
    images: list[Any] = []


class PrairieLearn(Strict):
    """`results.json`."""

    gradable: bool
    message: str
    output: str
    tests: list[PrairieLearnTest]
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    format_errors: list[str] | None = None
    images: list[Any] = []


@given(report=report_strategy)
def test_prairielearn_is_within_its_schema(report: Report) -> None:
    results = msgspec.json.decode(prairielearn.render(report), type=PrairieLearn)
    assert (results.score is None) == (not results.gradable) == bool(results.format_errors)


@pytest.mark.parametrize("report", [FULL, BOTH, PERFECT, UNJUDGED, IN_PART])
def test_prairielearn_has_the_part_that_was_earned(report: Report) -> None:
    results = msgspec.json.decode(prairielearn.render(report), type=PrairieLearn)
    assert results.score == pytest.approx(report.score / report.max_score)


def test_what_does_not_build_or_could_not_be_judged_is_no_attempt_in_prairielearn() -> None:
    unbuilt = msgspec.json.decode(prairielearn.render(UNBUILT), type=PrairieLearn)
    assert unbuilt.format_errors is not None
    assert "server.c:17:23: error: expected ';' before 'return'" in unbuilt.format_errors[0]
    unsaid = msgspec.json.decode(prairielearn.render(UNBUILT_UNSAID), type=PrairieLearn)
    assert unsaid.format_errors is not None
    assert "server.c:17:23: error" in unsaid.format_errors[0]
    nothing = msgspec.structs.replace(BROKEN_OFF, checks=BROKEN_OFF.checks[1:], score=0)
    broken_off = msgspec.json.decode(prairielearn.render(nothing), type=PrairieLearn)
    assert broken_off.format_errors == [text.unjudged_line(nothing)]
    # A program of two: the other one's points count.
    assert msgspec.json.decode(prairielearn.render(CLIENT_UNBUILT), type=PrairieLearn).gradable


def test_prairielearn_reads_a_megabyte_so_ours_has_no_more() -> None:
    results = prairielearn.render(verbose(30))
    assert limits.PRAIRIELEARN_BYTES / 2 < len(results) <= limits.PRAIRIELEARN_BYTES
    assert len(msgspec.json.decode(results, type=PrairieLearn).tests) == 30


def verbose(count: int) -> Report:
    """Many failed checks with long messages in characters that take six bytes in JSON."""
    check = msgspec.structs.replace(FRAGMENTS, message="\u0416" * 20_000, evidence=())
    checks = [msgspec.structs.replace(check, id=f"server.check_{number}") for number in range(count)]
    return msgspec.structs.replace(FULL, checks=tuple(checks), score=0, unjudged=0)


# Submitty, as "Python Custom Validator Output" describes it


class SubmittyMessage(Strict):
    """One of the messages."""

    message: str
    status: Literal["information", "failure", "warning", "success"]


class SubmittyData(Strict):
    """What a validator that has run gives."""

    score: Annotated[float, msgspec.Meta(ge=0, le=1)]
    message: list[SubmittyMessage]


class SubmittySuccess(Strict, tag_field="status", tag="success"):
    """It has run."""

    data: SubmittyData


class SubmittyFailure(Strict, tag_field="status", tag="failure"):
    """It has not."""

    message: str


@given(report=report_strategy)
def test_submitty_is_within_its_schema(report: Report) -> None:
    results = msgspec.json.decode(submitty.render(report), type=SubmittySuccess | SubmittyFailure)
    assert isinstance(results, SubmittySuccess) == rows.is_judged(report)


def test_submitty_colours_messages() -> None:
    results = msgspec.json.decode(submitty.render(FULL), type=SubmittySuccess)
    assert results.data.score == pytest.approx(4 / 19.5)
    statuses = [message.status for message in results.data.message]
    # The score and what could not be judged; then the checks: one of those skipped is nobody's fault.
    assert statuses == [
        *["information"] * 2,
        *["success"] * 2,
        *["failure"] * 6,
        *["warning"] * 3,
    ]


# TAP version 13


class Point(msgspec.Struct):
    """A test point as a reader sees it."""

    ok: bool
    description: str
    directive: str
    diagnostic: list[str]


_POINT = re.compile(r"(?P<not>not )?ok (?P<number>\d+) - (?P<rest>.*)")


def points_of(content: str) -> Iterator[Point]:
    """What a reader of TAP sees, by its specification: escapes first, then the directive."""
    version, plan, *lines = content.removesuffix("\n").split("\n")
    assert version == "TAP version 13"
    seen, inside = 0, False
    point = None
    for line in lines:
        if inside:
            assert point
            assert line.startswith("  ")
            inside = line != "  ..."
            point.diagnostic.append(line[2:])
        elif line == "  ---":
            inside = True
        elif found := _POINT.fullmatch(line):
            if point:
                yield point
            seen += 1
            assert int(found["number"]) == seen
            description, directive = re.fullmatch(r"((?:[^\\#]|\\.)*?)(?: # (.*))?", found["rest"]).groups()  # type: ignore[union-attr]
            point = Point(not found["not"], re.sub(r"\\(.)", r"\1", description), directive or "", [])
        else:
            assert line.startswith("# "), line
    if point:
        yield point
    assert plan == f"1..{seen}"
    assert not inside


@given(report=report_strategy)
def test_tap_is_read_as_it_is_meant(report: Report) -> None:
    points = list(points_of(tap.render(report).decode()))
    expected = rows.rows(report)
    assert [point.description for point in points] == [safe.printed(f"{row.name} ({row.id})") for row in expected]
    for point, row in zip(points, expected, strict=True):
        said = [json.loads(line.partition(": ")[2]) for line in point.diagnostic if line.startswith("explanation: ")]
        assert said == ([row.output] if point.diagnostic and row.output else [])


def test_tap_tells_passed_failed_and_skipped() -> None:
    points = list(points_of(tap.render(FULL).decode()))
    told = [(point.ok, point.directive.partition(" ")[0]) for point in points]
    assert told == [(True, "")] * 2 + [(False, "")] * 2 + [(True, "SKIP")] * 3 + [(False, "")] * 3 + [(True, "SKIP")]
    assert points[4].directive.startswith("SKIP depends on “answers a line that arrives in two pieces")
    assert "judged: false" in points[9].diagnostic


# GitHub's annotations


def commands_of(content: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """What GitHub's runner reads from a log: the command, its properties and its message, decoded as it does."""
    for line in content.split("\n"):
        found = re.fullmatch(r"::(\w+)(?: (.*?))?::(.*)", line)
        if found:
            properties = (part.partition("=") for part in (found[2] or "").split(","))
            yield found[1], {name: unescaped(value) for name, _, value in properties}, unescaped(found[3])
        else:
            assert obeyed(line) == [], line


def unescaped(words: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        words = words.replace(code, char)
    return words


@given(report=report_strategy)
def test_only_our_own_commands_are_read_from_annotations(report: Report) -> None:
    content = github.render(report).decode()
    assert not HIDDEN.search(content)
    found = list(commands_of(content))
    assert len(found) == content.count("\n")
    counts = {kind: sum(name == kind for name, _, _ in found) for kind in ("error", "warning", "notice")}
    assert sum(counts.values()) == len(found)
    assert counts["warning"] <= limits.GITHUB_ANNOTATIONS
    assert counts["error"] <= limits.GITHUB_ANNOTATIONS + text.build_stands_alone(report)
    assert counts["notice"] == 1
    for _, properties, message in found:
        assert properties.keys() <= {"title", "file", "line"}
        assert obeyed(message) == []


def test_an_annotation_is_at_the_line_of_the_source() -> None:
    failed = msgspec.structs.replace(FRAGMENTS, place=SourceLine(file="a,b:%/server.py", line=23))
    report = msgspec.structs.replace(PERFECT, checks=(failed,))
    (kind, properties, message), (_, _, score) = commands_of(github.render(report).decode())
    assert kind == "error"
    assert properties == {"title": FRAGMENTS.title, "file": "a,b:%/server.py", "line": "23"}
    assert message == "\n".join(text.explain(failed))
    assert score == "Score: 2 of 2 points"


def test_of_many_failures_the_last_annotation_says_how_many_there_are() -> None:
    found = list(commands_of(github.render(verbose(14)).decode()))
    assert [kind for kind, _, _ in found] == ["error"] * 10 + ["notice"]
    assert found[9][2] == "5 more checks: see the other reports of this job."


def test_a_summary_fits_in_what_github_accepts() -> None:
    content = github.render_summary(verbose(80))
    assert len(content) <= limits.GITHUB_SUMMARY_BYTES
    assert content.decode().count("```text") * 2 == content.decode().count("```")
    assert content.decode().endswith("does not fit in a summary.*\n")
    assert github.render_summary(FULL) == render("markdown", FULL)


# Moodle's VPL


@given(report=report_strategy)
def test_vpl_reads_comments_and_no_grade(report: Report) -> None:
    lines = render("vpl", report).decode().removesuffix("\n").split("\n")
    assert all(line.startswith("Comment :=>>") for line in lines)


# what they have in common


@pytest.mark.parametrize("report", EXAMPLES)
def test_a_row_for_each_check_has_its_points(report: Report) -> None:
    listed = rows.rows(report)
    assert sum(row.points for row in listed) == report.score
    assert sum(row.max_points for row in listed) == report.max_score
    assert sum(row.max_points for row in listed if row.passed is None) == report.unjudged


def test_a_program_that_was_not_handed_in_is_ungradable_only_if_nothing_else_was() -> None:
    absent: CheckResult = msgspec.structs.replace(FRAGMENTS, outcome=Outcome.FAILED, reason=Reason.NOT_HANDED_IN)
    report = msgspec.structs.replace(PERFECT, checks=(PASSED, absent))
    assert msgspec.json.decode(prairielearn.render(report), type=PrairieLearn).gradable
