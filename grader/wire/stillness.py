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

import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum, IntEnum
from typing import NamedTuple

import msgspec

from grader.wire.kernel import SocketRow, TcpState

#: Asleep; stopped by a signal; stopped by a process that traces it, which is the program's own.
_STOPPED = frozenset("Tt")
_ASLEEP = _STOPPED | {"S"}


class ThreadFacts(msgspec.Struct, frozen=True):
    """A thread as /proc shows it; `call` is a system call number, or None when it is not in one.

    `in_vfork`: its state is D because it waits for its own child process to call exec or to exit (vfork(2)).  `name`:
    its own word.  `timeout_ns`: what its memory gives as the timeout of the futex(2) it sleeps in; None: unknown.
    """

    tid: int
    state: str
    call: int | None
    arguments: tuple[int, ...]
    switches: int
    ran_ns: int
    waited_ns: int
    in_vfork: bool = False
    name: str = ""
    timeout_ns: int | None = None

    @property
    def sleeps(self) -> bool:
        """Whether it waits for something that has nothing to do with the machine."""
        return self.state in _ASLEEP or self.in_vfork

    @property
    def is_stopped(self) -> bool:
        """Whether a signal has stopped it."""
        return self.state == "T"

    @property
    def waits_for_device(self) -> bool:
        """Whether it waits for a disk or the like, or for a page of memory: the machine's matter, unless it is idle."""
        return self.state == "D" and not self.in_vfork

    @property
    def lives(self) -> bool:
        """Whether it has not ended: one that has ended is visible until it is waited for."""
        return self.state not in "ZX"


class ProcessFacts(msgspec.Struct, frozen=True):
    r"""A process as /proc shows it; signal sets as bit masks; `files` maps a descriptor to what it leads to.

    `name` and file names are text that the program chose, with `\xff` for what is not UTF-8: they prove nothing.
    Sockets, pipes and the like have names of the kernel's, which no file can have.
    `unread_files`: how many it has where they are too many to be looked at.
    `hidden`: whether it keeps us from seeing its files and its calls.  `by_go`: whether it catches SIGALRM and its file
    says that Go's linker has made it.
    """

    pid: int
    parent: int
    name: str
    state: str
    resident_bytes: int
    ignored_signals: int
    caught_signals: int
    blocked_signals: int
    threads: tuple[ThreadFacts, ...]
    files: dict[str, str] = {}
    unread_files: int = 0
    posix_timers: bool = False
    hidden: bool = False
    by_go: bool = False

    @property
    def living(self) -> tuple[ThreadFacts, ...]:
        """Its threads that are still running; a zombie has none."""
        return tuple(thread for thread in self.threads if thread.lives)

    @property
    def alive(self) -> bool:
        """Whether any thread of it is still running."""
        return bool(self.living)

    @property
    def settled(self) -> bool:
        """Whether we caught it: one that was gone when we looked at it has run, and may have started another."""
        return self.state != "X"


Snapshot = tuple[ProcessFacts, ...]


def task_count(seen: Snapshot) -> int:
    """Its processes and threads, ended ones that nobody has waited for included."""
    return sum(max(1, len(process.threads)) for process in seen)


def descendants(seen: Snapshot, pid: int) -> Snapshot:
    """A process and its descendants, as far as their parents are there."""
    parents = {process.pid: process.parent for process in seen}

    def comes_from(one: int) -> bool:
        met: set[int] = set()
        while one != pid and one in parents and one not in met:
            met.add(one)
            one = parents[one]
        return one == pid

    return tuple(process for process in seen if comes_from(process.pid))


class Verdict(IntEnum):
    """What keeps a program from being still, the strongest last.

    `STILL` is proved by the kernel's facts alone.  `PRESUMED` is as good as that if threads of a runtime are what they
    are called, and `LATER` (it may be woken by its own timer, but not within the time that it has) if its memory is
    what it was when the call began.  These are the program's words: they may fail it, and it must never pass by them.
    """

    STILL = 0
    PRESUMED = 1
    LATER = 2
    TIMER = 3
    UNKNOWN = 4
    RUNNING = 5


class Waits(Enum):
    """How a system call waits, and where to find its timeout."""

    RECEIVING = "on a descriptor in argument 0"
    SENDING = "for space in a descriptor in argument 0"
    PASSING = "on a descriptor in argument 0, or for space in another"
    EVENT = "for something that another thread or process does"
    MILLISECONDS = "with a timeout in milliseconds, negative: forever"
    POINTER = "with a timeout behind a pointer, null: forever"
    CLOCK = "for the clock"


class Call(msgspec.Struct, frozen=True):
    """A system call that sleeps: its numbers, how it waits, and the argument of its timeout or its other descriptor."""

    name: str
    x86_64: int | None
    aarch64: int | None
    waits: Waits
    timeout_at: int = 0
    passes_to_at: int = 0


