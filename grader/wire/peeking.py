"""Threads that look at bytes without taking them: recv(2) with MSG_PEEK leaves them in the receive queue.  Pure.

A thread that sleeps in such a call, while bytes are waiting that had arrived before we looked at it, has seen all of
them: the kernel copies what is there before it lets the caller sleep for more (MSG_WAITALL, SO_RCVLOWAT), and wakes it
with each segment that arrives (tcp_recvmsg_locked in net/ipv4/tcp.c).  One that asks again and again never sleeps
there, and nobody can tell what it has seen.
"""

from __future__ import annotations

import socket
from typing import Final

from grader.wire.stillness import Snapshot, call_of, inode_of, signed

#: Which argument of a receive holds its flags.
_FLAGS_AT: Final = {"recv": 3, "recvmsg": 2, "recvmmsg": 3}


def lookers(snapshot: Snapshot, inode: int, machine: str) -> frozenset[tuple[int, int]]:
    """Threads that sleep in a receive with MSG_PEEK on this socket, each with its count of context switches."""
    return frozenset(
        (thread.tid, thread.switches)
        for process in snapshot
        for thread in process.living
        if thread.sleeps and (call := call_of(thread, machine)) and call.name in _FLAGS_AT
        if thread.arguments[_FLAGS_AT[call.name]] & socket.MSG_PEEK
        if inode_of(process, signed(thread.arguments[0])) == inode
    )
