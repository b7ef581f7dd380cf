"""What a terminal shows: one line per check, then what went wrong, and at the very end what to do next.

The caller owns the `rich` console, and with it the width, colour, `NO_COLOR` and destination.  Student text reaches it
only as `Text`, never as markup.  Lines are wrapped here, made harmless by `safe.py`, and handed over whole:
nothing is cut off or padded, so a redirected report reads like the one on the screen.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from rich.console import Console
from rich.text import Text

from grader.errors import Reason
from grader.model import UNJUDGED, CheckResult, Outcome, Report
from grader.report import safe, text


class Mark(NamedTuple):
    """An outcome's mark, the same in ASCII, and its style."""

    sign: str
    ascii: str
    style: str


MARKS: Final[dict[Outcome, Mark]] = {
    Outcome.PASSED: Mark("\u2713", "+", "green"),
    Outcome.FAILED: Mark("\u2717", "x", "bold red"),
    Outcome.SKIPPED: Mark("\u25cb", "o", "dim"),
    Outcome.INCONCLUSIVE: Mark("?", "?", "yellow"),
    Outcome.ERROR: Mark("!", "!", "bold magenta"),
}

#: Our own symbols that a narrow encoding may lack; every other character it lacks becomes an escape.
PLAIN: Final = str.maketrans(
    {mark.sign: mark.ascii for mark in MARKS.values()}
    | {"\u2026": "...", "\u00b7": "-", "\u201c": '"', "\u201d": '"', "\u2502": "|"}
)

#: A paragraph wider than this is hard to read, however wide the terminal.
WIDEST_COLUMNS: Final = 110
#: The width of a redirected report, and the least that a terminal is assumed to have.
PLAIN_COLUMNS: Final = 80
NARROWEST_COLUMNS: Final = 20


#: So much of a compiler's output is shown unless more is asked for: a screen or two, with the first error in it.  A
#: file that is no source code gives hundreds of lines of a thousand characters each.
MOST_BUILD_LINES: Final = 60
MOST_BUILD_CHARACTERS: Final = 4000
#: However long they are: the command, and one error with its line of the source and its notes.
FEWEST_BUILD_LINES: Final = 5


class Row(NamedTuple):
    """A line before wrapping: `indent` columns before its first line, `hang` more before the lines that continue it."""

    text: Text
    indent: int = 0
    hang: int = 0

    def printed(self, console: Console) -> Iterator[Text]:
        """Lines that fit."""
        return map(_harmless, _wrapped(self, console))


class Aligned(NamedTuple):
    """Two lines and a caret below them, which points at one of their columns even if they have to be wrapped."""

    compared: text.Compared
    indent: int

    def printed(self, console: Console) -> Iterator[Text]:
        """Lines that fit: both wrapped at the same columns, with the caret right below its column."""
        bar = _printable(Text(_BAR, "dim"), console.encoding)
        width = max(10, _width(console) - self.indent - len(bar))
        expected, received = (_printable(Text(line), console.encoding) for line in self.compared.lines)
        # The replacement of a symbol before it may be longer.
        before = Text(self.compared.lines[1][: self.compared.caret])
        caret = len(_printable(before, console.encoding))
        for start in range(0, max(len(expected), len(received)), width):
            parts = [Text.assemble(bar, line[start : start + width]) for line in (expected, received)]
            yield from (_indented(_harmless(part), self.indent) for part in parts if len(part) > len(bar))
            if start <= caret < start + width:
                at = _when_harmless(parts[1].plain, caret - start + len(bar))
                yield _indented(Text.assemble(bar, " " * (at - len(bar)), "^"), self.indent)


def show(report: Report, console: Console, *, quiet: bool = False, verbose: bool = False) -> None:
    """Print `report` to `console`; `quiet` keeps only the end of it, `verbose` leaves nothing out."""
    for row in rows(report, quiet=quiet, verbose=verbose):
        for line in row.printed(console):
            console.print(line, no_wrap=True, overflow="ignore", crop=False, highlight=False)


def render(report: Report) -> bytes:
    """The same without colour, 80 columns wide, in UTF-8."""
    file = io.StringIO()
    show(report, Console(file=file, width=PLAIN_COLUMNS, color_system=None, force_terminal=False))
    return file.getvalue().encode()


