"""Folders that are restored whenever a program is started: what it wrote must not reach its next start.

After building, every place where a program can write is recorded: names, kinds, modes, times, and the content of each
file, in the warden's own memory, which no program can reach.  Before a start, no process of the program is left, so
nobody changes anything during the comparison: by lstat, and by reading, since a file on a tmpfs that is written through
a mapping keeps all its times.  If something differs, a child restores it, as the program's own user, so that no trick
with links makes it touch what is not the program's; then the warden looks again.

What a program leaves may be nasty: folders nested deeper than a path can express, or that even their owner can't enter,
thousands of files, a full disk.  So whatever is new is removed first, folder by folder, each moved up before it is
emptied, and then what is missing is made.

Not restored: the numbers that the kernel assigns (inodes, process ids) and the clock, which always go on.

Standard library only.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

#: How much of a file is compared with what it was in one go.
_CHUNK_BYTES = 1 << 20
#: Of a path below a folder: PATH_MAX of limits.h, with room for the folder's own and for a name behind it.
_LONGEST_NAME = 3800
#: A build makes a handful; a tool with all its parts some dozens.
_MOST_PROGRAMS = 500
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class TooMuchError(Exception):
    """The folders contain more than can be kept; the text is the end of a sentence."""


@dataclass
class _Entry:
    """One name in a folder.

    `seen`: what lstat(2) said when it was recorded.  `content`: a file's bytes, or where a link leads.
    """

    seen: os.stat_result
    content: bytes | None


@dataclass
class Folder:
    """One place and what belongs to `uid` in it: relative path -> entry, parents first; "" is the place itself."""

    path: str
    uid: int
    entries: dict[str, _Entry] = field(default_factory=dict)


@dataclass
class Changes:
    """What has changed, as relative paths.

    `added` must be removed, `missing` made, and `altered` both, except for folders, which stay.
    """

    added: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.altered or self.missing)


def programs(path: str) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Each file below a folder that can be executed and begins as a program or a script does, at most some hundreds.

    With what tells that it is another one later: inode, time of change in ns, size.
    """
    left = _MOST_PROGRAMS
    for name, seen in _walk(path, None):
        if (
            left
            and name.isprintable()
            and stat.S_ISREG(seen.st_mode)
            and seen.st_mode & stat.S_IXUSR
            and _head(f"{path}/{name}")
        ):
            left -= 1
            yield name, (seen.st_ino, seen.st_ctime_ns, seen.st_size)


def _head(path: str) -> bool:
    """Whether a file begins like something execve(2) can start: ELF, or a line that names an interpreter."""
    try:
        with open(os.open(path, _READ), "rb", buffering=0) as file:
            return (file.read(4) or b"").startswith((b"\x7fELF", b"#!"))
    except OSError:
        return False


def take_down(paths: list[str], uid: int, most_bytes: int, most_files: int) -> list[Folder]:
    """The folders as they are now.

    Raises:
        TooMuchError: they hold more than `most_bytes` (the holes of files count) or `most_files`.
    """
    folders = [Folder(path, uid) for path in paths]
    for folder in folders:
        for name, seen in _walk(folder.path, None):
            most_files -= 1
            most_bytes -= seen.st_size if stat.S_ISREG(seen.st_mode) else 0
            if min(most_files, most_bytes) < 0:
                raise TooMuchError(f"{folder.path} contains too many files, or too large ones")
            if len(name) > _LONGEST_NAME:
                raise TooMuchError(f"{folder.path} contains folders that are nested too deeply")
            folder.entries[name] = _Entry(seen, _content(_path(folder, name), seen))
    return folders


def changes(folder: Folder) -> Changes:
    """How it differs from what was recorded."""
    found, unseen = Changes(), dict.fromkeys(folder.entries)
    for name, now in _walk(folder.path, folder):
        unseen.pop(name, None)
        entry = folder.entries.get(name)
        if entry is None:
            found.added.append(name)
        elif now.st_uid == folder.uid and _differs(_path(folder, name), entry, now):
            found.altered.append(name)
    found.missing += unseen
    return found


def put_back(folder: Folder) -> None:
    """Undo all changes.  Call it as the user whose they are.

    Raises:
        OSError: something can't be undone.
    """
    if not _is_place(folder.path):  # removed, or something else in its stead
        with suppress(FileNotFoundError):
            os.unlink(folder.path)
        os.mkdir(folder.path, 0o700)
    own = [name for name, entry in folder.entries.items() if _is_own_folder(folder, entry)]
    for name in own:  # or nobody could look into them
        _open_up(_path(folder, name))
    os.chdir(folder.path)
    found = changes(folder)
    for name in (*found.added, *found.altered):
        if not (name in folder.entries and _is_folder(name) and stat.S_ISDIR(folder.entries[name].seen.st_mode)):
            _remove(name)
    twins: dict[tuple[int, int], str] = {}
    for name, entry in folder.entries.items():
        if not os.path.lexists(name or "."):
            _make(name, entry, twins)
    for name in reversed(own):  # last, since making anything in a folder changes its times
        _finish_folder(name or ".", folder.entries[name].seen)


def settle(folder: Folder) -> list[str]:
    """What still is not as it was; what is, has new inodes and times, which are taken down."""
    still = changes(folder)
    wrong = [*still.added, *still.missing]
    for name in still.altered:
        entry, path = folder.entries[name], _path(folder, name)
        now = os.lstat(path)
        if _form(now) != _form(entry.seen) or _content(path, now) != entry.content:
            wrong.append(name)
        else:
            entry.seen = now
    return wrong


