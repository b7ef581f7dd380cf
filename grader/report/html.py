"""A single page that needs nothing else: no scripts, fonts, pictures or network.

The template decides how it looks and escapes whatever it gets; this file only prepares the values, all of them text
that is already visible.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import jinja2

from grader.model import UNJUDGED, CheckResult, Event, Outcome, Report
from grader.report import safe, text
from grader.report.console import MARKS

#: What readers want to see is open; the rest is one click away.
OPEN: Final = UNJUDGED | {Outcome.FAILED}


class Row(NamedTuple):
    """One event of a transcript, ready for the table."""

    when: str
    who: str
    done: str
    said: str
    parts: list[text.Part]
    pieces: str


class Card(NamedTuple):
    """One check, ready for the page."""

    id: str
    title: str
    outcome: str
    word: str
    mark: str
    points: str
    is_open: bool
    reason: str
    number: str
    requirement: str
    message: str
    hint: tuple[str, str] | None
    rows: list[Row]


def render(report: Report) -> bytes:
    """`report` as one HTML page in UTF-8."""
    return _template().render(_page(report)).encode()


@cache
def _template() -> jinja2.Template:
    source = resources.files("grader.report").joinpath("report.html.j2").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(source)


def _page(report: Report) -> dict[str, object]:
    """The template's values."""
    return {
        "assignment": safe.one_line(report.assignment),
        "role": text.ROLES[report.role],
        "submission": safe.one_line(report.submission.name),
        "sha256": safe.one_line(report.submission.sha256),
        "sandbox": safe.one_line(report.grader.sandbox),
        "seed": report.grader.seed,
        "version": safe.one_line(report.grader.version),
        "started": report.started.strftime("%Y-%m-%d %H:%M:%S %Z").strip(),
        "duration": f"{report.duration_s:.1f} s",
        "score": text.number(report.score),
        "max_score": text.number(report.max_score),
        "max_points": text.plural_points(report.max_score),
        "more": text.number(report.unjudged) if report.unjudged else "",
        "narrowed": text.narrowed_line(report),
        "images": [f"{safe.one_line(target)} {safe.one_line(id_)}" for target, id_ in report.grader.images.items()],
        "notes": text.notes(report),
        "counts": text.counts_line(report),
        "unjudged": text.unjudged_line(report),
        "next": text.next_step(report),
        "build": {
            "is_shown": report.build.outcome is Outcome.PASSED or text.build_stands_alone(report),
            "is_open": report.build.outcome in OPEN,
            "outcome": report.build.outcome.value,
            "word": text.OUTCOMES[report.build.outcome],
            "mark": MARKS[report.build.outcome].sign,
            "command": safe.one_line(report.build.command),
            "log": "\n".join(safe.lines(report.build.log)),
        },
        "is_divided": report.role == "both",
        "sections": [
            {"heading": section.heading, "cards": [_card(check) for check in sorted(section.checks, key=_urgency)]}
            for section in text.sections(report)
        ],
    }


#: What readers want to see comes first.
_FIRST = (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.SKIPPED, Outcome.PASSED)


def _urgency(check: CheckResult) -> int:
    return _FIRST.index(check.outcome)


def _card(check: CheckResult) -> Card:
    passed = check.outcome is Outcome.PASSED
    return Card(
        id=safe.one_line(check.id),
        title=text.title(check),
        outcome=check.outcome.value,
        word=text.OUTCOMES[check.outcome],
        mark=MARKS[check.outcome].sign,
        points=text.points(check),
        is_open=check.outcome in OPEN,
        reason="" if passed else f"{text.capital(text.reason_clause(check))}.",
        number=safe.one_line(check.requirement.number),
        requirement=safe.one_line(check.requirement.text),
        message="\n".join(text.message_lines(check)),
        hint=text.hint_line(check),
        rows=[_row(event) for event in check.evidence],
    )


def _row(event: Event) -> Row:
    return Row(
        when=text.moment(event),
        who=safe.one_line(event.who),
        done=text.EVENTS[event.kind],
        said=safe.one_line(event.text),
        parts=text.parts(event) if text.has_bytes(event) else [],
        pieces=text.pieces(event),
    )