def rows(report: Report, *, quiet: bool = False, verbose: bool = False) -> Iterator[Row | Aligned]:
    """The whole report, row by row, before wrapping.

    The first failed check of each program is explained in full, the others briefly, for they often follow from it.
    """
    if not quiet:
        yield Row(Text(text.heading(report), "bold"), hang=2)
        yield Row(Text())
        yield from _overview(report)
        yield from _notes(report)
        yield from _build(report)
        yield from _failures(text.with_outcome(report, [Outcome.FAILED]), verbose=verbose)
        for alike in text.alike(text.with_outcome(report, UNJUDGED)):
            yield from _blocks(alike) if len(alike) == 1 else _block_of_several(alike)
    yield from _ending(report)


def _overview(report: Report) -> Iterator[Row]:
    """The checks of each program, each followed by an empty row."""
    for section in text.sections(report):
        if section.heading:
            yield Row(Text(section.heading, "bold"))
        yield from _checks(section.checks)
        if section.checks:
            yield Row(Text())


def _notes(report: Report) -> Iterator[Row]:
    """Notes about the submission, followed by an empty row."""
    for note in text.notes(report):
        yield Row(Text.assemble(("Note: ", "bold"), note), hang=6)
    if report.notes:
        yield Row(Text())


def _checks(checks: Sequence[CheckResult]) -> Iterator[Row]:
    """One row for each check that ran, in the handout's order; skipped ones grouped by why."""
    played = [check for check in checks if check.outcome is not Outcome.SKIPPED]
    width = max((len(text.points(check)) for check in played), default=0)
    for check in played:
        yield Row(
            Text.assemble(_mark(check.outcome), f"  {text.points(check):>{width}}  ", text.title(check)),
            hang=width + 5,
        )
    for group in text.not_played(checks):
        line = Text.assemble(_mark(Outcome.SKIPPED), "  ", (text.not_played_line(group), "dim"))
        yield Row(line, hang=3)


def _build(report: Report) -> Iterator[Row | Aligned]:
    """The compiler's output, if no check shows it."""
    if not text.build_stands_alone(report):
        return
    yield Row(_headline(report.build.outcome, f"the build: {text.OUTCOMES[report.build.outcome]}"), hang=3)
    if command := safe.one_line(report.build.command):
        yield Row(Text(f"$ {command}"), 3, 2)
    yield from _quoted(safe.lines(report.build.log))
    yield Row(Text())


def _blocks(checks: Iterable[CheckResult], *, verbose: bool = False) -> Iterator[Row | Aligned]:
    """Everything about each check: title, reason, requirement, message, hint."""
    for check in checks:
        name = (f"  ({safe.one_line(check.id)})", "dim")
        yield Row(Text.assemble(_headline(check.outcome, text.title(check)), name), hang=3)
        yield Row(Text(f"{text.capital(text.reason_clause(check))}."), 3)
        yield Row(Text(text.requirement_line(check), "italic"), 3)
        parts = text.message_parts(check)
        yield from _quoted(parts if verbose or check.reason is not Reason.BUILD_FAILED else _beginning(parts))
        yield from _sanitizer(check)
        if hint := text.hint_line(check):
            yield Row(Text.assemble((hint[0], "bold"), " ", hint[1]), 3, 2)
        if more := text.more_line(check):
            yield Row(Text(more, "dim"), 3, 2)
        yield Row(Text())


def _failures(checks: Iterable[CheckResult], *, verbose: bool) -> Iterator[Row | Aligned]:
    """Each in full that may follow from none before it: a client's from no server's, both together from either's."""
    explained, any_brief = set[str](), False
    for check in checks:
        part = check.id.partition(".")[0]
        is_brief = not verbose and (part in explained or (part == "pair" and bool(explained)))
        yield from _brief_block(check) if is_brief else _blocks([check], verbose=verbose)
        explained.add(part)
        any_brief = any_brief or is_brief
    if any_brief:
        yield Row(Text("(--verbose explains every failed check in full; so do the HTML and JUnit reports.)", "dim"))
        yield Row(Text())


def _brief_block(check: CheckResult) -> Iterator[Row | Aligned]:
    """The title, the reason and the first difference."""
    name = (f"  ({safe.one_line(check.id)})", "dim")
    yield Row(Text.assemble(_headline(check.outcome, text.title(check)), name), hang=3)
    yield Row(Text(f"{text.capital(text.reason_clause(check))}."), 3)
    yield from _quoted(text.brief_parts(check))
    yield from _sanitizer(check)
    yield Row(Text())


def _sanitizer(check: CheckResult) -> Iterator[Row]:
    yield from (Row(Text(line), 3, 2) for line in text.sanitizer_lines(check))


