"""How runtimes say that a program has let an error through: a traceback, a stack trace, a panic; and where.

Each text is the runtime's own, at the beginning of a line, or behind a prompt where nothing else looks like it.  None
takes more than one pass over what is printed; a place is looked for in the end of it, and in lines of bounded length.
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


#: How each names a place: groups `f` (function, may be missing), `file` and `line`, the innermost first but for Python.
_PYTHON_FRAME: Final = rb'^ +File "(?P<file>[^"\n]+)", line (?P<line>\d+)(?:, in (?P<f>[^\n]+))?\r?$'
_FRAMES: Final = {
    "HotSpot": rb"^\tat (?P<f>(?:[\w$]+\.)+[\w$<>]+)\((?P<file>[^():\n]+):(?P<line>\d+)\)\r?$",
    "Go": rb"^(?P<f>\S[^\n]*)\([^\n]*\)\n\t(?P<file>[^\n:]+):(?P<line>\d+)(?: \+0x[0-9a-f]+)?$",
    "V8": rb"^ +at (?:(?P<f>[^\n()]+) \()?(?:file://)?(?P<file>/[^\n()]+?):(?P<line>\d+):\d+\)?\r?$",
    "V8, a place alone": rb"^(?:file://)?(?P<file>/[^\n:]+):(?P<line>\d+)$",
    "Rust": rb"^thread '[^'\n]*'(?: \(\d+\))? panicked at (?:'[^\n]*', )?(?P<file>[^\n:']+):(?P<line>\d+):\d+:?$",
    "sanitizers": rb"^ +#\d+ 0x[0-9a-f]+ in (?P<f>[^\n]+?) (?P<file>/[^\n:]+):(?P<line>\d+)(?::\d+)?$",
    "Ruby": rb"^(?:\tfrom )?(?P<file>[^\s:]+\.rb):(?P<line>\d+):in [`'](?P<f>[^'\n]*)'",
    "Perl": rb" at (?P<file>[^\s]+) line (?P<line>\d+)\.$",
}
_PLACES: Final = [re.compile(pattern, re.MULTILINE) for pattern in _FRAMES.values()]
_OF_PYTHON: Final = re.compile(_PYTHON_FRAME, re.MULTILINE)
#: Of a longer trace the end that matters is in the report anyway.
_TRACED_BYTES: Final = 1 << 16
#: Lines that no runtime prints, and in which a pattern might look for its end from a thousand beginnings.
_LONG_LINES: Final = re.compile(rb"^[^\n]{1000,}", re.MULTILINE)


def frames(printed: bytes) -> list[tuple[str, str, int]]:
    """The places that a program's last trace names, as (function, file, line), the innermost first; none without one.

    They are the program's words: whoever shows them looks whether there is such a file.
    """
    if not shows_traceback(printed):
        return []
    text = _LONG_LINES.sub(b"", printed[-_TRACED_BYTES:])
    if at := text.rfind(b"Traceback (most recent call last):") + 1:
        return [*map(_place, _OF_PYTHON.finditer(text, at))][::-1]
    found = next(filter(None, ([*pattern.finditer(text)] for pattern in _PLACES)), [])
    return [*map(_place, found)]


def _place(found: re.Match[bytes]) -> tuple[str, str, int]:
    named = {name: (value or b"").decode("utf-8", "replace") for name, value in found.groupdict().items()}
    return named.get("f", ""), named["file"], int(named["line"][:9])
