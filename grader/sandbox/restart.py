"""Calls that a stop has interrupted begin again, as the program's users would expect.

After SIGSTOP and SIGCONT most calls go on as if nothing had happened; epoll_wait(2), receives with a timeout and some
others fail with EINTR, even where no handler is installed (signal(7)).  A correct program need not be prepared for
that, and one that exits because of it would choose which of its checks can be played: whatever needs it stopped.  A
control group's freezer interrupts them just as well.

So we do for these what the kernel does for all others.  A thread stops on its way out of the call, with the result in
its registers already.  If that is EINTR, we replace it by ERESTARTNOHAND, which tells the kernel itself to begin the
call again, unless a handler has to run first (arch_do_signal_or_restart of arch/x86/kernel/signal.c): a program that
has a handler for SIGCONT still gets its EINTR, as it would anyway.

Other processors decide that before they stop; there, and where we may not trace it, a stopped program sees EINTR.

Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Iterable
from contextlib import suppress

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_PEEKUSER, _POKEUSER, _DETACH, _SEIZE = 3, 6, 17, 0x4206
_WALL = 0x40000000
#: Where PTRACE_PEEKUSER has a call's result and its number: rax and orig_rax of struct user (sys/user.h).
_RESULT_AT, _NUMBER_AT = 10 * 8, 15 * 8
_ERESTARTNOHAND = 514
#: A thread that is stopped shows itself to its tracer within microseconds.
_SHOWN_S = 1.0
_HERE = os.uname().machine == "x86_64"


def restart_interrupted(tids: Iterable[int]) -> None:
    """Let stopped threads begin the calls again that failed because of the stop, once somebody continues them.

    Threads that we may not trace, or that are gone, stay as they are.
    """
    if not _HERE:
        return
    for tid in tids:
        with suppress(OSError):
            _restart(tid)


def _restart(tid: int) -> None:
    """Raises OSError: it can't be traced, or is not stopped."""
    _ptrace(_SEIZE, tid)
    try:
        _wait_traced(tid)
        in_call = _ptrace(_PEEKUSER, tid, _NUMBER_AT) >= 0
        if in_call and _ptrace(_PEEKUSER, tid, _RESULT_AT) == -errno.EINTR:
            _ptrace(_POKEUSER, tid, _RESULT_AT, -_ERESTARTNOHAND)
    finally:
        _ptrace(_DETACH, tid)  # it stays stopped


def _wait_traced(tid: int) -> None:
    until = time.monotonic() + _SHOWN_S
    # Only stops are asked for: how it ends, if it is killed meanwhile, is left for whoever reaps it.
    while os.waitid(os.P_PID, tid, os.WSTOPPED | os.WNOHANG | _WALL) is None:
        if time.monotonic() > until:
            raise TimeoutError
        os.sched_yield()


def _ptrace(request: int, tid: int, address: int = 0, data: int = 0) -> int:
    ctypes.set_errno(0)
    result: int = _libc.ptrace(request, tid, address, data)
    if error := ctypes.get_errno():
        raise OSError(error, os.strerror(error))
    return result
