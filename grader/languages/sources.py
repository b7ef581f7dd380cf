"""A submission as the rules of `languages` see it: names, and the text of files small enough to be source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

from grader.model import Transport
from grader.submission import Submission, shown

#: Sources that students write are tens of kilobytes.
_SOURCE_BYTES: Final = 1 << 20
#: How object files, programs and libraries begin: Linux's (elf(5), ar(5)), macOS's in either word size and for several
#: processors, which is how a Java class begins too, and Windows'.
_COMPILED: Final = (
    *(b"\x7fELF", b"!<arch>\n"),
    *(b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe"),
    b"MZ\x90\0",
)

#: Never the program: files for packaging, for test tools and for compilers alone.
_SIDE_FILE: Final = re.compile(
    r"(__init__|setup|conftest|package-info|module-info|build|gulpfile|gruntfile|noxfile|fabfile"
    r"|test_.*|.*_tests?|.*\.(?:test|spec|config|conf|d))\.\w+",
    re.IGNORECASE,
)
#: Folders whose programs are never meant: tests, old versions, other people's code.
_SIDE_FOLDERS: Final = frozenset(
    {
        *("test", "tests", "old", "backup", "bak", "example", "examples", "doc", "docs", "vendor", "third_party"),
        *("dist", "site-packages", "thirdparty", "external", "benches", "benchmark", "sample", "samples"),
    }
)
#: Words in a name for what was there before: `server_old.py`, `backup 2/`.
_OLD: Final = frozenset({"old", "backup", "bak", "orig", "deprecated", "unused"})
#: A version at a name's end: `server_v2.py`; `server_final.py`, and then `server_final2.py` or `server_final_final.py`.
_VERSION: Final = re.compile(
    r"(?P<stem>.*?)(?:[\s._-]?v(?:ersion)?[\s._-]?(?P<number>\d{1,3})"
    r"|(?P<finals>(?:[\s._-]?final)+)[\s._-]?(?P<last>\d{0,3}))",
    re.IGNORECASE,
)
#: What file managers call a second one: `Copy of server`, `server - Copy (2)`, `server copy`.
_SECOND: Final = re.compile(r"copy of .*|.* (?:- )?\(?(?:copy|kopie|copia|copie)\)?(?: ?\(?\d+\)?)?", re.IGNORECASE)


class Sources:
    """The files of a submission, with their texts.

    `transport`: what the programs that are looked for speak; None if that is not known.
    """

    def __init__(self, submission: Submission, transport: Transport | None = None) -> None:
        self.submission = submission
        self.transport = transport
        self.files = submission.files
        self.taken = frozenset({*submission.files, *submission.folders})
        self._contents = submission.contents()
        self._texts: dict[str, str] = {}

    def text(self, name: str) -> str:
        """A file's text, without a byte order mark; its lines end as they do in the file."""
        if name not in self._texts:
            self._texts[name] = self.head(name).decode("utf-8-sig", "replace")
        return self._texts[name]

    def head(self, name: str, most_bytes: int = _SOURCE_BYTES) -> bytes:
        """The first bytes of a file, by default as many as a source has at most."""
        return bytes(self._contents[name][:most_bytes])

    @cached_property
    def compiled(self) -> tuple[str, ...]:
        """Programs, object files and libraries that were handed in, built on some unknown machine."""
        longest = max(map(len, _COMPILED))
        return tuple(name for name in self.files if self.head(name, longest).startswith(_COMPILED))

    def with_suffix(self, suffixes: Iterable[str], folder: str = "") -> list[str]:
        """The files with one of these suffixes (in lower case) in a folder or below it."""
        wanted = frozenset(suffixes)
        return [
            name
            for name in self.files
            if PurePosixPath(name).suffix.lower() in wanted and is_below(name, folder) and not is_hidden(name)
        ]

    def in_folder(self, folder: str) -> list[str]:
        """The names of the files directly in a folder."""
        return [PurePosixPath(name).name for name in self.files if folder_of(name) == folder]


def folder_of(name: str) -> str:
    """The folder that a file is in; "" for the root."""
    return name.rpartition("/")[0]


def joined(folder: str, name: str) -> str:
    """A path in a folder, which may be the root."""
    return f"{folder}/{name}" if folder else name


def is_below(name: str, folder: str) -> bool:
    """Whether a file is in a folder or below it."""
    return not folder or name.startswith(f"{folder}/")


def is_hidden(name: str) -> bool:
    """Whether `ls` would not show a file, or a folder that it is in: what editors and tools keep for themselves."""
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def is_side_file(name: str) -> bool:
    """Whether a file is only there for a tool, judging by its name."""
    return _SIDE_FILE.fullmatch(PurePosixPath(name).name) is not None


def is_aside(name: str) -> bool:
    """Whether a file is in a folder whose programs are never meant."""
    return any(part.lower() in _SIDE_FOLDERS or _says_old(part) for part in PurePosixPath(name).parent.parts)


def is_old(name: str) -> bool:
    """Whether a file's own name says that there is a newer one."""
    return _says_old(PurePosixPath(name).stem)


def in_utf_16(sources: Sources, name: str) -> Iterator[str]:
    """A sentence about a source that is saved as some editors and consoles on Windows do, which nothing can read."""
    if sources.head(name, 2) in {b"\xff\xfe", b"\xfe\xff"}:
        yield f"{shown(name)} is saved as UTF-16, which compilers and interpreters don't read: save it as UTF-8"


def newest(names: list[str]) -> list[str]:
    """Without earlier versions, as their names say: `server_v1.py` beside `server_v2.py`."""
    newest_of: dict[tuple[str, str], tuple[int, int]] = {}
    found = {name: _VERSION.fullmatch(PurePosixPath(name).stem) for name in names}
    versions = {
        name: ((folder_of(name), match["stem"].lower()), _version(match)) for name, match in found.items() if match
    }
    for family, version in versions.values():
        newest_of[family] = max(version, newest_of.get(family, version))
    return [name for name in names if name not in versions or newest_of[versions[name][0]] == versions[name][1]]


def _version(match: re.Match[str]) -> tuple[int, int]:
    """A name's version, so that a later one is greater: how often it says "final", and its number."""
    return (match["finals"] or "").lower().count("final"), int(match["number"] or match["last"] or 0)


def _says_old(part: str) -> bool:
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", part)}
    return not _OLD.isdisjoint(words) or _SECOND.fullmatch(part) is not None
