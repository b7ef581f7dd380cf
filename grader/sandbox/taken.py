"""A program's sockets, shared with us for a moment (pidfd_getfd(2)): their timeouts, and the size of a buffer."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from grader.sandbox.procfs import living

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_SYS_PIDFD_GETFD = 438  # the same number on every architecture
_PIDFD_THREAD = os.O_EXCL  # pidfd_open(2), since Linux 6.9


def timed(pid: int, fd: int) -> bool | None:
    """Whether a receive or send on that socket would end by a timeout of its own; None: not known, or not a socket."""
    size = struct.calcsize("ll")
    try:
        with _taken(pid, fd) as sock:
            return any(
                any(struct.unpack("ll", sock.getsockopt(socket.SOL_SOCKET, option, size)))
                for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO)
            )
    except OSError:
        return None


def shrink_send_buffer(pid: int, fd: int) -> bool:
    """Give that socket, and each connection that it accepts from now on, the smallest send buffer; whether it has."""
    try:
        with _taken(pid, fd) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    except OSError:
        return False
    return True


def gives_sockets() -> bool:
    """Whether the kernel lets us take another process's socket; tried on ourselves, since filters refuse it to all."""
    with socket.socket() as own:
        try:
            with _taken(os.getpid(), own.fileno()):
                return True
        except OSError:
            return False


@contextmanager
def _taken(pid: int, fd: int) -> Iterator[socket.socket]:
    """A program's socket, shared with us meanwhile (OSError: the kernel refuses, or it is not a socket)."""
    _, _, tid = living(pid)[0].partition("/task/")
    pidfd = os.pidfd_open(int(tid), _PIDFD_THREAD) if tid else os.pidfd_open(pid)
    try:
        taken = _libc.syscall(_SYS_PIDFD_GETFD, ctypes.c_int(pidfd), ctypes.c_int(fd), ctypes.c_uint(0))
    finally:
        os.close(pidfd)
    if taken < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    try:
        sock = socket.socket(fileno=taken)
    except OSError:
        os.close(taken)
        raise
    with sock:
        yield sock