def _block_of_several(alike: Sequence[CheckResult]) -> Iterator[Row | Aligned]:
    """Everything about checks that could not be judged for the same reason."""
    first = alike[0]
    yield Row(_headline(first.outcome, f"{text.plural(len(alike), 'check')} {text.OUTCOMES[first.outcome]}"), hang=3)
    yield Row(Text(f"{text.capital(text.reason_clause(first))}."), 3)
    yield from _quoted(text.message_parts(first))
    if hint := text.hint_line(first):
        yield Row(Text.assemble((hint[0], "bold"), " ", hint[1]), 3, 2)
    yield Row(Text())


#: Before what is quoted.
_BAR: Final = "\u2502 "


def _quoted(parts: Iterable[str | text.Compared]) -> Iterator[Row | Aligned]:
    for part in parts:
        yield Aligned(part, 3) if isinstance(part, text.Compared) else Row(Text.assemble((_BAR, "dim"), part), 3, 4)


def _beginning(log: Sequence[str | text.Compared]) -> list[str | text.Compared]:
    """The first lines of a compiler's output, and how many there are besides: the first error is the one to mend."""
    shown, characters = 0, 0
    for line in log[:MOST_BUILD_LINES]:
        characters += len(line)
        if characters > MOST_BUILD_CHARACTERS and shown >= FEWEST_BUILD_LINES:
            break
        shown += 1
    left = len(log) - shown
    if not left:
        return [*log]
    more = f"\u2026 {text.plural(left, 'more line')} (--verbose shows all; so do the HTML and JUnit reports)"
    return [*log[:shown], more]


def _ending(report: Report) -> Iterator[Row]:
    """Counts, score, and the next step: the last thing a tired reader sees."""
    if counts := text.counts_line(report):
        yield Row(Text(counts))
    if unjudged := text.unjudged_line(report):
        yield Row(Text(unjudged, "yellow"))
    if narrowed := text.narrowed_line(report):
        yield Row(Text(narrowed))
    if warning := text.warnings_line(report):
        yield Row(Text(warning), hang=2)
    yield from (Row(Text(section.heading)) for section in text.sections(report) if section.heading)
    yield Row(Text(text.score_line(report), "bold green" if text.next_step(report).is_done else "bold"))
    yield Row(Text(text.next_line(report), "bold"), hang=2)


def _mark(outcome: Outcome) -> tuple[str, str]:
    return MARKS[outcome].sign, MARKS[outcome].style


def _headline(outcome: Outcome, words: str) -> Text:
    return Text.assemble(_mark(outcome), "  ", (words, "bold"))


def _wrapped(row: Row, console: Console) -> Iterator[Text]:
    """The row as lines that fit; only white space at the end of a line is left out."""
    width = _width(console)
    whole = _printable(row.text, console.encoding)
    whole.expand_tabs(8)
    first = whole.wrap(console, width - row.indent, overflow="fold")
    if len(first) < 2 or not row.hang:
        yield from (_indented(line, row.indent) for line in first)
        return
    rest = whole[len(first[0].plain) :]
    cut = len(rest.plain) - len(rest.plain.lstrip(" "))
    continued = rest[cut:].wrap(console, max(10, width - row.indent - row.hang), overflow="fold")
    yield _indented(first[0], row.indent)
    yield from (_indented(line, row.indent + row.hang) for line in continued)


def _width(console: Console) -> int:
    return max(NARROWEST_COLUMNS, min(console.width, WIDEST_COLUMNS))


def _harmless(line: Text) -> Text:
    """The line with CI commands escaped, which may make it a few columns too long."""
    for at in reversed(safe.commands(line.plain)):
        line = Text.assemble(line[:at], safe.escape(line.plain[at]), line[at + 1 :])
    return line


def _when_harmless(line: str, column: int) -> int:
    """The place of a column of a line once CI commands before it are escaped."""
    return column + sum(len(safe.escape(line[at])) - 1 for at in safe.commands(line) if at < column)


def _indented(line: Text, columns: int) -> Text:
    line.rstrip()
    return Text.assemble(" " * columns, line) if line.plain else line


def _printable(line: Text, encoding: str) -> Text:
    """`line` with what `encoding` lacks replaced by symbols or escapes, piece by piece so that styles stay in place."""
    try:
        line.plain.encode(encoding)
    except UnicodeEncodeError:
        pieces = line.divide(sorted({edge for span in line.spans for edge in (span.start, span.end)}))
        return Text.assemble(*(_plain(piece, encoding) for piece in pieces), style=line.style)
    return line.copy()


def _plain(piece: Text, encoding: str) -> Text:
    plain = piece.plain.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return Text(plain, style=piece.spans[0].style if piece.spans else "")
