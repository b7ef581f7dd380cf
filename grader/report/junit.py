"""JUnit XML, for CI systems and gradebooks.

The `junit-xml` package writes it, behind one function that does not trust it: it silently drops characters, crashes
on lone surrogates and writes a failure with an empty message as a pass.  So all text is made visible first, and what
was written is read back and counted before anyone else sees it.

There is no standard, only what readers make of it, so this is what all of them agree on.  A check is one `testcase`,
and each program's checks are a suite.  So is a failed build if no check reports it: otherwise a submission that can't
be built would have no failure.  A name contains the check's id, which makes it unique and lets a course attach
points to it; no name depends on what a program did.  Times have three decimals, and the moment is UTC without an
offset, as xs:dateTime readers of old want it.

The strict profile keeps to the schema that Jenkins' xUnit plugin validates (junit-10.xsd), which knows neither the
place in the source nor the number of skipped ones in the root.  The default has both: without that number,
`test-results-parser` counts skipped checks as passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple
from xml.etree import ElementTree as ET

import junit_xml

from grader.errors import REASONS, GraderError, Reason
from grader.limits import JUNIT_TRANSCRIPT_CHARACTERS
from grader.model import PARTS, CheckResult, Outcome, Report, SourceLine, judged
from grader.report import build_log, safe, text, transcript

Verdict = Literal["", "failure", "error", "skipped"]

#: JUnit's name for an outcome, an element; nothing for a pass.
VERDICTS: Final[dict[Outcome, Verdict]] = {
    Outcome.PASSED: "",
    Outcome.FAILED: "failure",
    Outcome.SKIPPED: "skipped",
    Outcome.INCONCLUSIVE: "error",
    Outcome.ERROR: "error",
}
#: The attributes that count cases, by what they count.
_COUNTS: Final[dict[Verdict, str]] = {"failure": "failures", "error": "errors", "skipped": "skipped"}
#: What the strict schema has no attribute for, by element.
_NOT_STRICT: Final = {"testsuites": ("skipped",), "testcase": ("file", "line")}
#: Artemis keeps 255 characters of a name; an id has some thirty.
_TITLE_CHARACTERS: Final = 200


class Case(NamedTuple):
    """One test case before it is written; `kind` is the `type` attribute of its verdict."""

    name: str
    classname: str
    duration_s: float
    verdict: Verdict = ""
    kind: str = ""
    message: str = ""
    text: str = ""
    place: SourceLine | None = None


class Suite(NamedTuple):
    """The cases of one program, and what is said about all of them."""

    name: str
    cases: tuple[Case, ...]
    properties: Mapping[str, str] = {}


def render(report: Report) -> bytes:
    """`report` as a JUnit XML document with a suite for each program."""
    return document(report.assignment, _suites(report), timestamp=text.utc(report))


def render_strict(report: Report) -> bytes:
    """The same within the schema of Jenkins' xUnit plugin."""
    return document(report.assignment, _suites(report), timestamp=text.utc(report), strict=True)


def document(name: str, suites: Iterable[Suite], *, timestamp: str, strict: bool = False) -> bytes:
    """Clean, write, read back, count.  Raises GraderError if the counts differ: a wrong count is a wrong grade."""
    clean = [_clean(suite) for suite in suites]
    written = [_written(suite, timestamp) for suite in clean]
    root = ET.fromstring(junit_xml.to_xml_report_string(written, prettyprint=False))  # noqa: S314 - our own
    root.set("name", safe.visible(name))
    expected = [Counter[str](case.verdict for case in suite.cases) for suite in clean]
    _mend(root)
    counted, claimed = [_counted(suite) for suite in root], [_claimed(suite) for suite in root]
    if not counted == claimed == expected or _claimed(root) != sum(expected, Counter[str]()):
        raise GraderError(f"the JUnit report has wrong counts: {counted} instead of {expected}")
    if strict:
        _restrict(root)
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return safe.in_markup(content.decode()).encode() + b"\n"


# what is said


def _suites(report: Report) -> Iterator[Suite]:
    """A suite for each program that is graded, in the order of the checks; one of them even if there is no check."""
    parts: dict[str, list[CheckResult]] = {} if report.checks else {report.role: []}
    for check in report.checks:
        parts.setdefault(_part(check, report), []).append(check)
    builds = _build(report, next(iter(parts)))
    for part, checks in parts.items():
        name = f"{safe.one_line(report.assignment)}.{part}"
        yield Suite(name, (*builds, *(_case(name, check) for check in checks)), _properties(report, checks))
        builds = ()


def _part(check: CheckResult, report: Report) -> str:
    """Whose check it is; a report of another version may have one that names no program."""
    part = check.id.partition(".")[0]
    return part if part in PARTS else report.role


