"""What of a build's log a student must see first, and the line of the source that it names.  Pure."""

from __future__ import annotations

import re
from typing import Final

from grader.model import SourceLine
from grader.report.safe import one_line

# How compilers begin the line that reports an error.  Such a line is only quoted; no hint is derived from it.
_FAULTS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"^.+?:\d+(:\d+)?: (fatal )?error\b",  # gcc, clang, javac
        r"^.+?\.go:\d+:\d+: ",
        r"undefined reference to ",
        r"^error(\[\w+\])?: ",  # rustc
        r"^\w*Error: ",
        r"^make(\[\d+\])?: \*\*\* ",
    )
)

#: The lines that name a file and one of its lines: those of gcc, clang and javac, and of go.
_FAULT_PLACES: Final = tuple(
    re.compile(rf"(?:\./)?(?P<file>[^\s:][^:]{{0,200}}){ending}")
    for ending in (r":(?P<line>\d{1,7})(?::\d+)?: (?:fatal )?error\b", r"(?<=\.go):(?P<line>\d{1,7}):\d+: ")
)


def first_fault(log: str) -> str:
    """The first line of a build's log that reports an error; else its last line; else that it printed nothing."""
    said = [line for line in map(one_line, log.splitlines()) if line]
    named = (line for line in said if any(fault.search(line) for fault in _FAULTS))
    return next(named, said[-1] if said else "the build printed nothing; run its command by hand")


def fault_place(log: str) -> SourceLine | None:
    """The line that a compiler names in the first error of a build's log; what it says is the student's text, too."""
    tried = (pattern.match(line) for line in log.splitlines() for pattern in _FAULT_PLACES)
    found = next(filter(None, tried), None)
    return SourceLine(file=one_line(found["file"]), line=int(found["line"])) if found else None
