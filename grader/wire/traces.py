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

#: What asyncio itself reports of a client's handler that is cancelled because the loop ends (seen
#: with Python 3.11.7): no program can keep it from that.
_CANCELLED: Final = (
    rb"Traceback \(most recent call last\):\r?\n(?:[ \t].*\n)+"
    rb"(?:asyncio\.exceptions\.CancelledError|KeyboardInterrupt)\r?\n?"
)
_BEHIND: Final = rb"\r?\nDuring handling of the above exception, another exception occurred:\r?\n\r?\n"
_OF_ASYNCIO: Final = re.compile(
    rb"^Exception in callback StreamReaderProtocol\..*\n(?:handle: .*\n)?%b(?:%b%b)*"
    % (_CANCELLED, _BEHIND, _CANCELLED),
    re.MULTILINE,
)


def shows_traceback(printed: bytes | bytearray) -> bool:
    """Whether it holds a runtime's own words for an error that nobody has caught."""
    return _ANY.search(_OF_ASYNCIO.sub(b"", printed)) is not None
