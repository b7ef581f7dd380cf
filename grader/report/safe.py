r"""Makes text from others safe to show: nothing in it is obeyed, hidden, or mistaken for our own words.

Text is made visible first, character by character: what controls a terminal, can't be seen, changes the direction of
writing or is forbidden in XML is shown as an escape (`\x1b`, `\u202e`).  Lines are made harmless last, after wrapping,
which can put anything at the beginning of one: CI systems read commands from the lines of a log, so one character of
each command becomes an escape.  Ordinary text is never changed.  Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, Literal

from grader.limits import MOST_MARKS

#: Characters to examine: all but printable ASCII, newlines and tabs.
_UNUSUAL: Final = re.compile(r"[^\x20-\x7e\n\t]")
#: Names of characters that count as printable but show nothing.
_SHOWS_NOTHING: Final = re.compile(
    r"VARIATION SELECTOR|HANGUL (\w+ )?FILLER|SCRIPT FILLER|GRAPHEME JOINER|VOWEL INHERENT|PATTERN BLANK"
    r"|HIEROGLYPH \w+ BLANK|NULL NOTEHEAD"
)
#: Marks that are drawn over, under or around the character before them and take up no room of their own.
_PILING: Final = frozenset({"Mn", "Me"})

#: What CI systems take for a command anywhere in a line; the character that matches is the one to escape.
ANYWHERE: Final[dict[str, str]] = {
    "old GitHub Actions, Azure Pipelines, TeamCity": r"#(?=#\w*\[)",  # ##[error]  ##vso[task…]  ##teamcity[…]
    "GitLab CI": r"(?<=section_start):|(?<=section_end):",
    "Travis CI": r"(?<=travis_fold):|(?<=travis_time):",
}
#: ... and only at its beginning, after blanks.
AT_THE_START: Final[dict[str, str]] = {
    "GitHub Actions, Gitea, Forgejo": r":(?=:)",  # ::error::…
    "Buildkite": r"-(?=--(?!\S))|\+(?=\+\+(?!\S))|~(?=~~(?!\S))|\^(?=\^\^(?!\S))",  # headings of its groups
}
_ANYWHERE: Final = re.compile("|".join(ANYWHERE.values()))
_AT_THE_START: Final = re.compile("|".join(AT_THE_START.values()))
_SOMEWHERE: Final = re.compile("|".join((*ANYWHERE.values(), *AT_THE_START.values())))


def visible(text: str) -> str:
    r"""`text` with every character that would be obeyed, dropped, refused or not seen shown as an escape (`\x1b`).

    Newlines and tabs stay; unusual white space does not, nor do more marks on one letter than any script
    needs.  The result is valid in XML 1.0 and UTF-8.
    """
    return "".join(_shown(text)) if _UNUSUAL.search(text) else text


def _shown(text: str) -> Iterator[str]:
    marks = 0
    for char in text:
        kind = _kind(char)
        marks = marks + 1 if kind == "mark" else 0
        yield escape(char) if kind == "hidden" or marks > MOST_MARKS else char


@lru_cache(maxsize=4096)
def _kind(char: str) -> Literal["plain", "mark", "hidden"]:
    if char in "\n\t":
        return "plain"
    if not char.isprintable() or _SHOWS_NOTHING.search(unicodedata.name(char, "")):
        return "hidden"
    return "mark" if unicodedata.category(char) in _PILING else "plain"


def escape(char: str) -> str:
    r"""One character as an escape of Python's: `\x3a`, `\u202e`, `\U000e0041`."""
    return f"\\x{ord(char):02x}" if char.isprintable() and char.isascii() else char.encode("unicode_escape").decode()


def one_line(text: str) -> str:
    """`text`, visible, with each run of white space replaced by one space."""
    return " ".join(visible(text).split())


def shortened(text: str, most: int) -> str:
    """`text`, of which at most so many characters are kept, and then how many there were."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text)} characters in all)"


def lines(text: str) -> list[str]:
    """The lines of `text`, visible, without empty ones before and after."""
    return visible(text).strip("\n").split("\n") if text.strip("\n") else []


def commands(line: str) -> list[int]:
    """Where characters of a printed line must be escaped so that no CI system obeys it; in order."""
    start = _AT_THE_START.match(line, len(line) - len(line.lstrip()))
    return ([start.start()] if start else []) + [match.start() for match in _ANYWHERE.finditer(line)]


def printed(text: str) -> str:
    """`text`, safe for a terminal or the log of a CI system: visible, and with each line harmless."""
    return "\n".join(map(_harmless, visible(text).split("\n")))


def in_markup(markup: str) -> str:
    """XML or HTML of which no line is a command, by character references: it says the same."""
    if not _SOMEWHERE.search(markup):
        return markup
    return "\n".join(_harmless(line, _reference) for line in markup.split("\n"))


def _harmless(line: str, instead: Callable[[str], str] = escape) -> str:
    for at in reversed(commands(line)):
        line = line[:at] + instead(line[at]) + line[at + 1 :]
    return line


def _reference(char: str) -> str:
    return f"&#{ord(char)};"
