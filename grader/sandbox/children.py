"""Children of the warden that do something as the program's user, or become the program.

A child is forked from a process with rights, so it first gives them up for good, and it never returns into the warden.
What it does with the program's files may take long, whatever the program has made of them: it gets a bounded time.

Standard library only.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NoReturn

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_CAP_LAST = 63
_TIDY_S = 10  # removing 20 000 files takes half a second
#: Two hundred stacks of two hundred frames, each a line of text.
_MOST_TOLD_BYTES = 1 << 23


def forked(function: Callable[[], None]) -> int:
    """The pid of a child that calls the function and exits: with status 0, or with 1 if it has raised anything."""
    child = os.fork()
    if child == 0:
        _guarded(function)
    return child


def done_as(uid: int, gid: int, function: Callable[[], None]) -> int:
    """Let a child do something with files as the program's user, within a bounded time; its exit code."""

    def done() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_TIDY_S)
        become(uid, gid)
        function()

    _, status = os.waitpid(forked(done), 0)
    return os.waitstatus_to_exitcode(status)


def told_as(uid: int, gid: int, function: Callable[[], Any], within_s: float) -> Any:
    """What a child finds out that is the program's user and nobody else, as JSON carries it; None: not in that time.

    Tools that it has started are no children of ours when it is killed; they belong to the program's processes then.
    """
    mouth, mouth_end = os.pipe2(os.O_CLOEXEC)

    def said() -> None:
        become(uid, gid)
        with os.fdopen(mouth_end, "w") as words:
            json.dump(function(), words)

    child = forked(said)
    os.close(mouth_end)
    deadline = time.monotonic() + within_s
    words = bytearray()
    while len(words) <= _MOST_TOLD_BYTES and select.select([mouth], [], [], max(0.0, deadline - time.monotonic()))[0]:
        chunk = os.read(mouth, 1 << 16)
        if not chunk:
            break
        words += chunk
    else:
        os.kill(child, signal.SIGKILL)
    os.close(mouth)
    os.waitpid(child, 0)
    try:
        return json.loads(words)
    except ValueError:
        return None


def _guarded(function: Callable[[], None]) -> NoReturn:
    """Run the child's side of a fork; it never returns into the warden."""
    status = 1
    try:
        function()
        status = 0
    except BaseException as error:  # noqa: BLE001 — a child must not continue as a second warden
        sys.stderr.write(f"warden: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(status)


def die_with_parent() -> None:
    """Let the kernel kill this process when the one that has forked it exits."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def close_all_but(*kept: int) -> None:
    """Close every descriptor above the standard streams but these."""
    bounds = [2, *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    for below, above in pairwise(bounds):
        os.closerange(below + 1, above)


def become(uid: int, gid: int) -> None:
    """Give up every privilege forever: user, groups, capabilities, and the ways to get them back."""
    for capability in range(_CAP_LAST + 1):
        # Refused without SETPCAP, for then no_new_privs covers it, and behind the last one that the kernel knows.
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    if os.getuid() != uid:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    if _libc.capset(header, b"\0" * 24) != 0:
        raise OSError(ctypes.get_errno(), "capset")
