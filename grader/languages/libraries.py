"""Libraries that a build did not find: named from the words of the compilers, with what there is instead.

The words are a build's, so a student may have written them: they only choose a hint.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from grader.submission import shown

#: How each tool says that it has not found something, and what there is in any case.
_MISSING: Final = (
    (
        re.compile(r"^[^\n]{1,300}: error: package ([\w.]{1,100}) does not exist$", re.MULTILINE),
        "what Java itself brings",
    ),
    (
        re.compile(r"^[^\n]{1,300}: fatal error: ([\w./+-]{1,100}): No such file or directory$", re.MULTILINE),
        "the headers of C, C++ and Linux",
    ),
    (re.compile(r"\bno matching package named `([\w-]{1,100})` found"), "Rust's standard library"),
    (re.compile(r"\bcan't find crate for `(\w{1,100})`"), "Rust's standard library"),
    (re.compile(r"\bno required module provides package ([^\s;:]{1,200})"), "Go's standard library"),
    (re.compile(r"\bpackage ([^\s;:]{1,200}) is not in (?:GOROOT|std)\b"), "the standard library of the installed Go"),
    (re.compile(r"^go: downloading ([^\s]{1,200}) v[^\n]*\n[^\n]*GOPROXY=off", re.MULTILINE), "Go's standard library"),
    (re.compile(r"^go: ([^\s@]{1,200})@v[^\n]*: module lookup disabled", re.MULTILINE), "Go's standard library"),
)


def missing_library(log: str, libraries: Sequence[str] | None = ()) -> str:
    """What to do about a library that a build did not find; empty if its log names none.

    `libraries`: what an assignment allows besides what languages bring; None: nobody knows.
    """
    found = [(match.start(), match[1], usual) for missing, usual in _MISSING if (match := missing.search(log))]
    if not found:
        return ""
    _, name, usual = min(found)
    more = f", {', '.join(libraries)}" if libraries else ""
    there = f": only {usual}{more} and what was handed in are available" if libraries is not None else ""
    return (
        f"There is no {shown(name)} where programs are built{there}. If it is your own file, hand it in together with "
        "the program; if it is a library, do without it."
    )
