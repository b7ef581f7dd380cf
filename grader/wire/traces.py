"""How runtimes say that a program has let an error through: a traceback, a stack trace, a panic.

Each text is the runtime's own, at the beginning of a line, or behind a prompt where nothing else looks like it.  None
takes more than one pass over what is printed.
"""

from __future__ import annotations

import re
from typing import Final

#: By runtime, in the order of how often students meet them.
_TRACES: Final = {
    "Python": rb"Traceback \(most recent call last\):|^(?:Syntax|Indentation|Tab)Error:",
    "HotSpot": rb'Exception in thread "|^[ \t]+at [^\s()]+\([^()]*\)\r?$',
    "Go": rb"^goroutine [0-9]+ \[",
    "V8": rb"^[ \t]+at .*:[0-9]+:[0-9]+\)?\r?$",
    "Rust": rb"^thread '[^']*'(?: \([0-9]+\))? panicked at ",
    "C++": rb"^terminate called ",
    ".NET": rb"^Unhandled exception\. ",
    "Ruby": rb"^\S+:[0-9]+:in [`']",
}
_ANY: Final = re.compile(b"|".join(_TRACES.values()), re.MULTILINE)


def shows_traceback(printed: bytes | bytearray) -> bool:
    """Whether it holds a runtime's own words for an error that nobody has caught."""
    return _ANY.search(printed) is not None
