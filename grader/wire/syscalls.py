"""System calls that sleep: their numbers, how each waits, and where its timeout is.  Pure.

Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

import msgspec

from grader.wire.facts import Snapshot, ThreadFacts, inode_of


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
    """A system call that sleeps: its numbers, how it waits, and the argument of its timeout or its other descriptor.

    `takes_alarms`: what it waits for may be SIGALRM, and nobody sees that: while it sleeps, the kernel does not list
    the signals that it waits for among those that are blocked.
    """

    name: str
    x86_64: int | None
    aarch64: int | None
    waits: Waits
    timeout_at: int = 0
    passes_to_at: int = 0
    takes_alarms: bool = False


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
    Call("sigtimedwait", 128, 137, Waits.POINTER, 2, takes_alarms=True),
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

#: Calls that read from a descriptor in argument 0, and calls that wait on one or two at all.
READING = frozenset({Waits.RECEIVING, Waits.PASSING})
TRANSFERS = READING | {Waits.SENDING}


def call_of(thread: ThreadFacts, machine: str) -> Call | None:
    """The known system call that a thread is in, or None."""
    return _BY_NUMBER.get(machine, {}).get(-1 if thread.call is None else thread.call)


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


def waits_for_ever(call: Call, thread: ThreadFacts) -> bool:
    """Whether a call with a timeout argument has none."""
    timeout = thread.arguments[call.timeout_at]
    return signed(timeout) < 0 if call.waits is Waits.MILLISECONDS else timeout == 0


def waits_for_good(thread: ThreadFacts, machine: str) -> bool:
    """Whether it sleeps in no call that returns after a time, as far as that can be seen."""
    call = call_of(thread, machine)
    if call is None or not thread.arguments:
        return True
    if call.waits in {Waits.MILLISECONDS, Waits.POINTER}:
        return waits_for_ever(call, thread)
    return call.waits is not Waits.CLOCK


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
