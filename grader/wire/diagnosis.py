"""What a program was doing, in one sentence made from the kernel's facts.  Pure, and it never guesses.

The facts are a snapshot of its threads and files, the rows of its sockets, our side's name for each connection, and how
much of a processor it used.  If a fact is missing, the sentence says less.  For instance: "blocked in recv on
client A's connection; client B has 4 unread bytes and was never accepted".
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import msgspec

from grader.limits import SPINS_FROM
from grader.wire.facts import ProcessFacts, Snapshot, ThreadFacts, inode_of
from grader.wire.kernel import SocketRow, TcpState
from grader.wire.runtimes import serves_the_runtime
from grader.wire.stillness import Sockets
from grader.wire.syscalls import TRANSFERS, Waits, call_of, signed, waits_for_ever

#: Before the name of a client whose connection a thread sleeps on; of more clients than that, not each is named.
_ON = " on client "
_MOST_TOLD = 3
#: What futex(2) is called among the calls: threads wait in it for each other, and those of runtimes for work.
_FOR_A_THREAD = "a wait for another thread"
_OPEN = frozenset({TcpState.ESTABLISHED, TcpState.CLOSE_WAIT, TcpState.SYN_RECV})


class Conversation(msgspec.Struct, frozen=True):
    """One of our connections: our name for it, and the program's side of it (None: gone)."""

    name: str
    row: SocketRow | None


def describe(
    snapshot: Snapshot,
    sockets: Sockets,
    ours: tuple[Conversation, ...],
    machine: str,
    cpu_share: float | None = None,
) -> str:
    """What the program is doing.  `cpu_share`: the part of its own time for which it was on a CPU, if known."""
    names = {talk.row.inode: talk.name for talk in ours if talk.row and talk.row.inode}
    alive = [process for process in snapshot if process.alive]
    if not alive:
        return "the program has exited"
    running = "running" if cpu_share is None or cpu_share < SPINS_FROM else f"spinning ({cpu_share:.0%} of a CPU)"
    living = [(process, thread) for process in alive for thread in process.living]
    theirs = [one for one in living if not _runs(one[1]) and serves_the_runtime(*one)]
    shown = [one for one in living if one not in theirs] or living
    threads = [
        (running if _runs(thread) else _describe_sleeper(process, thread, sockets, names, machine), process.pid)
        for process, thread in sorted(shown, key=lambda one: _relevance(one[0], one[1], names, machine))
    ]
    talked = [part for talk in ours if (part := _describe_conversation(talk, alive))]
    own = _rows_of(alive, sockets)
    zombies = sum(process.state == "Z" and not process.alive for process in snapshot)
    parts = [
        *_counted(threads),
        *_counted_names(talked),
        *_describe_unaccepted(own, sum(_never_accepted(talk.row) for talk in ours)),
        *_describe_unread(own, _awaited(alive, machine)),
        *_describe_left_open(own, names),
        *([f"{zombies} exited child process{'es' * (zombies != 1)} not reaped"] if zombies else []),
    ]
    return "; ".join(parts)


def _relevance(process: ProcessFacts, thread: ThreadFacts, names: Mapping[int, str], machine: str) -> int:
    """The lower, the more it says: who runs, who sleeps on a client's connection, on anything else, on other threads.

    A runtime's own threads are among the last where they are not left out.
    """
    call = call_of(thread, machine)
    if _runs(thread):
        return 0
    if call is None:
        return 2
    if call.waits in TRANSFERS and inode_of(process, signed(thread.arguments[0])) in names:
        return 1
    return 3 if call.waits is Waits.EVENT or call.name == _FOR_A_THREAD else 2


def _rows_of(alive: Iterable[ProcessFacts], sockets: Sockets) -> list[SocketRow]:
    targets = {target for process in alive for target in process.files.values()}
    return [row for inode, row in sockets.items() if f"socket:[{inode}]" in targets]


def _counted(threads: list[tuple[str, int]]) -> list[str]:
    """Words for threads, each once, with how many it applies to; many that differ only in the client are told together.

    A thread is given as (words, pid).  If each belongs to a different process, they are called processes.
    """
    kinds = Counter(word.partition(_ON)[0] for word in {word for word, _ in threads} if _ON in word)
    pids: dict[str, list[int]] = {}
    for word, pid in threads:
        kind = word.partition(_ON)[0]
        pids.setdefault(f"{kind} on several clients' connections" if kinds[kind] > _MOST_TOLD else word, []).append(pid)
    return [_several(word, len(of), len(set(of))) for word, of in pids.items()]


def _several(words: str, threads: int, processes: int) -> str:
    if threads == 1:
        return words
    return f"{threads} {'processes' if processes == threads else 'threads'} {words}"


def _counted_names(talked: list[tuple[str, str]]) -> list[str]:
    """Clients about whom the same is to be said, together."""
    by_fact: dict[str, list[str]] = {}
    for name, fact in talked:
        by_fact.setdefault(fact, []).append(name)
    return [f"{_names(names)} {fact}" for fact, names in by_fact.items()]


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"each of {len(names)} clients ({names[0]} to {names[-1]})"


