"""Which user a program runs as if no namespace hides others from it, and with whose rights the warden looks at it.

Without namespaces, the kernel separates processes only by their users (credentials(7)).  So a grader that is root gives
each program its own user: it can neither signal nor trace the grader, the driver, the warden or another grading's
program, nor read their memory, their descriptors and their folders.  An ordinary user can't do that; its programs run
as itself, but at least they can't look into those three, which are not dumpable.

In most containers, root has no CAP_SYS_PTRACE and can't look into another user's processes.  But /proc asks for little
more than the same user (ptrace(2), "Ptrace access mode checking"): the caller's file-system user and group must be the
process's real, effective and saved ones.  So the warden looks with that user's rights, which `acting_as` lends it.  Its
real and saved user stay root, and only these two decide who may touch it with kill(2) and ptrace(2).  Only
pidfd_getfd(2) asks for the real user: a child does that, `answered_as`, which the program could kill or stop; all that
it would gain is that something is not known.

One way to hide is left: running from a file that its user can't read makes a process not dumpable (PR_SET_DUMPABLE of
prctl(2), which the program's filter refuses).  Such a process is recognized (`proc.py`).

Standard library only.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, NoReturn

_libc = ctypes.CDLL(None, use_errno=True)
#: Numbers of linux/capability.h.
CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_ADMIN, CAP_SYS_PTRACE = 0, 5, 6, 7, 12, 19
#: What it takes to run a program as another user, in that user's folder, and to end it.
_TO_SEPARATE = (CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID)
#: Ids that systemd's list of users and groups (systemd.io/UIDS-GIDS) calls unused: many, and those of them that are
#: below 65536, since most containers of ordinary users have no others.
_UNUSED_IDS = (range(65_536, 524_288), range(60_578, 61_184))
_TRIES = 2
#: A child that looks needs milliseconds; one that has not answered by then was stopped, or waits for a CPU.
_ANSWER_S = 1.0


def holds(*capabilities: int) -> bool:
    """Whether this process has all of them in its effective set."""
    held = int(_read("/proc/self/status").partition("\nCapEff:")[2].split()[0], 16)
    return all(held >> capability & 1 for capability in capabilities)


def exists(identity: int) -> bool:
    """Whether this user namespace has a user and a group with that number."""
    return all(is_mapped(identity, _read(f"/proc/self/{name}")) for name in ("uid_map", "gid_map"))


def is_mapped(identity: int, table: str) -> bool:
    """Whether a table of user_namespaces(7), lines of first id inside, first id outside and how many, has that id."""
    ranges = (map(int, line.split()) for line in table.splitlines())
    return any(first <= identity < first + count for first, _, count in ranges)


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def of_its_own() -> int | None:
    """An unused user (and group), for one program; None if this process may not start programs as another user."""
    if os.geteuid() != 0 or not holds(*_TO_SEPARATE):
        return None
    taken = _running_users()
    for ids in _UNUSED_IDS:
        if exists(ids[0]) and exists(ids[-1]):
            return random.choice([one for one in ids if one not in taken])  # noqa: S311 — not secret
    return None


def _running_users() -> set[int]:
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                found.add(os.stat(f"/proc/{name}").st_uid)
    return found


@contextmanager
def acting_as(uid: int, gid: int) -> Iterator[None]:
    """Files opened meanwhile are opened with that user's rights, and new ones belong to it (setfsuid(2))."""
    group_before, user_before = _libc.setfsgid(gid), _libc.setfsuid(uid)
    try:
        yield
    finally:
        _libc.setfsuid(user_before)
        _libc.setfsgid(group_before)


class Rights:
    """What it takes to look at a program of this user.

    Its own user's rights, if we are root and lack the right to look into other users' processes; else ours are enough.
    """

    def __init__(self, uid: int, gid: int) -> None:
        self._user = uid, gid
        self._lent = uid != os.geteuid() and not holds(CAP_SYS_PTRACE)

    def looking(self) -> AbstractContextManager[None]:
        """The context for looking at what /proc shows only to the program's own user."""
        return acting_as(*self._user) if self._lent else nullcontext()

    def asked(self, question: Callable[[], Any]) -> Any:
        """What comes of calls for which the real user counts; None, too, if we were kept from it."""
        return answered_as(*self._user, question) if self._lent else question()


def answered_as(uid: int, gid: int, question: Callable[[], Any]) -> Any:
    """What a child with that real user finds out; None if it could not, or was kept from it."""
    for _ in range(_TRIES):
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        child = os.fork()
        if child == 0:
            _answer(uid, gid, question, theirs)
        os.close(theirs)
        words = _read_until(ours, child)
        os.close(ours)
        os.waitpid(child, 0)
        with suppress(ValueError):
            return json.loads(words)
    return None


def _answer(uid: int, gid: int, question: Callable[[], Any], mouth: int) -> NoReturn:
    try:
        os.setresgid(gid, -1, -1)
        os.setresuid(uid, -1, -1)
        with os.fdopen(mouth, "w") as words:
            json.dump(question(), words)
    finally:
        os._exit(0)


def _read_until(mouth: int, child: int) -> bytes:
    """Its whole answer; a child that does not finish is killed."""
    words = b""
    while select.select([mouth], [], [], _ANSWER_S)[0]:
        chunk = os.read(mouth, 1 << 16)
        if not chunk:
            return words
        words += chunk
    os.kill(child, signal.SIGKILL)
    return b""


def done_as(uid: int, gid: int, action: Callable[[], object], within_s: float | None = None) -> None:
    """Let a child that is that user do something; what it can't do in time is left undone."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            action()
        finally:
            os._exit(0)
    pidfd = os.pidfd_open(child)
    if not select.select([pidfd], [], [], within_s)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(pidfd)
    os.waitpid(child, 0)


def kill_all_of(uid: int, gid: int) -> None:
    """Kill every process of a user that only one program runs as.

    The kernel does it in one step, under the lock that fork(2) takes, so nothing can fork past it.  It may be too late
    only for a child of ours that the program has stopped first: ask again until nobody is left.
    """
    done_as(uid, gid, _kill_everybody, _ANSWER_S)


def _kill_everybody() -> None:
    """Whom this user may kill, but the caller itself (kill(2))."""
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
