"""What the timeouts mean that a program's threads sleep with: a pure decision from facts, for `stillness.judge`.

A virtual machine has threads of its own that wake up all the time, and none of that makes the program reply.  So a
timeout is ignored where it is known to be one of these:

- HotSpot's threads by name, of two with one name the older, while they wait where they wait when there is nothing to
  do.  The name alone is not enough: when the machine exits, its VM Thread waits for others, ten milliseconds at a time.
  But that is at another address; so the address of a thread's idle wait is learnt from a look in which more time was
  left than that.
- Go's sysmon, the second thread of the process, which sleeps for exactly a minute when no goroutine can run.

Any other timer may wake the program.  The call says when, for an absolute time; a relative one has been running at most
since the look before the first one that saw it.  A timer beyond the whole deadline might as well never expire.

The names, the addresses and the timeouts in memory are the program's words: see `Verdict`.  The milliseconds of poll(2)
and epoll_wait(2) are not: they are an argument of the call, which the kernel keeps while the thread sleeps in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from grader.limits import HOTSPOT_COMPILERS, HOTSPOT_IDLE_S, TIMER_MARGIN_S
from grader.wire.facts import ProcessFacts, Snapshot, ThreadFacts
from grader.wire.stillness import Verdict
from grader.wire.syscalls import Call, Waits, call_of, signed, waits_for_ever

#: HotSpot's threads that wake by themselves (JDK 17 and 25), as the kernel cuts their names off.
_HOTSPOT: Final = frozenset(
    {
        "VM Thread",
        "VM Periodic Tas",
        "G1 Service",
        "Monitor Deflati",
        "Service Thread",
        "Common-Cleaner",
        "Sweeper thread",
        "C1 CompilerThre",
        "C2 CompilerThre",
    }
)
#: ... and how the names of all begin that HotSpot starts for itself, those that sleep until they are called as well.
_FOR_ITSELF: Final = (
    *_HOTSPOT,
    *("GC Thread", "G1 ", "Reference Handl", "Finalizer", "Signal Dispatch", "Notification Th", "Attach Listener"),
    *("ZDriver", "ZWorker", "ZStat", "Shenandoah GC", "Cleaner-"),
)
#: Those that it starts when there is much to compile, and ends when there is not.
_COMPILERS: Final = frozenset({"C1 CompilerThre", "C2 CompilerThre"})
#: A condition variable of pthreads has two futexes side by side, and its waiters take turns at them.
_SAME_CONDITION: Final = ~7
_SYSMON_NS: Final = 60 * 10**9
#: futex(2): the operation, less its flags, and the flag of the clock.
_FLAGS, _REALTIME = 128 | 256, 256
_WAIT, _WAIT_BITSET = 0, 9


class Clocks(NamedTuple):
    """CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds; the program's are the same."""

    monotonic_ns: int
    realtime_ns: int


class Sleep(NamedTuple):
    """A call with a timeout that a thread sleeps in: not begun before that time (CLOCK_MONOTONIC)."""

    call: int | None
    arguments: tuple[int, ...]
    not_before_ns: int


class Learnt(NamedTuple):
    """What the looks at one program have taught us, by thread.

    `seen_ns`: when the last look, or the program, began.  `idle`: where HotSpot's threads wait when they are idle.
    """

    seen_ns: int
    sleeps: Mapping[int, Sleep] = {}
    idle: Mapping[int, int] = {}


def learn(before: Learnt, seen: Snapshot, machine: str, began_ns: int, now: Clocks) -> Learnt:
    """What is known after one more look, which began at that time; `now`: when it had ended."""
    sleeps, idle = {}, dict(before.idle)
    for process in seen:
        for thread in process.living:
            call = call_of(thread, machine)
            if call is None or not _has_timeout(call, thread):
                continue
            known = before.sleeps.get(thread.tid)
            same = known is not None and known[:2] == (thread.call, thread.arguments)
            sleeps[thread.tid] = known if known and same else Sleep(thread.call, thread.arguments, before.seen_ns)
            if thread.tid not in idle and _is_hotspots(process, thread):
                left_s = _absolute_left_s(thread, now)
                if left_s is not None and left_s > HOTSPOT_IDLE_S:
                    idle[thread.tid] = thread.arguments[0] & _SAME_CONDITION
    return Learnt(began_ns, sleeps, idle)


