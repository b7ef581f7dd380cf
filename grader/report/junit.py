"""JUnit XML, for CI systems and gradebooks.

The `junit-xml` package writes it, behind one function that does not trust it: it silently drops characters, crashes
on lone surrogates and writes a failure with an empty message as a pass.  So all text is made visible first, and what
was written is read back and counted before anyone else sees it.

A check is one `testcase`.  So is a failed build if no check reports it: otherwise a submission that can't be built
would have no failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple
from xml.etree import ElementTree as ET

import junit_xml

from grader.errors import REASONS, GraderError, Reason
from grader.model import CheckResult, Outcome, Report
from grader.report import safe, text

Verdict = Literal["", "failure", "error", "skipped"]

#: JUnit's name for an outcome, an element; nothing for a pass.
VERDICTS: Final[dict[Outcome, Verdict]] = {
    Outcome.PASSED: "",
    Outcome.FAILED: "failure",
    Outcome.SKIPPED: "skipped",
    Outcome.INCONCLUSIVE: "error",
    Outcome.ERROR: "error",
}


class Case(NamedTuple):
    """One test case before it is written; `kind` is the `type` attribute of its verdict."""

    name: str
    classname: str
    duration_s: float
    verdict: Verdict = ""
    kind: str = ""
    message: str = ""
    text: str = ""


def render(report: Report) -> bytes:
    """`report` as a JUnit XML document with one suite."""
    return document(
        f"{report.assignment}.{report.role}",
        [*_build(report), *(_case(report, check) for check in report.checks)],
        properties={
            "submission": report.submission.name,
            "sha256": report.submission.sha256,
            "sandbox": report.grader.sandbox,
            "seed": str(report.grader.seed),
            "grader": report.grader.version,
            "score": text.number(report.score),
            "max_score": text.number(report.max_score),
            "unjudged": text.number(report.unjudged),
            "audience": report.audience.value,
            **{f"image.{target}": id_ for target, id_ in report.grader.images.items()},
            **{f"note.{number}": note for number, note in enumerate(text.notes(report), start=1)},
            **({"narrowed": narrowed} if (narrowed := text.narrowed_line(report)) else {}),
        },
        timestamp=report.started.isoformat(timespec="seconds"),
    )


def document(name: str, cases: Iterable[Case], *, properties: Mapping[str, str], timestamp: str) -> bytes:
    """Clean, write, read back, count.  Raises GraderError if the counts differ: a wrong count is a wrong grade."""
    clean = [_clean(case) for case in cases]
    suite = junit_xml.TestSuite(
        safe.visible(name),
        [_written(case) for case in clean],
        properties={safe.visible(key): safe.visible(value) for key, value in properties.items()},
        timestamp=timestamp,
    )
    root = ET.fromstring(junit_xml.to_xml_report_string([suite], prettyprint=False))  # noqa: S314 - our own
    expected = Counter(case.verdict for case in clean)
    if _counted(root) != expected or _claimed(root) != expected:
        raise GraderError(f"the JUnit report has wrong counts: {_counted(root)} instead of {expected}")
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(report: Report, check: CheckResult) -> Case:
    verdict = VERDICTS[check.outcome]
    return Case(
        name=text.title(check),
        classname=f"{safe.one_line(report.assignment)}.{safe.one_line(check.id)}",
        duration_s=check.duration_s,
        verdict=verdict,
        kind=(check.reason or check.outcome).value if verdict else "",
        message=text.reason_clause(check),
        text="\n".join(_explanation(check)),
    )


def _explanation(check: CheckResult) -> list[str]:
    happened = text.timeline(check)
    return text.explain(check) + (["", "Transcript:", *happened] if happened else [])


def _build(report: Report) -> list[Case]:
    """The build as a case, if it failed and no check reports that."""
    if not text.build_stands_alone(report):
        return []
    failed = report.build.outcome is Outcome.FAILED
    return [
        Case(
            name="Builds",
            classname=f"{safe.one_line(report.assignment)}.{report.role}.build",
            duration_s=report.build.duration_s,
            verdict=VERDICTS[report.build.outcome],
            kind=(Reason.BUILD_FAILED if failed else report.build.outcome).value,
            message=REASONS[Reason.BUILD_FAILED] if failed else text.OUTCOMES[report.build.outcome],
            text=f"{report.build.command}\n{report.build.log}",
        )
    ]


def _clean(case: Case) -> Case:
    return case._replace(
        name=safe.visible(case.name),
        classname=safe.visible(case.classname),
        kind=safe.visible(case.kind),
        message=safe.visible(case.message),
        text=safe.visible(case.text),
    )


def _written(case: Case) -> junit_xml.TestCase:
    written = junit_xml.TestCase(case.name, classname=case.classname, elapsed_sec=case.duration_s)
    if case.verdict == "failure":
        written.add_failure_info(case.message, case.text, case.kind)
    elif case.verdict == "error":
        written.add_error_info(case.message, case.text, case.kind)
    elif case.verdict == "skipped":
        written.add_skipped_info(case.message, case.text)
    return written


def _counted(root: ET.Element) -> Counter[str]:
    """How many cases have which verdict, according to the elements."""
    children = [[child.tag for child in case] for case in root.iter("testcase")]
    return Counter(tag for tags in children for tag in (tags or [""]))


def _claimed(root: ET.Element) -> Counter[str]:
    """The same, according to the suite's attributes."""
    suite = root.find("testsuite")
    if suite is None:
        return Counter()
    tests, *others = (int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped"))
    named = zip(("failure", "error", "skipped"), others, strict=True)
    return Counter({"": tests - sum(others), **dict(named)})
