"""What sanitizers know about a failure: which failures are worth asking for, and reading what they have printed.

AddressSanitizer stops a program at the first byte that it reads or writes where it must not, and prints what it was and
the stack; UndefinedBehaviorSanitizer prints a line for each thing that the language leaves undefined, and goes on.  The
first explains a crash or a corrupt reply by itself; the second may have to do with it, and counts where the first is
silent.  A place counts only in a file that was handed in.

All of it is the program's output, which it may have made up: it is text beside a verdict, never part of one.  Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from posixpath import normpath
from typing import Final, NamedTuple

from msgspec import structs

from grader.catalogue import BUILD_WITH_SANITIZERS
from grader.errors import Reason
from grader.model import CheckResult, EventKind, Outcome, SanitizerReport, SourceLine
from grader.submission import Submission

#: What memory that is used wrongly may look like from outside, the most telling first; the last two where a child
#: process that serves a client has crashed.
_MAY_EXPLAIN: Final = (
    *(Reason.CRASHED, Reason.WORKER_LOST, Reason.EXTRA_REPLY, Reason.EXTRA_REQUEST),
    *(Reason.WRONG_REPLY, Reason.WRONG_REQUEST, Reason.WRONG_SHOWN),
    *(Reason.RESET, Reason.CLOSED_EARLY),
)

#: By the sanitizer's name for it; {uses}: "reads", "writes" or, where it does not say, "uses".
_MEANINGS: Final = {
    "heap-buffer-overflow": "{uses} memory beside a block from malloc",
    "stack-buffer-overflow": "{uses} memory beyond a local array",
    "dynamic-stack-buffer-overflow": "{uses} memory beyond a local array",
    "stack-buffer-underflow": "{uses} memory before a local array",
    "global-buffer-overflow": "{uses} memory beyond a global or static array",
    "heap-use-after-free": "{uses} memory that it has already freed",
    "stack-use-after-scope": "{uses} a local variable that no longer exists",
    "stack-use-after-return": "{uses} a local variable that no longer exists",
    "double-free": "frees the same memory twice",
    "free": "frees memory that malloc never returned",
    "alloc-dealloc-mismatch": "frees memory in another way than it was allocated",
    "negative-size-param": "passes a negative size",
    "memcpy-param-overlap": "copies between buffers that overlap",
    "strcpy-param-overlap": "copies between buffers that overlap",
    "strcat-param-overlap": "copies between buffers that overlap",
    "stack-overflow": "uses up its stack: calls that never end, or local arrays that are too large",
    "allocation-size-too-big": "asks for more memory than there can be",
    "FPE": "divides by zero",
    "SEGV": "{uses} memory that is not its own",
}
_NULL_POINTER: Final = "uses a null pointer"
_UNDEFINED: Final = "undefined-behavior"

_ERROR: Final = re.compile(r"==\d+==ERROR: AddressSanitizer: (?:attempting )?([A-Za-z][\w-]*)")
_USE: Final = re.compile(r"(READ|WRITE) (?:of size|memory access)|caused by a (READ|WRITE)")
_USES: Final = {"READ": "reads", "WRITE": "writes", "": "uses"}
_ZERO_PAGE: Final = "points to the zero page"
#: A function, which may have spaces in it, and a place, which begins with the first slash behind one.
_FRAME: Final = re.compile(r" +#\d+ 0x[0-9a-f]+ in ((?:(?! /).)+) (/.*?):(\d{1,9})(?::\d+)?$")
_RUNTIME_ERROR: Final = re.compile(r"([^\s:][^:]*):(\d{1,9}):\d+: runtime error: (.+)")
#: A report has about a hundred lines, its first stack some dozens; longer lines are no sanitizer's.  AddressSanitizer
#: reports once in each process, the other one once for each place.
_MOST_LINES: Final = 100
_MOST_REPORTS: Final = 20
_MOST_LINE_CHARACTERS: Final = 1000
#: ... and what is shown of one.
_SHOWN_CHARACTERS: Final = 160


class _Place(NamedTuple):
    """As a sanitizer names it."""

    file: str
    line: int
    function: str = ""


class _Found(NamedTuple):
    """`places`: of an error, the innermost first."""

    kind: str
    words: str
    places: list[_Place]


def worth_asking(checks: Iterable[CheckResult]) -> CheckResult | None:
    """The failure that wrong use of memory may explain, the most telling; None if there is none."""
    failed = [check for check in checks if check.outcome is Outcome.FAILED and check.reason in _MAY_EXPLAIN]
    return min(failed, key=lambda check: _MAY_EXPLAIN.index(check.reason or Reason.CRASHED), default=None)


def first_report(checks: Iterable[CheckResult], submission: Submission) -> SanitizerReport | None:
    """What a sanitizer has said first in these checks of a line that was handed in; None if nothing."""
    printed = [_complaints(check) for check in checks]
    found = (one for read in (_errors, _undefined) for text in printed for one in islice(read(text), _MOST_REPORTS))
    return next(filter(None, (_told(one, submission) for one in found)), None)


def beside(check: CheckResult, said: SanitizerReport) -> CheckResult:
    """The check with that beside its verdict; its hint no longer tells to do what has been done."""
    begin = f"Begin at {said.place.file}, line {said.place.line}: the second look (above) says what goes wrong there."
    hint = check.hint.replace(BUILD_WITH_SANITIZERS, begin)
    return structs.replace(check, sanitizer=said, hint=hint)


def _complaints(check: CheckResult) -> list[str]:
    """The lines of stderr in a check's transcript, without those that are too long."""
    events = (event for event in check.evidence if event.kind is EventKind.OUTPUT and event.text == "stderr")
    text = b"".join(event.data for event in events).decode("utf-8", "replace")
    return [line for line in text.splitlines() if len(line) <= _MOST_LINE_CHARACTERS]


