"""The JUnit report: independent readers count the same, whatever a submission printed, and the strict one is valid."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

import junitparser
import msgspec
import pytest
from hypothesis import given
from lxml import etree

from grader.errors import GraderError
from grader.model import Outcome, Report, SourceLine
from grader.report import junit, safe, text
from tests.report.examples import BOTH, FRAGMENTS, FULL, IN_PART, UNBUILT, UNBUILT_UNSAID, report_strategy
from tests.report.golden import assert_golden

VERDICT_TAGS = ("failure", "error", "skipped")
#: What Jenkins' xUnit plugin lets pass, and nothing else: the rules of its junit-10.xsd.
STRICT = etree.RelaxNG(etree.parse(Path(__file__).parent / "junit10.rng"))


def by_element_tree(content: bytes) -> tuple[int, ...]:
    root = ET.fromstring(content)  # noqa: S314 - our own
    return tuple(len(list(root.iter(tag))) for tag in ("testcase", *VERDICT_TAGS))


def by_lxml(content: bytes) -> tuple[int, ...]:
    root = etree.fromstring(content)
    return tuple(len(list(root.iter(tag))) for tag in ("testcase", *VERDICT_TAGS))


def by_junitparser(content: bytes) -> tuple[int, ...]:
    suites = junitparser.JUnitXml.fromstring(content)
    found = Counter(type(verdict).__name__.lower() for suite in suites for case in suite for verdict in case.result)
    claimed = tuple(
        sum(getattr(suite, name) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    )
    assert claimed[1:] == tuple(found[tag] for tag in VERDICT_TAGS)
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == claimed
    return claimed


def expected(report: Report) -> tuple[int, ...]:
    built = [report.build.outcome] if text.build_stands_alone(report) else []
    counted = Counter(junit.VERDICTS[outcome] for outcome in [*built, *(check.outcome for check in report.checks)])
    return (counted.total(), *(counted[tag] for tag in ("failure", "error", "skipped")))


def test_report_is_the_golden_one() -> None:
    assert_golden("full.xml", junit.render(FULL))


def test_every_outcome_has_its_verdict() -> None:
    assert set(junit.VERDICTS) == set(Outcome)


@given(report=report_strategy)
def test_three_readers_count_the_same(report: Report) -> None:
    content = junit.render(report)
    assert by_element_tree(content) == by_lxml(content) == by_junitparser(content) == expected(report)
    strict = junit.render_strict(report)
    assert by_element_tree(strict) == by_lxml(strict) == expected(report)
    STRICT.assertValid(etree.fromstring(strict))


@given(report=report_strategy)
def test_no_character_is_lost(report: Report) -> None:
    cases = list(etree.fromstring(junit.render(report)).iter("testcase"))
    for check in report.checks:
        name = f"{safe.shortened(text.title(check), 200)} ({safe.one_line(check.id)})"
        verdicts = [verdict.text or "" for case in cases if case.get("name") == name for verdict in case]
        assert name in {case.get("name") for case in cases}
        if check.outcome is not Outcome.PASSED:
            assert any(safe.visible(check.message).strip("\n") in verdict for verdict in verdicts)


@pytest.mark.parametrize("report", [UNBUILT, UNBUILT_UNSAID])
def test_a_build_failure_is_one_failure_and_names_its_line(report: Report) -> None:
    content = junit.render(report)
    assert by_junitparser(content) == (4, 1, 0, 3)
    assert b"server.c:17:23: error" in content
    (failed,) = (case for case in etree.fromstring(content).iter("testcase") if case.find("failure") is not None)
    assert (failed.get("file"), failed.get("line")) == ("server.c", "17")


def test_failure_carries_reason_explanation_and_place() -> None:
    report = with_first_failure(place=SourceLine(file="src/server.c", line=23))
    case = case_of(junit.render(report), FRAGMENTS.id)
    failure = case.find("failure")
    assert failure is not None
    assert case.get("name") == f"{FRAGMENTS.title} ({FRAGMENTS.id})"
    assert (case.get("file"), case.get("line")) == ("src/server.c", "23")
    assert failure.get("type") == "early_reply"
    assert failure.get("message") == "it replied before the message was complete"
    assert "Hint: recv gives what has arrived" in (failure.text or "")
    assert r"sent 'he' | 'llo\n' (2 pieces)" in (failure.text or "")


def with_first_failure(**changes: object) -> Report:
    changed = msgspec.structs.replace(FRAGMENTS, **changes)
    return msgspec.structs.replace(FULL, checks=tuple(changed if each is FRAGMENTS else each for each in FULL.checks))


def case_of(content: bytes, check_id: str) -> ET.Element:
    root = ET.fromstring(content)  # noqa: S314 - our own
    return next(case for case in root.iter("testcase") if f"({check_id})" in (case.get("name") or ""))


def test_suite_says_how_it_was_graded() -> None:
    root = ET.fromstring(junit.render(FULL))  # noqa: S314 - our own
    said = {entry.get("name"): entry.get("value") for entry in root.iter("property")}
    assert said == {
        "submission": "alice & bob.zip",
        "sha256": "9f" * 32,
        "sandbox": "docker (no network)",
        "seed": "42",
        "grader": "0.1.0",
        "score": "4",
        "max_score": "19.5",
        "unjudged": "3",
        "audience": "student",
        "image.sandbox": f"sha256:{'5a' * 32}",
        "image.driver": f"sha256:{'d1' * 32}",
    }


def test_suite_says_that_only_a_part_was_graded() -> None:
    root = ET.fromstring(junit.render(IN_PART))  # noqa: S314 - our own
    said = {entry.get("name"): entry.get("value") for entry in root.iter("property")}
    assert said["narrowed"] == text.narrowed_line(IN_PART)


def test_a_failure_that_would_be_written_as_a_pass_is_refused() -> None:
    silent = junit.Suite("suite", (junit.Case("n", "c", 0.0, "failure"),))
    with pytest.raises(GraderError, match="wrong counts"):
        junit.document("all", [silent], timestamp="2026-03-04T05:06:07")


def test_each_program_is_a_suite_with_its_own_points_and_all_names_differ() -> None:
    root = ET.fromstring(junit.render(BOTH))  # noqa: S314 - our own
    suites = {suite.get("name"): suite for suite in root}
    assert [*suites] == ["tcp_uppercase.server", "tcp_uppercase.client", "tcp_uppercase.pair"]
    most = [each.get("value") for each in root.iter("property") if each.get("name") == "max_score"]
    assert most == ["6", "6.5", "2"]
    cases = list(root.iter("testcase"))
    assert len({case.get("name") for case in cases}) == len(cases)
    for name, suite in suites.items():
        assert {case.get("classname") for case in suite.iter("testcase")} == {name}


def test_times_have_three_decimals_and_the_moment_is_utc_without_an_offset() -> None:
    started = datetime(2026, 3, 4, 23, 30, tzinfo=timezone(-timedelta(hours=2)))
    content = junit.render(msgspec.structs.replace(FULL, started=started))
    elements = list(etree.fromstring(content).iter("testsuites", "testsuite", "testcase"))
    assert {len(element.get("time", "").partition(".")[2]) for element in elements} == {3}
    assert {element.get("timestamp") for element in elements if element.tag == "testsuite"} == {"2026-03-05T01:30:00"}
    assert junit.render(FULL) == junit.render(msgspec.structs.replace(FULL, started=FULL.started.astimezone(UTC)))


def test_nothing_but_the_strict_schema_has_no_room_for_is_missing_in_the_strict_report() -> None:
    report = with_first_failure(place=SourceLine(file="server.c", line=23))
    usual, strict = (etree.fromstring(content) for content in (junit.render(report), junit.render_strict(report)))
    assert not STRICT.validate(usual)
    differences = [
        (mine.tag, sorted(set(mine.attrib) - set(theirs.attrib)))
        for mine, theirs in zip(usual.iter(), strict.iter(), strict=True)
        if mine.items() != theirs.items() or mine.text != theirs.text
    ]
    assert differences == [("testsuites", ["skipped"]), ("testcase", ["file", "line"])]


def in_a_suite(case: str) -> str:
    return f'<testsuites><testsuite name="a" tests="1" failures="0" errors="0">{case}</testsuite></testsuites>'


@pytest.mark.parametrize(
    "wrong",
    [
        '<testsuites skipped="1"/>',
        '<testsuites disabled="0"/>',
        '<testsuites time="0.0322999999"/>',
        '<testsuites><testsuite name="a" tests="0" failures="0"/></testsuites>',
        in_a_suite('<testcase name="b" file="c"/>'),
        in_a_suite('<testcase name="b"><properties/></testcase>'),
    ],
)
def test_the_schema_refuses_what_the_plugin_refuses(wrong: str) -> None:
    assert not STRICT.validate(etree.fromstring(wrong))


def test_a_long_transcript_is_cut_so_that_the_file_stays_readable_for_gitlab() -> None:
    many = msgspec.structs.replace(FRAGMENTS, evidence=FRAGMENTS.evidence * 1000)
    report = msgspec.structs.replace(FULL, checks=(many,))
    content = junit.render(report).decode()
    assert len(content) < 80_000
    assert "characters in all)" in content
