r"""Mutants: a wrong program as a right one with a change that can be seen.  Pure: files' bytes in, files' bytes out.

`reference/<assignment>/mutants.toml` has a table for each:

    [forgets_reuseaddr]
    of = "good/threads.py"

    [[forgets_reuseaddr.change]]
    old = "    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    new = ""

Each `old` occurs exactly once in its file, so that a right program that changes either keeps its mutants or says which
of them no longer fits.  `file` names the file where the right program is a folder.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

MUTANTS: Final = "mutants.toml"


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`old` becomes `new`; both are text in UTF-8.  `file`: in which file of a folder, by its path in it."""

    old: str
    new: str
    file: str = ""


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A right program, `of`, by its path below the reference folder, and what is changed in it."""

    of: str
    change: tuple[Change, ...]


class CannotMutateError(Exception):
    """A change does not fit the program.  Its text is a sentence that names no mutant."""


def mutated(files: Mapping[str, bytes], mutant: Mutant) -> dict[str, bytes]:
    """The files of a wrong program, by path; `files` are the right one's, a single file under the empty path.

    Raises:
        CannotMutateError: a text does not occur, or more than once; two changes overlap; nothing is changed.
    """
    unknown = [change.file for change in mutant.change if change.file not in files]
    if unknown:
        there = ", ".join(sorted(files)) if "" not in files else "no file to be named, since it is a single one"
        message = f"{mutant.of} has no file {unknown[0]!r}: it has {there}"
        raise CannotMutateError(message)
    changed = {path: _changed(data, path or mutant.of, mutant, path) for path, data in files.items()}
    if changed == dict(files):
        message = f"it is the same as {mutant.of}: nothing is changed"
        raise CannotMutateError(message)
    return changed


def _changed(data: bytes, name: str, mutant: Mutant, path: str) -> bytes:
    places = sorted(_place(data, name, change) for change in mutant.change if change.file == path)
    parts, at = [], 0
    for begin, end, new in places:
        if begin < at:
            message = f"two of its changes overlap in {name}"
            raise CannotMutateError(message)
        parts += [data[at:begin], new]
        at = end
    return b"".join([*parts, data[at:]])


def _place(data: bytes, name: str, change: Change) -> tuple[int, int, bytes]:
    """Where a change begins and ends, and what comes there."""
    old = change.old.encode()
    count = data.count(old) if old else 0
    if count != 1:
        how_often = f"{count} times" if count else "not at all"
        message = f"{_shortened(change.old)} occurs {how_often} in {name}: it must occur exactly once"
        raise CannotMutateError(message)
    begin = data.index(old)
    return begin, begin + len(old), change.new.encode()


#: The lines of a diff that name its two files.
_DIFF_HEADER: Final = 2
#: So much of a text is quoted in a message.
_QUOTED_CHARACTERS = 60


def _shortened(text: str) -> str:
    return repr(text) if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]!r}…"


def difference(files: Mapping[str, bytes], mutant: Mutant, name: str) -> Iterator[str]:
    """What is changed in the right program, as the lines of a unified diff, without line endings.

    Each file's begins with a sentence: dashes and plus signs mean something to some CI systems.
    """
    changed = mutated(files, mutant)
    for path, data in files.items():
        lines = [*difflib.unified_diff(_lines(data), _lines(changed[path]), lineterm="")]
        if lines:
            right, wrong = ("/".join(filter(None, (folder, path))) for folder in (mutant.of, name))
            yield f"{right} becomes {wrong}:"
            yield from lines[_DIFF_HEADER:]


def _lines(data: bytes) -> list[str]:
    return data.decode(errors="backslashreplace").splitlines()
