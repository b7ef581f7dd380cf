"""Threads that look at bytes without taking them: recv(2) with MSG_PEEK leaves them in the receive queue.  Pure.

A thread that sleeps in such a call, while bytes are waiting that had arrived before we looked at it, has seen all of
them: the kernel copies what is there before it lets the caller sleep for more (MSG_WAITALL, SO_RCVLOWAT), and wakes it
with each segment that arrives (tcp_recvmsg_locked in net/ipv4/tcp.c).

One that asks again and again never sleeps there.  But where the whole program is stopped, each thread is on its way
back to its own code, out of whatever call it was in: sooner or later out of a look.
"""

from __future__ import annotations

import socket
from typing import Final

from grader.wire.facts import ProcessFacts, Snapshot, ThreadFacts, inode_of
from grader.wire.syscalls import call_of, signed

#: Which argument of a receive holds its flags.
_FLAGS_AT: Final = {"recv": 3, "recvmsg": 2, "recvmmsg": 3}


def lookers(snapshot: Snapshot, inode: int, machine: str) -> frozenset[tuple[int, int]]:
    """Threads that sleep in a receive with MSG_PEEK on this socket, each with its count of context switches."""
    return frozenset(
        (thread.tid, thread.switches)
        for process in snapshot
        for thread in process.living
        if thread.sleeps and _looks(process, thread, inode, machine)
    )


def caught(snapshot: Snapshot, inode: int, machine: str) -> dict[int, int]:
    """Threads of a stopped program that are on their way out of such a look, each with its ns on a CPU so far."""
    return {
        thread.tid: thread.ran_ns
        for process in snapshot
        for thread in process.living
        if thread.is_stopped and _looks(process, thread, inode, machine)
    }


def _looks(process: ProcessFacts, thread: ThreadFacts, inode: int, machine: str) -> bool:
    call = call_of(thread, machine)
    if call is None or call.name not in _FLAGS_AT or not thread.arguments[_FLAGS_AT[call.name]] & socket.MSG_PEEK:
        return False
    return inode_of(process, signed(thread.arguments[0])) == inode
