"""A single page that needs nothing else: no scripts, fonts, pictures or network.

The template decides how it looks and escapes whatever it gets; this file only prepares the values, all of them text
that is already visible.  A page goes by mail, so it has a size that it never exceeds: one that would is rendered again
with less of the transcripts, of the pictures and of the messages, until it fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple

import jinja2
from markupsafe import Markup, escape

from grader.catalogue.mistakes import LANGUAGES, Mistake, behind
from grader.limits import PAGE_BYTES
from grader.model import UNJUDGED, CheckResult, Compared, Event, EventKind, Outcome, Report
from grader.report import safe, text, transcript
from grader.report.console import MARKS
from grader.report.handout import anchor, as_html
from grader.report.hexdump import Dump, dump
from grader.report.picture import Picture, picture
from grader.wire.transcript import shortened

#: What readers want to see is open; the rest is one click away.
OPEN: Final = UNJUDGED | {Outcome.FAILED}


class Detail(NamedTuple):
    """How much a page shows: of each check's transcript, picture and message, and of each event's bytes.

    `passed`: whether checks that passed have their transcripts.
    """

    event_bytes: int
    events: int
    steps: int
    message_characters: int
    passed: bool


#: From everything that a report has to what surely fits: sixty checks of 5 KB each.
DETAILS: Final = (
    Detail(event_bytes=4096, events=2000, steps=200, message_characters=20_000, passed=True),
    Detail(event_bytes=512, events=400, steps=60, message_characters=10_000, passed=True),
    Detail(event_bytes=256, events=100, steps=40, message_characters=6_000, passed=False),
    Detail(event_bytes=64, events=20, steps=0, message_characters=2_000, passed=False),
    Detail(event_bytes=0, events=0, steps=0, message_characters=400, passed=False),
)


class Row(NamedTuple):
    """One event of a transcript, ready for the table; `rest`: of its bytes, what is folded, because it is long."""

    when: str
    who: str
    done: str
    said: str
    parts: list[transcript.Part]
    rest: list[transcript.Part]
    size_bytes: int
    pieces: str
    is_verdict: bool


class Link(NamedTuple):
    """A check, as others name it: its place in the page, title, outcome's mark and points."""

    place: str
    title: str
    mark: str
    outcome: str
    word: str
    points: str


class Said(NamedTuple):
    """A stretch of a message, and whether it is what differs first from what was expected."""

    text: str
    differs: bool


class Card(NamedTuple):
    """One check, ready for the page."""

    id: str
    link: Link
    is_open: bool
    reason: str
    number: str
    requirement_place: str
    requirement: str
    message: list[Said]
    bytes: Dump | None
    sanitizer: list[str]
    hint: tuple[str, str] | None
    mistake: Mistake | None
    depends_on: Link | None
    dependents: list[Link]
    picture: Picture | None
    rows: list[Row]
    rows_left_out: int


class Part(NamedTuple):
    """Cards below one heading, and which of them the table of contents names."""

    place: str
    heading: str
    cards: list[Card]


def render(report: Report) -> bytes:
    """`report` as one HTML page in UTF-8 of less than `PAGE_BYTES`."""
    shared = _shared(report)
    *generous, least = DETAILS
    fitting = (page for detail in generous if (page := _page(report, shared, detail)) is not None)
    return next(fitting, None) or b"".join(_chunks(report, shared, least))


def _page(report: Report, shared: dict[str, object], detail: Detail) -> bytes | None:
    """The page with so much detail; None if it is too large, which is known before all of it is made."""
    rows = sum(
        min(len(check.evidence), detail.events) for check in report.checks if detail.passed or not _passed(check)
    )
    if rows * _ROW_BYTES > PAGE_BYTES:
        return None
    page = bytearray()
    for chunk in _chunks(report, shared, detail):
        page += chunk
        if len(page) >= PAGE_BYTES:
            return None
    return bytes(page)


#: The least that an event takes in the page: the markup of its row.
_ROW_BYTES: Final = 80


