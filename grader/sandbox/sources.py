"""Where in its own source a program is: its threads' innermost frames whose file is one that was handed in.

The tools that know how to read a stack (py-spy for Python, eu-stack for what a compiler has made with -g) run as the
program's own user, so they have no right that the program lacks, outside its filter, which forbids tracing.  A hostile
program may kill them, feed them nonsense or make them slow: they have a second, little memory, and what they print is
text, read up to a limit.  A tool that is missing or fails leaves nothing known, which costs nobody anything.

Standard library only.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

#: py-spy takes 30 to 80 ms and eu-stack 0.2 ms a frame; more than this no reader would wait for a line.
_TOOL_S: Final = 0.4
#: py-spy maps what it reads; 1 GiB of addresses is ten times what it was seen to take.
_TOOL_BYTES: Final = 1 << 30
_MOST_PRINTED_BYTES: Final = 1 << 18
#: Of a program with many processes and threads, the first ones: a reader needs one place or two.
_MOST_PROCESSES: Final = 2
_MOST_PLACES: Final = 3
#: A line of source, and how many are shown before and after it.
_MOST_CHARACTERS: Final = 160
_AROUND: Final = 1
_MOST_FILE_BYTES: Final = 1 << 20

#: A frame of eu-stack -s: the function at the end of its line, then the file and the line on the next.
_FRAME: Final = re.compile(r"^#\d+\s+0x[0-9a-f]+(?: - \d+)?\s+(\S+).*\n\s+(\S+?):(\d+)(?::\d+)?$", re.MULTILINE)


class Frame(NamedTuple):
    """A place in a source file."""

    file: str
    line: int
    function: str


def places(pids: Iterable[int], work: str) -> list[dict[str, Any]]:
    """The places in files below `work` where these processes are, each once, with lines of source around each."""
    found: dict[Frame, None] = {}
    for pid in [*pids][:_MOST_PROCESSES]:
        for stack in _stacks(pid):
            own = next((frame for frame in stack if _is_own(frame, work)), None)
            if own:
                found.setdefault(own)
    return [_told(frame, work) for frame in [*found][:_MOST_PLACES]]


def _is_own(frame: Frame, work: str) -> bool:
    path = os.path.normpath(os.path.join(work, frame.file))
    return path.startswith(f"{work}/") and "/site-packages/" not in path and os.path.isfile(path)


def _stacks(pid: int) -> Iterator[list[Frame]]:
    """Each thread's frames, the innermost first."""
    with suppress(OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        tool, argv, read = _PYTHON if program.startswith("python") else _COMPILED
        path = _which(tool)
        if path:
            yield from read(_printed([path, *argv, str(pid)]))


def _which(tool: str) -> str | None:
    """The tool, if it is on the path or beside the interpreter that runs this."""
    beside = os.path.join(os.path.dirname(sys.executable), tool)
    return beside if os.access(beside, os.X_OK) else shutil.which(tool)


def _printed(argv: list[str]) -> str:
    """What a tool prints in its time, up to a limit."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (_TOOL_BYTES, _TOOL_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    # preexec_fn is safe here: this process is a fork of the warden, which has one thread.
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath},
        preexec_fn=bounded,  # noqa: PLW1509
    ) as tool:
        try:
            words, _ = tool.communicate(timeout=_TOOL_S)
        except subprocess.TimeoutExpired:
            tool.kill()
            raise
    return words[:_MOST_PRINTED_BYTES].decode("utf-8", "replace")


def _of_py_spy(words: str) -> Iterator[list[Frame]]:
    for thread in json.loads(words):
        yield [Frame(str(one["filename"]), int(one["line"]), str(one["name"])) for one in thread["frames"]]


def _of_eu_stack(words: str) -> Iterator[list[Frame]]:
    for thread in words.split("\nTID ")[:100]:
        yield [Frame(found[2], int(found[3]), found[1]) for found in _FRAME.finditer(thread)]


_Tool = tuple[str, list[str], Callable[[str], Iterator[list[Frame]]]]
_PYTHON: Final[_Tool] = ("py-spy", ["dump", "--json", "--nonblocking", "--pid"], _of_py_spy)
_COMPILED: Final[_Tool] = ("eu-stack", ["-s", "-p"], _of_eu_stack)


def _told(frame: Frame, work: str) -> dict[str, Any]:
    path = os.path.normpath(os.path.join(work, frame.file))
    first = max(1, frame.line - _AROUND)
    return {
        "file": os.path.relpath(path, work)[:_MOST_CHARACTERS],
        "line": frame.line,
        "function": frame.function[:_MOST_CHARACTERS],
        "first": first,
        "source": _lines(path, first, frame.line + _AROUND),
    }


def _lines(path: str, first: int, last: int) -> list[str]:
    """Lines of a regular file; none if it isn't one or can't be read."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            text = file.read(_MOST_FILE_BYTES).decode("utf-8", "replace")
        return [line[:_MOST_CHARACTERS] for line in text.splitlines()[first - 1 : last]]
    return []
