"""GitHub Actions: annotations for its log, and a summary for its job.

An annotation is a command on a line of the log.  Only ours are: in what we quote, `%` and line breaks are encoded as
the runner decodes them, and whatever else a CI system would obey is an escape.  GitHub shows ten errors and ten
warnings of a step, and 64 KB of each; a summary may have 1 MiB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from grader.limits import GITHUB_ANNOTATION_CHARACTERS, GITHUB_ANNOTATIONS, GITHUB_SUMMARY_BYTES
from grader.model import UNJUDGED, CheckResult, Outcome, Report, SourceLine
from grader.report import build_log, feedback, safe, text

_ENCODED: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
#: In a property, what separates properties is encoded, too.
_ENCODED_IN_PROPERTIES: Final = {**_ENCODED, ":": "%3A", ",": "%2C"}
_LEFT_OUT: Final = "\n*The rest does not fit in a summary.*\n"


def render(report: Report) -> bytes:
    """`report` as the commands that make annotations, one on each line."""
    return "".join(f"{line}\n" for line in _annotations(report)).encode()


def render_summary(report: Report) -> bytes:
    """`report` as Markdown that a job's summary has room for."""
    content = feedback.render(report)
    if len(content) <= GITHUB_SUMMARY_BYTES:
        return content
    room = GITHUB_SUMMARY_BYTES - len(_LEFT_OUT.encode())
    kept, _, _ = content[:room].decode("utf-8", "ignore").rpartition("\n\n#")
    return f"{kept}\n{_LEFT_OUT}".encode()


def _annotations(report: Report) -> Iterator[str]:
    if text.build_stands_alone(report):
        log = safe.printed("\n".join(safe.lines(report.build.log)))
        yield _command("error", "Builds", build_log.fault_place(report.build.log), log)
    yield from _limited("error", text.with_outcome(report, [Outcome.FAILED]))
    yield from _limited("warning", text.with_outcome(report, UNJUDGED))
    yield _command(
        "notice", "Score", None, " ".join(filter(None, [text.score_line(report), text.narrowed_line(report)]))
    )


def _limited(kind: str, checks: Sequence[CheckResult]) -> Iterator[str]:
    """A command for each check; if they are more than GitHub shows, the last one says how many there are."""
    shown = checks if len(checks) <= GITHUB_ANNOTATIONS else checks[: GITHUB_ANNOTATIONS - 1]
    for check in shown:
        yield _command(kind, text.title(check), text.place(check), "\n".join(text.explain(check)))
    if left := len(checks) - len(shown):
        yield _command(kind, "More", None, f"{text.plural(left, 'more check')}: see the other reports of this job.")


def _command(kind: str, title: str, place: SourceLine | None, message: str) -> str:
    properties = {"title": title, **({"file": place.file, "line": str(place.line)} if place else {})}
    listed = ",".join(f"{name}={_encoded(words, _ENCODED_IN_PROPERTIES)}" for name, words in properties.items())
    return f"::{kind} {listed}::{_encoded(safe.shortened(message, GITHUB_ANNOTATION_CHARACTERS), _ENCODED)}"


def _encoded(words: str, table: dict[str, str]) -> str:
    return "".join(table.get(char, char) for char in safe.printed(words))