def _chunks(report: Report, shared: dict[str, object], detail: Detail) -> Iterator[bytes]:
    rendered = _template().generate(shared, parts=_parts(report, detail), is_cut=detail is not DETAILS[0])
    return (chunk.encode() for chunk in rendered)


def _passed(check: CheckResult) -> bool:
    return check.outcome is Outcome.PASSED


def _whole_options(words: str) -> Markup:
    """Words in which no option is broken in two between lines."""
    return Markup(_OPTION.sub(r'<span class="option">\g<0></span>', str(escape(words))))  # noqa: S704 — escaped


#: In words that are escaped.
_OPTION: Final = re.compile(r"(?<!\w)--?[a-z][\w=,-]*")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("grader.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: Markup(safe.in_markup(escape(value))),  # a page may be printed, into a log  # noqa: S704
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["whole_options"] = _whole_options
    return environment.get_template("report.html.j2")


def _shared(report: Report) -> dict[str, object]:
    """The template's values, all but the checks."""
    return {
        "assignment": safe.one_line(report.assignment),
        "languages": LANGUAGES,
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
        "notes": [safe.shortened(note, 1_000) for note in text.notes(report)[:_MOST_NOTES]],
        "counts": text.counts_line(report),
        "unjudged": text.unjudged_line(report),
        "next": text.next_step(report),
        "build": {
            "is_shown": report.build.outcome is Outcome.PASSED or text.build_stands_alone(report),
            "is_open": report.build.outcome in OPEN,
            "outcome": report.build.outcome.value,
            "word": text.OUTCOMES[report.build.outcome],
            "mark": MARKS[report.build.outcome].sign,
            "command": safe.shortened(safe.one_line(report.build.command), 2_000),
            "log": safe.shortened("\n".join(safe.lines(report.build.log)), 20_000),
        },
        "is_divided": report.role == "both",
        "handout": as_html(report.handout) if report.handout else Markup(),
    }


#: Of an archive full of odd members; the others are in `report.json`.
_MOST_NOTES: Final = 50


def _parts(report: Report, detail: Detail) -> list[Part]:
    links = {check.id: _link(number, check) for number, check in enumerate(report.checks, 1)}
    places = _places(report)
    return [
        Part(
            place=f"part-{number}",
            heading=section.heading or "Checks",
            cards=[
                _card(check, links, _dependents(report.checks, check.id, links), places, detail)
                for check in sorted(section.checks, key=_urgency)
            ],
        )
        for number, section in enumerate(text.sections(report), 1)
    ]


#: What readers want to see comes first, and right after it what was skipped because of that.
_FIRST = (Outcome.FAILED, Outcome.SKIPPED, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.PASSED)


def _urgency(check: CheckResult) -> int:
    return _FIRST.index(check.outcome)


def _link(number: int, check: CheckResult) -> Link:
    return Link(
        place=f"check-{number}",
        title=safe.shortened(text.title(check), 300),
        mark=MARKS[check.outcome].sign,
        outcome=check.outcome.value,
        word=text.OUTCOMES[check.outcome],
        points=text.points(check),
    )


def _places(report: Report) -> frozenset[str]:
    """Where the page's handout has a place for a requirement."""
    return frozenset(
        place
        for check in report.checks
        if (place := anchor(check.requirement.number)) and f"**{check.requirement.number}**" in report.handout
    )


def _dependents(checks: Iterable[CheckResult], check_id: str, links: dict[str, Link]) -> list[Link]:
    return [links[check.id] for check in checks if check.depends_on == check_id and check.id != check_id]


def _card(
    check: CheckResult, links: dict[str, Link], dependents: list[Link], places: frozenset[str], detail: Detail
) -> Card:
    passed = _passed(check)
    place = anchor(check.requirement.number)
    events = () if passed and not detail.passed else check.evidence
    shown = _both_ends(events, detail.events)
    return Card(
        id=safe.one_line(check.id),
        link=links[check.id],
        is_open=check.outcome in OPEN,
        reason="" if passed else f"{text.capital(text.reason_clause(check))}.",
        number=safe.one_line(check.requirement.number),
        requirement_place=place if place in places else "",
        requirement=safe.one_line(check.requirement.text),
        message=_said(safe.shortened("\n".join(text.message_lines(check)), detail.message_characters)),
        bytes=_dump(check.compared, detail),
        sanitizer=text.sanitizer_lines(check),
        hint=text.hint_line(check),
        mistake=behind(check.id) if detail.steps and text.more_line(check) else None,
        depends_on=links.get(check.depends_on),
        dependents=dependents,
        picture=None if passed or not detail.steps else picture(check.evidence, detail.steps),
        rows=[_row(shortened(event, detail.event_bytes)) for event in shown],
        rows_left_out=len(check.evidence) - len(shown),
    )


def _said(message: str) -> list[Said]:
    """A message with the first difference marked; a caret below it would be elsewhere on a narrow page."""
    said: list[Said] = []
    for part in text.parts_of(message.split("\n")) if message else []:
        before = [Said("\n", differs=False)] if said else []
        said += [*before, *([Said(part, differs=False)] if isinstance(part, str) else _marked(part))]
    return said


def _marked(compared: text.Compared) -> list[Said]:
    expected, received = compared.lines
    first = _CHARACTER.match(received, compared.caret)
    if first is None:  # something is lacking behind the last of them
        return [Said(f"{expected}\n{received}\n{' ' * compared.caret}^", differs=False)]
    before, after = received[: first.start()], received[first.end() :]
    return [
        Said(f"{expected}\n{before}", differs=False),
        Said(first[0], differs=True),
        Said(after, differs=False),
    ]


#: One byte or character as it is shown: itself, or its escape.
_CHARACTER: Final = re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\.|.")
_LONGEST_ESCAPE: Final = len(r"\U0001f600")


def _dump(compared: Compared | None, detail: Detail) -> Dump | None:
    return dump(compared) if detail.steps else None


def _both_ends(events: tuple[Event, ...], most: int) -> tuple[Event, ...]:
    """The first and the last of them: how it began, and how it came to the verdict."""
    last = most - most // 4
    return events if len(events) <= most else (*events[: most // 4], *(events[-last:] if last else ()))


def _row(event: Event) -> Row:
    shown, rest = _folded(transcript.parts(event) if transcript.has_bytes(event) else [])
    return Row(
        when=transcript.moment(event),
        who=safe.shortened(safe.one_line(event.who), 100),
        done=transcript.EVENTS[event.kind],
        said=safe.shortened(transcript.words_of(event), 2_000),
        parts=shown,
        rest=rest,
        size_bytes=len(event.data) + event.omitted_bytes,
        pieces=transcript.pieces(event),
        is_verdict=event.kind is EventKind.VERDICT,
    )


#: Of an event's bytes, as they are written: three lines of a wide page, eight of a telephone's.
_ROW_CHARACTERS: Final = 240


def _folded(parts: list[transcript.Part]) -> tuple[list[transcript.Part], list[transcript.Part]]:
    """What is shown of an event's bytes, and what is folded; nothing is, if it would be hardly longer than that."""
    if sum(len(part.text) for part in parts) <= _ROW_CHARACTERS * 3 // 2:
        return parts, []
    shown: list[transcript.Part] = []
    room = _ROW_CHARACTERS
    for number, part in enumerate(parts):
        if len(part.text) > room:
            begin, end = _divided(part, room) if part.kind == "bytes" else ([], [part])
            return [*shown, *begin], [*end, *parts[number + 1 :]]
        shown.append(part)
        room -= len(part.text)
    return shown, []


def _divided(part: transcript.Part, room: int) -> tuple[list[transcript.Part], list[transcript.Part]]:
    """Bytes as they are written, between two of them."""
    ends = (found.end() for found in _CHARACTER.finditer(part.text[: room + _LONGEST_ESCAPE]))
    at = max((end for end in ends if end <= room), default=0)
    return [part._replace(text=part.text[:at])], [part._replace(text=part.text[at:])]
