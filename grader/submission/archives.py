"""A submission that is one file: an archive, which is only parsed, or a source file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from grader.errors import UsageError
from grader.limits import MAX_MEMBERS, MAX_UNPACKED_BYTES
from grader.submission.capped import Capped, CappedBytes, CappedFile
from grader.submission.names import shown
from grader.submission.tidy import without_txt
from grader.submission.tree import CHUNK_BYTES, MAX_NAME_BYTES, SOURCE_SUFFIXES, Readable, Tree, decoded, kind_of

#: ... except where a buffered reader, which tarfile puts around a file's bytes, asks for more.
_MAX_READ_BYTES: Final = max(CHUNK_BYTES, io.DEFAULT_BUFFER_SIZE)
#: Members of an archive, including those that are left out: a `node_modules` has tens of thousands.
_MAX_LISTED: Final = MAX_MEMBERS * 10
#: Headers and padding in a tar, besides the bytes of its files.
_TAR_OVERHEAD_BYTES: Final = MAX_MEMBERS * 2048
#: How deep archives in archives are opened: a student's in a class's, or one for each program.
_NESTED: Final = 2
#: By name, since documents and libraries are zip archives too.
_ARCHIVE_SUFFIXES: Final = (
    *(".zip", ".tar", ".tgz", ".tar.gz", ".tbz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz"),
    *(".rar", ".7z", ".tar.zst", ".tzst"),
)
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


def read_file(path: Path, tree: Tree) -> None:
    with _opened_file(path, tree) as (file, status):
        head = file.read(tarfile.BLOCKSIZE)
        file.seek(0)
        reader = _packed_source(path, head) or _archive_reader(head)
        if reader is not None:
            reader(file, tree)
        elif PurePosixPath(without_txt(path.name)).suffix.lower() in SOURCE_SUFFIXES or (
            not path.suffix and head.startswith(b"#!")
        ):
            tree.add_file(decoded(path.name), file, executable=bool(status.st_mode & stat.S_IXUSR))
        else:
            raise UsageError(f"{tree.source} is {_description(head)}")


def _may_be_source(path: Path, head: bytes) -> bool:
    named = PurePosixPath(without_txt(path.name)).suffix.lower() in SOURCE_SUFFIXES
    return named or (not path.suffix and head.startswith(b"#!"))


def _packed_source(path: Path, head: bytes) -> _Reader | None:
    """The reader for a single source that is compressed without an archive (`server.py.gz`); None if it is none."""
    opener, name = _opener(head), path.stem
    if opener is None or PurePosixPath(name).suffix.lower() not in SOURCE_SUFFIXES:
        return None

    def read(file: Capped, tree: Tree) -> None:
        with parsing("compressed", tree), opener(file) as plain:
            tree.add_file(decoded(name), plain, executable=None)

    return read


def add_plain_file(path: Path, name: str, tree: Tree) -> None:
    """Add a file as it is, under this name, whatever it is."""
    with _opened_file(path, tree) as (file, status):
        tree.add_file(decoded(name), file, executable=bool(status.st_mode & stat.S_IXUSR))


@contextmanager
def _opened_file(path: Path, tree: Tree) -> Iterator[tuple[CappedFile, os.stat_result]]:
    """A regular file that is not too large, with what it is."""
    with CappedFile(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{tree.source} is {kind_of(status.st_mode)}, not an archive or a source file")
        if status.st_size > MAX_UNPACKED_BYTES:
            raise tree.too_large()
        yield file, status


def open_inner(tree: Tree) -> None:
    """Open the archives in what was handed in, and those inside them: each becomes a folder with its name.

    One that can't be read, that lies beside a folder with its name, or that is deeper still is left out with a note;
    one that is dangerous or too large refuses the whole submission, just as the outermost one would.
    """
    for _ in range(_NESTED):
        for name in _archives_in(tree):
            data = tree.files[name].data
            reader = _archive_reader(data[: tarfile.BLOCKSIZE])
            folder = re.sub(r"(\.tar)?\.\w+$", "", name)
            if reader is None:
                tree.note(name, f"it is {_description(data)}")
            elif folder in tree.folders:
                tree.note(name, "there is a folder with the same name")
            else:
                _open_one(tree, name, folder, reader)
            tree.files.pop(name, None)
    for name in _archives_in(tree):
        tree.note(name, "it is an archive inside two others: hand in its files, or one archive with them")
        del tree.files[name]


def _archives_in(tree: Tree) -> list[str]:
    """What is called an archive, now."""
    return [name for name in tree.files if name.lower().endswith(_ARCHIVE_SUFFIXES)]


def _open_one(tree: Tree, name: str, folder: str, reader: _Reader) -> None:
    inner = tree.inner(name)
    try:
        reader(CappedBytes(tree.files.pop(name).data), inner)
    except BrokenArchiveError as error:
        tree.note(name, str(error).removeprefix(f"{inner.source} is "))
        return
    tree.take_over(inner, folder)


class BrokenArchiveError(UsageError):
    """An archive that can't be parsed."""


#: Fills a tree from a file.
_Reader = Callable[[Capped, Tree], None]
#: Makes a compressed file readable.
_Opener = Callable[[Capped], AbstractContextManager[Readable]]


