"""What members of every kind of archive have in common: names, links, and what a parser says of damaged ones."""

from __future__ import annotations

import lzma
import os
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from grader.errors import UsageError
from grader.limits import MAX_MEMBERS
from grader.submission.names import shown
from grader.submission.tree import Tree

#: Members of an archive, including those that are left out: a `node_modules` has tens of thousands.
MAX_LISTED: Final = MAX_MEMBERS * 10
#: Links that lead to links: Linux gives up after 40 (path_resolution(7)).
_MAX_LINKS: Final = 40
#: What a parser says, as a student understands it.  A zip archive is read from its end, which is its list of contents.
_PLAINLY: Final = {
    "File is not a zip file": "its end is missing, as after an upload or a download that broke off",
    "Compressed file ended before the end-of-stream marker was reached": "its end is missing, as after an upload or a "
    "download that broke off",
}
#: What the parsers raise for damaged archives.
_BROKEN: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,  # includes NotImplementedError and RecursionError
    MemoryError,
)


class BrokenArchiveError(UsageError):
    """An archive that can't be parsed."""


def member_name(name: str, tree: Tree) -> str:
    """An archive member's name in its plain form; "" for the archive's root.

    A backslash is a separator, as some Windows tools write it.  Raises UsageError for a name that could lead out of the
    folder it is unpacked in, on any system.
    """
    name = name.replace("\\", "/")
    faults = {
        "has a NUL character in its name": "\0" in name,
        "has an absolute path": name.startswith("/"),
        "has a drive letter in its path": re.match(r"[A-Za-z]:", name) is not None,
        "leads out of the archive with '..'": ".." in name.split("/"),
    }
    for fault, applies in faults.items():
        if applies:
            raise UsageError(f"{tree.source}: member {shown(name)} {fault}")
    return "/".join(part for part in name.split("/") if part not in {"", "."})


@contextmanager
def parsing(kind: str, tree: Tree) -> Iterator[None]:
    """Whatever a parser raises in here for a damaged archive of this kind is raised as BrokenArchiveError."""
    try:
        yield
    except _BROKEN as error:
        detail = _PLAINLY.get(str(error)) or shown(str(error) or type(error).__name__)[1:-1]
        raise BrokenArchiveError(f"{tree.source} is a broken {kind} archive: {detail}") from error


def add_links(links: dict[str, str], tree: Tree) -> None:
    """Add links as the files they lead to.  `links`: member name -> target, relative to the archive's root."""
    targets = {name: os.path.normpath(target) for name, target in links.items()}
    for name in links:
        end = name
        for _ in range(_MAX_LINKS):
            end = targets.get(end, end)
        if "\0" in end or end.startswith(("/", "../")) or end == "..":
            tree.note(name, "a link that leads out of the archive")
        elif end not in tree.files:
            tree.note(name, f"a link to {shown(end)}, which is not a file in the archive")
        else:
            tree.add_copy(name, tree.files[end])