_NOT_SLEEPING = {"T": "stopped", "t": "stopped", "D": "waiting for a disk or a device"}

_IN_VFORK = "waiting in vfork for its child process to call exec or to exit"


def _runs(thread: ThreadFacts) -> bool:
    return thread.state == "R" or (thread.state not in _NOT_SLEEPING and thread.call is None)


def _describe_sleeper(
    process: ProcessFacts, thread: ThreadFacts, sockets: Sockets, names: Mapping[int, str], machine: str
) -> str:
    if thread.in_vfork or thread.state in _NOT_SLEEPING:
        return _IN_VFORK if thread.in_vfork else _NOT_SLEEPING[thread.state]
    call = call_of(thread, machine)
    if call is None:
        return "in a system call"
    if call.waits in TRANSFERS:
        return f"blocked in {call.name}{_on_what(process, signed(thread.arguments[0]), sockets, names)}"
    if call.waits is Waits.CLOCK:
        return "sleeping on its own timer" if call.name == "sleep" else f"in {call.name}"
    if call.waits in {Waits.MILLISECONDS, Waits.POINTER} and not waits_for_ever(call, thread):
        return f"blocked in {call.name} with a timeout of its own"
    return f"blocked in {call.name}"


def _on_what(process: ProcessFacts, fd: int, sockets: Sockets, names: Mapping[int, str]) -> str:
    inode = inode_of(process, fd)
    if inode is None:
        return " on its standard input" if fd == 0 else ""
    if inode in names:
        return f" on {names[inode]}'s connection"
    row = sockets.get(inode)
    if row is None:  # of UDP and not bound yet, or of another family
        return " on a socket"
    if row.protocol == socket.IPPROTO_UDP:
        return ", waiting for a datagram"
    return ", waiting for the next client" if row.state is TcpState.LISTEN else " on a connection"


def _never_accepted(row: SocketRow | None) -> bool:
    return row is not None and row.inode == 0 and row.state in _OPEN


def _describe_conversation(talk: Conversation, alive: list[ProcessFacts]) -> tuple[str, str] | None:
    row = talk.row
    if row is None or row.state not in _OPEN:
        return None
    end_received = row.state is TcpState.CLOSE_WAIT
    end_unread = end_received and row.receive_queue > 0  # a FIN takes one place in the queue until it is read
    unread = row.receive_queue - end_unread
    facts = [
        f"has {unread} unread byte{'s' * (unread != 1)}" if unread else "",
        "was never accepted" if _never_accepted(row) else "",
        "has closed its side, which was not read yet" if end_unread and row.inode else "",
        f"has closed its side, and the program keeps its own open{_where(row.inode, alive)}"
        if end_received and not end_unread
        else "",
    ]
    told = " and ".join(fact for fact in facts if fact)
    return (talk.name, told) if told else None


def _where(inode: int, alive: list[ProcessFacts]) -> str:
    """Which of several processes have a socket: it is closed when the last of them has closed its copy."""
    pids = {process.pid for process in alive}
    holders = [process for process in alive if f"socket:[{inode}]" in process.files.values()]
    if not holders or len(alive) == 1:
        return ""
    children = sum(process.parent in pids for process in holders)
    if children == len(holders):
        return ", in a child process" if children == 1 else f", in {children} child processes"
    return ", in the parent process" if len(holders) == 1 else f", in {len(holders)} processes"


def _describe_unaccepted(own: list[SocketRow], told: int) -> list[str]:
    """Connections in the accept queue about which nothing was said yet."""
    waiting = sum(row.receive_queue for row in own if row.state is TcpState.LISTEN) - told
    return [f"{waiting} more connection{'s' * (waiting != 1)} never accepted"] if waiting > 0 else []


def _awaited(alive: Iterable[ProcessFacts], machine: str) -> set[int | None]:
    """Sockets that a thread sleeps on in a receive."""
    return {
        inode_of(process, signed(thread.arguments[0]))
        for process in alive
        for thread in process.living
        if (call := call_of(thread, machine)) and call.waits is Waits.RECEIVING and thread.arguments
    }


def _describe_unread(own: list[SocketRow], awaited: Collection[int | None]) -> list[str]:
    """Datagrams that nobody reads.  While a thread sleeps in a receive, the queue holds errors only (IP_RECVERR)."""
    udp = (row for row in own if row.protocol == socket.IPPROTO_UDP and row.inode not in awaited)
    return ["datagrams are waiting unread"] if any(row.receive_queue for row in udp) else []


def _describe_left_open(own: list[SocketRow], named: Collection[int]) -> list[str]:
    """Connections that the other side has closed and the program never did."""
    left = sum(row.state is TcpState.CLOSE_WAIT and row.inode not in named for row in own)
    if not left:
        return []
    return [f"{left} connection{'s' * (left != 1)} still open that the other side has closed (CLOSE_WAIT)"]
