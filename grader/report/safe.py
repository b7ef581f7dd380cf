r"""What may be shown of text that others wrote: nothing in it is obeyed, hidden, or mistaken for our own words.

Text is made visible first, character by character: what a terminal obeys, what can't be seen, what turns the direction
of writing and what XML forbids is shown as an escape (`\x1b`, `\u202e`).  Lines are made harmless last, when they are
as long as they will be printed, since wrapping can put anything at the beginning of one: CI systems read commands from
the lines of a log, and one character of each command becomes an escape.  Both leave ordinary text alone.  Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal

from grader.limits import MOST_MARKS

#: What has to be looked at: all but printable ASCII, newlines and tabs.
_UNUSUAL: Final = re.compile(r"[^\x20-\x7e\n\t]")
#: Names of letters, marks and signs, printable as such, that show nothing all the same.
_SHOWS_NOTHING: Final = re.compile(
    r"VARIATION SELECTOR|HANGUL (\w+ )?FILLER|SCRIPT FILLER|GRAPHEME JOINER|VOWEL INHERENT|PATTERN BLANK"
    r"|HIEROGLYPH \w+ BLANK|NULL NOTEHEAD"
)
#: Marks that are drawn over, under or around what stands before them and take up no room of their own.
_PILING: Final = frozenset({"Mn", "Me"})

#: What CI systems take for a command wherever it is in a line; the character that matches is the one to escape.
ANYWHERE: Final[dict[str, str]] = {
    "GitHub Actions of old, Azure Pipelines, TeamCity": r"#(?=#\w*\[)",  # ##[error]  ##vso[task…]  ##teamcity[…]
    "GitLab CI": r"(?<=section_start):|(?<=section_end):",
    "Travis CI": r"(?<=travis_fold):|(?<=travis_time):",
}
#: ... and what only at its beginning, after blanks.
AT_THE_START: Final[dict[str, str]] = {
    "GitHub Actions, Gitea, Forgejo": r":(?=:)",  # ::error::…
    "Buildkite": r"-(?=--(?!\S))|\+(?=\+\+(?!\S))|~(?=~~(?!\S))|\^(?=\^\^(?!\S))",  # headings of its groups
}
_ANYWHERE: Final = re.compile("|".join(ANYWHERE.values()))
_AT_THE_START: Final = re.compile("|".join(AT_THE_START.values()))


def visible(text: str) -> str:
    r"""`text` with every character that would be obeyed, dropped, refused or not seen shown as an escape (`\x1b`).

    Newlines and tabs stay; other white space than the usual one does not, nor do more marks on one letter than
    writing needs.  What comes out is valid in XML 1.0 and UTF-8.
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
    """`text`, visible, with runs of white space made one space."""
    return " ".join(visible(text).split())


def lines(text: str) -> list[str]:
    """`text`, visible, without empty lines around it."""
    return visible(text).strip("\n").split("\n") if text.strip("\n") else []


def commands(line: str) -> list[int]:
    """Where in a line as it is printed a character must be escaped, lest a CI system obey the line; in order."""
    start = _AT_THE_START.match(line, len(line) - len(line.lstrip()))
    return ([start.start()] if start else []) + [match.start() for match in _ANYWHERE.finditer(line)]


def printed(text: str) -> str:
    """`text` as it may go to a terminal or the log of a CI system: visible, and each of its lines harmless."""
    return "\n".join(map(_harmless, visible(text).split("\n")))


def _harmless(line: str) -> str:
    for at in reversed(commands(line)):
        line = line[:at] + escape(line[at]) + line[at + 1 :]
    return line
