"""How much time a program really had, and how much of a deadline that uses up.  Pure: snapshots in, seconds out.

Its own time is the time in which it ran, or slept of its own accord; the time in which it wanted to run and was given
no CPU is the machine's.  So is the time in which it waited for a device, as far as the machine itself counts that
something waited for I/O, or for a CPU: a thread that closes its terminal waits in that state for a thread of the
kernel's.  And only up to a limit, since a program can wait in that state for what it caused itself.

A deadline is a bucket: own time fills it, and every byte that moves lets a little drain, so that a long message at a
useful rate never fills it, while one byte each second does.  Nothing is saved up: a program that stops moving bytes has
the deadline from then on, however much was moved before.

The kernel's counts of a thread are gone when it has ended, so what was counted at a look stays counted: a runtime that
is shutting down, or a process for each client, has threads that wait for a busy machine and end one after another.
Processes that live for a moment each, between two looks, could take the CPUs away from threads of the same program,
which then seem to wait for the machine.  So where a wait takes longer on the clock than it should, the time on a CPU of
everything that the program ever ran counts as well.

A program that is on a CPU all the time while nothing moves *spins*.  Each wait for it takes a whole deadline, since the
kernel can't tell what it is about to do.  `Spinning` counts the checks in which that was so; after some of them it is
known, and less is enough if no check passes because a wait has ended.  We always wait in silence for the whole time.
"""

from __future__ import annotations

from grader.limits import (
    CPU_COUNTED_S,
    IO_MOST_S,
    REPLY_S,
    RESTLESS_SETTLE_S,
    SETTLE_S,
    SPINNING_CHECKS,
    SPINNING_CPU_S,
    SPINS_FROM,
    USEFUL_BYTES_PER_S,
)
from grader.wire.facts import Snapshot


class OwnTime:
    """How much time a program really had, as the scheduler counted it, since `began` (time.monotonic)."""

    def __init__(self, began: float) -> None:
        self._began = began
        #: By thread: its times on a CPU and waiting for one at the last look at which it was there.
        self._counts: dict[int, tuple[int, int]] = {}
        self._is_first_look = True
        #: How long threads were on a CPU and waited for one since the first look, the ended ones included.
        self._ran_ns = self._waited_ns = 0
        #: The time of a look at which it waited for a device, and the machine's count then.
        self._at_device: tuple[float, float] | None = None
        self._device_s = 0.0
        #: The time on a CPU of all its processes, the ended ones included: at the last look, and since the first.
        self._whole_before_s: float | None = None
        self._whole_ran_s = 0.0
        #: Threads that want to run -> since when, as far as we know, and their counts since then.
        self._queued: dict[int, tuple[float, tuple[int, int]]] = {}

    def spent_s(
        self, now: float, snapshot: Snapshot, stalled_s: float | None = None, cpu_s: float | None = None
    ) -> float:
        """Seconds in which it ran, or slept of its own accord; not those it waited for a CPU or, bounded, for I/O.

        `stalled_s`: for how long somebody on this machine has waited for I/O or a CPU, ever; None: not known.  `cpu_s`:
        how long all that the program has ever run was on a CPU, where that was asked.
        """
        self._note_threads(now, snapshot)
        waited_s = self._waited_ns / 1e9 + self._waiting_s(now, snapshot)
        self._note_device(now, snapshot, stalled_s)
        self._note_whole(cpu_s)
        return max(self.ran_s, self._whole_ran_s, now - self._began - waited_s - min(self._device_s, IO_MOST_S))

    def excuse(self, seconds: float) -> None:
        """So much of the time since it began is ours, whatever the program did in it."""
        self._began += seconds

    def _waiting_s(self, now: float, snapshot: Snapshot) -> float:
        """How long threads have waited that still wait for a CPU: the kernel counts a wait only when it is over."""
        before, self._queued = self._queued, {}
        for thread in (thread for process in snapshot for thread in process.threads if thread.state == "R"):
            counts = (thread.ran_ns, thread.waited_ns)
            since, then = before.get(thread.tid, (now, counts))
            self._queued[thread.tid] = (since if then == counts else now, counts)
        waits_s = (now - since for since, _ in self._queued.values())
        return sum(wait_s for wait_s in waits_s if wait_s > CPU_COUNTED_S)

    def _note_device(self, now: float, snapshot: Snapshot, stalled_s: float | None) -> None:
        waits = any(thread.waits_for_device for process in snapshot for thread in process.threads)
        before, self._at_device = self._at_device, None
        if waits and stalled_s is not None:
            if before:
                self._device_s += min(now - before[0], stalled_s - before[1])
            self._at_device = (now, stalled_s)

    def _note_whole(self, cpu_s: float | None) -> None:
        if cpu_s is not None:
            before_s = cpu_s if self._whole_before_s is None else self._whole_before_s
            self._whole_ran_s += max(0.0, cpu_s - before_s)
            self._whole_before_s = cpu_s

    @property
    def ran_s(self) -> float:
        """Seconds on a CPU since the first look."""
        return self._ran_ns / 1e9

    def _note_threads(self, now: float, snapshot: Snapshot) -> None:
        passed_ns = (now - self._began) * 1e9
        for thread in (thread for process in snapshot for thread in process.threads):
            counts = (thread.ran_ns, thread.waited_ns)
            # One that is new has begun since the last look, if it fits.
            is_new = not self._is_first_look and sum(counts) <= passed_ns
            ran_ns, waited_ns = self._counts.get(thread.tid, (0, 0) if is_new else counts)
            if counts[0] < ran_ns or counts[1] < waited_ns:  # another one that was given the number of one that ended
                ran_ns = waited_ns = 0
            self._ran_ns += counts[0] - ran_ns
            self._waited_ns += counts[1] - waited_ns
            self._counts[thread.tid] = counts
        self._is_first_look = False


