"""Servers over TCP and UDP: what they keep when clients have left, and what they use while nothing is asked."""

from __future__ import annotations

from grader.catalogue import behaviour
from grader.checks.crowds import Crowd, after_crowd
from grader.checks.measures import process_count, thread_count
from grader.errors import Reason
from grader.harness.listening import Server
from grader.harness.stage import Stage
from grader.limits import IDLE_CPU_SHARE, IDLE_WINDOW_S
from grader.model import EventKind
from grader.protocol.script import StreamProtocol
from grader.wire.endings import reason_of
from grader.wire.facts import Snapshot
from grader.wire.faults import FaultError
from grader.wire.program import Program
from grader.wire.waiting import LATER

#: A server may open a few files for good while it serves; one per client is a leak, and so is one per ten clients.
_TOLERATED = 10
#: ... and a pool of threads or processes grows to its size: Python's executors have at most 32 unless they are told.
_THREADS_TOLERATED = 40

#: Among so many, some client may run into something that no other check causes.
_IN_THE_CROWD = (
    "Closing is not the problem: among two hundred clients one received a wrong reply, or none.  What may one client "
    "change while another is being served: a list that is iterated over, a number, a buffer?"
)
_CROWD_HINTS = {Reason.WRONG_REPLY: _IN_THE_CROWD, Reason.NO_REPLY: _IN_THE_CROWD}
_TWO_HUNDRED = (
    "two hundred clients one after another, leaving by FIN, without sending a byte, by reset, without reading"
)


