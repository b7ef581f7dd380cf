"""A folder, read through descriptors that follow no links, even if something is replaced meanwhile."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import UsageError
from grader.limits import MAX_MEMBERS
from grader.submission.names import shown
from grader.submission.tree import VENV, VENV_WORDS, Tree, kind_of


def read_folder(path: Path, tree: Tree) -> None:
    root = os.path.realpath(path)
    root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        waiting = [""]
        while waiting:
            waiting += _read_one_folder(root, root_fd, waiting.pop(), tree)
    finally:
        os.close(root_fd)


def _read_one_folder(root: str, root_fd: int, folder: str, tree: Tree) -> list[str]:
    """Add what one folder contains; returns the folders found in it."""
    found = []
    entries = _entries(root_fd, folder, tree)
    if folder and (f"{folder}/{VENV}", stat.S_IFREG) in [(name, stat.S_IFMT(mode)) for name, mode in entries]:
        tree.drop_folder(folder, VENV_WORDS)  # before reading its thousands of files
        return []
    for name, mode in entries:
        if tree.leaves_out(name):
            continue
        if stat.S_ISDIR(mode):
            if tree.add_folder(name):
                found.append(name)
        elif stat.S_ISLNK(mode):
            _read_link(root, root_fd, name, tree)
        else:
            _read_regular(root_fd, name, name, tree)
    return found


def _entries(root_fd: int, folder: str, tree: Tree) -> list[tuple[str, int]]:
    """The names in a folder, relative to the root, with their modes; links are not followed."""
    flags = os.O_RDONLY | os.O_DIRECTORY
    with _readable(folder or ".", tree), _beneath(root_fd, folder, flags) as fd, os.scandir(fd) as entries:
        names = sorted(entry.name for entry in itertools.islice(entries, MAX_MEMBERS + 1))
        if len(names) > MAX_MEMBERS:
            raise tree.too_many()
        prefix = f"{folder}/" if folder else ""
        return [(prefix + name, os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode) for name in names]


def _read_link(root: str, root_fd: int, name: str, tree: Tree) -> None:
    """Add the file that a link leads to, if that is inside the folder too."""
    try:
        target = os.path.realpath(f"{root}/{name}", strict=True)
    except OSError as error:
        tree.note(name, f"a link that leads nowhere ({error.strerror})")
        return
    if target != root and not target.startswith(f"{root}/"):
        tree.note(name, "a link that leads out of the folder")
        return
    _read_regular(root_fd, name, target.removeprefix(root).lstrip("/"), tree)


def _read_regular(root_fd: int, name: str, source: str, tree: Tree) -> None:
    """Add the file `source` under `name`; anything but a regular file is left out and never opened.

    It is examined again after opening, since it may have been replaced in between.
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
    tree.note(name, f"it leads to {kind_of(mode)}" if name != source else f"it is {kind_of(mode)}")


@contextmanager
def _readable(name: str, tree: Tree) -> Iterator[None]:
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
