"""A running program: what is done to it, besides waiting for it.

`Program` is what checks hold.  It is one thing in three rooms, each of which adds to the one before: the process with
its output and its end (`process.py`), waiting for what it does (`waiting.py`), and signals, here.  Its `talks` are our
conversations with it, its `looks` what the kernel says about it, and its `stops` what its runs have in common.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from grader.errors import Reason
from grader.limits import SETTLE_S, SandboxLimits
from grader.model import EventKind
from grader.wire import terminal
from grader.wire.facts import Snapshot
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import SocketTable
from grader.wire.own_time import OwnTime, Spinning
from grader.wire.process import ForCheck, Process
from grader.wire.stillness import Verdict
from grader.wire.stops import Stops
from grader.wire.terminal import MadeOfCtrlC
from grader.wire.waiting import Awaited, NoProgressError, Why
from grader.wire.warden import Started, WardenClient

#: A loop that asks for bytes spends a third of its time in that call or more: in so many moments, one that looks is
#: caught twice but once in 400 times, and then a later look finds it.
_MOMENTS = 20
_BETWEEN_MOMENTS_S = 0.001
#: Being stopped and continued takes a thread some microseconds in the kernel; more than this it spends in its own code.
_OWN_CODE_NS = 100_000


class Program(Awaited):
    """One started program and all its processes."""

    def __init__(
        self,
        started: Started,
        warden: WardenClient,
        table: SocketTable,
        check: ForCheck,
        limits: SandboxLimits,
        *,
        keep_all: bool = False,
        spinning: Spinning | None = None,
        stops: Stops | None = None,
        name: str = "program",
        running: Callable[[], Iterable[Process]] = tuple,
    ) -> None:
        super().__init__(
            *(started, warden, table, check, limits), keep_all=keep_all, spinning=spinning, name=name, running=running
        )
        self.stops = stops or Stops()
        self._survives_stops = False

    def press_ctrl_c(self) -> MadeOfCtrlC:
        """Press Ctrl-C at its terminal; what the terminal makes of it.

        If the terminal does not send SIGINT to the program, because the program has given that job to another key, has
        left its terminal or has put another process group in the foreground, the key is pressed first, and then the
        signal is sent by kill(2).  A program that has switched off all such keys receives each as a byte, Ctrl-C too:
        it must look for that itself.
        """
        if self.ending():
            return MadeOfCtrlC.SIGNAL
        assert self.started.terminal is not None  # noqa: S101 — Ctrl-C is for programs at a terminal
        self.pump(0)
        made_of_it = terminal.made_of_ctrl_c(self.started.stdin)
        at_hand = self.warden.in_foreground(self.pid)
        self.transcript.add(EventKind.SIGNAL, "grader", "Ctrl-C typed at the program's terminal")
        if made_of_it is MadeOfCtrlC.SIGNAL and at_hand:
            terminal.send_interrupt(self.started.stdin, self.started.terminal)
            return made_of_it
        terminal.press(self.started.stdin, self.started.terminal, terminal.CTRL_C)
        if made_of_it is not MadeOfCtrlC.BYTE:
            self._send_interrupt(
                "its terminal sends none for that key" if at_hand else "its terminal serves another process"
            )
        return made_of_it

    def _send_interrupt(self, why: str) -> None:
        """SIGINT by kill(2) to its process group, as its terminal would send it, unless the key has ended it."""
        with suppress(NoProgressError):
            self.wait_end(SETTLE_S)
            return
        self.transcript.add(EventKind.SIGNAL, "grader", f"SIGINT sent to the program: {why}")
        self.warden.send_signal(-self.pid, signal.SIGINT)

    def terminate(self) -> None:
        """Ask it to exit with SIGTERM."""
        self.transcript.add(EventKind.SIGNAL, "grader", "SIGTERM sent to the program")
        self.warden.send_signal(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill its first process with SIGKILL, which no program can refuse."""
        self.transcript.add(EventKind.SIGNAL, "grader", "SIGKILL sent to the program")
        self.warden.send_signal(self.pid, signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The whole program is stopped meanwhile; what is sent to it collects in its queues.

        Raises:
            FaultError: it does not survive that, and did not before.
            UnprovedError: it did not survive that once, or the machine does not stop it.
        """
        if not self._survives_stops:
            self._rehearse_stop()
        self._freeze()
        self.transcript.add(EventKind.FROZEN, "grader")
        try:
            yield
        finally:
            self.transcript.add(EventKind.THAWED, "grader")
            self.warden.thaw()

    def _freeze(self) -> None:
        if not self.warden.freeze():
            self.warden.thaw()
            raise UnprovedError("the kernel could not stop the program in time", Reason.STARVED, self.doing())

    def _rehearse_stop(self) -> None:
        """Stop it and let it continue, with nothing sent: if that alone ends it, what follows must not be judged.

        Handouts say that a program carries on after that, as after Ctrl-Z and fg in a shell.  The calls that fail with
        EINTR by that alone begin again (`sandbox/restart.py`), so that nearly nothing of it can be seen: one that exits
        has asked for it, or runs where calls can't begin again, and does not carry on in a shell either.

        Raises:
            FaultError: it ends, as a run before this one did.
            UnprovedError: it ends, the first of its runs that does.
        """
        __tracebackhide__ = True
        self.wait_rest(SETTLE_S)
        self._freeze()
        self.warden.thaw()
        self.wait_rest(SETTLE_S)
        if self.ending():
            what = "stopped and continued (SIGSTOP, SIGCONT) while nothing was asked of it, it did not carry on"
            if self.stops.ended_of_it:
                raise FaultError(Reason.ENDED_BY_STOP, f"{what}, twice", doing=self.doing())
            self.stops.note_ended_of_it()
            raise UnprovedError(what, doing=self.doing())
        self._survives_stops = True

    def has_looked(self, inode: int, for_s: float) -> bool:
        """Whether it has looked at this socket's bytes (MSG_PEEK), which have waited `for_s` so far."""
        if self.looks.has_peeked(inode):
            return True
        return (self.stops.peeks or for_s > SETTLE_S) and self.looks.is_running() and self._is_caught_peeking(inode)

    def _is_caught_peeking(self, inode: int) -> bool:
        """Whether it looks at this socket's bytes again and again without taking them (MSG_PEEK), and did so just now.

        It is stopped at some arbitrary moments.  The look that a thread is then on its way out of may have begun before
        these bytes came; but it has begun another if it is so a second time and has run its own code in between.
        """
        ran_ns: dict[int, int] = {}
        for _ in range(_MOMENTS):
            self.pump(_BETWEEN_MOMENTS_S)
            try:
                caught = self.looks.caught_peeking(inode) if self.warden.freeze() else {}
            finally:
                self.warden.thaw()
            if self.has_ended():
                return False  # and whoever waits is about to learn how
            if any(caught[tid] - ran_ns[tid] > _OWN_CODE_NS for tid in caught.keys() & ran_ns.keys()):
                self.stops.note_peek()
                return True
            ran_ns = caught | ran_ns
        return False

    def cpu_share(self, window_s: float) -> float | None:
        """The part of its own time for which it is on a CPU while nothing is asked; None: it sleeps, so none.

        Watches until it is still, or for `window_s` of its own time.
        """
        clock = OwnTime(time.monotonic())
        clock.spent_s(time.monotonic(), self.snapshot(files=False))
        outcome = self.wait_still(window_s)
        if outcome.why is not Why.DEADLINE or outcome.verdict is Verdict.LATER:
            return None
        snapshot = self.snapshot(files=False)
        spent_s = clock.spent_s(time.monotonic(), snapshot)
        return clock.ran_s / max(spent_s, 1e-3)

    def snapshot(self, *, files: bool = True) -> Snapshot:
        """What all its processes do now; see `Looks.snapshot`."""
        return self.looks.snapshot(files=files)