def _path(folder: Folder, name: str) -> str:
    return f"{folder.path}/{name}" if name else folder.path


def _walk(root: str, known: Folder | None) -> Iterator[tuple[str, os.stat_result]]:
    """Every name below a folder, parents first; of known ones only their folders are entered, and no other mount.

    None at all if there is no such folder any more, or a link in its stead.
    """
    if not _is_place(root):
        return
    top = os.lstat(root)
    yield "", top
    pending = [""]
    while pending:
        inside = pending.pop()
        for entry in _listed(f"{root}/{inside}"):
            name = f"{inside}/{entry.name}" if inside else entry.name
            seen = entry.stat(follow_symlinks=False)
            yield name, seen
            enters = known is None or (name in known.entries and stat.S_ISDIR(known.entries[name].seen.st_mode))
            if enters and stat.S_ISDIR(seen.st_mode) and seen.st_dev == top.st_dev:
                pending.append(name)


def _listed(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError as error:
        if error.errno in {errno.EACCES, errno.ENAMETOOLONG}:  # the one is a change itself, the other is told above
            return []
        raise


def _differs(path: str, entry: _Entry, now: os.stat_result) -> bool:
    then = entry.seen
    if (then.st_ino, then.st_ctime_ns, _form(then)) != (now.st_ino, now.st_ctime_ns, _form(now)):
        return True
    return stat.S_ISREG(now.st_mode) and entry.content is not None and not _holds(path, entry.content)


def _form(seen: os.stat_result) -> tuple[int, ...]:
    """The part of lstat(2) that can be restored."""
    if stat.S_ISDIR(seen.st_mode):
        return seen.st_mode, seen.st_mtime_ns
    return seen.st_mode, seen.st_mtime_ns, seen.st_nlink, seen.st_size, seen.st_rdev


def _holds(path: str, content: bytes) -> bool:
    """Whether a file, known to have the size of `content`, has these bytes."""
    rest = memoryview(content)
    with open(os.open(path, _READ), "rb", buffering=0) as file:
        while rest:
            chunk = file.read(_CHUNK_BYTES)
            if not chunk or rest[: len(chunk)] != chunk:
                return False
            rest = rest[len(chunk) :]
    return True


def _content(path: str, seen: os.stat_result) -> bytes | None:
    """A file's bytes, where a link leads, else None; None also for what its own user may not read."""
    if stat.S_ISLNK(seen.st_mode):
        return os.fsencode(os.readlink(path))
    if not stat.S_ISREG(seen.st_mode):
        return None
    try:
        with open(os.open(path, _READ), "rb", buffering=0) as file:
            return file.read()
    except PermissionError:
        return None


def _is_place(path: str) -> bool:
    """Whether it is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _is_folder(name: str) -> bool:
    return stat.S_ISDIR(os.lstat(name or ".").st_mode)


def _is_own_folder(folder: Folder, entry: _Entry) -> bool:
    """Whether it is the program's, and no other mount."""
    same_mount = entry.seen.st_dev == folder.entries[""].seen.st_dev
    return stat.S_ISDIR(entry.seen.st_mode) and entry.seen.st_uid == folder.uid and same_mount


def _open_up(path: str) -> None:
    """Let the owner list and change a folder, if there is one."""
    with suppress(FileNotFoundError, NotADirectoryError):
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(path, 0o700)


def _remove(name: str) -> None:
    """Remove a file, or a folder with everything in it.  A folder below it is moved up first, so no path grows."""
    if not _is_folder(name):
        os.unlink(name)
        return
    pending = [name]
    while pending:
        folder = pending.pop()
        os.chmod(folder, 0o700)
        for entry in _listed(folder):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, 0o700)  # or it can't be moved: its `..` changes
            pending.append(f".{secrets.token_hex(8)}")
            os.rename(entry.path, pending[-1])
        os.rmdir(folder)


def _make(name: str, entry: _Entry, twins: dict[tuple[int, int], str]) -> None:
    """Make what was recorded.  `twins`: the files with several names that have been made, by what they were."""
    seen, mode = entry.seen, stat.S_IMODE(entry.seen.st_mode)
    twin = (seen.st_dev, seen.st_ino)
    if twin in twins:
        os.link(twins[twin], name, follow_symlinks=False)
        return
    twins[twin] = name
    if stat.S_ISDIR(seen.st_mode):
        os.mkdir(name, 0o700)
        return
    if stat.S_ISLNK(seen.st_mode):
        os.symlink(entry.content or b"", os.fsencode(name))
    elif not stat.S_ISREG(seen.st_mode):
        os.mknod(name, stat.S_IFMT(seen.st_mode) | 0o600, seen.st_rdev)
    else:
        with open(os.open(name, _MAKE, 0o600), "wb", buffering=0) as file:
            rest = memoryview(entry.content or b"")
            while rest:
                rest = rest[file.write(rest) :]
    if not stat.S_ISLNK(seen.st_mode):
        os.chmod(name, mode)
    os.utime(name, ns=(seen.st_atime_ns, seen.st_mtime_ns), follow_symlinks=False)


def _finish_folder(name: str, seen: os.stat_result) -> None:
    """Give it the attributes, times and mode that it had."""
    with suppress(OSError):  # a file system without attributes
        for attribute in os.listxattr(name):
            with suppress(OSError):  # the system's own
                os.removexattr(name, attribute)
    os.utime(name, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    os.chmod(name, stat.S_IMODE(seen.st_mode))
