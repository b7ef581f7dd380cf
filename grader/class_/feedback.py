"""`feedback.md`: a page for the student that fits in a message; the report beside it has the details.

Markdown is drawn by whatever platform it is pasted into, so other people's text is only ever inside a code block or a
code span, which nothing in it can end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.model import CheckResult, Outcome, Report
from grader.report import safe, text


def render(report: Report) -> bytes:
    """The feedback on a submission, in UTF-8."""
    return ("\n".join(_lines(report)) + "\n").encode()


def _lines(report: Report) -> Iterator[str]:
    yield f"# {safe.one_line(report.assignment)}: {text.score_line(report).removeprefix('Score: ')}"
    for line in (text.narrowed_line(report), text.counts_line(report), text.unjudged_line(report)):
        if line:
            yield from ("", line if line.endswith(".") else f"{text.capital(line)}.")
    if notes := text.notes(report):
        yield from ("", "What was handed in:", "")
        yield from (f"- {code(note)}" for note in notes)
    for check in text.with_outcome(report, [Outcome.FAILED]):
        yield from _failed(check)
    if skipped := text.not_played(report.checks):
        yield from ("", "## Skipped", "")
        yield from (f"- {code(text.not_played_line(group))}" for group in skipped)
    yield from ("", f"The full report is in `report.html`. Seed {report.grader.seed} repeats this run.")


def _failed(check: CheckResult) -> Iterator[str]:
    yield from ("", f"## {code(text.title(check))} ({text.points(check)} points)", "")
    yield f"{text.capital(text.reason_clause(check))}."
    yield from ("", code(text.requirement_line(check)))
    if lines := text.message_lines(check):
        fence = "`" * (1 + max(2, *map(_ticks, lines)))
        yield from ("", f"{fence}text", *lines, fence)
    if hint := text.hint_line(check):
        yield from ("", code(" ".join(hint)))


def code(words: str) -> str:
    """Other people's words on one line: as they are if nothing in them means something in Markdown, else as a span."""
    words = safe.one_line(words)
    if re.fullmatch(r"[\w ,.;:()/%'\u201c\u201d\u2026-]*", words) and not re.search(r"_|^\d+[.)]|^-", words):
        return words
    ticks = "`" * (1 + _ticks(words))
    pad = " " if words[:1] == "`" or words[-1:] == "`" else ""
    return f"{ticks}{pad}{words}{pad}{ticks}"


def _ticks(words: str) -> int:
    """The length of the longest run of backticks."""
    return max(map(len, re.findall(r"`+", words)), default=0)
