"""What the kernel keeps after all processes have ended: shared memory, queues and semaphores.

Each IPC namespace has them, so what is there in the sandbox's own is the program's.  Whoever made an object may remove
it, and nobody else without a capability: a child does it as the program's user.

Standard library only.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

_libc = ctypes.CDLL(None)
_IPC_RMID = 0
#: proc_sysvipc(5): which call removes what each table lists, and what it wants between the number and nothing.
_REMOVERS = {"shm": (_libc.shmctl, ()), "msg": (_libc.msgctl, ()), "sem": (_libc.semctl, (0,))}
#: mq_overview(7): POSIX message queues as files.
_QUEUES = "/dev/mqueue"


def present() -> bool:
    """Whether anything is there."""
    return bool(_queues()) or any(_numbers(kind) for kind in _REMOVERS)


def remove() -> None:
    """Remove all that is this user's."""
    for kind, (control, which) in _REMOVERS.items():
        for number in _numbers(kind):
            control(number, *which, _IPC_RMID, None)
    for name in _queues():
        with suppress(OSError):  # not this user's: whoever asks next is told that it is still there
            os.unlink(f"{_QUEUES}/{name}")


def _numbers(kind: str) -> list[int]:
    """The objects' numbers: the second word of each line but the first; none where the kernel has no such objects."""
    try:
        with open(f"/proc/sysvipc/{kind}") as table:
            return [int(line.split()[1]) for line in table.readlines()[1:]]
    except FileNotFoundError:
        return []


def _queues() -> list[str]:
    try:
        return os.listdir(_QUEUES)
    except FileNotFoundError:
        return []
