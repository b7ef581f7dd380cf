"""Taking a submission: whatever was handed in becomes a snapshot that no longer changes.

Nothing here is executed, imported or written to disk: a folder is read through descriptors that follow no link,
an archive is only parsed, and the snapshot lives in memory.  What can harm or mislead (names that lead out, devices,
links that lead nowhere) is refused for an archive, since nobody makes such a thing by accident, and left out with a
note for a folder, since a working folder has them.  Sizes and counts are taken from the bytes that were read, never
from a header.  Names that are not UTF-8 are refused in both: they could stand in no report.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import itertools
import lzma
import os
import re
import stat
import struct
import tarfile
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, Protocol

import msgspec

from grader.errors import UsageError
from grader.limits import MAX_CONFIG_BYTES, MAX_MEMBERS, MAX_UNPACKED_BYTES

CONFIG_NAME: Final = "grader.toml"

#: Left out wherever they stand: what systems, version control and interpreters leave behind.
LEFT_OUT: Final = frozenset({"__MACOSX", ".DS_Store", ".git", "__pycache__", ".venv", "venv", "node_modules"})
#: Those of them that a student may have counted on.
NOTED: Final = frozenset({".venv", "venv", "node_modules"})
#: What may be handed in as one file without an archive.  Whether it can be run is for `languages.py` to say.
SOURCE_SUFFIXES: Final = frozenset(
    {".py", ".c", ".java", ".go", ".rs", ".js", ".mjs", ".ts", ".cpp", ".cc", ".cxx", ".cs", ".rb"}
)

#: Linux's NAME_MAX: a longer component could not be unpacked.
_MAX_COMPONENT_BYTES: Final = 255
#: Half of Linux's PATH_MAX: leaves room for the work folder in front.
_MAX_NAME_BYTES: Final = 2048
#: One read.  It is also the longest extended header of a tar member: a path takes 4 kB at most, and older versions
#: of tarfile take quadratic time for a long one (CVE-2024-6232).
_CHUNK_BYTES: Final = 16 * 1024
#: ... except where a buffered reader, which tarfile puts around a file's bytes, asks for more.
_MAX_READ_BYTES: Final = max(_CHUNK_BYTES, io.DEFAULT_BUFFER_SIZE)
#: zipfile reads its list of members in one go and keeps it: 46 bytes and a name for each, with room for extra fields.
_ZIP_LIST_BYTES: Final = MAX_MEMBERS * 512
#: Headers and padding that a tar has beside its files' bytes.
_TAR_OVERHEAD_BYTES: Final = MAX_MEMBERS * 2048
#: Links that lead to links: Linux gives up after 40 (path_resolution(7)).
_MAX_LINKS: Final = 40
_SHOWN_CHARS: Final = 80

#: What the parsers raise on bytes that nobody wrote on purpose.
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
    RuntimeError,  # NotImplementedError and RecursionError are kinds of it
    MemoryError,
)


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How `grader.toml` says to build and start one role.

    `run`: argv with {host} and {port} to be filled in, and {message} where a client takes its message as an argument.
    `asks`: what a client asks for at its prompts before the first message, in order (None: not said).
    """

    run: tuple[str, ...]
    build: str | tuple[str, ...] | None = None
    asks: tuple[Literal["host", "port"], ...] | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A submission's `grader.toml`."""

    assignment: str | None = None
    server: Start | None = None
    client: Start | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """What was handed in, as it will be unpacked.

    `name`: the last component of its path.  `sha256`: hex, over sorted names and contents, so that the same files
    have it however they were packed.  `archive`: an uncompressed tar of folders and regular files, sorted, with
    relative names, owner 0, time 0 and mode 0644 or 0755.  `files`, `folders`: relative names, sorted.
    `notes`: sentences about what was left out.
    """

    name: str
    sha256: str
    archive: bytes = field(repr=False)
    files: tuple[str, ...]
    folders: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    config: Config | None = None

    def read(self, name: str, limit_bytes: int) -> bytes:
        """The first bytes of a file.  Raises KeyError when the snapshot has no such file."""
        with tarfile.open(fileobj=io.BytesIO(self.archive)) as tar:
            stream = tar.extractfile(name)
            if stream is None:
                raise KeyError(name)
            return stream.read(limit_bytes)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes = field(repr=False)
    executable: bool


