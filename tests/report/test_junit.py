"""The JUnit report: three independent readers count the same, whatever a submission printed."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

import junitparser
import pytest
from hypothesis import given
from lxml import etree

from grader.errors import GraderError
from grader.model import Outcome, Report
from grader.report import junit, safe, text
from tests.report.examples import BOTH, FRAGMENTS, FULL, IN_PART, UNBUILT, UNBUILT_UNSAID, report_strategy
from tests.report.golden import assert_golden

VERDICT_TAGS = ("failure", "error", "skipped")


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


@given(report=report_strategy)
def test_no_character_is_lost(report: Report) -> None:
    cases = list(etree.fromstring(junit.render(report)).iter("testcase"))
    for case, check in zip(cases[len(cases) - len(report.checks) :], report.checks, strict=True):
        assert case.get("name") == text.title(check)
        assert (case.get("classname") or "").endswith(f".{safe.one_line(check.id)}")
        for verdict in case:
            assert safe.visible(check.message).strip("\n") in (verdict.text or "")


@pytest.mark.parametrize("report", [UNBUILT, UNBUILT_UNSAID])
def test_a_build_failure_is_one_failure(report: Report) -> None:
    assert by_junitparser(junit.render(report)) == (4, 1, 0, 3)
    assert b"server.c:17:23: error" in junit.render(report)


def test_failure_carries_reason_and_explanation() -> None:
    root = ET.fromstring(junit.render(FULL))  # noqa: S314 - our own
    case = next(case for case in root.iter("testcase") if case.get("classname") == f"tcp_uppercase.{FRAGMENTS.id}")
    failure = case.find("failure")
    assert failure is not None
    assert case.get("name") == FRAGMENTS.title
    assert failure.get("type") == "early_reply"
    assert failure.get("message") == "it replied before the message was complete"
    assert "Hint: recv gives what has arrived" in (failure.text or "")
    assert r"sent 'he' | 'llo\n' (2 pieces)" in (failure.text or "")


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
    silent = junit.Case("n", "c", 0.0, "failure")
    with pytest.raises(GraderError, match="wrong counts"):
        junit.document("suite", [silent], properties={}, timestamp="2026-03-04T05:06:07")


def test_programs_are_told_apart_by_class() -> None:
    root = ET.fromstring(junit.render(BOTH))  # noqa: S314 - our own
    names = [case.get("classname") for case in root.iter("testcase")]
    assert names == [f"tcp_uppercase.{check.id}" for check in BOTH.checks]
    (suite,) = root.iter("testsuite")
    assert suite.get("name") == "tcp_uppercase.both"
