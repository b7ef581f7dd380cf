"""What the kernel says about a whole program: one look at all its processes, their files and their sockets.

A look costs: 0.2 ms for a thread or process, and the program may not work meanwhile.  So the cost of the last one is
remembered, whoever asked for it, and a program of many busy threads is not looked at again before four times as much
has passed.  What makes looks expensive is counted, and more of it than a program needs is its fault (`budget.py`).

The facts come from the warden and from sock_diag; what they mean is decided in `stillness.py` and `runtimes.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from grader.errors import Reason
from grader.limits import REPLY_S
from grader.wire import peeking, runtimes, stillness, syscalls, terminal
from grader.wire.budget import Budget, Counted
from grader.wire.diagnosis import describe
from grader.wire.facts import Snapshot, task_count
from grader.wire.faults import FaultError
from grader.wire.kernel import SocketRow, SocketTable, TcpState, machine
from grader.wire.stillness import Awaits, Verdict
from grader.wire.talks import Talks
from grader.wire.warden import Started, WardenClient

#: A look takes 0.2 ms for a thread or process; at more than so many it keeps the program, and us, from working ...
_DEAR_THREADS = 50
#: ... so that the next one waits until four times as much has passed: looking takes a fifth of the time, at most.
_DEAR_PAUSES = 4
#: How much of a look's cost is remembered from wait to wait: of 500 replies that come together, we look for a dozen.
_FADING = 0.9
#: How /proc names what bytes can wait in.
_QUEUES = ("pipe:[", "socket:[")
_ALL_BUT_TIME_WAIT = tuple(state for state in TcpState if state not in {TcpState.TIME_WAIT, TcpState.CLOSE})


class Looks:
    """At one program, from its start on."""

    def __init__(
        self, started: Started, warden: WardenClient, table: SocketTable, talks: Talks, budget: Budget
    ) -> None:
        self._started = started
        self._warden = warden
        self._table = table
        self._talks = talks
        self._budget = budget
        self._read_by_us = frozenset(
            f"pipe:[{os.fstat(descriptor).st_ino}]" for descriptor in (started.stdout, started.stderr)
        )
        self._cost_s = 0.0
        #: It is not looked at again before this time, whoever waits (time.monotonic).
        self._dear_until = 0.0
        #: What its timers have shown.
        self._learnt = runtimes.Learnt(started.not_before_ns)

    def count_in(self, budget: Budget) -> None:
        """Another check begins: where it is counted what the program has too much of."""
        self._budget = budget

    @property
    def dear_until(self) -> float:
        """Before this time it should not be looked at again (time.monotonic)."""
        return self._dear_until

    @property
    def are_dear(self) -> bool:
        """Whether it should not be looked at now."""
        return time.monotonic() < self._dear_until

    def faded_cost_s(self) -> float:
        """What the last look cost, less at each wait, so that one slow look does not make all later waits slow."""
        self._cost_s *= _FADING
        return self._cost_s

    def snapshot(self, *, files: bool = True) -> Snapshot:
        """What all its processes do now.

        Raises:
            FaultError: it has more of them, or more files open, than a program needs; or one of them hides its files,
                and was asked for them.
        """
        seen = self._warden.snapshot(files=files, most_files=self._budget.most(Counted.DESCRIPTORS, self._talks.met))
        self._budget.note_count(Counted.TASKS, task_count(seen), self._talks.met)
        if any(process.unread_files for process in seen):
            count = sum(process.unread_files or len(process.files) for process in seen)
            self._budget.note_count(Counted.DESCRIPTORS, count, self._talks.met)
        if hidden := [process for process in seen if process.hidden]:
            what = f"its process {hidden[0].name!r} does not let the grader see what it has open (it is not dumpable)"
            raise FaultError(Reason.HIDDEN, what)
        return seen

    def sockets(self) -> dict[int, SocketRow]:
        """All sockets of the network namespace that belong to somebody, by inode.

        Raises:
            FaultError: it has more of them than a program needs.
        """
        return _by_inode(self._rows())

    def _rows(self) -> tuple[SocketRow, ...]:
        """All sockets of the network namespace."""
        rows = (*self._table.dump(*_ALL_BUT_TIME_WAIT), *self._table.dump_udp())
        if len(rows) > self._budget.most(Counted.SOCKETS, self._talks.met):
            self._budget.note_count(Counted.SOCKETS, len(self._own(rows)), self._talks.met)
        return rows

    def _own(self, rows: Sequence[SocketRow]) -> Sequence[SocketRow]:
        """Those of these sockets that are its own: all, where nobody else uses the network but a few of ours."""
        if self._table.private or not rows:
            return rows
        files = {target for process in self.snapshot() for target in process.files.values()}
        return [row for row in rows if f"socket:[{row.inode}]" in files]

    def held_bytes(self, seen: Snapshot) -> int:
        """What it keeps in pipes and sockets, memory of the kernel's that it has filled; each of them counts once."""
        held = {
            target: (process.pid, int(fd))
            for process in seen
            for fd, target in process.files.items()
            if target.startswith(_QUEUES)
        }
        return self._warden.held_bytes(list(held.values()))

    def timeout_s(self) -> float:
        """How much longer the call in which it sleeps may wait, as far as its arguments say; 0: they don't."""
        return syscalls.longest_timeout_s(self.snapshot(files=False), machine())

    def doing(self, snapshot: Snapshot | None = None, cpu_share: float | None = None) -> str:
        """What it is doing, in words, from the kernel's facts."""
        facts = snapshot or self.snapshot()
        return describe(facts, self.sockets(), self._talks.conversations(), machine(), cpu_share)

    def awaits(self, seen: Snapshot, its_input: Collection[str]) -> Awaits:
        """Whether it waits for a line, according to a snapshot in which it rests.  `its_input`: where we type."""
        sleepers = [
            (each.process.pid, each.thread.tid, each.thread.switches, each.call.name, each.thread.arguments)
            for each in stillness.multiplexed(seen, machine())
        ]
        return stillness.awaits(seen, its_input, machine(), self._warden.watched(sleepers))

    def verdict(self, within_s: float = REPLY_S) -> tuple[Verdict, Snapshot]:
        """Whether it is still now, with the facts; open files are among them only if all its threads slept.

        `within_s`: a timer of its own that runs out later than this is told apart (`Verdict.LATER`).
        """
        began = time.monotonic()
        verdict, snapshot = self._look(within_s)
        ended = time.monotonic()
        self._cost_s = ended - began
        # Nobody is kept from working who sleeps.
        if verdict is Verdict.RUNNING and sum(len(process.threads) for process in snapshot) > _DEAR_THREADS:
            self._dear_until = ended + _DEAR_PAUSES * self._cost_s
        return verdict, snapshot

    def _look(self, within_s: float) -> tuple[Verdict, Snapshot]:
        first = self._learning(lambda: self.snapshot(files=False))
        if not stillness.asleep(first, first):
            return Verdict.RUNNING, first
        rows = self._rows()
        second = self._learning(lambda: self.snapshot(files=True))
        timed = self._warden.socket_timeouts(list(syscalls.transfer_sockets(second, machine())))
        timers = partial(runtimes.timer, learnt=self._learnt, now=_clocks(), within_s=within_s)
        verdict = stillness.judge(
            first, second, _by_inode(rows), timed, machine(), read_by_us=self._read_by_us, timers=timers
        )
        has_a_clock = self._terminal_has_a_clock() or self._probes(rows, within_s)
        return max(verdict, Verdict.TIMER if has_a_clock else verdict), second

    def _learning(self, look: Callable[[], Snapshot]) -> Snapshot:
        """What a look shows, which is remembered of its timers."""
        began_ns = time.monotonic_ns()
        seen = look()
        self._learnt = runtimes.learn(self._learnt, seen, machine(), began_ns, _clocks())
        return seen

    def _terminal_has_a_clock(self) -> bool:
        """Whether a read from its terminal ends by a timeout."""
        return self._started.terminal is not None and terminal.has_a_clock(self._started.stdin)

    def _probes(self, rows: Sequence[SocketRow], within_s: float) -> bool:
        """Whether the kernel asks before long whether the other end of a connection of its own is still there.

        Where that is its own, too, and has been closed, the answer is a reset, which wakes whoever waits for it.
        """
        return bool(self._own([row for row in rows if row.probe_s is not None and row.probe_s <= within_s]))

    def has_peeked(self, inode: int) -> bool:
        """Whether a thread sleeps in a look at this socket's bytes (MSG_PEEK): it has seen all that had come before."""
        if self.are_dear:
            return False
        first, second = self.snapshot(), self.snapshot()
        return bool(peeking.lookers(first, inode, machine()) & peeking.lookers(second, inode, machine()))

    def is_running(self) -> bool:
        """Whether a thread of it runs, or wants to."""
        return any(thread.state == "R" for process in self.snapshot(files=False) for thread in process.living)

    def caught_peeking(self, inode: int) -> dict[int, int]:
        """Threads of the stopped program on their way out of a look at this socket's bytes, with their ns on a CPU."""
        return peeking.caught(self.snapshot(), inode, machine())


def _by_inode(rows: Iterable[SocketRow]) -> dict[int, SocketRow]:
    """Those that belong to somebody."""
    return {row.inode: row for row in rows if row.inode}


def _clocks() -> runtimes.Clocks:
    return runtimes.Clocks(time.monotonic_ns(), time.time_ns())