def take(path: Path) -> Submission:
    """The snapshot of a folder, an archive or one source file.

    Raises UsageError with one sentence when it can't be taken.
    """
    name = name_of(path)
    tree = _Tree(shown(name))
    try:
        _fill(path, tree)
    except OSError as error:
        raise UsageError(f"{shown(str(path))} can't be read: {error.strerror or error}") from error
    files, folders = _stripped(tree.files, tree.folders)
    if not files:
        raise UsageError(f"{tree.source} has no files to grade")
    config = parse_config(files[CONFIG_NAME].data) if CONFIG_NAME in files else None
    names = tuple(sorted(files))
    return Submission(
        name=name,
        sha256=_digest(files),
        archive=_packed(files, folders),
        files=names,
        folders=tuple(sorted(folders)),
        notes=tuple(tree.notes),
        config=config,
    )


def name_of(path: Path) -> str:
    """What a submission is called in reports: the last component of its path, with what is not UTF-8 escaped."""
    return (path.name or path.resolve().name or str(path)).encode("utf-8", "backslashreplace").decode()


def shown(text: str) -> str:
    """Somebody else's text as it may stand in a message: quoted, escaped, and cut in the middle when long."""
    if len(text) > _SHOWN_CHARS:
        text = f"{text[: _SHOWN_CHARS // 2]}…{text[-_SHOWN_CHARS // 4 :]}"
    return repr(text)


def _fill(path: Path, tree: _Tree) -> None:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        _read_folder(path, tree)
    elif stat.S_ISREG(mode):
        _read_file(path, tree)
    else:
        raise UsageError(f"{shown(str(path))} is {_kind(mode)}, not a folder, an archive or a source file")


def _kind(mode: int) -> str:
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


# what is being collected


