r"""Markdown, for a comment on a merge request, a job's summary or a file beside a grade.

It says what the page says, without pictures and transcripts.  Text that is not ours stays text: in a line its
punctuation is escaped, and what a program sent or printed stands between fences that it can't close.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from grader.model import UNJUDGED, CheckResult, Outcome, Report
from grader.report import safe, text
from grader.report.console import MARKS

#: Longer messages than any check's own are a build's log; GitHub shows at most 1 MiB of a job's summary.
_MESSAGE_CHARACTERS: Final = 10_000
#: What begins a structure of Markdown or HTML, an underscore only where it can.
_STRUCTURE: Final = re.compile(r"[\\`*\[\]<>&#|~$]|(?<![^\W_])_|_(?![^\W_])|(?<=\w)@|@(?=\w)|(?<=:)/(?=/)")
_BACKTICKS: Final = re.compile(r"`{3,}")


def render(report: Report) -> bytes:
    """`report` as Markdown in UTF-8."""
    return f"{safe.printed(chr(10).join(_lines(report)))}\n".encode()


def inline(words: str) -> str:
    """Text on one line as Markdown that shows exactly that."""
    shown = _STRUCTURE.sub(lambda found: f"\\{found[0]}", safe.one_line(words))
    return re.sub(r"^(\d+)([.)])|^([-+=:])", r"\1\\\2\3", shown)


def fenced(words: Sequence[str]) -> Iterator[str]:
    """Lines between fences longer than any inside."""
    runs = [len(run) for line in words for run in _BACKTICKS.findall(line)]
    fence = "`" * (max(runs, default=2) + 1)
    yield from (f"{fence}text", *words, fence)


def _lines(report: Report) -> Iterator[str]:
    yield f"# {inline(report.assignment)} ({text.ROLES[report.role]}): {_score(report)}"
    yield ""
    yield inline(text.heading(report))
    for words in (text.counts_line(report), text.narrowed_line(report), text.unjudged_line(report)):
        if words:
            yield from ("", inline(words))
    step = text.next_step(report)
    about = f"{inline(step.title)}: " if step.title else ""
    yield from ("", f"**{inline(step.hint)}**" if step.is_done else f"**Next:** {about}{inline(step.hint)}")
    if report.notes:
        yield ""
        yield from (f"- {inline(note)}" for note in text.notes(report))
    yield from _build(report)
    for section in text.sections(report):
        yield from _section(section)


def _score(report: Report) -> str:
    return inline(text.score_line(report).removeprefix("Score: "))


def _build(report: Report) -> Iterator[str]:
    if text.build_stands_alone(report):
        yield from ("", f"## The build: {text.OUTCOMES[report.build.outcome]}", "")
        log = safe.shortened("\n".join(safe.lines(report.build.log)), _MESSAGE_CHARACTERS)
        yield from fenced([f"$ {safe.one_line(report.build.command)}", *log.split("\n")])


#: Headings of a section and the outcomes below them, in this order.
_GROUPS: Final = (
    ("Failed", frozenset({Outcome.FAILED})),
    ("Could not be judged", UNJUDGED),
)


def _section(section: text.Section) -> Iterator[str]:
    if section.heading:
        yield from ("", f"## {inline(section.heading)}")
    level = "###" if section.heading else "##"
    for heading, outcomes in _GROUPS:
        checks = [check for check in section.checks if check.outcome in outcomes]
        if checks:
            yield from ("", f"{level} {heading}")
        for check in checks:
            yield from ("", f"{level}# {_headline(check)}", "")
            yield from _explained(check, section.checks)
    if skipped := text.not_played(section.checks):
        yield from ("", f"{level} Skipped", "")
        yield from (f"- {inline(text.not_played_line(group))}" for group in skipped)
    if passed := [check for check in section.checks if check.outcome is Outcome.PASSED]:
        yield from ("", f"{level} Passed", "")
        yield from (f"- {_headline(check)}" for check in passed)


def _explained(check: CheckResult, checks: Sequence[CheckResult]) -> Iterator[str]:
    yield f"{inline(text.capital(text.reason_clause(check)))}."
    yield from ("", f"> {inline(text.requirement_line(check))}")
    if message := safe.shortened("\n".join(text.message_lines(check)), _MESSAGE_CHARACTERS):
        yield from ("", *fenced(message.split("\n")))
    if found := text.sanitizer_lines(check):
        yield from ("", f"{inline(found[0])}", "", *fenced(found[1:]))
    if hint := text.hint_line(check):
        yield from ("", f"**{hint[0]}** {inline(hint[1])}")
    if more := text.more_line(check):
        words, _, command = more.partition(": ")
        yield from ("", f"{words}: `{command}`")
    if behind := [other for other in checks if other.depends_on == check.id != other.id]:
        yield from ("", f"{text.plural(len(behind), 'check')} skipped because of it.")


def _headline(check: CheckResult) -> str:
    return f"{MARKS[check.outcome].sign} {inline(text.title(check))} ({text.points(check)})"
