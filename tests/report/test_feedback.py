"""Feedback in Markdown: it says everything, and nothing of a submission becomes a structure of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from grader.model import Report
from grader.report import feedback, safe
from tests.report.commands import obeyed
from tests.report.examples import BOTH, FULL, PERFECT, UNBUILT_UNSAID, report_strategy, texts
from tests.report.golden import assert_golden

#: HTML is not left out, as in a comment on GitHub.
READER = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
OURS = frozenset(["h1", "h2", "h3", "h4", "p", "strong", "ul", "li", "blockquote", "pre", "code"])


class Seen(HTMLParser):
    """What a reader sees of rendered Markdown."""

    def __init__(self, content: str) -> None:
        """Read it."""
        super().__init__()
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def seen(report: Report) -> Seen:
    return Seen(READER.render(feedback.render(report).decode()))


def test_feedback_is_the_golden_one() -> None:
    assert_golden("full.md", feedback.render(FULL))
    assert_golden("both.md", feedback.render(BOTH))


def test_a_perfect_one_says_so_and_a_failed_build_is_shown() -> None:
    assert "**All checks passed.**" in feedback.render(PERFECT).decode()
    assert "## The build: failed" in feedback.render(UNBUILT_UNSAID).decode()
    assert "server.c:17:23: error: expected ';' before 'return'" in feedback.render(UNBUILT_UNSAID).decode()


@given(report=report_strategy)
def test_nothing_of_a_submission_is_a_structure(report: Report) -> None:
    content = feedback.render(report).decode()
    assert Seen(READER.render(content)).tags <= OURS
    assert obeyed(content) == []
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", content)


@example(words="__0__")
@given(words=texts | st.text(st.sampled_from("`~>#-+*_=!|[](){}<>&@:/\\1.) ab\n")))
def test_inline_text_is_seen_as_it_is(words: str) -> None:
    found = Seen(READER.render(feedback.inline(words)))
    assert found.tags <= {"p"}
    assert "".join(found.words).rstrip("\n") == safe.one_line(words)


@given(lines=st.lists(st.text(st.sampled_from("`~ ab<"), max_size=9), max_size=5))
def test_fences_are_not_closed_from_inside(lines: list[str]) -> None:
    tokens = READER.parse("\n".join(feedback.fenced(lines)))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content == "".join(f"{line}\n" for line in lines)