@behaviour(
    does=f"{_TWO_HUNDRED}; its open files and all sockets in its network, before and after",
    proves="the ends of all connections have arrived",
    catches="a missing close",
    hint="Close a client's socket when it has left, on every path{Python:  (with, finally)}.",
    hints=_CROWD_HINTS,
)
def test_no_fd_leak(server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Closes the sockets of clients that have left"""
    crowd = after_crowd(stage, server, protocol)
    grown = _open_files(crowd.after, crowd.before) - _open_files(crowd.before, crowd.after)
    words = f"after {crowd.size} clients have left it has {grown} more files open"
    if crowd.close_wait:
        words += f", {crowd.close_wait} of them in CLOSE_WAIT"
    grown, kept = max(grown, crowd.close_wait), _kept_elsewhere(crowd)
    if kept > grown + crowd.tolerated(_TOLERATED):
        words += f"; the kernel counts {kept} more sockets, which it keeps in other processes or on their way to them"
    server.program.transcript.add(EventKind.KERNEL, "program", words)
    _must_not_grow(crowd, max(grown, kept), words, Reason.FD_LEAK)


@behaviour(
    does=f"{_TWO_HUNDRED}; its exited child processes that have not been reaped",
    proves="the ends of all connections have arrived",
    catches="no waitpid, no handler for SIGCHLD",
    hint="A child process that has exited remains a zombie until its parent waits for it. Do that after each accept, "
    "without blocking{C: : waitpid(-1, NULL, WNOHANG)}{Python: : os.waitpid(-1, os.WNOHANG)}; or ignore SIGCHLD.",
    hints=_CROWD_HINTS,
)
def test_no_zombies(server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Reaps its child processes"""
    crowd = after_crowd(stage, server, protocol)
    zombies = sum(process.state == "Z" for process in crowd.after)
    words = f"after {crowd.size} clients have left, {zombies} of its child processes have exited but were never reaped"
    server.program.transcript.add(EventKind.KERNEL, "program", words)
    _must_not_grow(crowd, zombies, words, Reason.ZOMBIES)


@behaviour(
    does=f"{_TWO_HUNDRED}; its threads and processes before and after",
    proves="the ends of all connections have arrived, and it is at rest",
    catches="threads that never end, child processes that never exit but go back to the parent's loop and accept",
    hint="A thread ends when its function returns, a child process when it calls exit: both must happen when its "
    "client has left.",
    hints={
        **_CROWD_HINTS,
        Reason.PROCESS_LEAK: "When its client has left, a child process must exit{C:  (_exit)}{Python:  (os._exit)}: "
        "one that only leaves the block after fork continues in its parent's loop, and accepts the next client itself.",
    },
)
def test_no_thread_leak(server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Ends the threads and child processes of clients that have left"""
    crowd = after_crowd(stage, server, protocol)
    processes = process_count(crowd.after) - process_count(crowd.before)
    words = f"after {crowd.size} clients have left it has {processes} more processes running"
    server.program.transcript.add(EventKind.KERNEL, "program", words)
    _must_not_grow(crowd, processes, words, Reason.PROCESS_LEAK, _THREADS_TOLERATED)
    threads = thread_count(crowd.after) - thread_count(crowd.before)
    words = f"after {crowd.size} clients have left it has {threads} more threads running"
    server.program.transcript.add(EventKind.KERNEL, "program", words)
    _must_not_grow(crowd, threads, words, Reason.THREAD_LEAK, _THREADS_TOLERATED)


@behaviour(
    does="its CPU time while nothing is asked: with a silent client, after a client has left, after a client has reset "
    "its connection (TCP); over UDP also whether it exits by a timer of its own, which is waited for as long as the "
    "handout says (`silence_s`)",
    proves="it is at rest, or its scheduler counters are read",
    catches="spinning at the end of input or after a reset, polling without a timeout; a timeout that ends it",
    hint="At the end of input recv returns immediately, every time: leave the loop. Never poll without a timeout, and "
    "ask whether a socket is writable only while you have something to write: it nearly always is.",
    hints=dict.fromkeys(
        (Reason.EXITED, Reason.CRASHED),
        "It waits for a datagram with a timeout, and that ends it: catch it and go on waiting, or wait without one.",
    ),
)
def test_no_busy_loop(server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Uses no CPU time while nothing is asked"""
    with stage.client(server) as client:
        if not stage.one_request:  # there it would have been left by the server, too
            client.ask(protocol.exchange(0))
        _must_rest(server.program, "with a silent client connected")
    _must_rest(server.program, "after its client had left")
    if stage.over_tcp:
        with stage.connect(server) as broken:
            if not stage.one_request:
                broken.ask(protocol.exchange(1))
            broken.reset()
        _must_rest(server.program, "after a client had reset its connection")
    else:
        _must_stay(server.program, stage.server_spec.silence_s)


def _must_not_grow(crowd: Crowd, grown: int, words: str, reason: Reason, tolerated: int = _TOLERATED) -> None:
    __tracebackhide__ = True
    if grown > crowd.tolerated(tolerated):
        raise FaultError(reason, words, doing=crowd.doing)


def _open_files(snapshot: Snapshot, other: Snapshot) -> int:
    """For processes that are in both snapshots: a new one is reported as a process that never exits."""
    in_both = {process.pid for process in other}
    return sum(len(process.files) for process in snapshot if process.alive and process.pid in in_both)


def _kept_elsewhere(crowd: Crowd) -> int:
    """How many more sockets there are; 0 if processes or threads have stayed, which may well have one each."""
    stayed = process_count(crowd.after) - process_count(crowd.before)
    stayed = max(stayed, thread_count(crowd.after) - thread_count(crowd.before))
    return 0 if stayed > crowd.tolerated(_THREADS_TOLERATED) else crowd.kept


def _must_stay(program: Program, silence_s: float) -> None:
    """A timer of its own does not end it.  Only one that sleeps on such a timer is watched for so long."""
    __tracebackhide__ = True
    for window_s in (IDLE_WINDOW_S, program.limits.reply_s, silence_s):
        outcome = program.wait_still(window_s)
        if outcome.verdict not in LATER:
            break
    if ending := program.ending():
        raise FaultError(reason_of(ending), "nobody asked for anything, and the program exited", doing=program.doing())


def _must_rest(program: Program, when: str) -> None:
    __tracebackhide__ = True
    share = program.cpu_share(IDLE_WINDOW_S)
    if share is not None and share > IDLE_CPU_SHARE:
        what = f"{when} it used {share:.0%} of a CPU although nothing was asked"
        raise FaultError(Reason.BUSY_LOOP, what, doing=program.doing(cpu_share=share))