#: Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
CALLS = (
    Call("read", 0, 63, Waits.RECEIVING),
    Call("readv", 19, 65, Waits.RECEIVING),
    Call("recv", 45, 207, Waits.RECEIVING),
    Call("recvmsg", 47, 212, Waits.RECEIVING),
    Call("preadv2", 327, 286, Waits.RECEIVING),
    Call("accept", 43, 202, Waits.RECEIVING),
    Call("accept", 288, 242, Waits.RECEIVING),
    Call("write", 1, 64, Waits.SENDING),
    Call("writev", 20, 66, Waits.SENDING),
    Call("send", 44, 206, Waits.SENDING),
    Call("sendmsg", 46, 211, Waits.SENDING),
    Call("sendmmsg", 307, 269, Waits.SENDING),
    Call("pwritev2", 328, 287, Waits.SENDING),
    Call("sendfile", 40, 71, Waits.SENDING),  # what it sends is a file
    Call("vmsplice", 278, 75, Waits.SENDING),
    Call("splice", 275, 76, Waits.PASSING, passes_to_at=2),
    Call("tee", 276, 77, Waits.PASSING, passes_to_at=1),
    Call("poll", 7, None, Waits.MILLISECONDS, 2),
    Call("poll", 271, 73, Waits.POINTER, 2),
    Call("select", 23, None, Waits.POINTER, 4),
    Call("select", 270, 72, Waits.POINTER, 4),
    Call("epoll_wait", 232, None, Waits.MILLISECONDS, 3),
    Call("epoll_wait", 281, 22, Waits.MILLISECONDS, 3),
    Call("epoll_wait", 441, 441, Waits.POINTER, 3),
    Call("a wait for another thread", 202, 98, Waits.POINTER, 3),
    Call("a wait for another thread", 449, 449, Waits.POINTER, 3),
    Call("connect", 42, 203, Waits.CLOCK),  # the kernel gives up by itself, after minutes
    Call("sigtimedwait", 128, 137, Waits.CLOCK),  # it may wait for SIGALRM, and nobody sees for what it waits
    Call("a wait for a lock", 73, 32, Waits.EVENT),  # flock
    Call("a wait for a lock", 72, 25, Waits.EVENT),  # fcntl: of its operations only F_SETLKW sleeps
    Call("a wait for a semaphore", 65, 193, Waits.EVENT),
    Call("a wait for a semaphore", 220, 192, Waits.POINTER, 3),
    Call("msgrcv", 70, 188, Waits.EVENT),
    Call("msgsnd", 69, 189, Waits.EVENT),
    Call("mq_send", 242, 182, Waits.POINTER, 4),
    Call("mq_receive", 243, 183, Waits.POINTER, 4),
    Call("recvmmsg", 299, 243, Waits.RECEIVING),  # its timeout is looked at only after a datagram has come
    Call("pause", 34, None, Waits.EVENT),
    Call("sigsuspend", 130, 133, Waits.EVENT),
    Call("a wait for a child process", 61, 260, Waits.EVENT),
    Call("a wait for a child process", 247, 95, Waits.EVENT),
    Call("sleep", 35, 101, Waits.CLOCK),
    Call("sleep", 230, 115, Waits.CLOCK),
    Call("a wait with a timeout", 219, 128, Waits.CLOCK),
)

_BY_NUMBER: Mapping[str, Mapping[int, Call]] = {
    "x86_64": {call.x86_64: call for call in CALLS if call.x86_64 is not None},
    "aarch64": {call.aarch64: call for call in CALLS if call.aarch64 is not None},
}

#: What is no socket, and changes only by what a process does.  A named pipe looks like a file and is not among them.
_WRITTEN_BY_PROCESSES = ("pipe:[", "/dev/pts/", "/dev/tty", "/dev/ptmx", "anon_inode:[eventfd]")

#: What may wake a process at a time of its own.
_CLOCKS = ("anon_inode:[timerfd]", "anon_inode:[io_uring]")

#: Calls that read from a descriptor in argument 0, and calls that wait on one or two at all.
_READING = frozenset({Waits.RECEIVING, Waits.PASSING})
TRANSFERS = _READING | {Waits.SENDING}

#: What calls are that wait for nothing else.
_FOR_NO_DESCRIPTOR = {Waits.CLOCK: Verdict.TIMER, Waits.EVENT: Verdict.STILL}

#: Calls that wait for one of several descriptors.
_MULTIPLEXED = frozenset({"poll", "select", "epoll_wait"})

#: Sockets by inode.
Sockets = Mapping[int, SocketRow]
#: Whether a socket has a timeout of its own (SO_RCVTIMEO), by (pid, fd); None: not known.
Timed = Mapping[tuple[int, int], bool | None]


