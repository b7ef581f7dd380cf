"""TAP version 13, which `prove` and most CI systems read; readers of version 14 do, too.

A check that was skipped is `ok ... # SKIP`, as TAP has it; what it depends on is `not ok`.  What could not be judged is
`not ok` too, and its diagnostic says so.  The strings of a diagnostic are JSON's, which are YAML's as well: nothing in
them ends the block or begins a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from grader.model import CheckResult, Outcome, Report
from grader.report import safe, text
from grader.report.json import formatted
from grader.report.rows import Row, rows

_SPECIAL: Final = re.compile(r"[\\#]")


def render(report: Report) -> bytes:
    """`report` as TAP in UTF-8."""
    listed = rows(report)
    skipped = {safe.one_line(check.id): check for check in report.checks if check.outcome is Outcome.SKIPPED}
    lines = ["TAP version 13", f"1..{len(listed)}"]
    for number, row in enumerate(listed, start=1):
        lines += _point(number, row, skipped.get(row.id))
    lines += [f"# {safe.printed(words)}" for words in (text.score_line(report), text.narrowed_line(report)) if words]
    return "".join(f"{line}\n" for line in lines).encode()


def _point(number: int, row: Row, skipped: CheckResult | None) -> Iterator[str]:
    named = f"{number} - {_described(row)}"
    if skipped is not None:
        why = safe.one_line(skipped.message).removeprefix("skipped: ") or text.reason_clause(skipped)
        yield f"ok {named} # SKIP {_escaped(why)}"
        return
    yield f"{'ok' if row.passed else 'not ok'} {named}"
    if not row.passed:
        yield from _diagnostic(row)


def _described(row: Row) -> str:
    return _escaped(f"{row.name} ({row.id})")


def _escaped(words: str) -> str:
    """Words on one line in which no `#` begins a directive."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", safe.printed(words))


def _diagnostic(row: Row) -> Iterator[str]:
    yield "  ---"
    yield f"  message: {_string(row.brief)}"
    yield f"  points: {text.number(row.points)}"
    yield f"  max_points: {text.number(row.max_points)}"
    yield f"  judged: {'false' if row.passed is None else 'true'}"
    if row.output:
        yield f"  explanation: {_string(row.output)}"
    yield "  ..."


def _string(words: str) -> str:
    return formatted(words).decode().rstrip("\n")