def timer(
    process: ProcessFacts, thread: ThreadFacts, call: Call, *, learnt: Learnt, now: Clocks, within_s: float
) -> Verdict:
    """What the timeout means that a thread sleeps with.  `now`: not before it was seen; `within_s`: the deadline."""
    if _is_idle(process, thread, learnt) or _is_sysmon(process, thread):
        return Verdict.PRESUMED
    left_s = _left_s(call, thread, learnt, now)
    if left_s is None or left_s <= within_s + TIMER_MARGIN_S:
        return Verdict.TIMER
    return Verdict.LATER if call.waits is Waits.MILLISECONDS else Verdict.PRESUMED_LATER


def serves_the_runtime(process: ProcessFacts, thread: ThreadFacts) -> bool:
    """Whether a thread is one that its runtime has started for itself, by its own word: of no interest to a reader."""
    if _is_sysmon(process, thread):
        return True
    is_hotspot = any(other.name == "VM Thread" for other in process.living)
    return is_hotspot and thread.name.startswith(_FOR_ITSELF)


def passing_helpers(process: ProcessFacts) -> int:
    """How many of its threads a runtime may end when it likes: HotSpot's compilers, by their names.

    No more than HotSpot has: naming threads like that to hide them hides no more.
    """
    return min(sum(thread.name in _COMPILERS for thread in process.living), HOTSPOT_COMPILERS)


def _has_timeout(call: Call, thread: ThreadFacts) -> bool:
    return call.waits in {Waits.MILLISECONDS, Waits.POINTER} and not waits_for_ever(call, thread)


def _is_hotspots(process: ProcessFacts, thread: ThreadFacts) -> bool:
    """Whether it is named like one of HotSpot's, which starts its own before the program can start any."""
    if thread.name not in _HOTSPOT:
        return False
    return thread.tid == min(other.tid for other in process.living if other.name == thread.name)


def _is_idle(process: ProcessFacts, thread: ThreadFacts, learnt: Learnt) -> bool:
    if thread.timeout_ns is None or _operation(thread) != _WAIT_BITSET or not _is_hotspots(process, thread):
        return False
    return learnt.idle.get(thread.tid) == thread.arguments[0] & _SAME_CONDITION


def _is_sysmon(process: ProcessFacts, thread: ThreadFacts) -> bool:
    if not process.by_go or thread.timeout_ns != _SYSMON_NS or _operation(thread) != _WAIT:
        return False
    return [thread.tid] == sorted(other.tid for other in process.threads)[1:2]


def _operation(thread: ThreadFacts) -> int:
    """Of a futex(2)."""
    return signed(thread.arguments[1]) & ~_FLAGS


def _left_s(call: Call, thread: ThreadFacts, learnt: Learnt, now: Clocks) -> float | None:
    """How much of a timeout is left, at least; None: not known."""
    absolute_s = _absolute_left_s(thread, now)
    if absolute_s is not None:
        return absolute_s
    length_ns = thread.timeout_ns
    if call.waits is Waits.MILLISECONDS:
        length_ns = signed(thread.arguments[call.timeout_at]) * 10**6
    elif length_ns is None or _operation(thread) != _WAIT:
        return None
    sleep = learnt.sleeps.get(thread.tid)
    if sleep is None or sleep[:2] != (thread.call, thread.arguments):
        return None
    return (length_ns - (now.monotonic_ns - sleep.not_before_ns)) / 1e9


def _absolute_left_s(thread: ThreadFacts, now: Clocks) -> float | None:
    """How much time is left until the absolute time at which a futex(2) ends; None: it has none."""
    if thread.timeout_ns is None or _operation(thread) != _WAIT_BITSET:
        return None
    clock_ns = now.realtime_ns if signed(thread.arguments[1]) & _REALTIME else now.monotonic_ns
    return (thread.timeout_ns - clock_ns) / 1e9
