"""What a sleeping thread waits for, according to the call it is in and to its memory: timeouts, children, descriptors.

Registers are unsigned numbers, and an invalid address gets no answer.
"""

from __future__ import annotations

import errno
import os
import select
import struct
from collections.abc import Callable

from grader.sandbox.procfs import read, status, switches


def call_of(task: str) -> tuple[int | None, list[int]]:
    """The call that a thread is in, and its arguments: its registers' words, unsigned."""
    words = read(f"{task}/syscall").split()
    if len(words) <= 3:  # "running" while on a CPU, "-1 sp pc" when blocked outside a call
        return None, []
    return int(words[0]), [int(word, 16) for word in words[1:7]]


#: By machine.
FUTEX = {"x86_64": 202, "aarch64": 98}
_FUTEX_HERE = FUTEX.get(os.uname().machine)
_FUTEX_TIMEOUT_AT = 3
#: Timeouts longer than 292 years stand for it.
_LONGEST_NS = (1 << 63) - 1


def timeout_ns(task: str, call: int | None, arguments: list[int]) -> int | None:
    """The struct timespec that the timeout of futex(2) points to; None if there is none or it can't be read."""
    if call is None or call != _FUTEX_HERE or not arguments[_FUTEX_TIMEOUT_AT]:
        return None
    try:
        seconds, nanoseconds = struct.unpack("=qq", _memory(task, arguments[_FUTEX_TIMEOUT_AT], 16))
    except (OSError, struct.error):
        return None
    return max(0, min(int(seconds) * 10**9 + int(nanoseconds), _LONGEST_NS))


#: clone(2): the caller waits, in state D, until its child calls exec or ends.
_CLONE_VFORK = 0x4000


def _always(_: str, __: list[int]) -> bool:
    return True


def _by_argument(_: str, arguments: list[int]) -> bool:
    return bool(arguments[0] & _CLONE_VFORK)


def _by_structure(task: str, arguments: list[int]) -> bool:
    """Of clone3(2): the flags are the first word that its argument points to."""
    try:
        (flags,) = struct.unpack("=Q", _memory(task, arguments[0], 8))
    except (OSError, struct.error):
        return False
    return bool(flags & _CLONE_VFORK)


#: clone, vfork, clone3; elsewhere nobody waits in such a call.
VFORKS: dict[str, dict[int, Callable[[str, list[int]], bool]]] = {
    "x86_64": {56: _by_argument, 58: _always, 435: _by_structure},
    "aarch64": {220: _by_argument, 435: _by_structure},
}
_VFORKS_HERE = VFORKS.get(os.uname().machine, {})


def in_vfork(task: str, call: int | None, arguments: list[int]) -> bool:
    """Whether a thread in state D waits for its own child, not for the machine."""
    waits = _VFORKS_HERE.get(-1 if call is None else call)
    return waits is not None and waits(task, arguments)


# What a sleeping thread waits for

#: poll(2) has two names for the same, and epoll_ctl(2) the same bits.
_READABLE = select.POLLIN | select.POLLRDNORM
_MOST_WATCHED = 4096
#: Addresses from here on are not a program's, and pread(2) can't take them.
_ADDRESS_END = 1 << 63


def watched(pid: int, tid: int, switched: int, call: str, arguments: list[int]) -> list[int] | None:
    """The descriptors that a sleeping thread waits to read from; None: not known, or it has woken up since.

    `switched`: its context switches when it was seen; `call`: poll, select or epoll_wait.
    """
    task = f"/proc/{pid}/task/{tid}"
    try:
        found = _WATCHED[call](task, *arguments[:2])
        # As long as it has slept all the time, its memory was what the kernel was given.
        return found if switches(status(task)[1]) == switched else None
    except (OSError, ValueError, struct.error):
        return None


def _memory(task: str, address: int, size: int) -> bytes:
    """Raises OSError where it has no such address."""
    if address >= _ADDRESS_END:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
    memory = os.open(f"{task}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(memory, size, address)
    finally:
        os.close(memory)


def _polled(task: str, address: int, count: int) -> list[int]:
    """Of poll(2): an array of struct pollfd."""
    entries = struct.iter_unpack("=ihh", _memory(task, address, 8 * min(count, _MOST_WATCHED)))
    return [fd for fd, events, _ in entries if fd >= 0 and events & _READABLE]


def _selected(task: str, count: int, address: int) -> list[int]:
    """Of select(2): a set of bits, in the order of bytes that both of our architectures have."""
    count = min(count & 0xFFFFFFFF, _MOST_WATCHED)
    bits = int.from_bytes(_memory(task, address, (count + 7) // 8), "little") if address else 0
    return [fd for fd in range(count) if bits >> fd & 1]


def _epolled(task: str, epoll: int, _: int) -> list[int] | None:
    """Of epoll_wait(2): proc_pid_fdinfo(5) lists what is registered, and for which events."""
    info = read(f"{task}/fdinfo/{epoll & 0xFFFFFFFF}")
    lines = (line.split() for line in info.splitlines() if line.startswith(b"tfd:"))
    return [int(words[1]) for words in lines if int(words[3], 16) & _READABLE] if info else None


_WATCHED: dict[str, Callable[[str, int, int], list[int] | None]] = {
    "poll": _polled,
    "select": _selected,
    "epoll_wait": _epolled,
}
