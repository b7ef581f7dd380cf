"""ptrace(2), as far as a tracer of ours needs it: following processes and threads, and what a stopped one has in hand.

Every call may fail with ESRCH: what is followed can be killed at any time.  Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from contextlib import suppress
from typing import Final, NamedTuple

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long

# linux/ptrace.h
_CONT, _DETACH, _SYSCALL, _SEIZE, _INTERRUPT, _LISTEN = 7, 17, 24, 0x4206, 0x4207, 0x4208
_GETREGSET, _SETREGSET, _GET_SYSCALL_INFO = 0x4204, 0x4205, 0x420E
_SYSCALLS_GOOD, _FORK, _VFORK, _CLONE, _EXITKILL = 1, 2, 4, 8, 1 << 20
_NT_PRSTATUS: Final = 1
_ENTRY: Final = 1
#: struct ptrace_syscall_info: op, arch, instruction and stack pointer, then number and arguments of a call that begins.
_INFO: Final = struct.Struct("=B3xIQQ7Q")
EVENT_STOP: Final = 128
WALL: Final = 0x40000000  # waitpid(2): threads, too
#: A stop at a system call, with TRACESYSGOOD.
AT_A_CALL: Final = 5 | 0x80

#: struct user_regs_struct: how many words, and which are the result of a call, the call that is about to be made, the
#: instruction and the stack pointer.  Where they are not known, a thread can't be put back to where it was.
_WORDS, _RESULT_AT, _CALL_AT, _INSTRUCTION_AT, _STACK_AT = {"x86_64": (27, 10, 15, 16, 19)}.get(
    os.uname().machine, (0, 0, 0, 0, 0)
)
_TKILL: Final = 200
#: The word that stands for no call: what a thread was about to do is then not done.
_NO_CALL: Final = (1 << 64) - 1
#: The instruction that makes a call.
_CALL_BYTES: Final = 2
#: Below the stack pointer a function that calls none may keep something (System V ABI, the red zone).
_RED_ZONE_BYTES: Final = 128
#: Servers have buffers of 64 KiB on their stacks; one with a larger one is copied no further.
_MOST_STACK_BYTES: Final = 1 << 19


class Call(NamedTuple):
    """A system call that a thread is about to make."""

    number: int
    arguments: tuple[int, ...]


class Moment(NamedTuple):
    """A thread's registers and its stack from an address on: enough to tell later who had called whom."""

    tid: int
    registers: bytes
    at: int
    stack: bytes


def seize(pid: int) -> None:
    """Follow a process, and whatever it starts from now on, without stopping it; it ends with its tracer."""
    _ptrace(_SEIZE, pid, _SYSCALLS_GOOD | _FORK | _VFORK | _CLONE | _EXITKILL)


def interrupt(tid: int) -> None:
    """Have a thread stop soon."""
    _ptrace(_INTERRUPT, tid, 0)


def wait_stopped(tid: int) -> None:
    """Wait until a thread that is interrupted has stopped.

    Raises:
        ProcessLookupError: it has ended before.
    """
    if not os.WIFSTOPPED(os.waitpid(tid, WALL)[1]):
        raise ProcessLookupError


def go_on(tid: int, number: int = 0, *, to_calls: bool = False) -> None:
    """Let a stopped thread go on, with a signal or without; `to_calls`: until its next system call."""
    _ptrace(_SYSCALL if to_calls else _CONT, tid, number)


def leave_stopped(tid: int) -> None:
    """Let a thread that is stopped by a signal stay so."""
    _ptrace(_LISTEN, tid, 0)


def let_go(tid: int, number: int) -> None:
    """Follow a thread no longer that is stopped before it gets a signal, and let it get this one instead."""
    _ptrace(_DETACH, tid, number)


def let_stop(tid: int) -> None:
    """Follow a thread no longer, whatever it is stopped for, and let a signal stop it before it does anything."""
    _libc.syscall(_TKILL, tid, int(signal.SIGSTOP))  # DETACH's own signal gets lost where none was to be delivered
    _ptrace(_DETACH, tid, 0)


def call(tid: int) -> Call | None:
    """The call that a thread is about to make; None if it stops behind one."""
    buffer = ctypes.create_string_buffer(_INFO.size)
    _ptrace(_GET_SYSCALL_INFO, tid, ctypes.addressof(buffer), len(buffer))
    kind, _, _, _, number, *arguments = _INFO.unpack(buffer.raw)
    return Call(number, tuple(arguments)) if kind == _ENTRY else None


def moment(tid: int) -> Moment | None:
    """What a stopped thread has in hand; None where that can't be put back."""
    if not _WORDS:
        return None
    registers = _register_set(_GETREGSET, tid, bytes(_WORDS * 8))
    at = struct.unpack(f"={_WORDS}Q", registers)[_STACK_AT] - _RED_ZONE_BYTES
    size = min(_end_of(tid, at) - at, _MOST_STACK_BYTES)
    with open(f"/proc/{tid}/mem", "rb", buffering=0) as memory:
        return Moment(tid, registers, at, os.pread(memory.fileno(), max(0, size), at))


def put_back(was: Moment, *, calls: bool = False) -> None:
    """Put a stopped thread back to that moment, at which it was about to make a call.

    `calls`: it makes it now; otherwise it is there for a look at its stack, and can do nothing useful.
    """
    words = [*struct.unpack(f"={_WORDS}Q", was.registers)]
    if calls:
        words[_RESULT_AT] = words[_CALL_AT]
        words[_INSTRUCTION_AT] -= _CALL_BYTES
    words[_CALL_AT] = _NO_CALL
    _register_set(_SETREGSET, was.tid, struct.pack(f"={_WORDS}Q", *words))
    with open(f"/proc/{was.tid}/mem", "r+b", buffering=0) as memory:
        os.pwrite(memory.fileno(), was.stack, was.at)


def _register_set(request: int, tid: int, words: bytes) -> bytes:
    buffer = ctypes.create_string_buffer(words, len(words))
    vector = struct.pack("=QQ", ctypes.addressof(buffer), len(words))
    told = ctypes.create_string_buffer(vector, len(vector))
    _ptrace(request, tid, ctypes.addressof(told), _NT_PRSTATUS)
    return buffer.raw


def _end_of(tid: int, address: int) -> int:
    """Where the memory ends that this address is in; the address itself if it is in none."""
    with suppress(ValueError), open(f"/proc/{tid}/maps") as table:
        for line in table:
            first, last = (int(one, 16) for one in line.split(maxsplit=1)[0].split("-"))
            if first <= address < last:
                return last
    return address


def _ptrace(request: int, tid: int, data: int, address: int | None = None) -> None:
    if _libc.ptrace(request, tid, address, data) == -1:
        raise OSError(ctypes.get_errno(), "ptrace")