class _Tree:
    """Files and folders as they are found, within the limits.  Every name that comes in is checked here."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.files: dict[str, _File] = {}
        self.folders: set[str] = set()
        self.notes: dict[str, None] = {}
        self._unpacked_bytes = 0

    def note(self, name: str, why: str) -> None:
        """Remember that `name` was left out."""
        self.notes[f"{shown(name)} was left out: {why}"] = None

    def leaves_out(self, name: str) -> bool:
        """Whether this name is nothing that a student wrote."""
        parts = name.split("/")
        for depth, part in enumerate(parts, start=1):
            if part in LEFT_OUT or part.startswith("._"):
                if part in NOTED:
                    self.note("/".join(parts[:depth]), "packages are not part of a submission")
                return True
        return False

    def add_folder(self, name: str) -> None:
        """Add a folder and those it stands in; one that is there already is no fault."""
        self._check_name(name)
        self._add_folders(PurePosixPath(name))

    def add_file(self, name: str, stream: _Readable, *, executable: bool) -> None:
        """Read a file to its end."""
        self._claim(name)
        content = io.BytesIO()
        while chunk := stream.read(_CHUNK_BYTES):
            self._count(len(chunk))
            content.write(chunk)
        self._keep(name, _File(content.getvalue(), executable))

    def add_copy(self, name: str, file: _File) -> None:
        """Add what a link leads to."""
        self._claim(name)
        self._count(len(file.data))
        self._keep(name, file)

    def too_large(self) -> UsageError:
        """The error for more bytes than allowed."""
        return UsageError(f"{self.source} holds more than {MAX_UNPACKED_BYTES // 1_000_000} MB of files")

    def too_many(self) -> UsageError:
        """The error for more files and folders than allowed."""
        return UsageError(f"{self.source} holds more than {MAX_MEMBERS} files and folders")

    def _claim(self, name: str) -> None:
        self._check_name(name)
        if name in self.files:
            raise UsageError(f"{self.source} holds {shown(name)} twice")
        if name in self.folders:
            raise UsageError(f"{self.source} holds a file and a folder named {shown(name)}")
        self._add_folders(PurePosixPath(name).parent)

    def _keep(self, name: str, file: _File) -> None:
        self.files[name] = file
        self._check_count()

    def _add_folders(self, folder: PurePosixPath) -> None:
        for one in (folder, *folder.parents):
            name = str(one)
            if name == "." or name in self.folders:
                return
            if name in self.files:
                raise UsageError(f"{self.source} holds a file and a folder named {shown(name)}")
            self.folders.add(name)
            self._check_count()

    def _check_count(self) -> None:
        if len(self.files) + len(self.folders) > MAX_MEMBERS:
            raise self.too_many()

    def _count(self, more_bytes: int) -> None:
        self._unpacked_bytes += more_bytes
        if self._unpacked_bytes > MAX_UNPACKED_BYTES:
            raise self.too_large()

    def _check_name(self, name: str) -> None:
        try:
            encoded = name.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{self.source} holds {shown(name)}, a name that is not UTF-8") from None
        longest = max(len(part) for part in encoded.split(b"/"))
        if len(encoded) > _MAX_NAME_BYTES or longest > _MAX_COMPONENT_BYTES:
            raise UsageError(f"{self.source} holds {shown(name)}, a name that is too long to unpack")


# a folder


def _read_folder(path: Path, tree: _Tree) -> None:
    root = os.path.realpath(path)
    root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        waiting = [""]
        while waiting:
            waiting += _read_one_folder(root, root_fd, waiting.pop(), tree)
    finally:
        os.close(root_fd)


def _read_one_folder(root: str, root_fd: int, folder: str, tree: _Tree) -> list[str]:
    """Add what stands in one folder; returns the folders found there."""
    found = []
    for name, mode in _entries(root_fd, folder, tree):
        if tree.leaves_out(name):
            continue
        if stat.S_ISDIR(mode):
            tree.add_folder(name)
            found.append(name)
        elif stat.S_ISLNK(mode):
            _read_link(root, root_fd, name, tree)
        else:
            _read_regular(root_fd, name, name, tree)
    return found


def _entries(root_fd: int, folder: str, tree: _Tree) -> list[tuple[str, int]]:
    """The names in a folder, relative to the root, with their modes; no link is followed."""
    flags = os.O_RDONLY | os.O_DIRECTORY
    with _readable(folder or ".", tree), _beneath(root_fd, folder, flags) as fd, os.scandir(fd) as entries:
        names = sorted(entry.name for entry in itertools.islice(entries, MAX_MEMBERS + 1))
        if len(names) > MAX_MEMBERS:
            raise tree.too_many()
        prefix = f"{folder}/" if folder else ""
        return [(prefix + name, os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode) for name in names]


def _read_link(root: str, root_fd: int, name: str, tree: _Tree) -> None:
    """Add the file a link leads to, when that stands in the folder too."""
    try:
        target = os.path.realpath(f"{root}/{name}", strict=True)
    except OSError as error:
        tree.note(name, f"a link that leads nowhere ({error.strerror})")
        return
    if not target.startswith(f"{root}/"):
        tree.note(name, "a link that leads out of the folder")
        return
    _read_regular(root_fd, name, target.removeprefix(f"{root}/"), tree)


def _read_regular(root_fd: int, name: str, source: str, tree: _Tree) -> None:
    """Add the file `source` under `name`; anything but a regular file is left out and never opened.

    It is looked at again after opening, since it may have been exchanged in between.
    """
    with _readable(name, tree):
        with _beneath(root_fd, source, os.O_PATH) as fd:
            mode = os.fstat(fd).st_mode
        if stat.S_ISREG(mode):
            with _beneath(root_fd, source, os.O_RDONLY | os.O_NONBLOCK) as fd:
                mode = os.fstat(fd).st_mode
                if stat.S_ISREG(mode):
                    with open(fd, "rb", closefd=False) as stream:
                        tree.add_file(name, stream, executable=bool(mode & stat.S_IXUSR))
                    return
    tree.note(name, f"it leads to {_kind(mode)}" if name != source else f"it is {_kind(mode)}")


@contextmanager
def _readable(name: str, tree: _Tree) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{tree.source}: {shown(name)} can't be read: {error.strerror}") from error


@contextmanager
def _beneath(root_fd: int, name: str, flags: int) -> Iterator[int]:
    """A descriptor for `name` below the root; no component may be a link, whatever happens meanwhile."""
    *folders, last = name.split("/") if name else ["."]
    fd = os.dup(root_fd)
    try:
        for part in folders:
            fd = _replaced(fd, part, os.O_PATH | os.O_DIRECTORY)
        fd = _replaced(fd, last, flags)
        yield fd
    finally:
        os.close(fd)


def _replaced(fd: int, part: str, flags: int) -> int:
    inner = os.open(part, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
    os.close(fd)
    return inner


# one file: an archive, or a source


def _read_file(path: Path, tree: _Tree) -> None:
    with _CappedFile(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{tree.source} is {_kind(status.st_mode)}, not an archive or a source file")
        if status.st_size > MAX_UNPACKED_BYTES:
            raise tree.too_large()
        head = file.read(tarfile.BLOCKSIZE)
        file.seek(0)
        reader = _archive_reader(head)
        if reader is not None:
            reader(file, tree)
        elif path.suffix.lower() in SOURCE_SUFFIXES:
            tree.add_file(path.name, file, executable=bool(status.st_mode & stat.S_IXUSR))
        else:
            raise UsageError(f"{tree.source} is {_description(head)}")


class _CappedFile(io.FileIO):
    """A file that is never read in large portions, since zipfile would read a list of any length."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _ZIP_LIST_BYTES:
            raise zipfile.BadZipFile("its list of members is too long")
        return super().read(_ZIP_LIST_BYTES if size is None or size < 0 else size) or b""


