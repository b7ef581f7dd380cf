"""All processes of the program: who they are, whether any are left, and stopping and killing every one of them.

With a process namespace the warden is PID 1 and sees all the others in /proc; without, it is a child subreaper and they
are its descendants.  A listing may miss a process that has started another and exited before the next line was read, so
only the kernel knows whether any are left: kill(2) of all the others finds none, or there are none to wait for, since
orphans come to us.

Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from grader.link.settings import Settings
from grader.sandbox import counts, proc, users
from grader.sandbox.restart import restart_interrupted
from grader.sandbox.users import Rights

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_CHILD_SUBREAPER = 36
SYS_TGKILL = {"x86_64": 234, "aarch64": 131}
_SYS_TGKILL_HERE = SYS_TGKILL.get(os.uname().machine, -1)  # elsewhere it is refused
#: How long the signals of one round may take to work before the next round.
_ROUND_S = 0.01
#: Rounds of signals to our own children: a chain of orphans is caught between the birth of one and its child's.
_HUNTS = 200


class StillThereError(Exception):
    """The kernel did not end what it was told to end: nothing said about a program afterwards would be true."""


class Crowd:
    """Every process of the sandbox but the warden itself, which must be the caller.

    `rights`: those that it takes to look at it.  `alone`: whether its user alone tells what is the program's, since
    there are no namespaces.
    """

    def __init__(self, settings: Settings, rights: Rights, *, alone: bool) -> None:
        self._settings = settings
        self._rights = rights
        self._alone = alone
        #: What is no part of the program: the warden itself, and its child that follows the program.
        self._ours = {os.getpid()}
        self._ended: dict[int, int] = {}
        # Orphans come to us, wherever they are in the tree; PID 1 gets them anyway.
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._wakeup, wakeup_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def fileno(self) -> int:
        """Readable when a process of ours may have ended; see `notice`."""
        return self._wakeup

    def notice(self) -> None:
        """Reap what has ended, and wait for the next."""
        self._drain_wakeup()
        self.reap()

    def _drain_wakeup(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wakeup, 4096)

    def reap(self) -> bool:
        """Record every process that has exited; whether there are still children."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                self._ended[pid] = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            return False

    def pids(self) -> Iterable[int]:
        """Every process of the program that a listing finds, zombies included."""
        if self._settings["private_pids"]:
            return (pid for pid in proc.pids() if pid not in self._ours)
        return [pid for pid in proc.descendants(os.getpid()) if pid not in self._ours]

    def leave_out(self, pid: int) -> None:
        """A child of the warden's is no part of the program; it is ended with it all the same."""
        self._ours = {os.getpid(), pid}

    def somebody(self) -> bool:
        """Whether the kernel knows of any process of the program, after reaping what has exited."""
        children = self.reap()
        if not self._settings["private_pids"]:
            return children
        try:
            os.kill(-1, 0)
        except ProcessLookupError:
            return False
        return True

    def _signal_all(self, number: int) -> None:
        """Send a signal to all processes of the program: in a namespace in one step, so no fork escapes."""
        if self._settings["private_pids"]:
            with suppress(ProcessLookupError):
                os.kill(-1, number)
            return
        for pid in self.pids():
            send_signal(pid, number)

    def kill_all(self) -> None:
        """Kill every process of the program and reap what is ours.  Returns when the kernel says that none are left.

        Raises:
            StillThereError: it does not.
        """
        until = time.monotonic() + self._settings["patience_s"]
        while self.somebody():
            if time.monotonic() > until:
                raise StillThereError("the program's processes could not be ended")
            if not self._settings["private_pids"]:
                self._signal_all(signal.SIGSTOP)
            self._signal_all(signal.SIGKILL)
            self._hunt_orphans()
            if self._alone:
                users.kill_all_of(self._settings["uid"], self._settings["gid"])
            select.select([self._wakeup], [], [], _ROUND_S)
            self._drain_wakeup()

    def _hunt_orphans(self) -> None:
        """Without a namespace: kill our own children as fast as we can, since each may be about to fork and exit."""
        if self._settings["private_pids"]:
            return
        for _ in range(_HUNTS):
            orphans = proc.own_children()
            if not orphans:
                return
            for pid in orphans:
                send_signal(pid, signal.SIGKILL)
            self.reap()

    def freeze(self) -> bool:
        """Stop every thread of the program; returns when all are stopped, or (False) can't be."""
        until = time.monotonic() + self._settings["patience_s"]
        while running := self._running():
            if time.monotonic() > until:
                return False
            self._signal_all(signal.SIGSTOP)
            # The kernel gives a process's signal to its first thread, where it stays as long as that is in vfork(2).
            for pid, tid in running:
                _libc.syscall(_SYS_TGKILL_HERE, pid, tid, signal.SIGSTOP)
        return True

    def _running(self) -> list[tuple[int, int]]:
        """The threads that are not stopped, each with its process."""
        with self._rights.looking():
            return [(pid, tid) for pid in self.pids() for tid in proc.not_stopped(pid)]

    def thaw(self) -> None:
        """Let it continue as if it had never been stopped, as far as we can (`restart.py`)."""
        with self._rights.looking():
            stopped = [tid for pid in self.pids() for tid in proc.stopped(pid)]
        self._rights.asked(partial(restart_interrupted, stopped))
        self._signal_all(signal.SIGCONT)

    def status(self, pid: int) -> int | None:
        """How a process ended, as `subprocess` encodes it; None while it runs."""
        self.reap()
        with self._rights.looking():
            return self._ended[pid] if pid in self._ended else proc.exit_status(pid)

    def cpu_ns(self) -> int:
        """How long the program has been on a CPU, with what has ended; only how much it grows has a meaning.

        Without a control group, children of one that ignores SIGCHLD are forgotten when they end.
        """
        if self._settings["own_cgroup"]:
            return counts.cpu_ns() - time.process_time_ns()
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        return int((reaped.ru_utime + reaped.ru_stime) * 1e9) + sum(map(proc.cpu_ns, self.pids()))

    def is_new(self, pid: int) -> None:
        """It was just started; an orphan of an earlier program may have had the same number."""
        self._ended.pop(pid, None)

    def forget(self) -> None:
        """Nothing is left of those that have ended."""
        self._ended.clear()


def send_signal(pid: int, number: int) -> None:
    """Send a signal to one process, or to a process group (minus its number), if it is there."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
