"""Facts of a program as the kernel would tell them, for the pure decisions: threads, processes, sockets."""

from __future__ import annotations

import socket

import msgspec

from grader.wire.facts import ProcessFacts, ThreadFacts
from grader.wire.kernel import Endpoint, SocketRow, TcpState

MACHINE = "x86_64"
READ, RECV, ACCEPT, SEND, POLL, NANOSLEEP, FUTEX, PAUSE, VFORK, WAIT4 = 0, 45, 43, 44, 7, 35, 202, 34, 58, 61
FOR_EVER_MS = 0xFFFFFFFF
POINTER = 0x7FFE1234

LISTENER, FIRST, SECOND = 100, 101, 102
FILES = {"0": "/dev/pts/3", "3": f"socket:[{LISTENER}]", "4": f"socket:[{FIRST}]", "5": "pipe:[9]"}
UNTIMED = {(10, 3): False, (10, 4): False}


def thread(call: int | None, *arguments: int, tid: int = 10, state: str = "S", switches: int = 5) -> ThreadFacts:
    """A thread in a system call."""
    return ThreadFacts(tid, state, call, (*arguments, *[0] * (6 - len(arguments))), switches, ran_ns=0, waited_ns=0)


def process(
    *threads: ThreadFacts, files: dict[str, str] | None = None, pid: int = 10, state: str = "S"
) -> ProcessFacts:
    """A process with these threads and files, of a program that has made no clock that nobody sees."""
    seen = ProcessFacts(pid, 1, "server", state, 0, 0, 0, 0, threads, FILES if files is None else files)
    return msgspec.structs.replace(seen, alarms=False, timers=False)


def row(
    inode: int,
    *,
    state: TcpState = TcpState.ESTABLISHED,
    unread: int = 0,
    unsent: int = 0,
    in_flight: int = 0,
    protocol: int = socket.IPPROTO_TCP,
) -> SocketRow:
    """A socket's row; `unread`: bytes, or in LISTEN clients to accept."""
    ends = Endpoint("127.0.0.1", 5000), Endpoint("127.0.0.1", 40_000 + inode)
    return SocketRow(socket.AF_INET, state, *ends, unread, unsent, inode, in_flight=in_flight, protocol=protocol)


def sockets(*rows: SocketRow) -> dict[int, SocketRow]:
    """Rows by inode."""
    return {row.inode: row for row in rows}


LISTENS = row(LISTENER, state=TcpState.LISTEN)
