"""Which lines of its own source a program's stacks lead to, and what these lines say.

Own is a file that lies in the work folder and in no folder of libraries.  Of each thread only its innermost own frame
counts, and what it calls there says how much it tells: a thread that runs more than one that waits for a client, that
more than one that waits for anybody to come, and that more than one that waits for other threads.

Standard library only; apart from the files that `Files` reads it is pure.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, Literal

from grader.link.places import CALLED_FROM, FOR_ANYBODY
from grader.sandbox.stacks import Frame, Stack

#: A reader needs one place or two.
_MOST_PLACES: Final = 2
#: A line of source, and how many are shown before and after it.
_MOST_CHARACTERS: Final = 160
_AROUND: Final = 1
_MOST_FILE_BYTES: Final = 1 << 20
#: Files that are looked through for one that is known by its name only.
_MOST_FILES: Final = 20_000
#: Folders below the work folder with other people's code.
_LIBRARIES: Final = ("site-packages", "node_modules", ".cargo", "vendor")

#: What a thread calls, by the name alone, that moves a client's bytes, waits for anybody to come, or for other threads;
#: the first row counts that fits anything that it calls.
_MOVES_BYTES: Final = re.compile(r"(?<![A-Za-z])(?:read|recv|write|send)|Read|Recv|Write|Send")
_FOR_ANYBODY: Final = re.compile(r"accept|select|^_*p?poll|epoll_p?wait|kevent", re.IGNORECASE)
_FOR_THREADS: Final = re.compile(r"join|futex|cond_|park|wait|sem_|lock", re.IGNORECASE)
_RUNS, _FOR_A_CLIENT, _AT_THE_DOOR, _BETWEEN_THREADS = range(4)
#: What a line of source calls, in most languages.
_CALLS: Final = re.compile(r"\w+(?=\()")
#: How functions are called that move bytes for others.
_HELPS: Final = re.compile(r"read|recv|receive|write|send|line|reply|respond|transmit|emit|say", re.IGNORECASE)
#: How Python calls a file's own code.
_SCRIPT: Final = "<module>"

#: What a program is at fault for: it has not done something, and is where it waits instead; it has done something, and
#: where it waits for anybody else since says nothing; or most of its threads and processes should be gone.
About = Literal["lacking", "done", "left"]


class Files:
    """The files that a program may have been made from: those in its work folder."""

    def __init__(self, work: str) -> None:
        self._work = work

    def own(self, file: str) -> str | None:
        """The path in the work folder that a stack calls so; None if it is no file of the program's own.

        A stack may know a file by its whole path, by its path below the work folder, or by its name in its package.
        """
        if not file:
            return None
        path = os.path.normpath(os.path.join(self._work, file))
        if path.startswith(f"{self._work}/") and os.path.isfile(path):
            return None if _of_library(path[len(self._work) + 1 :]) else path
        if os.path.isabs(file):
            return None
        found = self._by_name.get(os.path.basename(file), ())
        return next((path for path in found if path.endswith(f"/{file}")), found[0] if len(found) == 1 else None)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        seen = 0
        for folder, folders, names in os.walk(self._work):
            folders[:] = sorted(name for name in folders if name not in _LIBRARIES)
            for name in names:
                found.setdefault(name, []).append(os.path.join(folder, name))
            seen += len(names)
            if seen > _MOST_FILES:
                break
        return found

    def told(self, frame: Frame, how: str = "") -> dict[str, Any]:
        """A place as the driver is told it, with the lines around it.  `how`: how it was found, in words."""
        path = self.own(frame.file) or ""
        first = max(1, frame.line - _AROUND)
        return {
            "file": os.path.relpath(path, self._work)[:_MOST_CHARACTERS],
            "line": frame.line,
            "function": plain(frame.function)[:_MOST_CHARACTERS],
            "first": first,
            "source": lines_of(path, first, frame.line + _AROUND),
            "how": how,
        }


def _of_library(path: str) -> bool:
    return any(part in _LIBRARIES for part in path.split("/")[:-1])


def plain(function: str) -> str:
    """A function's name as its author wrote it: without Go's package main, Java's package and Rust's hash and crate."""
    name = re.sub(r"::h[0-9a-f]{16}$", "", function)
    if re.match(r"(?:std|core|alloc)::", name):
        return ""  # a closure of its own, in the function that has called it
    name = re.sub(r"^main\.|^(?:[a-z_]\w*\.)+(?=[A-Z])", "", name)
    return re.sub(r"^[a-z_]\w*::(?=\w+(?:::\{closure.*)?$)", "", name)


def lines_of(path: str, first: int, last: int) -> list[str]:
    """Lines of a regular file; none if it isn't one or can't be read."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            text = file.read(_MOST_FILE_BYTES).decode("utf-8", "replace")
        return [line.expandtabs(4)[:_MOST_CHARACTERS] for line in text.splitlines()[first - 1 : last]]
    return []


