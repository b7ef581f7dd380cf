"""The handout as a part of the page, with a place to link to at each of its requirements.

Its authors write Markdown; raw HTML in it stays text, pictures are not fetched, and a link that is no web address
loses its way out.  Headings are moved down, below those of the page.
"""

from __future__ import annotations

import re
from typing import Final

import markdown_it
from markdown_it.token import Token
from markupsafe import Markup

from grader.report.safe import visible

#: A handout's title is a heading of the third level: above it are the page's and its section's.
_DOWN: Final = 2
_LOWEST: Final = 6
_NUMBER: Final = re.compile(r"\*\*(\d+(?:\.\d+)*)\*\*")
_OUTSIDE: Final = re.compile(r"https?://")


def anchor(number: str) -> str:
    """The id of a requirement's place in the page; empty if it has no number."""
    return f"requirement-{number}" if re.fullmatch(r"[\w.]+", number) else ""


def as_html(handout: str) -> Markup:
    """The handout's Markdown as HTML that needs nothing from outside; empty if there is none."""
    reader = markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = reader.parse(visible(handout))
    for token, within in zip(tokens, [*tokens[2:], *tokens[:2]], strict=True):
        _move_down(token)
        _mark(token, within)
        _keep_in(token)
    return Markup(reader.renderer.render(tokens, reader.options, {}))  # noqa: S704 - it has escaped all text itself


def _move_down(token: Token) -> None:
    if token.type in {"heading_open", "heading_close"}:
        token.tag = f"h{min(_LOWEST, int(token.tag[1:]) + _DOWN)}"


def _mark(token: Token, within: Token) -> None:
    """Give a list item that begins with a requirement's number its place."""
    if token.type == "list_item_open" and (numbered := _NUMBER.match(within.content)):
        token.attrSet("id", anchor(numbered[1]))


def _keep_in(token: Token) -> None:
    """Only web addresses are links: a relative one leads nowhere in a mail."""
    leads_out = True
    for child in token.children or []:
        if child.type == "link_open":
            leads_out = bool(_OUTSIDE.match(str(child.attrGet("href"))))
        if child.type in {"link_open", "link_close"} and not leads_out:
            child.tag, child.attrs = "span", {}