def call_of(thread: ThreadFacts, machine: str) -> Call | None:
    """The known system call that a thread is in, or None."""
    return _BY_NUMBER.get(machine, {}).get(-1 if thread.call is None else thread.call)


def inode_of(process: ProcessFacts, fd: int) -> int | None:
    """The inode of the socket behind a descriptor, or None if it is not a socket."""
    target = process.files.get(str(fd), "")
    return int(target[8:-1]) if target.startswith("socket:[") else None


def transfer_sockets(snapshot: Snapshot, machine: str) -> Iterator[tuple[int, int]]:
    """The (pid, fd) of each socket that a thread sleeps in a call on: those whose own timeout matters."""
    for process in snapshot:
        for thread in process.living:
            call = call_of(thread, machine)
            if call and call.waits in TRANSFERS and thread.arguments:
                # The same argument once more where there is no other.
                for fd in {signed(thread.arguments[0]), signed(thread.arguments[call.passes_to_at])}:
                    if inode_of(process, fd) is not None:
                        yield process.pid, fd


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
    strongest = max(
        (_judge_thread(process, thread, known) for process in alive for thread in process.living),
        default=Verdict.STILL,
    )
    strongest = max(strongest, clocks)
    on_its_way = strongest < Verdict.TIMER and any(_sends_to_itself(process, sockets) for process in alive)
    return Verdict.RUNNING if on_its_way else strongest


def _judge_clocks(process: ProcessFacts) -> Verdict:
    """Whether a timer may wake it in whatever call it sleeps.

    alarm(2) and setitimer(2) do that by SIGALRM, which is caught, or blocked and taken by a signalfd(2) or sigwait(3);
    the kernel shows nobody whether such a timer is running.  Go's runtime catches every signal, and sets no such timer
    unless the program is profiled.  An io_uring(7) ring may hold timers and files' answers.
    """
    clocks = any(target.startswith(_CLOCKS) for target in process.files.values())
    alarm = (process.caught_signals | process.blocked_signals) >> (signal.SIGALRM - 1) & 1
    if clocks or process.posix_timers or (alarm and not process.by_go):
        return Verdict.TIMER
    return Verdict.PRESUMED if alarm else Verdict.STILL


def _sends_to_itself(process: ProcessFacts, sockets: Sockets) -> bool:
    """Whether something it has sent is not acknowledged: the other end may be its own.

    A packet that waits for the kernel's softirq is on its way while all threads sleep.
    """
    inodes = (inode_of(process, int(fd)) for fd in process.files)
    rows = (sockets.get(inode) for inode in inodes if inode is not None)
    return any(row.in_flight > 0 for row in rows if row and row.state is not TcpState.LISTEN)


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
        if thread.arguments and (call := call_of(thread, machine)) and call.waits in _READING
    ]
    for each, fds in zip(multiplexed(snapshot, machine), watched, strict=True):
        read_from += [each.process.files.get(str(fd), "") for fd in fds or ()]
    if any(file in its_input for file in read_from):
        return Awaits.BOTH if any(file.startswith("socket:[") for file in read_from) else Awaits.INPUT
    return Awaits.EVENTS if None in watched else Awaits.OTHER


def _judge_thread(process: ProcessFacts, thread: ThreadFacts, known: _Known) -> Verdict:
    if thread.state in _STOPPED or thread.in_vfork:
        # Stopped, and not by us: only a signal would let it go on, or its tracer.  In vfork only its child does, which
        # is judged like all others.
        return Verdict.STILL
    call = call_of(thread, known.machine)
    if call is None:
        return Verdict.UNKNOWN
    if call.waits in _FOR_NO_DESCRIPTOR:
        return _FOR_NO_DESCRIPTOR[call.waits]
    if call.waits in {Waits.MILLISECONDS, Waits.POINTER}:
        return Verdict.STILL if waits_for_ever(call, thread) else known.timers(process, thread, call)
    if call.waits is Waits.PASSING:
        return _judge_passing(process, thread, call, known)
    return _judge_transfer(process, signed(thread.arguments[0]), call.waits, known)


def waits_for_ever(call: Call, thread: ThreadFacts) -> bool:
    """Whether a call with a timeout argument has none."""
    timeout = thread.arguments[call.timeout_at]
    return signed(timeout) < 0 if call.waits is Waits.MILLISECONDS else timeout == 0


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


def longest_timeout_s(snapshot: Snapshot, machine: str) -> float:
    """The longest timeout, in seconds, in the arguments of a call that a thread sleeps in; 0: there is none."""
    return max(
        (
            signed(thread.arguments[call.timeout_at]) / 1000
            for process in snapshot
            for thread in process.threads
            if (call := call_of(thread, machine)) and call.waits is Waits.MILLISECONDS and thread.arguments
        ),
        default=0.0,
    )


def signed(word: int) -> int:
    """A C int from a register."""
    low = word & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low
