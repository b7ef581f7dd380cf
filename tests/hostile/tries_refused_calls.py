"""Answers every line with the error of each call that the filter is about, as one line of JSON; 0 where it worked.

`calls.json` beside it holds the numbers of the calls, and the names of those always `refused`.  With the argument
`--once` it prints that line and ends.
Each call is tried in a child, since one that works may change or hold the caller.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = json.loads(Path("calls.json").read_text())
NEW_USER_NAMESPACE, NEW_TIME_NAMESPACE, SIGCHLD = 0x10000000, 0x80, 17
#: CLONE_VM, CLONE_SIGHAND and CLONE_THREAD; and CLONE_FILES.
THREAD, SAME_FILES, UNSHARED = 0x100 | 0x800 | 0x10000, 0x400, 2
TIOCSTI, TIOCEXCL, TIOCSETD, FIONREAD = 0x5412, 0x540C, 0x5423, 0x541B
WORD = ctypes.create_string_buffer(8)
GET_PID_OF_32_BITS = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"
ALLOW_ALL = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000))
LISTENER = struct.pack("@HP", 1, ctypes.addressof(ALLOW_ALL))
CRASHED = 255
PAIR = socket.socketpair()


def call(name: str, *arguments: object) -> int:
    """The errno of a call, 0 where it worked."""
    result: int = libc.syscall(NUMBERS[name], *arguments)
    if result == 0 and name == "clone":
        os._exit(0)  # the child of the child
    return ctypes.get_errno() if result < 0 else 0


def in_32_bits() -> int:
    """The getpid of i386 by its own door: mov eax, 20; int 0x80; ret."""
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(GET_PID_OF_32_BITS)
    result: int = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    return max(0, -result)


def on_another_thread() -> int:
    """Threads start by clone3, or by clone where there is none."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    return 0


def named(function: Callable[..., socket.socket], *arguments: int) -> Callable[[], int]:
    """A socket call as an attempt."""

    def attempt() -> int:
        try:
            function(*arguments)
        except OSError as error:
            return error.errno or 0
        return 0

    return attempt


def set_option(level: int, name: int) -> socket.socket:
    """A socket with that option."""
    sock = socket.socket(socket.AF_INET6 if level == socket.IPPROTO_IPV6 else socket.AF_INET)
    sock.setsockopt(level, name, 1)
    return sock


ATTEMPTS: dict[str, Callable[[], int]] = {
    **{name: partial(call, name, 0, 0, 0, 0, 0, 0) for name in NUMBERS["refused"]},
    "userfaultfd": lambda: call("userfaultfd", 1),  # UFFD_USER_MODE_ONLY: for everybody
    "clone, user namespace": lambda: call("clone", NEW_USER_NAMESPACE | SIGCHLD, 0, 0, 0, 0),
    "clone, a thread with its own descriptors": lambda: call("clone", THREAD, 0, 0, 0, 0),
    "unshare, descriptors": lambda: call("unshare", SAME_FILES),
    "close_range, unshared": lambda: call("close_range", 900, 901, UNSHARED),
    "ioctl, type at a terminal": lambda: call("ioctl", 0, TIOCSTI, WORD),
    "ioctl, a terminal for itself": lambda: call("ioctl", 0, TIOCEXCL, 0),
    "ioctl, a line discipline": lambda: call("ioctl", 0, TIOCSETD, WORD),
    "unshare, user namespace": lambda: call("unshare", NEW_USER_NAMESPACE),
    "unshare, time namespace": lambda: call("unshare", NEW_TIME_NAMESPACE),
    "prctl, not dumpable": lambda: call("prctl", 4, 0, 0, 0, 0),
    "seccomp, with a listener": lambda: call("seccomp", 1, 8, LISTENER),
    "option, least time to live": named(set_option, socket.IPPROTO_IP, 21),
    "option, least hop count": named(set_option, socket.IPPROTO_IPV6, 73),
    "option, signed segments": named(set_option, socket.IPPROTO_TCP, 14),
    "option, filter of packets": named(set_option, socket.SOL_SOCKET, 26),
    "socket, packet": named(socket.socket, 17, 3, 0),
    "socket, old packet": named(socket.socket, 2, 10, 0),
    "socket, raw": named(socket.socket, 2, 3, 1),
    "socket, raw, close on exec": named(socket.socket, 10, 3 | socket.SOCK_CLOEXEC, 58),
    "socket, another protocol": named(socket.socket, 2, 2, 1),
    "socket, vsock": named(socket.socket, 40, 1, 0),
    "socket, algorithms": named(socket.socket, 38, 5, 0),
    "socket, netlink of sockets": named(socket.socket, 16, 3, 4),
    "x32": lambda: ctypes.get_errno() if libc.syscall(0x40000000 | 39) < 0 else 0,
    "i386": in_32_bits,
    "fine: netlink of routes": named(socket.socket, 16, 3, 0),
    "fine: unix by its number": named(socket.socket, 1, 1, 1),
    "fine: stream": named(socket.socket, 2, 1 | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 6),
    "fine: datagrams": named(socket.socket, 10, 2, 0),
    "fine: a reused address": named(set_option, socket.SOL_SOCKET, socket.SO_REUSEADDR),
    "fine: no delay": named(set_option, socket.IPPROTO_TCP, 1),
    "fine: unix": named(socket.socket, 1, 5, 0),
    "fine: a pair": named(lambda *a: socket.socketpair(*a)[0], 1, 1, 0),
    "fine: a process": lambda: call("clone", SIGCHLD, 0, 0, 0, 0),
    "fine: a thread": on_another_thread,
    "fine: unread bytes": lambda: call("ioctl", PAIR[0].fileno(), FIONREAD, WORD),
    "fine: close many": lambda: call("close_range", 900, 901, 0),
    "fine: a name": lambda: call("prctl", 15, b"server", 0, 0, 0),
    "fine: a filter": lambda: call("seccomp", 1, 0, LISTENER),
}


def tried(attempt: Callable[[], int]) -> int:
    """An attempt's error, from a child."""
    child = os.fork()
    if child == 0:
        libc.prctl(38, 1, 0, 0, 0)  # else a filter takes a privilege
        os._exit(attempt())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return CRASHED if code < 0 else code


SEEN = {name: tried(attempt) for name, attempt in ATTEMPTS.items()}

if sys.argv[1:] == ["--once"]:
    sys.stdout.write(json.dumps(SEEN))
else:
    import honest  # type: ignore[import-not-found]  # lies beside it in the submission

    honest.serve(lambda _: json.dumps(SEEN).encode() + b"\n")