def _properties(report: Report, checks: Sequence[CheckResult]) -> dict[str, str]:
    """How it was graded, and these checks' points."""
    return {
        "submission": report.submission.name,
        "sha256": report.submission.sha256,
        "sandbox": report.grader.sandbox,
        "seed": str(report.grader.seed),
        "grader": report.grader.version,
        "score": text.number(sum(check.points for check in checks if judged(check))),
        "max_score": text.number(sum(check.max_points for check in checks)),
        "unjudged": text.number(sum(check.max_points for check in checks if not judged(check))),
        "audience": report.audience.value,
        **{f"image.{target}": id_ for target, id_ in report.grader.images.items()},
        **{f"note.{number}": note for number, note in enumerate(text.notes(report), start=1)},
        **({"narrowed": narrowed} if (narrowed := text.narrowed_line(report)) else {}),
    }


def _case(suite: str, check: CheckResult) -> Case:
    verdict = VERDICTS[check.outcome]
    return Case(
        name=f"{safe.shortened(text.title(check), _TITLE_CHARACTERS)} ({safe.one_line(check.id)})",
        classname=suite,
        duration_s=check.duration_s,
        verdict=verdict,
        kind=(check.reason or check.outcome).value if verdict else "",
        message=text.reason_clause(check),
        text="\n".join(_explanation(check)),
        place=text.place(check),
    )


def _explanation(check: CheckResult) -> list[str]:
    happened = safe.shortened("\n".join(transcript.timeline(check)), JUNIT_TRANSCRIPT_CHARACTERS)
    return text.explain(check) + (["", "Transcript:", happened] if happened else [])


def _build(report: Report, part: str) -> tuple[Case, ...]:
    """The build as a case, if it failed and no check reports that."""
    if not text.build_stands_alone(report):
        return ()
    failed = report.build.outcome is Outcome.FAILED
    case = Case(
        name=f"Builds ({part}.build)",
        classname=f"{safe.one_line(report.assignment)}.{part}",
        duration_s=report.build.duration_s,
        verdict=VERDICTS[report.build.outcome],
        kind=(Reason.BUILD_FAILED if failed else report.build.outcome).value,
        message=REASONS[Reason.BUILD_FAILED] if failed else text.OUTCOMES[report.build.outcome],
        text=f"{report.build.command}\n{report.build.log}",
        place=build_log.fault_place(report.build.log) if failed else None,
    )
    return (case,)


# how it is written


def _clean(suite: Suite) -> Suite:
    return Suite(
        safe.visible(suite.name),
        tuple(map(_clean_case, suite.cases)),
        {safe.visible(key): safe.visible(value) for key, value in suite.properties.items()},
    )


def _clean_case(case: Case) -> Case:
    return case._replace(
        name=safe.visible(case.name),
        classname=safe.visible(case.classname),
        kind=safe.visible(case.kind),
        message=safe.visible(case.message),
        text=safe.visible(case.text),
        place=case.place and SourceLine(file=safe.visible(case.place.file), line=case.place.line),
    )


def _written(suite: Suite, timestamp: str) -> junit_xml.TestSuite:
    cases = [_written_case(case) for case in suite.cases]
    return junit_xml.TestSuite(suite.name, cases, properties=dict(suite.properties), timestamp=timestamp)


def _written_case(case: Case) -> junit_xml.TestCase:
    file, line = (case.place.file, str(case.place.line)) if case.place else (None, None)
    written = junit_xml.TestCase(case.name, classname=case.classname, elapsed_sec=case.duration_s, file=file, line=line)
    if case.verdict == "failure":
        written.add_failure_info(case.message, case.text, case.kind)
    elif case.verdict == "error":
        written.add_error_info(case.message, case.text, case.kind)
    elif case.verdict == "skipped":
        written.add_skipped_info(case.message, case.text)
    return written


def _mend(root: ET.Element) -> None:
    """What the package writes and readers don't expect, or the other way round.

    It counts disabled cases, which no schema but its own knows and which never occur here; it leaves out a time of
    zero and writes others with up to 17 digits; in the root it does not count the skipped cases.
    """
    for element in root.iter():
        element.attrib.pop("disabled", None)
    for element in root.iter("testcase"):
        element.set("time", _seconds(element))
    for element in (root, *root.iter("testsuite")):
        element.set("time", _seconds(element))
    root.set("skipped", str(sum(int(suite.get("skipped", 0)) for suite in root)))


def _seconds(element: ET.Element) -> str:
    return f"{float(element.get('time', 0)):.3f}"


def _restrict(root: ET.Element) -> None:
    for tag, names in _NOT_STRICT.items():
        for element in root.iter(tag):
            for name in names:
                element.attrib.pop(name, None)


def _counted(suite: ET.Element) -> Counter[str]:
    """How many cases have which verdict, according to the elements."""
    children = [[child.tag for child in case] for case in suite.iter("testcase")]
    return Counter(tag for tags in children for tag in (tags or [""]))


def _claimed(element: ET.Element) -> Counter[str]:
    """The same, according to the attributes of a suite or the root."""
    counts: Counter[str] = Counter({verdict: int(element.get(name, 0)) for verdict, name in _COUNTS.items()})
    counts[""] = int(element.get("tests", 0)) - counts.total()
    return +counts