class Deadline:
    """How much of a deadline is used up.  `most_s`: how much own time it has, in one wait or in several together."""

    def __init__(self, most_s: float) -> None:
        self.most_s = most_s
        self._used_s = 0.0
        self.begin(0.0)

    def begin(self, began: float) -> None:
        """A wait begins (time.monotonic); what was used up before stays used up."""
        self._whole = OwnTime(began)
        self._spent_s = 0.0
        #: The same for this wait alone.
        self._used_here_s = 0.0
        #: How much of its own time had passed at the last look after which it was still waited for; and how much of
        #: that no byte has given back.
        self.needed_s = self.idled_s = 0.0
        #: Since something moved last.
        self._quiet = OwnTime(began)
        self._quiet_spent_s = self._quiet_ran_s = 0.0
        self._moved: tuple[int, ...] | None = None

    def look(
        self,
        now: float,
        snapshot: Snapshot,
        moved: tuple[int, ...],
        stalled_s: float | None = None,
        cpu_s: float | None = None,
    ) -> None:
        """Count what a look has shown.

        `moved`: what it has read and written so far, a number each, in bytes.  The others: see `OwnTime.spent_s`.
        """
        spent_s = self._whole.spent_s(now, snapshot, stalled_s, cpu_s)
        bytes_moved = 0 if self._moved is None else max(0, sum(moved) - sum(self._moved))
        # A wait for a CPU is counted whole when it is over, so that less may be spent than before.
        more_s = max(0.0, spent_s - self._spent_s) - bytes_moved / USEFUL_BYTES_PER_S
        self._used_s = max(0.0, self._used_s + more_s)
        self._used_here_s = max(0.0, self._used_here_s + more_s)
        self._spent_s = spent_s
        if moved != self._moved:
            if self._moved is not None:
                self._quiet = OwnTime(now)
            self._moved = moved
        self._quiet_spent_s = self._quiet.spent_s(now, snapshot, stalled_s, cpu_s)
        self._quiet_ran_s = self._quiet.ran_s

    def excuse(self, seconds: float) -> None:
        """For so long since the last look we have kept the program from running, or had no CPU to talk to it."""
        self._whole.excuse(seconds)
        self._quiet.excuse(seconds)

    def has_not_come(self) -> None:
        """What is waited for has not come by now, so that all the time until the last look was needed.

        It may have come during a look, or while nobody gave us a CPU to see it: that is no time of the program's.
        """
        self.needed_s, self.idled_s = self._spent_s, self._used_here_s

    @property
    def is_over(self) -> bool:
        """Whether it is used up."""
        return self._used_s > self.most_s

    @property
    def cpu_share(self) -> float:
        """The part of its own time for which the program was on a CPU since something last moved."""
        return self._quiet_ran_s / self._quiet_spent_s if self._quiet_spent_s > 0 else 0.0

    @property
    def spins(self) -> bool:
        """Whether it was on a CPU all the time, and for long, since something last moved."""
        return self._quiet_ran_s >= SPINNING_CPU_S and self.cpu_share >= SPINS_FROM


class Spinning:
    """What is known about a program that is on a CPU all the time: it never rests, and checks wait for it."""

    def __init__(self) -> None:
        self._checks = 0
        self._in_this_one = False
        self._is_restless = False
        #: Whether it was seen to wait for a line while something else of it never rested.
        self.reads_restlessly = False

    @property
    def is_known(self) -> bool:
        """Whether so many have waited that a shorter deadline is enough."""
        return self._checks >= SPINNING_CHECKS

    @property
    def settle_s(self) -> float:
        """How long the program may take to come to rest between two steps."""
        return RESTLESS_SETTLE_S if self._is_restless else SETTLE_S

    def note_unrest(self, deadline: Deadline) -> None:
        """It did not come to rest in that time."""
        self._is_restless = self._is_restless or deadline.cpu_share >= SPINS_FROM

    def note(self, deadline: Deadline) -> None:
        """A wait has ended at its deadline."""
        if deadline.most_s >= REPLY_S and deadline.spins:
            self._in_this_one = True

    def end_check(self) -> None:
        """A check has ended."""
        self._checks += self._in_this_one
        self._in_this_one = False