#: Makes a compressed file readable.
_Opener = Callable[[_CappedFile], AbstractContextManager[_Readable]]


def _archive_reader(head: bytes) -> Callable[[_CappedFile, _Tree], None] | None:
    """Who reads a file that begins like this; None when it is no archive.  Names don't count."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _read_zip
    # A source might begin with "BZh", but not with the block that follows it in bzip2.
    compressions: dict[bytes, _Opener] = {
        rb"\x1f\x8b": gzip.open,
        rb"\xfd7zXZ\x00": lzma.LZMAFile,
        rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": bz2.BZ2File,
    }
    for magic, opener in compressions.items():
        if re.match(magic, head):
            return partial(_read_compressed_tar, opener)
    return _read_tar if _is_tar(head) else None


def _is_tar(head: bytes) -> bool:
    """Whether a tar begins like this, by its checksum: the oldest format has no magic."""
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        # A damaged header is still one of a tar; ten thousand zeros are a tar of nothing.
        return head[257:262] == b"ustar" or (len(head) == tarfile.BLOCKSIZE and not any(head))
    return True


def _description(head: bytes) -> str:
    foreign = {b"Rar!": "a RAR archive", b"7z\xbc\xaf": "a 7z archive", b"\x28\xb5\x2f\xfd": "a zstd archive"}
    for magic, name in foreign.items():
        if head.startswith(magic):
            return f"{name}, which can't be read here: hand in a .zip or a .tar.gz"
    return "neither a folder, nor a .zip or .tar archive, nor a source file of a known language"


def _member_name(name: str, tree: _Tree) -> str:
    """An archive member's name in its plain form, "" for the archive's root.

    Raises UsageError for a name that could lead out of the folder it is unpacked in, on any system.
    """
    faults = {
        "has a NUL in its name": "\0" in name,
        "has a backslash in its name": "\\" in name,
        "has an absolute path": name.startswith("/"),
        "has a drive in its path": re.match(r"[A-Za-z]:", name) is not None,
        "leads out of it with '..'": ".." in name.split("/"),
    }
    for fault, applies in faults.items():
        if applies:
            raise UsageError(f"{tree.source}: member {shown(name)} {fault}")
    return "/".join(part for part in name.split("/") if part not in {"", "."})


@contextmanager
def _parsing(kind: str, tree: _Tree) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        detail = shown(str(error) or type(error).__name__)[1:-1]
        raise UsageError(f"{tree.source} is a broken {kind} archive: {detail}") from error


def _read_zip(file: _CappedFile, tree: _Tree) -> None:
    links: dict[str, str] = {}
    with _parsing("zip", tree), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise tree.too_many()
        for member in members:
            _read_zip_member(archive, member, links, tree)
    _add_links(links, tree)


def _read_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, links: dict[str, str], tree: _Tree) -> None:
    name = _member_name(_zip_name(member), tree)
    if not name or tree.leaves_out(name):
        return
    mode = member.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if member.is_dir() or kind == stat.S_IFDIR:
        tree.add_folder(name)
        return
    if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
        raise UsageError(f"{tree.source}: member {shown(name)} is {_kind(mode)}")
    with _opened_zip_member(archive, member, tree) as stream:
        if kind == stat.S_IFLNK:
            _remember_link(links, name, _zip_link(name, stream.read(_MAX_NAME_BYTES)), tree)
        else:
            tree.add_file(name, stream, executable=bool(mode & stat.S_IXUSR))


def _opened_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, tree: _Tree) -> zipfile.ZipExtFile:
    if member.flag_bits & 0x41:  # APPNOTE 4.4.4: encrypted, strongly encrypted
        raise UsageError(f"{tree.source}: member {shown(member.filename)} is encrypted: hand it in without a password")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}:
        raise UsageError(f"{tree.source}: member {shown(member.filename)} is compressed in an unusual way")
    opened = archive.open(member)
    if not isinstance(opened, zipfile.ZipExtFile):
        raise TypeError(opened)
    return opened


def _zip_name(member: zipfile.ZipInfo) -> str:
    """The name as it was meant: macOS writes UTF-8 without saying so, which zipfile takes for code page 437."""
    name = member.orig_filename
    if member.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _zip_link(name: str, target: bytes) -> str:
    return str(PurePosixPath(name).parent / os.fsdecode(target))


def _read_compressed_tar(opener: _Opener, file: _CappedFile, tree: _Tree) -> None:
    with _parsing("tar", tree), opener(file) as plain:
        _read_tar(plain, tree)


def _read_tar(file: _Readable, tree: _Tree) -> None:
    stream = _TarStream(file, tree)
    links: dict[str, str] = {}
    with _parsing("tar", tree):
        with tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape") as tar:
            for count, member in enumerate(tar, start=1):
                if count > MAX_MEMBERS:
                    raise tree.too_many()
                _read_tar_member(tar, member, links, tree)
        stream.finish()
    _add_links(links, tree)


def _read_tar_member(tar: tarfile.TarFile, member: tarfile.TarInfo, links: dict[str, str], tree: _Tree) -> None:
    name = _member_name(member.name, tree)
    if not name or tree.leaves_out(name):
        return
    if member.isdir():
        tree.add_folder(name)
    elif member.islnk():
        _remember_link(links, name, member.linkname, tree)
    elif member.issym():
        _remember_link(links, name, str(PurePosixPath(name).parent / member.linkname), tree)
    elif member.isreg() and (stream := tar.extractfile(member)) is not None:
        tree.add_file(name, stream, executable=bool(member.mode & stat.S_IXUSR))
    else:
        kinds = {tarfile.FIFOTYPE: "a FIFO", tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device"}
        kind = kinds.get(member.type, "of an unknown kind")
        raise UsageError(f"{tree.source}: member {shown(name)} is {kind}")


class _TarStream(io.BufferedIOBase):
    """A tar's bytes for tarfile: forwards only, counted, and in small portions.

    What tarfile asks for in one read is a header or a part of a file.  It takes a damaged header for the end, so the
    last read tells whether the end was one.
    """

    def __init__(self, file: _Readable, tree: _Tree) -> None:
        self._file = file
        self._tree = tree
        self._position = 0
        self._last = b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly `size` bytes, less only at the end."""
        if size is None or not 0 <= size <= _MAX_READ_BYTES:
            raise tarfile.ReadError("a header is too long")
        parts = []
        while size and (part := self._file.read(size)):
            parts.append(part)
            size -= len(part)
        self._last = b"".join(parts)
        self._position += len(self._last)
        if self._position > MAX_UNPACKED_BYTES + _TAR_OVERHEAD_BYTES:
            raise self._tree.too_large()
        return self._last

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Skip to a later position."""
        if whence != os.SEEK_SET or offset < self._position:
            raise tarfile.ReadError("a member begins before the end of the last one")
        while self._position < offset and self.read(min(_CHUNK_BYTES, offset - self._position)):
            pass
        return self._position

    def tell(self) -> int:
        """Bytes read so far."""
        return self._position

    def finish(self) -> None:
        """Read what follows the last member, so that checksums are compared; raises ReadError when it was no end."""
        if any(self._last):
            raise tarfile.ReadError("a header is damaged")
        while self.read(_CHUNK_BYTES):
            pass


def _remember_link(links: dict[str, str], name: str, target: str, tree: _Tree) -> None:
    if name in links:
        raise UsageError(f"{tree.source} holds {shown(name)} twice")
    links[name] = target


def _add_links(links: dict[str, str], tree: _Tree) -> None:
    """Add links as the files they lead to.  `links`: member name -> target, relative to the archive's root."""
    targets = {name: _link_target(name, target, tree) for name, target in links.items()}
    for name in links:
        end = name
        for _ in range(_MAX_LINKS):
            end = targets.get(end, end)
        if end not in tree.files:
            raise UsageError(f"{tree.source}: member {shown(name)} is a link to {shown(end)}, which is no file in it")
        tree.add_copy(name, tree.files[end])


