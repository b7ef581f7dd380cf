"""What is collected from a submission, within the limits, wherever it comes from.

Every name is checked here.  One that can't be used is left out with a note, for it is an accident, and the rest can be
graded; only a submission that is too large is refused.
"""

from __future__ import annotations

import io
import re
import stat
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Protocol

from grader.errors import UsageError
from grader.limits import MAX_DEPTH, MAX_MEMBERS, MAX_UNPACKED_BYTES
from grader.submission.names import shown

#: What may be handed in as one file without an archive.  Whether it can be run is up to `languages`.
SOURCE_SUFFIXES: Final = frozenset(
    {
        *(".py", ".pyw", ".c", ".cpp", ".cc", ".cxx", ".c++", ".java", ".kt", ".go", ".rs", ".cs"),
        *(".js", ".mjs", ".cjs", ".ts", ".mts", ".rb", ".pl", ".sh", ".bash"),
    }
)

#: Left out wherever they are: what systems, version control and interpreters leave behind.
LEFT_OUT: Final = frozenset(
    {
        *("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".git", ".svn", ".hg", ".idea", ".vscode", ".gradle"),
        *(".vs", ".history", ".ipynb_checkpoints", ".tox", ".nox", ".ruff_cache"),
        *("__pycache__", ".mypy_cache", ".pytest_cache", ".venv", "venv", "node_modules", "site-packages"),
    }
)
#: Those of them that a student may have relied on.
NOTED: Final = frozenset({".venv", "venv", "node_modules", "site-packages"})
#: This file marks a virtual environment, whatever it is called.
VENV: Final = "pyvenv.cfg"
VENV_WORDS: Final = "it is a virtual environment, and installed packages are not part of a submission"
#: Linux's NAME_MAX: a longer component could not be unpacked.
_MAX_COMPONENT_BYTES: Final = 255
#: Half of Linux's PATH_MAX: leaves room for the work folder in front.
MAX_NAME_BYTES: Final = 2048
#: One read.  It is also the longest extended header of a tar member: a path takes 4 kB at most, and older versions
#: of tarfile take quadratic time for a long one (CVE-2024-6232).
CHUNK_BYTES: Final = 16 * 1024


#: What represents a byte that is not UTF-8 in a name (os.fsdecode).
_SURROGATE: Final = re.compile("[\udc80-\udcff]")


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class File:
    data: bytes = field(repr=False)
    executable: bool


class Tree:
    """Files and folders as they are found, within the limits.  Every name is checked here."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.files: dict[str, File] = {}
        self.folders: set[str] = set()
        self.notes: dict[str, None] = {}
        self._unpacked_bytes = 0

    def note(self, name: str, why: str) -> None:
        """Remember that `name` was left out."""
        self.notes[f"{shown(name)} was left out: {why}"] = None

    def leaves_out(self, name: str) -> bool:
        """Whether this is not the name of something that a student wrote."""
        parts = name.split("/")
        for depth, part in enumerate(parts, start=1):
            if part in LEFT_OUT or part.startswith("._"):
                if part in NOTED:
                    self.note("/".join(parts[:depth]), "installed packages are not part of a submission")
                return True
        return False

    def add_folder(self, name: str) -> bool:
        """Add a folder and the folders around it, unless they are there already; whether it can be there."""
        usable = self._usable(name, is_folder=True)
        if not usable or not self._has_room(usable, name):
            return False
        self._add_folders(PurePosixPath(usable))
        return True

    def add_file(self, name: str, stream: Readable, *, executable: bool | None) -> None:
        """Read a file to its end; of two with the same name the last counts, as in any unpacker.

        `executable`: None if unknown; then whatever begins like a program is.  A script always is: uploads lose the
        mode that it had.
        """
        content = io.BytesIO()
        while chunk := stream.read(CHUNK_BYTES):
            content.write(chunk)
            self._count(len(chunk), name, content.tell())
        data = content.getvalue()
        known = data.startswith(b"\x7fELF") if executable is None else executable
        self._keep(name, File(data, known or data.startswith(b"#!")))

    def add_copy(self, name: str, file: File) -> None:
        """Add the file that a link leads to."""
        self._count(len(file.data), name, len(file.data))
        self._keep(name, file)

    def drop_folder(self, folder: str, why: str) -> None:
        """Leave out a folder after all, with a note."""
        self.note(folder, why)
        self.files = {name: file for name, file in self.files.items() if not name.startswith(f"{folder}/")}
        self.folders = {name for name in self.folders if name != folder and not name.startswith(f"{folder}/")}

    def take_over(self, inner: Tree, folder: str) -> None:
        """Add everything from another tree, which was an archive in this one, as a folder."""
        self._unpacked_bytes = inner._unpacked_bytes
        self.notes |= inner.notes
        for name in sorted(inner.folders):
            self.add_folder(f"{folder}/{name}")
        for name, file in inner.files.items():
            self._keep(f"{folder}/{name}", file)

    def inner(self, name: str) -> Tree:
        """A tree for an archive in this one, with what is left of the limits."""
        inner = Tree(f"{self.source}: {shown(name)}")
        inner._unpacked_bytes = self._unpacked_bytes
        return inner

    def too_large(self) -> UsageError:
        """The error for more bytes than allowed."""
        return UsageError(f"{self.source} contains more than {MAX_UNPACKED_BYTES // 1_000_000} MB of files")

    def too_many(self) -> UsageError:
        """The error for more files and folders than allowed."""
        return UsageError(f"{self.source} contains more than {MAX_MEMBERS} files and folders")

    def _keep(self, name: str, file: File) -> None:
        usable = self._usable(name, is_folder=False)
        if not usable or not self._has_room(str(PurePosixPath(usable).parent), name):
            return
        if usable in self.folders:
            if any(other.startswith(f"{usable}/") for other in (*self.folders, *self.files)):
                self.note(usable, "a folder has the same name")
                return
            self.folders.discard(usable)  # an empty one, in whose place an unpacker puts the file
        self._add_folders(PurePosixPath(usable).parent)
        self.files[usable] = file
        self._check_count()

    def _has_room(self, folder: str, name: str) -> bool:
        """Whether a folder can be there: no file has its name or that of a folder around it."""
        path = PurePosixPath(folder)
        if any(str(one) in self.files for one in (path, *path.parents)):
            self.note(name, "a file has the same name as its folder")
            return False
        return True

    def _add_folders(self, folder: PurePosixPath) -> None:
        for one in (folder, *folder.parents):
            name = str(one)
            if name == "." or name in self.folders:
                return
            self.folders.add(name)
            self._check_count()

    def _check_count(self) -> None:
        if len(self.files) + len(self.folders) > MAX_MEMBERS:
            raise self.too_many()

    def _count(self, more_bytes: int, name: str, so_far_bytes: int) -> None:
        """Count bytes of a file of which so many have been read."""
        self._unpacked_bytes += more_bytes
        if self._unpacked_bytes > MAX_UNPACKED_BYTES:
            sizes = {name: so_far_bytes} | {one: len(file.data) for one, file in self.files.items()}
            largest = max(sizes, key=lambda one: sizes[one])
            raise UsageError(f"{self.too_large()}; the largest is {shown(largest)}")

    def _usable(self, name: str, *, is_folder: bool) -> str:
        """A name that can be unpacked and shown in a report, or "" with a note.

        Folder names in an old encoding are read as Latin-1, since whole submissions are in such folders.
        """
        *folders, last = name.split("/")
        if len(folders) > MAX_DEPTH:
            self.note(name, "it is in too many folders, one inside the other")
            return ""
        parts = [*map(decoded, folders), decoded(last) if is_folder else last]
        try:
            encoded = [part.encode() for part in parts]
        except UnicodeEncodeError:
            self.note(name, "its name is not UTF-8")
            return ""
        if sum(map(len, encoded)) + len(encoded) > MAX_NAME_BYTES or max(map(len, encoded)) > _MAX_COMPONENT_BYTES:
            self.note(name, "its name is too long")
            return ""
        return "/".join(parts)


def decoded(part: str) -> str:
    """One part of a path, fit for a report: bytes that are not UTF-8 are read as Latin-1."""
    return part.encode("utf-8", "surrogateescape").decode("latin-1") if _SURROGATE.search(part) else part


def kind_of(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a link",
        stat.S_IFREG: "a file",
    }
    return kinds.get(stat.S_IFMT(mode), "of an unknown kind")
