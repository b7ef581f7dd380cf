"""Single files of the work folder, read and written while a program may be changing everything around them.

A check hands a program a file, or looks at one that it has written.  Both are done as the program's own user, by a
child that gets a bounded time, and so reach only what the program reaches itself.  No link is followed on the way, so
the path leads nowhere else; only regular files count, opened without waiting, since a pipe has no end.

Standard library only.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK_BYTES = 1 << 20


class NoFileError(Exception):
    """The path leads to no file that can be handed over; why, as the end of a sentence about it."""


def read(work: str, path: str, most_bytes: int) -> bytes:
    """The content of a file.

    Raises:
        NoFileError: there is none, or it is larger.
    """
    with _opened(work, path, _READ, make_folders=False) as file:
        content = b""
        while len(content) <= most_bytes and (chunk := os.read(file, _CHUNK_BYTES)):
            content += chunk
    if len(content) > most_bytes:
        raise NoFileError(f"has more than {most_bytes} bytes")
    return content


def write(work: str, path: str, content: bytes) -> None:
    """Make a file with this content, or replace a file's content; folders on the way are made.

    Raises:
        NoFileError: something else is there, or no space is left.
    """
    with _opened(work, path, _WRITE, make_folders=True) as file:
        os.ftruncate(file, 0)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(file, rest) :]


@contextmanager
def _opened(work: str, path: str, flags: int, *, make_folders: bool) -> Iterator[int]:
    """A file's descriptor, opened name by name."""
    *folders, name = path.split("/")
    descriptors = []
    try:
        descriptors.append(os.open(work, _FOLDER))
        for folder in folders:
            if make_folders and not _exists(folder, descriptors[-1]):
                os.mkdir(folder, dir_fd=descriptors[-1])
            descriptors.append(os.open(folder, _FOLDER, dir_fd=descriptors[-1]))
        descriptors.append(os.open(name, flags, 0o644, dir_fd=descriptors[-1]))
        if not stat.S_ISREG(os.fstat(descriptors[-1]).st_mode):
            raise NoFileError("is not a regular file")
        yield descriptors[-1]
    except OSError as error:
        raise NoFileError(f"can't be used: {error.strerror}") from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