def _archive_reader(head: bytes) -> _Reader | None:
    """The reader for a file that begins like this; None if it is not an archive.  Names don't count."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _read_zip
    opener = _opener(head)
    if opener is not None:
        return partial(_read_compressed_tar, opener)
    return _read_tar if _is_tar(head) else None


def _opener(head: bytes) -> _Opener | None:
    """What makes a file readable that begins like this; None if it is not compressed."""
    # A source might begin with "BZh", but not with the block that follows it in bzip2.
    compressions: dict[bytes, _Opener] = {
        rb"\x1f\x8b": gzip.open,
        rb"\xfd7zXZ\x00": lzma.LZMAFile,
        rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": bz2.BZ2File,
    }
    return next((opener for magic, opener in compressions.items() if re.match(magic, head)), None)


def _is_tar(head: bytes) -> bool:
    """Whether a tar begins like this, by its checksum: the oldest format has no magic."""
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        # A damaged header still means a tar; a block of zeros is an empty tar.
        return head[257:262] == b"ustar" or (len(head) == tarfile.BLOCKSIZE and not any(head))
    return True


def _description(head: bytes) -> str:
    if not head:
        return "an empty file"
    foreign = {b"Rar!": "a RAR archive", b"7z\xbc\xaf": "a 7z archive", b"\x28\xb5\x2f\xfd": "a zstd archive"}
    for magic, name in foreign.items():
        if head.startswith(magic):
            return f"{name}, which is not supported: hand in a .zip or .tar.gz file instead"
    return "neither a folder, nor a .zip or .tar archive, nor a source file of a known language"


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
    try:
        yield
    except _BROKEN as error:
        detail = _PLAINLY.get(str(error)) or shown(str(error) or type(error).__name__)[1:-1]
        raise BrokenArchiveError(f"{tree.source} is a broken {kind} archive: {detail}") from error


def _read_zip(file: Capped, tree: Tree) -> None:
    links: dict[str, str] = {}
    with parsing("zip", tree), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > _MAX_LISTED:
            raise tree.too_many()
        for member in members:
            _read_zip_member(archive, member, links, tree)
    add_links(links, tree)


def _read_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, links: dict[str, str], tree: Tree) -> None:
    add_zip_member(archive, member, member_name(zip_name(member), tree), links, tree)


def add_zip_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, links: dict[str, str], tree: Tree
) -> None:
    """Add what a member is under a plain name; `links` takes a link's name and where it leads."""
    if not name or tree.leaves_out(name):
        return
    mode = member.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if member.is_dir() or kind == stat.S_IFDIR or member.orig_filename.endswith("\\"):
        tree.add_folder(name)
        return
    if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
        tree.note(name, f"it is {kind_of(mode)}")
        return
    if fault := _unreadable(member):
        tree.note(name, fault)
        return
    with _opened_zip_member(archive, member) as stream:
        if kind == stat.S_IFLNK:
            links[name] = _zip_link(name, stream.read(MAX_NAME_BYTES))
        else:
            links.pop(name, None)
            # Windows has no modes and records none.
            tree.add_file(name, stream, executable=bool(mode & stat.S_IXUSR) if mode else None)


def _unreadable(member: zipfile.ZipInfo) -> str:
    if member.flag_bits & 0x41:  # APPNOTE 4.4.4: encrypted, strongly encrypted
        return "it is encrypted: hand in an archive without a password"
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}:
        return "it is compressed with an unsupported method: hand in a plain .zip or .tar.gz file"
    return ""


def _opened_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> zipfile.ZipExtFile:
    opened = archive.open(member)
    if not isinstance(opened, zipfile.ZipExtFile):
        raise TypeError(opened)
    return opened


def zip_name(member: zipfile.ZipInfo) -> str:
    """The intended name: macOS writes UTF-8 without saying so, and zipfile takes it for code page 437."""
    name = member.orig_filename
    if member.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _zip_link(name: str, target: bytes) -> str:
    return str(PurePosixPath(name).parent / os.fsdecode(target))


def _read_compressed_tar(opener: _Opener, file: Capped, tree: Tree) -> None:
    with parsing("tar", tree), opener(file) as plain:
        _read_tar(plain, tree)


def _read_tar(file: Readable, tree: Tree) -> None:
    stream = _TarStream(file, tree)
    links: dict[str, str] = {}
    with parsing("tar", tree):
        with tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape") as tar:
            for count, member in enumerate(tar, start=1):
                if count > _MAX_LISTED:
                    raise tree.too_many()
                _read_tar_member(tar, member, links, tree)
        stream.finish()
    add_links(links, tree)


def _read_tar_member(tar: tarfile.TarFile, member: tarfile.TarInfo, links: dict[str, str], tree: Tree) -> None:
    name = member_name(member.name, tree)
    if not name or tree.leaves_out(name):
        return
    if member.isdir():
        tree.add_folder(name)
    elif member.islnk():
        links[name] = member.linkname
    elif member.issym():
        links[name] = str(PurePosixPath(name).parent / member.linkname)
    elif member.isreg() and (stream := tar.extractfile(member)) is not None:
        links.pop(name, None)
        tree.add_file(name, stream, executable=bool(member.mode & stat.S_IXUSR))
    else:
        kinds = {tarfile.FIFOTYPE: "a FIFO", tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device"}
        kind = kinds.get(member.type, "of an unknown kind")
        tree.note(name, f"it is {kind}")


class _TarStream(io.BufferedIOBase):
    """A tar's bytes for tarfile: forwards only, counted, and in small pieces.

    One read of tarfile is a header or a part of a file.  It takes a damaged header for the end of the archive, so the
    last read tells whether it really was the end.
    """

    def __init__(self, file: Readable, tree: Tree) -> None:
        self._file = file
        self._tree = tree
        self._position = 0
        self._last = b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly `size` bytes; fewer only at the end."""
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
        while self._position < offset and self.read(min(CHUNK_BYTES, offset - self._position)):
            pass
        return self._position

    def tell(self) -> int:
        """Bytes read so far."""
        return self._position

    def finish(self) -> None:
        """Read what follows the last member, so that checksums are verified; ReadError if it was not the end."""
        if any(self._last):
            raise tarfile.ReadError("a header is damaged")
        while self.read(CHUNK_BYTES):
            pass


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
