"""What outlives all processes outside the work folder: shared memory, queues, semaphores, files in public folders.

In the sandbox's own namespaces, everything is the program's.  In the machine's, the program's things are recognized by
their user, if only one program runs as that user.  Only the user who made a thing may remove it without a capability: a
child does it as the program's user.

Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
from collections.abc import Collection
from contextlib import suppress

_libc = ctypes.CDLL(None)
_IPC_RMID = 0
#: proc_sysvipc(5): which call removes what each table lists, and what it wants between the number and nothing.
_REMOVERS = {"shm": (_libc.shmctl, ()), "msg": (_libc.msgctl, ()), "sem": (_libc.semctl, (0,))}
#: Where a table's line has an object's number, and its title of the column with who made it, which nobody can change.
_NUMBER, _MAKER = 1, "cuid"
#: mq_overview(7): POSIX message queues as files.
_QUEUES = "/dev/mqueue"
#: Folders where everybody may write.
PUBLIC_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 — looked at, and covered by namespaces.py


def present(uid: int | None = None) -> bool:
    """Whether there is any shared memory, queue or semaphore (`uid`: that user's)."""
    return bool(_queues(uid)) or any(_numbers(kind, uid) for kind in _REMOVERS)


def remove(uid: int | None = None) -> None:
    """Remove all of them that this process may remove (`uid`: that user's)."""
    for kind, (control, which) in _REMOVERS.items():
        for number in _numbers(kind, uid):
            control(number, *which, _IPC_RMID, None)
    for path in _queues(uid):
        with suppress(OSError):  # not this user's: the next listing shows that it is still there
            os.unlink(path)


def _numbers(kind: str, uid: int | None) -> list[int]:
    """The objects' numbers; none if the kernel has no such objects."""
    try:
        with open(f"/proc/sysvipc/{kind}") as table:
            titles, *rows = (line.split() for line in table)
    except FileNotFoundError:
        return []
    maker = titles.index(_MAKER)
    return [int(row[_NUMBER]) for row in rows if uid in {None, int(row[maker])}]


def _queues(uid: int | None) -> list[str]:
    return _entries_of(uid, _QUEUES)


def _entries_of(uid: int | None, folder: str) -> list[str]:
    """Paths of what is directly in a folder; none if there is no such folder."""
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if uid in {None, entry.stat(follow_symlinks=False).st_uid}:
                    found.append(entry.path)
    return found


def public_files(uid: int) -> frozenset[str]:
    """What a user put directly into folders where everybody may write; what it put into other users' folders stays."""
    return frozenset(path for folder in PUBLIC_FOLDERS for path in _entries_of(uid, folder))


def remove_files(paths: Collection[str]) -> None:
    """Remove files, and folders with all that is in them, as far as this process may."""
    for path in paths:
        with suppress(OSError):
            if stat.S_ISDIR(os.lstat(path).st_mode):
                remove_tree(path)
            else:
                os.unlink(path)


def remove_tree(path: str) -> None:
    """Remove a folder that a program wrote in, including folders that even their owner can't enter.

    No process of the program is running any more.  Does nothing if the folder was never made.
    """
    if not os.path.isdir(path):
        return
    with suppress(OSError):
        os.chmod(path, 0o700)
    for _, folders, _, inside in os.fwalk(path):
        for name in folders:
            with suppress(OSError):
                if stat.S_ISDIR(os.lstat(name, dir_fd=inside).st_mode):  # chmod would follow a link
                    os.chmod(name, 0o700, dir_fd=inside)
    shutil.rmtree(path, ignore_errors=True)
