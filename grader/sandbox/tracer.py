"""Where a program crashes: it is followed by ptrace(2) from before it is executed until a signal is about to end it.

Seized, not attached: nothing stops and no signal is sent; threads and children that it starts are followed as well.
When a signal is to be delivered that would end it, it is stopped in place of that, at the instruction that it has
reached; its stack is read as that of any stopped program (`tools.py`), and then the signal is delivered after all.

The tracer is a child of the warden that has become the program's user; the program's own filter refuses ptrace(2) to
it.  Ending the tracer ends the program.  Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from grader.sandbox import stacks
from grader.sandbox.sources import Files

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
# linux/ptrace.h
_CONT, _DETACH, _SEIZE, _LISTEN = 7, 17, 0x4206, 0x4208
_TRACEFORK, _TRACEVFORK, _TRACECLONE, _EXITKILL = 2, 4, 8, 1 << 20
_EVENT_STOP = 128
_WALL = 0x40000000  # waitpid(2): threads, too
#: Signals that end a program for what it has done itself (signal(7)).
FATAL: Final = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGPIPE, signal.SIGSYS}
)
_STOPPING: Final = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_IN_A_CHILD: Final = "where its child process crashed"
#: A thread that is told to stop has nothing else to do first.
_STOPS_WITHIN_S: Final = 0.2
_LOOK_S: Final = 0.001


def follow(pid: int, work: str, ready: Callable[[], None], tell: Callable[[list[dict[str, Any]]], None]) -> None:
    """Follow a process and what it starts until nobody is left.

    `ready`: called when it is followed.  `tell`: called once, with the place in its own source at which the first of
    them crashes, or with none if they all end otherwise.
    """
    _ptrace(_SEIZE, pid, _TRACEFORK | _TRACEVFORK | _TRACECLONE | _EXITKILL)
    ready()
    told = False
    with suppress(ChildProcessError):  # nobody is left to be followed
        while True:
            tid, status = os.waitpid(-1, _WALL)
            if not os.WIFSTOPPED(status):
                continue
            number, event = os.WSTOPSIG(status), status >> 16
            with suppress(OSError, IndexError):  # it has been killed meanwhile
                if event == 0 and number in FATAL and not told and not _is_handled(tid, number):
                    told, where = True, []
                    try:
                        where = _crash(tid, work, "where it crashed" if _is_of(tid, pid) else _IN_A_CHILD)
                    finally:
                        tell(where)  # before anybody can notice the crash and ask for it
                        for each in (number, signal.SIGCONT):
                            os.kill(tid, each)
                elif event == _EVENT_STOP and number in _STOPPING:
                    _ptrace(_LISTEN, tid, 0)
                else:
                    _ptrace(_CONT, tid, 0 if event else number)
    if not told:
        tell([])


def _ptrace(request: int, tid: int, data: int) -> None:
    if _libc.ptrace(request, tid, None, data) == -1:
        raise OSError(ctypes.get_errno(), "ptrace")


def _crash(tid: int, work: str, how: str) -> list[dict[str, Any]]:
    """Where a thread is that is about to crash; it is stopped, and nobody's, afterwards."""
    _ptrace(_DETACH, tid, signal.SIGSTOP)
    _wait_stopped(tid)
    files = Files(work)
    frames = [frame for stack in stacks.of_thread(tid) for frame in stack.frames]
    return [files.told(frame, how) for frame in frames if files.own(frame.file)][:1]


def _is_of(tid: int, pid: int) -> bool:
    """Whether a thread is one of that process."""
    return os.path.exists(f"/proc/{pid}/task/{tid}")


def _wait_stopped(tid: int) -> None:
    for _ in range(round(_STOPS_WITHIN_S / _LOOK_S)):
        with open(f"/proc/{tid}/stat", "rb") as file:
            if file.read(4096).rpartition(b")")[2].split()[0] == b"T":
                return
        select.select([], [], [], _LOOK_S)


def _is_handled(tid: int, number: int) -> bool:
    """Whether the program catches or ignores a signal (proc(5)).  One that the kernel forces on it, it can't ignore."""
    with open(f"/proc/{tid}/status", "rb") as file:
        fields = file.read(1 << 16)
    bits = (int(fields.partition(name)[2].split()[0], 16) for name in (b"\nSigCgt:", b"\nSigIgn:"))
    return any(each >> number - 1 & 1 for each in bits)