def own_frames(stacks: Iterable[Stack], files: Files, now: Collection[int]) -> Iterator[tuple[int, Frame]]:
    """Each thread's innermost own frame, with how much it tells (the less the number, the more).

    `now`: the threads that are running.
    """
    for stack in stacks:
        own = [at for at, frame in enumerate(stack.frames) if files.own(frame.file)]
        if own:
            runs = stack.running or (stack.tid in now if stack.tid else bool(now))
            place, callers = stack.frames[own[0]], (stack.frames[at] for at in own[1:])
            caller = next((frame for frame in callers if frame.function != place.function), None)
            called = [re.split(r"[.:]", frame.function)[-1] for frame in stack.frames[: own[0]]]
            line = "".join(lines_of(files.own(place.file) or "", place.line, place.line))
            rank = _RUNS if runs else _rank(called or _CALLS.findall(line))
            yield rank, place._replace(caller=_called_from(caller, place))


def _called_from(caller: Frame | None, helper: Frame) -> str:
    """Who called a function that only receives or sends; any other says enough by itself."""
    if caller is None or caller.function == _SCRIPT or not _HELPS.search(plain(helper.function)):
        return ""
    return f"{CALLED_FROM} line {caller.line} in {plain(caller.function)}"


def _rank(called: Sequence[str]) -> int:
    """How much a thread tells by what it calls: by name, or what its line calls where a runtime does not show that."""
    rows = {_MOVES_BYTES: _FOR_A_CLIENT, _FOR_ANYBODY: _AT_THE_DOOR, _FOR_THREADS: _BETWEEN_THREADS}
    return next((rank for words, rank in rows.items() if any(map(words.search, called))), _FOR_A_CLIENT)


def chosen(looks: Sequence[Sequence[tuple[int, Frame]]], about: About = "lacking") -> list[tuple[Frame, str]]:
    """The places that say most, each once, with how they were found and who called them, in words.

    `looks`: what `own_frames` gives at each; more than one if a thread was running, and then the line counts that such
    threads were met at most often.
    """
    if len(looks) > 1:
        met = Counter(frame for look in looks for rank, frame in look if rank == _RUNS)
        if met and about == "done":
            return []  # it goes on with something else
        if met:
            frame, times = met.most_common(1)[0]
            return [told(frame, f"seen there in {times} of {len(looks)} looks")]
    if not looks or not looks[0]:
        return []
    if about == "left":
        met = Counter(frame for _, frame in looks[0])
        return [told(met.most_common(1)[0][0], "where most of them are")]
    best = min(rank for rank, _ in looks[0])
    if about == "done" and best >= _AT_THE_DOOR:
        return []
    telling = dict.fromkeys(frame for rank, frame in looks[0] if rank == best)
    how = FOR_ANYBODY if best == _AT_THE_DOOR else ""
    return [told(frame, how) for frame in [*telling][:_MOST_PLACES]]


def told(frame: Frame, how: str = "") -> tuple[Frame, str]:
    """A frame, and in words how it was found and who called it."""
    return frame, ", ".join(filter(None, (how, frame.caller)))