def _link_target(name: str, target: str, tree: _Tree) -> str:
    normal = os.path.normpath(target)
    if "\0" in target or normal.startswith(("/", "../")) or normal == "..":
        raise UsageError(f"{tree.source}: member {shown(name)} is a link that leads out of it, to {shown(target)}")
    return normal


# the snapshot


def _stripped(files: dict[str, _File], folders: set[str]) -> tuple[dict[str, _File], set[str]]:
    """Without the folders that hold everything else, as `submission/hw1/server.py` has it.

    Only files count: some packers keep empty folders, some don't.  Takes the files away: the snapshot's bytes are to
    be held only once.
    """
    prefix = os.path.commonpath([str(PurePosixPath(name).parent) for name in files]) if files else ""
    if not prefix or prefix == ".":
        return files, folders
    cut = len(prefix) + 1
    inner_files = {name[cut:]: files.pop(name) for name in tuple(files)}
    return inner_files, {name[cut:] for name in folders if name.startswith(f"{prefix}/")}


def _digest(files: dict[str, _File]) -> str:
    """SHA-256 over each file's SHA-256, its name and a NUL, in the order of names."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(hashlib.sha256(files[name].data).digest() + name.encode() + b"\0")
    return whole.hexdigest()


def _packed(files: dict[str, _File], folders: set[str]) -> bytes:
    """The tar that a sandbox unpacks.  Takes the files away while it goes, to hold their bytes only once."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted({*files, *folders}):
            member = tarfile.TarInfo(name)
            if name in folders:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(member)
                continue
            file = files.pop(name)
            member.size, member.mode = len(file.data), 0o755 if file.executable else 0o644
            tar.addfile(member, io.BytesIO(file.data))
    return packed.getvalue()


