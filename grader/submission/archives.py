"""A submission that is one file: an archive, which is only parsed, or a source file."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from grader.errors import UsageError
from grader.limits import MAX_UNPACKED_BYTES
from grader.submission.capped import Capped, CappedBytes, CappedFile
from grader.submission.members import BrokenArchiveError, parsing
from grader.submission.tars import is_tar, read_tar
from grader.submission.tidy import without_txt
from grader.submission.tree import SOURCE_SUFFIXES, Readable, Tree, decoded, kind_of
from grader.submission.zips import read_zip

#: How deep archives in archives are opened: a student's in a class's, or one for each program.
_NESTED: Final = 2
#: By name, since documents and libraries are zip archives too.
_ARCHIVE_SUFFIXES: Final = (
    *(".zip", ".tar", ".tgz", ".tar.gz", ".tbz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz"),
    *(".rar", ".7z", ".tar.zst", ".tzst"),
)


def read_file(path: Path, tree: Tree) -> None:
    with _opened_file(path, tree) as (file, status):
        head = file.read(tarfile.BLOCKSIZE)
        file.seek(0)
        reader = _packed_source(path, head) or _archive_reader(head)
        if reader is not None:
            reader(file, tree)
        elif _may_be_source(path, head):
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


#: Fills a tree from a file.
_Reader = Callable[[Capped, Tree], None]
#: Makes a compressed file readable.
_Opener = Callable[[Capped], AbstractContextManager[Readable]]


def _archive_reader(head: bytes) -> _Reader | None:
    """The reader for a file that begins like this; None if it is not an archive.  Names don't count."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return read_zip
    opener = _opener(head)
    if opener is not None:
        return partial(_read_compressed_tar, opener)
    return read_tar if is_tar(head) else None


def _opener(head: bytes) -> _Opener | None:
    """What makes a file readable that begins like this; None if it is not compressed."""
    # A source might begin with "BZh", but not with the block that follows it in bzip2.
    compressions: dict[bytes, _Opener] = {
        rb"\x1f\x8b": gzip.open,
        rb"\xfd7zXZ\x00": lzma.LZMAFile,
        rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": bz2.BZ2File,
    }
    return next((opener for magic, opener in compressions.items() if re.match(magic, head)), None)


def _description(head: bytes) -> str:
    if not head:
        return "an empty file"
    foreign = {b"Rar!": "a RAR archive", b"7z\xbc\xaf": "a 7z archive", b"\x28\xb5\x2f\xfd": "a zstd archive"}
    for magic, name in foreign.items():
        if head.startswith(magic):
            return f"{name}, which is not supported: hand in a .zip or .tar.gz file instead"
    return "neither a folder, nor a .zip or .tar archive, nor a source file of a known language"


def _read_compressed_tar(opener: _Opener, file: Capped, tree: Tree) -> None:
    with parsing("tar", tree), opener(file) as plain:
        read_tar(plain, tree)
