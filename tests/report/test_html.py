"""The HTML report: one page without a way out, in which student text is only ever text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib import resources

from hypothesis import given

from grader.model import PARTS, Outcome, Report, part_of
from grader.report import html, text
from tests.report.examples import BOTH, FULL, PERFECT, UNBUILT, UNBUILT_UNSAID, report_strategy
from tests.report.golden import assert_golden

# Every element the template writes.
TAGS = frozenset(re.findall(r"<(\w+)", resources.files("grader.report").joinpath("report.html.j2").read_text("utf-8")))
ATTRIBUTES = frozenset(["lang", "charset", "name", "content", "http-equiv", "class", "title", "open"])
VOID = frozenset({"meta"})


class Page(HTMLParser):
    """Elements, attributes and text of a page; elements must be closed in order."""

    def __init__(self, content: bytes) -> None:
        """Read `content`."""
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

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
    assert page.tags.count("details") == len(report.checks) + (
        report.build.outcome is Outcome.PASSED or text.build_stands_alone(report)
    )


@given(report=report_strategy)
def test_no_control_character_of_a_submission_gets_through(report: Report) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html.render(report).decode())


def test_hostile_text_is_shown() -> None:
    said = "".join(Page(html.render(FULL)).text)
    assert "</td><script>alert(1)</script>" in said
    assert r"\x1b[2J\x1b]0;owned\x07" in said


def test_nothing_is_fetched() -> None:
    content = html.render(PERFECT).decode().replace("http-equiv", "")
    assert not re.search(r"\b(src|href)=|@import|url\(|http", content)
    assert "default-src 'none'" in content


def test_failed_checks_are_open_and_passed_ones_folded() -> None:
    found = re.findall(r'<details class="(\w+)"( open)?>', html.render(FULL).decode())
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
        "<h2>Server: 2 of 6 points, 1 more not yet judged</h2>",
        "<h2>Client: 2 of 6.5 points</h2>",
        "<h2>Together: 0 of 2 points</h2>",
    ]
    places = [content.index(words) for words in headings] + [len(content)]
    for check in BOTH.checks:
        part = PARTS.index(part_of(check.id))
        assert places[part] < content.index(f'<p class="id">{check.id}</p>') < places[part + 1]


def test_what_failed_stands_first_in_its_section() -> None:
    content = html.render(FULL).decode()
    build, *outcomes = re.findall(r'<details class="(\w+)"', content)
    assert [*dict.fromkeys(outcomes)] == ["failed", "error", "inconclusive", "skipped", "passed"]
    assert (build, len(outcomes)) == ("passed", len(FULL.checks))


def test_several_programs_alone_are_named() -> None:
    content = html.render(BOTH).decode()
    assert "(server and client)" in content
    assert "<h2>" not in html.render(FULL).decode()
