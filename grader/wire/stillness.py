"""Whether a program can make any progress unless we do something: a pure decision from facts.

A program is *still* when every thread of every process sleeps in a call that nothing pending can satisfy, twice in a
row with the same context-switch counts.  The counts join the two looks: a thread that had run in between would have
switched, so at the end of the first look all of them were asleep together.  Sleeping threads are woken by the kernel at
the moment that what they wait for happens, not later; so nothing is on its way inside the program.

What can still wake it is its own clock.  A finite timeout is therefore never still but `TIMER`, unless it is one that
`runtimes.py` knows; and what is not known is `UNKNOWN`, which means: wait.  Snapshots come from the warden
(`sandbox/warden.py`, `snapshot`), socket rows from `kernel.py`.  This file asks nobody anything.
"""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum, IntEnum
from typing import NamedTuple

from grader.wire.facts import STOPPED, ProcessFacts, Snapshot, ThreadFacts, inode_of
from grader.wire.kernel import SocketRow, TcpState
from grader.wire.syscalls import READING, Call, Waits, call_of, signed, waits_for_ever


class Verdict(IntEnum):
    """What keeps a program from being still, the strongest last.

    `STILL` and `LATER` (its own timer may wake it, but not within the time that it has) are proved by the kernel's
    facts alone.  `PRESUMED` is as good as `STILL` if threads of a runtime are what they are called, and
    `PRESUMED_LATER` as good as `LATER` if that or if its memory is what it was when the call began.  These are the
    program's words: they may fail it, and it must never pass by them.
    """

    STILL = 0
    LATER = 1
    PRESUMED = 2
    PRESUMED_LATER = 3
    TIMER = 4
    UNKNOWN = 5
    RUNNING = 6

    @classmethod
    def of_all(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """What several together mean: where one is presumed and one is later, so much of both holds."""
        found = set(verdicts)
        strongest = max(found, default=cls.STILL)
        return cls.PRESUMED_LATER if strongest is cls.PRESUMED and cls.LATER in found else strongest


#: What is no socket, and changes only by what a process does.  A named pipe looks like a file and is not among them.
#: Nor does a signal come by itself, unless it is that of a clock (`_judge_clocks`).
_WRITTEN_BY_PROCESSES = ("pipe:[", "/dev/pts/", "/dev/tty", "anon_inode:[eventfd]", "anon_inode:[signalfd]")

#: What may wake a process at a time of its own.  The kernel tells of pressure (PSI) some time after it was asked to:
#: on a busy machine a clock too.  What else its own files tell of, devices (a sound card has timers) and watches of
#: other files (inotify), comes from elsewhere as well.  Only the limits of its cgroup, which Go's runtime keeps open,
#: tell of nothing.  A process with terminals of its own making may have set them so that a read there ends by a timeout
#: (VTIME of termios(3)), and we know the settings of the one from us.
_CLOCKS = re.compile(
    r"anon_inode:(\[(timerfd|io_uring|fanotify)\]|inotify)$|/proc/|/sys/(?!fs/cgroup/.*cpu\.(max|cfs_\w+)$)"
    r"|/dev/(?!shm/|mqueue/|(null|zero|full|random|urandom|tty|console|pts/\d+)( \(deleted\))?$)"
)

_ALARM = 1 << (signal.SIGALRM - 1)

#: What calls are that wait for nothing else.
_FOR_NO_DESCRIPTOR = {Waits.CLOCK: Verdict.TIMER, Waits.EVENT: Verdict.STILL}

#: Calls that wait for one of several descriptors.
_MULTIPLEXED = frozenset({"poll", "select", "epoll_wait"})

#: Sockets by inode.
Sockets = Mapping[int, SocketRow]
#: Whether a socket has a timeout of its own (SO_RCVTIMEO), by (pid, fd); None: not known.
Timed = Mapping[tuple[int, int], bool | None]


def asleep(first: Snapshot, second: Snapshot) -> bool:
    """Whether no thread ran between two looks and all were asleep."""
    before, after = _sleepers(first), _sleepers(second)
    return before is not None and before == after


def _sleepers(snapshot: Snapshot) -> dict[int, tuple[int, int | None]] | None:
    # A first thread that has left by pthread_exit(3) is seen, dead, until all others have ended too.  No other is kept,
    # so of what is seen of their ends something may come yet.
    threads = [
        thread for process in snapshot for thread in process.threads if thread.lives or thread.tid != process.pid
    ]
    if not threads or not all(thread.sleeps for thread in threads):
        return None  # none at all: it is about to vanish
    if not all(process.settled for process in snapshot):
        return None
    return {thread.tid: (thread.switches, thread.call) for thread in threads}


#: What a thread's timeout means, given its process, itself and its call.
Timers = Callable[[ProcessFacts, ThreadFacts, Call], Verdict]


def any_may_wake(_: ProcessFacts, __: ThreadFacts, ___: Call) -> Verdict:
    """`Timers` when nothing is known of any."""
    return Verdict.TIMER


class _Known(NamedTuple):
    """What is known besides the threads."""

    sockets: Sockets
    timed: Timed
    machine: str
    read_by_us: frozenset[str]
    timers: Timers


def judge(
    first: Snapshot,
    second: Snapshot,
    sockets: Sockets,
    timed: Timed,
    machine: str,
    *,
    read_by_us: frozenset[str] = frozenset(),
    timers: Timers = any_may_wake,
) -> Verdict:
    """Whether the program is still.

    `second` must hold the open files.  `read_by_us`: pipes, as /proc names them, that we read whatever comes.
    `timers`: what a finite timeout means.
    """
    if not asleep(first, second):
        return Verdict.RUNNING
    alive = [process for process in second if process.alive]
    clocks = max((_judge_clocks(process) for process in alive), default=Verdict.STILL)
    if clocks is Verdict.TIMER:
        return clocks
    known = _Known(sockets, timed, machine, read_by_us, timers)
    threads = (_judge_thread(process, thread, known) for process in alive for thread in process.living)
    strongest = Verdict.of_all((*threads, clocks, _judge_together(alive)))
    on_its_way = strongest < Verdict.TIMER and _sends_to_itself(alive, sockets)
    return Verdict.RUNNING if on_its_way else strongest


def _judge_clocks(process: ProcessFacts) -> Verdict:
    """Whether a timer of this process may wake it in whatever call it sleeps.

    An io_uring(7) ring may hold timers and files' answers, and what is on its way through a Unix socket may be a timer
    that epoll(7) watches all the same.
    """
    clocks = process.waiting_files > 0 or any(map(_CLOCKS.match, process.files.values()))
    return Verdict.TIMER if clocks or process.posix_timers else _judge_alarms(process)


def _judge_alarms(process: ProcessFacts) -> Verdict:
    """Whether SIGALRM may wake or end it, by alarm(2) or setitimer(2).

    It wakes a process that catches it, or has blocked it and takes it by signalfd(2) or sigwait(3).  Where nobody knows
    whether any was set, Go's runtime is taken at its word: it catches every signal, and sets no such timer unless the
    program is profiled.
    """
    if process.alarms is False or not _ALARM & (process.blocked_signals | ~process.ignored_signals):
        return Verdict.STILL
    if process.alarms:
        return Verdict.TIMER
    if not _ALARM & (process.caught_signals | process.blocked_signals):
        return Verdict.STILL
    return Verdict.PRESUMED if process.by_go else Verdict.TIMER


def _judge_together(alive: Collection[ProcessFacts]) -> Verdict:
    """Whether one of several threads or processes may be woken by what happens to another, and nobody sees when.

    One may wait for a timer of a descriptor that another has closed; or for the end of another, by a SIGALRM.
    """
    if any(process.timers for process in alive) and sum(len(process.living) for process in alive) > 1:
        return Verdict.TIMER
    unknown = any(process.alarms is None and not _ALARM & process.ignored_signals for process in alive)
    return Verdict.PRESUMED if unknown and len(alive) > 1 else Verdict.STILL


def _sends_to_itself(alive: Collection[ProcessFacts], sockets: Sockets) -> bool:
    """Whether the kernel has something in hand for it that it has sent: the other end may be its own.

    A packet that waits for the kernel's softirq is on its way while all threads sleep.  Between two sockets of its own,
    so is what waits for a window: the kernel gives that up some time (TCP_USER_TIMEOUT); and a connection to itself
    that is on one side alone, which the kernel may hold back (TCP_DEFER_ACCEPT of tcp(7)).
    """
    inodes = {inode for process in alive for fd in process.files if (inode := inode_of(process, int(fd))) is not None}
    rows = [row for inode in inodes if (row := sockets.get(inode))]
    talking = [row for row in rows if row.state is not TcpState.LISTEN]
    ends = {(row.local, row.remote) for row in talking}
    ports = {row.local.port for row in rows if row.state is TcpState.LISTEN}

    def is_in_hand(row: SocketRow) -> bool:
        has_both = (row.remote, row.local) in ends
        is_held_back = not has_both and row.state is TcpState.ESTABLISHED and row.remote.port in ports
        return row.in_flight > 0 or (has_both and row.send_queue > 0) or is_held_back

    return any(is_in_hand(row) for row in talking if row.protocol == socket.IPPROTO_TCP)


class Awaits(Enum):
    """What a resting program waits for, as far as its standard input is concerned."""

    INPUT = "a line on its standard input"
    BOTH = "a line on its standard input, or its peer"
    EVENTS = "one of several things, and the kernel does not say which"
    OTHER = "something else"


class Multiplexed(NamedTuple):
    """A thread that waits for one of several descriptors: its process, and itself with the call it sleeps in."""

    process: ProcessFacts
    thread: ThreadFacts
    call: Call


def multiplexed(snapshot: Snapshot, machine: str) -> list[Multiplexed]:
    """All threads that sleep in poll, select or epoll_wait."""
    found = (
        Multiplexed(process, thread, call)
        for process in snapshot
        for thread in process.living
        if (call := call_of(thread, machine)) is not None
    )
    return [each for each in found if each.call.name in _MULTIPLEXED]


def awaits(
    snapshot: Snapshot, its_input: Collection[str], machine: str, watched: Collection[list[int] | None] = ()
) -> Awaits:
    """What it waits for.

    `its_input`: where we type, as /proc names it.  `watched`: the descriptors that each of `multiplexed(...)` waits
    for; None: not known.
    """
    read_from = [
        process.files.get(str(signed(thread.arguments[0])), "")
        for process in snapshot
        for thread in process.living
        if thread.arguments and (call := call_of(thread, machine)) and call.waits in READING
    ]
    for each, fds in zip(multiplexed(snapshot, machine), watched, strict=True):
        read_from += [each.process.files.get(str(fd), "") for fd in fds or ()]
    if any(file in its_input for file in read_from):
        return Awaits.BOTH if any(file.startswith("socket:[") for file in read_from) else Awaits.INPUT
    return Awaits.EVENTS if None in watched else Awaits.OTHER


def _judge_thread(process: ProcessFacts, thread: ThreadFacts, known: _Known) -> Verdict:
    if thread.state in STOPPED or thread.in_vfork:
        # Stopped, and not by us: only a signal would let it go on, or its tracer.  In vfork only its child does, which
        # is judged like all others.
        return Verdict.STILL
    call = call_of(thread, known.machine)
    if call is None:
        return Verdict.UNKNOWN
    if call.waits in _FOR_NO_DESCRIPTOR:
        return _FOR_NO_DESCRIPTOR[call.waits]
    if call.waits in {Waits.MILLISECONDS, Waits.POINTER}:
        for_ever = Verdict.TIMER if call.takes_alarms and process.alarms is not False else Verdict.STILL
        return for_ever if waits_for_ever(call, thread) else known.timers(process, thread, call)
    if call.waits is Waits.PASSING:
        return _judge_passing(process, thread, call, known)
    return _judge_transfer(process, signed(thread.arguments[0]), call.waits, known)


def _judge_passing(process: ProcessFacts, thread: ThreadFacts, call: Call, known: _Known) -> Verdict:
    """It waits for bytes, or for space for them; nobody sees which, nor what a pipe holds."""
    source, sink = signed(thread.arguments[0]), signed(thread.arguments[call.passes_to_at])
    comes = _judge_transfer(process, source, Waits.RECEIVING, known)
    typed_to_peer = source == 0 and inode_of(process, sink) is not None  # as short as what is typed
    if inode_of(process, source) is not None or typed_to_peer:
        return comes  # with nothing here to be passed on, room makes no difference
    return max(comes, _judge_transfer(process, sink, Waits.SENDING, known))


def _judge_transfer(process: ProcessFacts, fd: int, waits: Waits, known: _Known) -> Verdict:
    inode = inode_of(process, fd)
    if inode is None:
        # A terminal or a pipe.  Nobody writes there but us or a sleeping process; what the program writes to us goes on
        # by itself, since we read it, but a full pipe between its own sleeping processes stays full.
        target = process.files.get(str(fd), "")
        if not target.startswith(_WRITTEN_BY_PROCESSES):
            return Verdict.UNKNOWN  # FUSE and network file systems let who reads a file sleep until a server answers
        between_its_own = target.startswith("pipe:[") and target not in known.read_by_us
        return Verdict.STILL if waits is Waits.RECEIVING or between_its_own else Verdict.RUNNING
    if known.timed.get((process.pid, fd)) is not False:
        return Verdict.TIMER  # it has a timeout of its own, or the kernel does not let us see that it has none
    row = known.sockets.get(inode)
    if waits is Waits.SENDING:
        # With nothing in flight, what waits to be sent has met a closed window: it moves when the peer reads.
        return Verdict.STILL if row and row.send_queue > 0 and row.in_flight == 0 else Verdict.RUNNING
    # Bytes, a FIN (which counts as one until it is read), or in LISTEN a client to accept: it is about to wake.
    return Verdict.RUNNING if row and row.receive_queue > 0 else Verdict.STILL
