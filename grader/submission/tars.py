"""Tar archives, which are only parsed, from their first byte to their last."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import PurePosixPath
from typing import Final

from grader.limits import MAX_MEMBERS, MAX_UNPACKED_BYTES
from grader.submission.members import MAX_LISTED, add_links, member_name, parsing
from grader.submission.tree import CHUNK_BYTES, Readable, Tree

#: The longest read: a chunk, or what the buffered reader asks for that tarfile puts around a file's bytes.
_MAX_READ_BYTES: Final = max(CHUNK_BYTES, io.DEFAULT_BUFFER_SIZE)
#: Headers and padding in a tar, besides the bytes of its files.
_TAR_OVERHEAD_BYTES: Final = MAX_MEMBERS * 2048


def is_tar(head: bytes) -> bool:
    """Whether a tar begins like this, by its checksum: the oldest format has no magic."""
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        # A damaged header still means a tar; a block of zeros is an empty tar.
        return head[257:262] == b"ustar" or (len(head) == tarfile.BLOCKSIZE and not any(head))
    return True


def read_tar(file: Readable, tree: Tree) -> None:
    """Fill a tree from a tar.  Raises UsageError for one that is broken, dangerous or too large."""
    stream = _TarStream(file, tree)
    links: dict[str, str] = {}
    with parsing("tar", tree):
        with tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape") as tar:
            for count, member in enumerate(tar, start=1):
                if count > MAX_LISTED:
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
