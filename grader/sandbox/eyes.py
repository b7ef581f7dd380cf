"""What the warden tells the driver about the program's processes: the facts of `proc.py`, with the rights it takes.

Root in a container may lack the right to look into other users' processes; then it looks with the program's user's
rights (`users.py`).  Each method is a question of the driver's and gives the fields of the answer.

Standard library only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from grader.sandbox import calls, proc, taken
from grader.sandbox.clocks import Clocks
from grader.sandbox.crowd import Crowd
from grader.sandbox.users import Rights

#: execve(2) closes descriptors, which tells us of it, and lets others look in microseconds later; on a loaded machine
#: another process may run in between.
_SHOWN_S = 1.0


class Eyes:
    """At one program.  `rights`: those that it takes to look at it.  `clocks`: what is known of those that it made."""

    def __init__(self, crowd: Crowd, rights: Rights, clocks: Clocks) -> None:
        self._crowd = crowd
        self._rights = rights
        self._clocks = clocks
        self._gives_sockets = taken.gives_sockets()

    def wait_shown(self, pid: int) -> None:
        """Wait until the kernel lets us look into a program that was just executed, a moment later."""
        deadline = time.monotonic() + _SHOWN_S
        with self._rights.looking():
            while proc.hides(pid) and time.monotonic() < deadline:
                os.sched_yield()

    def snapshot(self, *, files: bool, most_files: int) -> dict[str, Any]:
        """What every process of the program is doing now (see `wire/facts.py` for what it means).

        `files` adds their open files, up to so many of all; of the processes with more than what is left, the number.
        """
        self._crowd.reap()
        clocks = self._clocks.made()
        left, unix = most_files, proc.unix_sockets() if files else frozenset()
        seen = []
        with self._rights.looking():
            for pid in self._crowd.pids():
                seen.append(proc.process(pid, most_files=left if files else None, unix=unix) | clocks)
                left -= len(seen[-1].get("files", ()))
        if not any(each["threads"] or each["state"] == "X" for each in seen) and self._crowd.somebody():
            seen.append(proc.unsettled(0))
        return {"processes": seen}

    def cpu_time(self) -> dict[str, Any]:
        """How long the program has been on a CPU, with those of its processes that have ended."""
        return {"ns": self._crowd.cpu_ns()}

    def socket_timeouts(self, sockets: list[tuple[int, int]]) -> dict[str, Any]:
        """SO_RCVTIMEO or SO_SNDTIMEO of the program's sockets, given as (pid, fd): True, False, or None: not known."""
        return {"timed": self._taking(sockets, taken.timed) or [None] * len(sockets)}

    def small_send_buffers(self, sockets: list[tuple[int, int]]) -> dict[str, Any]:
        """Give listening sockets, as (pid, fd), the smallest send buffer, which their connections inherit.

        `small`: whether all have it now.
        """
        return {"small": all(self._taking(sockets, taken.shrink_send_buffer) or [False])}

    def held_bytes(self, descriptors: list[tuple[int, int]]) -> dict[str, Any]:
        """What waits in the program's pipes and sockets, given as (pid, fd), in bytes, as far as it is known."""
        return {"bytes": sum(self._taking(descriptors, taken.held_bytes) or [])}

    def _taking(self, sockets: list[tuple[int, int]], use: Callable[[int, int], Any]) -> list[Any] | None:
        """A function's result for each of the program's sockets, even if the kernel gives them only to its own user."""
        if not self._gives_sockets:
            return None  # and no child is needed to find that out

        def made() -> list[Any]:
            return [use(pid, fd) for pid, fd in sockets]

        found: list[Any] | None = self._rights.asked(made)
        return found

    def watched(self, sleepers: list[tuple[int, int, int, str, list[int]]]) -> dict[str, Any]:
        """The descriptors that sleeping threads wait to read from; None: not known, or it has woken up since.

        A thread is given as (pid, tid, context switches so far, call, arguments); the call is poll, select or
        epoll_wait.
        """
        with self._rights.looking():
            return {"watched": [calls.watched(*sleeper) for sleeper in sleepers]}

    def in_foreground(self, pid: int) -> dict[str, Any]:
        """Whether a process is in its terminal's foreground process group."""
        return {"foreground": proc.in_foreground(pid)}
