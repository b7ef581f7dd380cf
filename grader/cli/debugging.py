"""A program's command under a debugger, with a breakpoint where the report says that the program was.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from grader.errors import UsageError
from grader.model import SourceLine

#: Interpreters for which a debugger is known, and others, whose programs can't be debugged as if they were compiled.
_OTHERS: Final = frozenset({"java", "node", "ruby", "perl", "sh", "bash", "kotlin", "dotnet", "tsx", "deno"})


def under_debugger(run: Sequence[str], place: SourceLine | None) -> list[str]:
    """The command that debugs what `run` starts: pdb for Python, gdb for what is compiled.

    With a place it runs up to there; without one it waits for what you want.

    Raises:
        UsageError: no debugger is known for it.
    """
    name = PurePosixPath(run[0]).name
    if name.startswith("python"):
        return _pdb(run, place)
    if name in _OTHERS:
        raise UsageError(f"--debug knows pdb for Python and gdb for compiled programs, and none for {name}")
    return _gdb(run, place)


def not_optimized(build: Sequence[str]) -> list[str]:
    """The command that builds a program so that a debugger knows all its variables."""
    return ["-O0" if _OPTIMIZES.fullmatch(word) else word for word in build]


#: What tells gcc and g++ how much to do (gcc(1)).
_OPTIMIZES: Final = re.compile(r"-O([0-3gs]|fast)?")


def _pdb(run: Sequence[str], place: SourceLine | None) -> list[str]:
    commands = ["-c", f"break {place.file}:{place.line}", "-c", "continue"] if place else []
    options = [word for word in run[1:] if word.startswith("-")] if len(run) > 1 and run[1].startswith("-") else []
    return [run[0], *options, "-m", "pdb", *commands, *run[1 + len(options) :]]


def _gdb(run: Sequence[str], place: SourceLine | None) -> list[str]:
    commands = ["-ex", f"break {place.file}:{place.line}", "-ex", "run"] if place else []
    return ["gdb", "-q", *commands, "--args", *run]


def filled(run: Sequence[str], filling: Mapping[str, str], which: Callable[[str], str | None]) -> list[str]:
    """A command with its placeholders replaced.

    Raises:
        UsageError: its program isn't installed here.
    """
    words = [*run]
    for name, value in filling.items():
        words = [word.replace(f"{{{name}}}", value) for word in words]
    if "/" not in words[0] and which(words[0]) is None:
        raise UsageError(f"{words[0]} isn't installed here")
    return words