# grader.toml


def parse_config(data: bytes) -> Config:
    """A submission's `grader.toml`.  Raises UsageError that names the key and its line."""
    if len(data) > MAX_CONFIG_BYTES:
        raise UsageError(f"{CONFIG_NAME} is larger than {MAX_CONFIG_BYTES // 1024} kB")
    try:
        # Windows editors put a byte order mark in front.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{CONFIG_NAME} line {line}: not UTF-8 text") from error
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{CONFIG_NAME} is not valid TOML: {shown(str(error))[1:-1]}") from error
    for key, fault in _faults(values):
        line_number = line_of(text, key)
        where = f"{CONFIG_NAME} line {line_number}" if line_number else CONFIG_NAME
        raise UsageError(f"{where}: key {_quoted(key)} {fault}")
    return msgspec.convert(values, Config)


def _quoted(key: tuple[str, ...]) -> str:
    """A key as it stands in a message, in double quotes whatever it holds."""
    return f'"{shown(".".join(key))[1:-1]}"'


def _faults(values: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each wrong key with what is wrong."""
    tables = {"server": _start_faults, "client": _start_faults}
    for key, value in values.items():
        if key in tables:
            yield from tables[key](key, value)
        elif key == "assignment":
            yield from (((key,), fault) for fault in _assignment_fault(value))
        else:
            yield (key,), 'is unknown: there are "assignment", "server" and "client"'


#: What may stand in a role's `run`, and what else it may say.
_PLACEHOLDERS = {"server": ("{host}", "{port}"), "client": ("{host}", "{port}", "{message}")}
_ASKED = ("host", "port")


def _start_faults(role: str, table: object) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(table, dict):
        yield (role,), f"must be a table, got {_type(table)}"
        return
    checks: dict[str, Callable[[object], Iterator[str]]] = {
        "run": partial(_run_fault, _PLACEHOLDERS[role]),
        "build": _build_fault,
    }
    if role == "client":
        checks["asks"] = _asks_fault
    for key, value in table.items():
        if key not in checks:
            yield (role, key), f"is unknown: there are {_in_quotes(checks)}"
        else:
            yield from (((role, key), fault) for fault in checks[key](value))
    if "run" not in table:
        yield (role,), 'needs a key "run", the list of words that start the program'


def _assignment_fault(value: object) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"must be a string, got {_type(value)}"
    elif not re.fullmatch(r"\w[\w.-]{0,99}", value):
        # It is looked up as a folder's name, and the submission must not choose which folder that is in.
        yield "must be an assignment's name: letters, digits, '_', '-' and '.'"


def _run_fault(placeholders: tuple[str, ...], value: object) -> Iterator[str]:
    yield from _words_fault(value, "a list of strings")
    for word in value if isinstance(value, list) else ():
        for placeholder in re.findall(r"\{\w*\}", word) if isinstance(word, str) else ():
            if placeholder not in placeholders:
                yield f"has the unknown placeholder {shown(placeholder)[1:-1]}: there are {_listed(placeholders)}"


def _asks_fault(value: object) -> Iterator[str]:
    if not isinstance(value, list) or any(word not in _ASKED for word in value) or len({*value}) < len(value):
        yield f"must be a list of {_in_quotes(_ASKED)}, each at most once, in the order in which they are asked for"


def _in_quotes(words: Iterable[str]) -> str:
    return _listed([f'"{word}"' for word in words])


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _build_fault(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _words_fault([value], "a string")
    else:
        yield from _words_fault(value, "a string or a list of strings")


def _words_fault(value: object, wanted: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"must be {wanted}, got {_type(value)}"
        return
    wrong = [word for word in value if not isinstance(word, str)]
    if wrong:
        yield f"must be {wanted}, got {_type(wrong[0])} in it"
    elif not value or not value[0].strip():
        yield "must not be empty"
    elif any("\0" in word for word in value):
        yield "must not hold a NUL character"


def _type(value: object) -> str:
    names = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def line_of(text: str, key: tuple[str, ...]) -> int | None:
    """The line (from 1) where a key of a TOML text is given, else that of its table; None when neither is found."""
    table: tuple[str, ...] = ()
    table_line = None
    for number, line in enumerate(text.split("\n"), start=1):
        if header := re.match(r"\s*\[\[?([^\]]*)\]", line):
            table = _key_parts(header[1])
        elif "=" in line:
            full = (*table, *_key_parts(line.partition("=")[0]))
            if full == key:
                return number
            if table_line is None and full == key[:-1]:
                table_line = number
            continue
        if table == key:
            return number
        if table_line is None and table and table == key[: len(table)]:
            table_line = number
    return table_line


def _key_parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
