"""Processes and threads as the kernel sees them: who there is, what state they are in, what they hold and have open.

Everything here can be asked about any process at any time, keeps no state and changes nothing: None for a process that
is gone, nothing for an unreadable file.  How /proc is read so that no program can lie in it: `procfs.py`.  Standard
library only.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from grader.sandbox.calls import call_of, in_vfork, timeout_ns
from grader.sandbox.executables import made_by_go
from grader.sandbox.procfs import (
    ENDED,
    STOPPED,
    field,
    known,
    living,
    only_zombie,
    read,
    stat,
    state_of,
    status,
    switches,
    text,
    text_of,
    tids,
)

_PAGE_BYTES = resource.getpagesize()
#: Where fields of /proc/PID/stat are, counted from the first after the name.
_STATE, _PARENT, _GROUP, _FOREGROUND, _TIMES, _THREADS, _EXIT_CODE = 0, 1, 2, 5, slice(11, 15), 17, 49
#: How /proc names a file without a name; in what unit stat(2) counts what a file takes.
_NAMELESS, _BLOCK_BYTES = "/memfd:", 512
#: Where a row of /proc/net/unix has the inode.
_UNIX_INODE = 6
_TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


def pids() -> Iterator[int]:
    """All processes of this process namespace, zombies included."""
    return (int(name) for name in os.listdir(b"/proc") if name.isdigit())


def descendants(ancestor: int) -> list[int]:
    """The processes below one, zombies included."""
    children: dict[int, list[int]] = {}
    for pid in pids():
        if fields := stat(pid):
            children.setdefault(int(fields[_PARENT]), []).append(pid)
    found = list(children.get(ancestor, ()))
    for pid in found:  # grows in the loop: the children of children
        found += children.get(pid, ())
    return found


def own_children() -> list[int]:
    """The calling thread's children, read in microseconds; none if the kernel keeps no such list."""
    return [int(pid) for pid in read("/proc/thread-self/children").split()]


def tasks_of(uid: int) -> int:
    """How many processes and threads a user has in this namespace: what RLIMIT_NPROC counts."""
    count = 0
    for pid in pids():
        _, fields = status(f"/proc/{pid}")
        if field(fields, b"Uid").partition(b"\t")[0] == b"%d" % uid:
            count += int(field(fields, b"Threads") or b"0")
    return count


def exit_status(pid: int) -> int | None:
    """How a process ended that can't be waited for yet, as `subprocess` encodes it; None if it has not.

    One that another process traces (ptrace(2)) stays a zombie until its tracer ends.
    """
    fields = stat(pid)
    if len(fields) <= _EXIT_CODE or fields[_STATE] != b"Z" or fields[_THREADS] not in {b"0", b"1"}:
        return None
    code = int(fields[_EXIT_CODE])
    return os.waitstatus_to_exitcode(code) if os.WIFEXITED(code) or os.WIFSIGNALED(code) else None


def cpu_ns(pid: int) -> int:
    """How long all its threads have been on a CPU, and the children that it has waited for; 0 if it is gone."""
    return _TICK_NS * sum(map(int, stat(pid)[_TIMES]))


def in_foreground(pid: int) -> bool:
    """Whether it is in its terminal's foreground process group (proc_pid_stat(5): pgrp, tpgid)."""
    fields = stat(pid)
    return len(fields) > _FOREGROUND and fields[_GROUP] == fields[_FOREGROUND]


def not_stopped(pid: int) -> list[int]:
    """The threads of it that may go on before somebody sends SIGCONT; all that it has had, when it is gone meanwhile.

    A signal does not reach a thread in vfork(2), which waits for its child and sleeps on when that is stopped.
    """
    return [tid for tid in tids(pid) or [pid] if not _task_is_stopped(f"/proc/{pid}/task/{tid}")]


def stopped(pid: int) -> list[int]:
    """The threads of it that a signal has stopped."""
    return [tid for tid in tids(pid) if state_of(status(f"/proc/{pid}/task/{tid}")[1]) == "T"]


