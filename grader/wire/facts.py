"""What one look at a program finds: its processes and threads as /proc shows them, as values.

The warden takes the look (`sandbox/warden.py`, `snapshot`).  Names of threads, processes and files are the program's
words: they prove nothing.
"""

from __future__ import annotations

import msgspec

#: Asleep; stopped by a signal; stopped by a process that traces it, which is the program's own.
STOPPED = frozenset("Tt")
_ASLEEP = STOPPED | {"S"}


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
    `unread_files`: how many it has where they are too many to be looked at.  `waiting_files`: how many descriptors have
    been sent to its Unix sockets and wait there to be received (SCM_RIGHTS of unix(7)).
    `hidden`: whether it keeps us from seeing its files and its calls.  `by_go`: whether it catches SIGALRM and its file
    says that Go's linker has made it.
    `alarms`, `timers`: whether any process of the program has ever set an alarm, or a timer that belongs to a
    descriptor (`sandbox/clocks.py`); None: nobody knows.
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
    waiting_files: int = 0
    posix_timers: bool = False
    hidden: bool = False
    by_go: bool = False
    alarms: bool | None = None
    timers: bool | None = None

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


def as_if_alone(process: ProcessFacts) -> ProcessFacts:
    """What a look at a program would find if no tracer of ours stopped it now and then: what that stops would run."""
    if not any(thread.state in STOPPED for thread in process.threads):
        return process
    threads = (
        msgspec.structs.replace(thread, state="R") if thread.state in STOPPED else thread for thread in process.threads
    )
    return msgspec.structs.replace(process, threads=tuple(threads))


def inode_of(process: ProcessFacts, fd: int) -> int | None:
    """The inode of the socket behind a descriptor, or None if it is not a socket."""
    target = process.files.get(str(fd), "")
    return int(target[8:-1]) if target.startswith("socket:[") else None


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