def _errors(lines: list[str]) -> Iterator[_Found]:
    for at, line in enumerate(lines):
        if error := _ERROR.match(line):
            yield _error(error[1], lines[at + 1 : at + _MOST_LINES])


def _error(kind: str, behind: list[str]) -> _Found:
    """`behind`: the lines after the first; a stack ends at an empty one."""
    report = [*takewhile(str.strip, behind)]
    use = next(filter(None, map(_USE.search, report)), None)
    uses = _USES[next(filter(None, use.groups()), "") if use else ""]
    is_null = kind == "SEGV" and any(_ZERO_PAGE in line for line in report)
    words = _NULL_POINTER if is_null else _MEANINGS.get(kind, "uses memory wrongly").format(uses=uses)
    frames = filter(None, map(_FRAME.match, report))
    return _Found(kind, words, [_Place(frame[2], int(frame[3]), frame[1]) for frame in frames])


def _undefined(lines: list[str]) -> Iterator[_Found]:
    for line in lines:
        if error := _RUNTIME_ERROR.match(line):
            words = f"does something that the language leaves undefined: {error[3][:_SHOWN_CHARACTERS]}"
            yield _Found(_UNDEFINED, words, [_Place(error[1], int(error[2]))])


def _told(found: _Found, submission: Submission) -> SanitizerReport | None:
    """With the innermost place in a file that was handed in."""
    for place in found.places:
        if file := _own(place.file, submission.files):
            return SanitizerReport(
                kind=found.kind,
                words=found.words,
                place=SourceLine(file=file, line=place.line),
                function=re.sub(r"\(.*", "", place.function)[:_SHOWN_CHARACTERS],
                source=_line(submission, file, place.line),
            )
    return None


def _own(path: str, files: Iterable[str]) -> str:
    """The file that a compiler calls so, by its whole path or by one below some folder of the build; else empty."""
    path = re.sub(r"^(?:\.\./)+", "", normpath(path))
    below = [name for name in files if f"/{path}".endswith(f"/{name}")]
    above = [name for name in files if name.endswith(f"/{path}")]
    return max(below, key=len, default="") or (above[0] if len(above) == 1 else "")


def _line(submission: Submission, file: str, line: int) -> str:
    text = bytes(submission.contents()[file]).decode("utf-8", "replace").splitlines()
    return text[line - 1].strip()[:_SHOWN_CHARACTERS] if 0 < line <= len(text) else ""