def _task_is_stopped(task: str) -> bool:
    state = state_of(status(task)[1])
    return state in ENDED or state in STOPPED or (state == "D" and in_vfork(task, *call_of(task)))


# Memory


def resident_bytes(pid: int) -> int:
    """Its resident memory, shared pages included."""
    return _resident(f"/proc/{pid}") or _resident(living(pid)[0])


def _resident(folder: str) -> int:
    fields = read(f"{folder}/statm").split()
    return int(fields[1]) * _PAGE_BYTES if fields else 0


def _mapped(folder: str) -> int:
    """Pages of its address space, resident or not; 0 without one."""
    fields = read(f"{folder}/statm").split()
    return int(fields[0]) if fields else 0


def own_bytes(pid: int) -> int:
    """Resident memory, of shared pages only this process's part (PSS of proc_pid_smaps_rollup(5))."""
    words = field(read(f"{living(pid)[0]}/smaps_rollup"), b"Pss").split()
    return int(words[0]) * 1024 if words else resident_bytes(pid)


# Processes and threads


def process(pid: int, *, most_files: int | None, unix: Collection[int] = ()) -> dict[str, Any]:
    """One process as facts (`ProcessFacts` of `wire/facts.py`).

    `most_files`: its open files are added, or how many they are where they are more than that; None: neither.  `unix`:
    the Unix sockets there are (`unix_sockets`).

    One that is gone was there when it was listed, so it has run since: its state is X, and nothing else is known.
    So is a child of ours that is about to be reaped.
    """
    folder, name, fields = living(pid)
    zombie = only_zombie(fields)
    threads = [] if zombie else [thread for tid in tids(pid) if (thread := _thread(pid, tid))]
    ended_since = not zombie and all(thread["state"] in ENDED for thread in threads)
    if ended_since or (zombie and _is_ours(fields)):
        return unsettled(pid)
    # A program that never waits for its children has hundreds of zombies: there is nothing more to see.
    seen = unsettled(pid) | {
        "parent": int(field(fields, b"PPid")),
        "name": text(name),
        "state": state_of(fields),
        "resident_bytes": 0 if zombie else _resident(folder),
        "ignored_signals": int(field(fields, b"SigIgn"), 16),
        "caught_signals": int(field(fields, b"SigCgt"), 16),
        "blocked_signals": int(field(fields, b"SigBlk"), 16),
        "posix_timers": not zombie and _has_posix_timers(pid),
        "by_go": not zombie and _catches_alarms(fields) and made_by_go(f"{folder}/exe"),
        "threads": threads,
    }
    if most_files is not None and not zombie:
        names = _descriptors(folder)
        if len(names) > most_files:
            return seen | {"unread_files": len(names)}
        files = seen["files"] = _files(folder, names)
        seen["resident_bytes"] += _unmapped(folder, fields, files)
        seen["waiting_files"] = sum(_waiting(folder, fd) for fd in files if _inode(files[fd]) in unix) if unix else 0
        seen["hidden"] = not seen["files"] and _hides(folder)
    return seen


def hides(pid: int) -> bool:
    """Whether it does not let us see what it has open: it is not dumpable (PR_SET_DUMPABLE of prctl(2))."""
    return _hides(living(pid)[0])


def _hides(folder: str) -> bool:
    try:
        os.listdir(f"{folder}/fd")
    except PermissionError:
        # Nobody may look at one without memory either, which is about to be gone.  What is resident says less: until a
        # program has run for a moment, Linux 6.2 to 6.16 may count nothing there (percpu_counter).
        return _mapped(folder) > 0
    except OSError:
        return False
    return False


def unsettled(pid: int) -> dict[str, Any]:
    """A process of which only this is known: it is or was there, and was not met."""
    signals = {"ignored_signals": 0, "caught_signals": 0, "blocked_signals": 0}
    return {"pid": pid, "parent": 0, "name": "", "state": "X", "resident_bytes": 0, "threads": [], **signals}


