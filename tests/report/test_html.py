"""The HTML report: one page without a way out, in which student text is only ever text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib import resources

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import Reason
from grader.limits import PAGE_BYTES
from grader.model import PARTS, BuildResult, Event, EventKind, Narrowed, Outcome, Report, part_of
from grader.report import html, transcript
from tests.report.examples import BOTH, FRAGMENTS, FULL, SKIPPED, UNBUILT, UNBUILT_UNSAID, report_strategy
from tests.report.golden import assert_golden

# Every element the templates and a handout's Markdown write.
TEMPLATES = [resources.files("grader.report").joinpath(f"{name}.html.j2") for name in ("report", "picture")]
MARKDOWN = frozenset(
    [
        "p",
        "ul",
        "ol",
        "li",
        "strong",
        "em",
        "code",
        "pre",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "hr",
        "br",
        "a",
        "span",
    ]
)
TAGS = frozenset(tag for file in TEMPLATES for tag in re.findall(r"<(\w+)", file.read_text("utf-8"))) | MARKDOWN
ATTRIBUTES = frozenset(
    [
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "title",
        "open",
        "id",
        "href",
        "role",
        "tabindex",
        "scope",
        "start",
        "aria-label",
        "aria-labelledby",
        "aria-hidden",
        "viewbox",
        "x",
        "y",
        "x1",
        "y1",
        "x2",
        "y2",
        "cx",
        "cy",
        "r",
        "rx",
        "d",
        "width",
        "height",
    ]
)
VOID = frozenset({"meta", "hr", "br"})


class Page(HTMLParser):
    """Elements, attributes and text of a page; elements must be closed in order."""

    def __init__(self, content: bytes) -> None:
        """Read `content`."""
        super().__init__()
        self.tags: list[str] = []
        self.outcomes: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        said = dict(attrs)
        self.attributes |= said.keys()
        self.links += [said["href"] or ""] if "href" in said else []
        self.ids += [said["id"] or ""] if "id" in said else []
        if tag == "details" and said.get("class") in {*Outcome} and "id" in said:
            self.outcomes.append(said["class"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_report_is_the_golden_one() -> None:
    assert_golden("full.html", html.render(FULL))


@given(report=report_strategy)
def test_student_text_never_becomes_an_element(report: Report) -> None:
    page = Page(html.render(report))
    assert set(page.tags) <= TAGS
    assert page.attributes <= ATTRIBUTES
    assert page.open == []
    assert len(page.outcomes) == len(report.checks)


@given(report=report_strategy)
def test_no_control_character_of_a_submission_gets_through(report: Report) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html.render(report).decode())


def test_hostile_text_is_shown() -> None:
    said = "".join(Page(html.render(FULL)).text)
    assert "</td><script>alert(1)</script>" in said
    assert r"\x1b[2J\x1b]0;owned\x07" in said


def test_nothing_is_fetched() -> None:
    content = html.render(FULL).decode().replace("http-equiv", "")
    assert not re.search(r"\bsrc=|@import|url\(|<(script|link|img|use|image|foreignObject)", content)
    assert "default-src 'none'" in content


def test_links_lead_to_places_in_the_page_and_only_the_handouts_leave_it() -> None:
    page = Page(html.render(FULL))
    outside = [link for link in page.links if not link.startswith("#")]
    assert outside == ["https://www.rfc-editor.org/rfc/rfc9293"]
    assert {link.removeprefix("#") for link in page.links if link not in outside} <= {*page.ids}
    assert len(page.ids) == len({*page.ids})
    assert "requirement-2.1" in page.ids
    assert "#requirement-2.1" in page.links
    # The handout has no 1.2, so nothing leads there.
    assert "#requirement-1.2" not in page.links


@given(report=report_strategy)
def test_no_link_of_a_submission_leads_anywhere(report: Report) -> None:
    page = Page(html.render(report))
    assert {link.removeprefix("#") for link in page.links} <= {*page.ids}


def _failed(**changes: object) -> Report:
    """A report of this failed check alone."""
    return msgspec.structs.replace(FULL, checks=(msgspec.structs.replace(FRAGMENTS, **changes),))


def _large(evidence: tuple[Event, ...], size: int = 1) -> Report:
    """Sixty failed checks with all that, and messages and a log of so many times a thousand characters."""
    failed = msgspec.structs.replace(FRAGMENTS, evidence=evidence, message="'<&" * 333 * size, reason=Reason.NO_REPLY)
    checks = tuple(msgspec.structs.replace(failed, id=f"server.check_{number}") for number in range(60))
    log = BuildResult(outcome=Outcome.PASSED, log="'<&" * 333 * size, command="'" * 1000 * size)
    return msgspec.structs.replace(FULL, checks=checks, build=log, notes=("<'&" * 333,) * size)


@pytest.mark.parametrize(
    ("evidence", "size"),
    [
        ((), 1),
        ((), 500),
        (tuple(Event(at_ms=1, kind=EventKind.SENT, who="client A", data=b"'" * 100_000) for _ in range(5)), 1),
        (tuple(Event(at_ms=at, kind=EventKind.SENT, who=f"client {at}", data=b"\xff'") for at in range(1000)), 50),
        ((Event(at_ms=1, kind=EventKind.SENT, who="client A", data=b"'<" * 999, pieces=(1,) * 1998),) * 9, 1),
        ((Event(at_ms=1, kind=EventKind.OUTPUT, who="'" * 9999, text="<" * 9_999),) * 9, 1),
    ],
)
def test_no_submission_makes_a_page_too_large_to_mail(evidence: tuple[Event, ...], size: int) -> None:
    assert len(html.render(_large(evidence, size))) < PAGE_BYTES


def test_an_ordinary_page_shows_everything_and_a_cut_one_says_so() -> None:
    assert "left out here" not in html.render(FULL).decode()
    assert "left out here" in html.render(_large((), 500)).decode()


def test_bytes_that_are_no_text_are_shown_in_hexadecimal_with_the_first_difference_marked() -> None:
    content = html.render(FULL).decode()
    assert content.count(", in hexadecimal</caption>") == 2  # of HOSTILE; "HELLO" can be read as it is
    assert 'ff <strong class="differs">3c</strong> 62 3e' in content


@pytest.mark.parametrize(
    ("received", "caret", "marked"),
    [(r"'a\x0ab'", 2, r"\x0a"), (r"'a\n'", 2, r"\n"), ("'añ'", 2, "ñ"), (r"'\U0001f600'", 1, r"\U0001f600")],
)
def test_the_first_difference_is_marked_in_what_was_received_and_an_escape_whole(
    received: str, caret: int, marked: str
) -> None:
    message = f"expected: 'abc'\nreceived: {received}\n{' ' * (10 + caret)}^\nthe program: waits"
    page = html.render(_failed(message=message)).decode()
    assert f'<strong class="differs">{marked}</strong>' in page
    assert "^" not in page


def test_a_caret_behind_everything_that_came_stays() -> None:
    page = html.render(_failed(message="expected: 'abc'\nreceived: 'ab'\n              ^")).decode()
    assert "&#39;ab&#39;\n              ^</pre>" in page


@settings(max_examples=20)
@given(st.binary(min_size=1, max_size=2000), st.lists(st.integers(1, 300), max_size=8))
def test_long_bytes_are_folded_and_nothing_of_them_is_lost(data: bytes, pieces: list[int]) -> None:
    event = Event(at_ms=1, kind=EventKind.SENT, who="client A", data=data, pieces=tuple(pieces))
    page = Page(html.render(_failed(evidence=(event,), message="")))
    table = "".join(page.text).partition("Transcript")[2]
    whole = "".join(part.text for part in transcript.parts(event))
    shown, _, rest = table.partition(f"the rest of its {len(data)} bytes")
    assert bool(rest) == (len(whole) > 360)
    assert "".join(whole.split()) in "".join((shown + rest).split())


def test_long_bytes_are_divided_between_two_of_them() -> None:
    event = Event(at_ms=1, kind=EventKind.SENT, who="client A", data=b"ab" + b"\x00" * 200)
    page = html.render(_failed(evidence=(event,))).decode()
    assert r"\x00</span>" in page.partition('<details class="fold">')[0].rpartition("sent")[2]


def test_a_skipped_check_and_the_one_it_depends_on_lead_to_each_other() -> None:
    content = html.render(FULL).decode()
    failed, skipped = (1 + FULL.checks.index(check) for check in (FRAGMENTS, SKIPPED[0]))
    assert f'It depends on <a href="#check-{failed}">' in content
    assert f'<li><a href="#check-{skipped}">{SKIPPED[0].title}</a>' in content


def test_failed_checks_are_open_and_passed_ones_folded() -> None:
    found = re.findall(r'<details (?:id="check-\d+" )?class="(?!code)(\w+)"( open)?>', html.render(FULL).decode())
    assert {outcome for outcome, is_open in found if is_open} == {"failed", "inconclusive", "error"}
    assert {outcome for outcome, is_open in found if not is_open} == {"passed", "skipped"}


def test_split_points_stand_between_the_pieces() -> None:
    said = " ".join("".join(Page(html.render(FULL)).text).split())
    assert r"sent 'he' | 'llo\n' (2 pieces)" in said


def test_build_log_is_open_when_no_check_shows_it() -> None:
    content = html.render(UNBUILT_UNSAID).decode()
    assert '<details class="failed" open>' in content
    assert "the build: failed" in content
    assert "the build: failed" not in html.render(UNBUILT).decode()
    assert "expected &#39;;&#39; before &#39;return&#39;" in content


def test_the_checks_of_each_program_stand_below_its_points() -> None:
    content = html.render(BOTH).decode()
    headings = [
        '<h2 id="part-1">Server: 2 of 6 points, 1 more not yet judged</h2>',
        '<h2 id="part-2">Client: 2 of 6.5 points</h2>',
        '<h2 id="part-3">Together: 0 of 2 points</h2>',
    ]
    places = [content.index(words) for words in headings] + [len(content)]
    for check in BOTH.checks:
        part = PARTS.index(part_of(check.id))
        assert places[part] < content.index(f'<p class="id">{check.id}</p>') < places[part + 1]


def test_what_failed_stands_first_in_its_section_and_then_what_depends_on_it() -> None:
    outcomes = Page(html.render(FULL)).outcomes
    assert [*dict.fromkeys(outcomes)] == ["failed", "skipped", "error", "inconclusive", "passed"]
    assert len(outcomes) == len(FULL.checks)


def test_several_programs_alone_are_named() -> None:
    content = html.render(BOTH).decode()
    assert "(server and client)" in content
    assert '<h2 id="part-1">Checks</h2>' in html.render(FULL).decode()


def test_no_option_is_broken_in_two() -> None:
    narrowed = Narrowed(role=None, only=("server.<b>",), full_score=50)
    page = html.render(msgspec.structs.replace(FULL, narrowed=narrowed))
    assert b'<span class="option">--only</span> server.&lt;b&gt;' in page
