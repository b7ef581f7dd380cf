"""A program's descriptors, shared with us for a moment (pidfd_getfd(2)): timeouts, buffers, and what waits in them."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import stat
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from grader.sandbox.procfs import living

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_SYS_PIDFD_GETFD = 438  # the same number on every architecture
_PIDFD_THREAD = os.O_EXCL  # pidfd_open(2), since Linux 6.9
#: linux/sock_diag.h: memory of what has come, of what is sent and not received, and of what is yet to be sent.
_SO_MEMINFO, _MEMINFO, _RECEIVED, _SENT, _TO_SEND = 55, struct.Struct("=9I"), 0, 2, 5


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


def held_bytes(pid: int, fd: int) -> int:
    """What waits in that pipe, or in that socket on either way, in bytes; 0 of anything else, or if nobody knows.

    What one Unix socket has sent to another may count at both.
    """
    try:
        with _shared(pid, fd) as taken:
            kind = os.fstat(taken).st_mode
            if stat.S_ISFIFO(kind):
                return _unread(taken)
            return _in_socket(taken) if stat.S_ISSOCK(kind) else 0
    except OSError:
        return 0


def _unread(descriptor: int) -> int:
    count: int = struct.unpack("@i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]
    return count


def _in_socket(taken: int) -> int:
    with _as_socket(taken) as sock:
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return 0
        memory: tuple[int, ...] = _MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))
        # A stream whose sender has been closed says only how many bytes there are to read.
        return max(memory[_RECEIVED], _unread(taken)) + max(memory[_SENT], memory[_TO_SEND])


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
    with _shared(pid, fd) as taken, _as_socket(taken) as sock:
        yield sock


@contextmanager
def _as_socket(taken: int) -> Iterator[socket.socket]:
    sock = socket.socket(fileno=taken)
    try:
        yield sock
    finally:
        sock.detach()


@contextmanager
def _shared(pid: int, fd: int) -> Iterator[int]:
    """A program's descriptor, shared with us meanwhile (OSError: the kernel refuses, or there is none)."""
    _, _, tid = living(pid)[0].partition("/task/")
    pidfd = os.pidfd_open(int(tid), _PIDFD_THREAD) if tid else os.pidfd_open(pid)
    try:
        taken = _libc.syscall(_SYS_PIDFD_GETFD, ctypes.c_int(pidfd), ctypes.c_int(fd), ctypes.c_uint(0))
    finally:
        os.close(pidfd)
    if taken < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    try:
        yield taken
    finally:
        os.close(taken)