def _is_ours(fields: bytes) -> bool:
    """Whether it is this process that will reap it, and may: what is traced stays until its tracer has ended."""
    return int(field(fields, b"PPid")) == os.getpid() and field(fields, b"TracerPid") == b"0"


def _catches_alarms(fields: bytes) -> bool:
    return bool(int(field(fields, b"SigCgt"), 16) >> (signal.SIGALRM - 1) & 1)


def _has_posix_timers(pid: int) -> bool:
    """Whether it has timers of timer_create(2); where the kernel does not show them, it may have some."""
    return known(f"/proc/{pid}/timers") != b""


def _thread(pid: int, tid: int) -> dict[str, Any] | None:
    task = f"/proc/{pid}/task/{tid}"
    # The call first: the kernel shows it only of a thread that is off its CPU.  The state says "sleeping" a moment too
    # early, while the thread still runs towards its sleep and does not count as switched yet.  So a thread with one
    # count in two looks has slept from the status of the first to the call of the second.
    call, arguments = call_of(task)
    # Of its memory the same holds, so that is read between the two.
    timeout = timeout_ns(task, call, arguments)
    name, fields = status(task)
    sched = read(f"{task}/schedstat").split()
    if not fields or not sched:
        return None
    state = state_of(fields)
    return {
        "tid": tid,
        "state": state,
        "call": call,
        "arguments": arguments,
        "switches": switches(fields),
        "ran_ns": int(sched[0]),
        "waited_ns": int(sched[1]),
        "in_vfork": state == "D" and in_vfork(task, call, arguments),
        "name": text(name),
        "timeout_ns": timeout,
    }


def unix_sockets() -> frozenset[int]:
    """The inodes of all Unix sockets in this network namespace."""
    rows = (line.split(maxsplit=7) for line in read("/proc/self/net/unix").splitlines()[1:])
    return frozenset(int(row[_UNIX_INODE]) for row in rows if len(row) > _UNIX_INODE)


def _inode(target: str) -> int:
    """A socket's inode; 0 of anything else."""
    return int(target[8:-1]) if target.startswith("socket:[") else 0


def _unmapped(folder: str, fields: bytes, files: dict[str, str]) -> int:
    """Memory in files without a name (memfd_create(2)) that is not mapped, and so no part of what is resident."""
    sizes: dict[int, int] = {}
    for fd, target in files.items():
        if target.startswith(_NAMELESS):
            with suppress(OSError):  # it has been closed meanwhile
                found = os.stat(f"{folder}/fd/{fd}")
                sizes[found.st_ino] = found.st_blocks * _BLOCK_BYTES
    mapped = field(fields, b"RssShmem").split() if sizes else []
    return max(0, sum(sizes.values()) - 1024 * int(mapped[0] if mapped else b"0"))


def _waiting(folder: str, fd: str) -> int:
    """How many descriptors wait in a Unix socket to be received; 0 before Linux 5.10, which does not tell."""
    return int(field(b"\n" + read(f"{folder}/fdinfo/{fd}"), b"scm_fds") or b"0")


def _descriptors(folder: str) -> list[str]:
    """The numbers of its open descriptors."""
    try:
        return os.listdir(f"{folder}/fd")
    except OSError:
        return []


def _files(folder: str, names: list[str]) -> dict[str, str]:
    """Open descriptors and what they lead to, as its `fd` has them; a path too long to be told is empty."""
    found: dict[str, str] = {}
    try:
        links = os.open(f"{folder}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return found
    try:
        for fd in names:
            try:
                # From its folder, which takes half the time of a whole path.
                found[fd] = text_of(os.readlink(os.fsencode(fd), dir_fd=links))
            except OSError as error:
                if error.errno != errno.ENOENT:  # else it has been closed meanwhile
                    found[fd] = ""
    finally:
        os.close(links)
    return found
