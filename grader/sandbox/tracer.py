"""Where a program crashes, or does what it is at fault for: followed by ptrace(2) from before it is executed.

Seized, not attached: nothing stops and no signal is sent; threads and children that it starts are followed as well.
When a signal is to be delivered that would end it, it is stopped in place of that, at the instruction that it has
reached; its stack is read as that of any stopped program (`tools.py`), and then the signal is delivered after all.

For any other deed (`deeds.py`) it is stopped at its system calls as well.  Which of them is the one that counts is
known only later: when the verdict is there, or the thread exits.  The stack of an interpreter is read at each of them,
a few times.  That of a compiled program takes too long for that, but its registers and some memory are easily kept: to
be read, the thread is put back to that moment, and then again to where it was.

The tracer is a child of the warden that has become the program's user; the program's own filter refuses ptrace(2) to
it.  Ending the tracer ends the program.  Standard library only.
"""

from __future__ import annotations

import os
import select
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

from grader.sandbox import deeds, ptrace, stacks
from grader.sandbox.deeds import Deed
from grader.sandbox.sources import Files, own_frames, told
from grader.sandbox.stacks import Frame

#: Signals that end a program for what it has done itself (signal(7)).
FATAL: Final = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGPIPE, signal.SIGSYS}
)
_STOPPING: Final = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
#: What the warden sends when the verdict is there.
ASKS: Final = signal.SIGTERM
_NEWS: Final = frozenset({signal.SIGCHLD, ASKS})
_IN_A_CHILD: Final = "where its child process crashed"
#: A thread that is told to stop has nothing else to do first, but may have to wait for a CPU.
_STOPS_WITHIN_S: Final = 2.0
_LOOK_S: Final = 0.001
#: Looks at an interpreter, of each kind; one takes 0.1 s.  What there is to be seen after them is not known.
_MOST_LOOKS: Final = 16

#: Places as the driver is told them: one, or none.
Told = list[dict[str, Any]]


class _Call(NamedTuple):
    """A thread's call, as a place that is known, or as the moment of it that is yet to be looked at; in words, too.

    `before`: what it had called last before that.
    """

    at: Frame | ptrace.Moment | None
    how: str = ""
    before: _Call | None = None


def follow(pid: int, work: str, deed: Deed, ready: Callable[[], None], tell: Callable[[Told], None]) -> None:
    """Follow a process and what it starts until nobody is left.

    `ready`: called when it is followed.  `tell`: called once, with the place in its own source at which the first of
    them crashes or the deed was done, or with none: as soon as that is known, or when it is asked for.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _NEWS)
    ptrace.seize(pid)
    follower = _Follower(pid, work, deed, tell)
    if follower.to_calls:
        ptrace.interrupt(pid)
    ready()
    with suppress(ChildProcessError):  # nobody is left to be followed
        while True:
            tid, status = os.waitpid(-1, ptrace.WALL | os.WNOHANG)
            if tid == 0:
                if signal.sigwait(_NEWS) == ASKS:
                    follower.asked()
            elif os.WIFSTOPPED(status):
                with suppress(ZeroDivisionError):  # it has been killed meanwhile
                    follower.stopped(tid, os.WSTOPSIG(status), status >> 16)
    follower.asked()


class _Follower:
    """What is known of a program that is followed."""

    def __init__(self, pid: int, work: str, deed: Deed, tell: Callable[[Told], None]) -> None:
        self._pid = pid
        self._files = Files(work)
        self._deed = deed
        self._tell = tell
        self._has_told = False
        #: The calls that may be the ones that count: the last that did it, and by thread the last that may lead to it.
        self._done: _Call | None = None
        self._before: dict[int, _Call] = {}
        self._looks: Counter[str] = Counter()

    @property
    def to_calls(self) -> bool:
        """Whether it is to be stopped at its system calls."""
        return self._deed != "crash" and not self._has_told

    def asked(self) -> None:
        """Tell what is known by now; the program is not used any more."""
        done = self._done
        if done and isinstance(done.at, ptrace.Moment) and not self._has_told:
            with suppress(ZeroDivisionError):  # it has been killed meanwhile
                ptrace.interrupt(done.at.tid)
                ptrace.wait_stopped(done.at.tid)
                done = self._looked_at(done, done.at.tid)
        self._say(done)

    def _say(self, done: _Call | None) -> None:
        if not self._has_told:
            self._has_told = True
            calls = [done, done.before] if done else []
            if self._deed == "close":
                calls.reverse()  # why it closed it says more than where
            places = {one.at: one.how for one in calls if one and isinstance(one.at, Frame)}
            self._tell([self._files.told(*told(frame, how)) for frame, how in places.items()])

    def stopped(self, tid: int, number: int, event: int) -> None:
        """A thread has stopped, for a signal of this number or for an event."""
        if event == 0 and number == ptrace.AT_A_CALL:
            self._at_a_call(tid)
            ptrace.go_on(tid, to_calls=self.to_calls)
        elif event == 0 and number in FATAL and not self._has_told and not _is_handled(tid, number):
            self._crashes(tid, number)
        elif event == ptrace.EVENT_STOP and number in _STOPPING:
            ptrace.leave_stopped(tid)
        else:
            ptrace.go_on(tid, 0 if event else number, to_calls=self.to_calls)

    def _crashes(self, tid: int, number: int) -> None:
        """It is nobody's afterwards."""
        done = None
        try:
            ptrace.let_go(tid, signal.SIGSTOP)
            if frame := self._frame(tid):
                done = _Call(frame, "where it crashed" if _is_of(tid, self._pid) else _IN_A_CHILD)
        finally:
            self._say(done)  # before anybody can notice the crash and ask for it
            for each in (number, signal.SIGCONT):
                os.kill(tid, each)

    def _at_a_call(self, tid: int) -> None:
        """Keep the call that a thread is about to make if it may be the one that counts."""
        call = ptrace.call(tid) if self.to_calls else None
        kind = deeds.kind_of(call, tid) if call else ""
        compiled = stacks.is_compiled(tid) if kind else None
        if compiled is None:
            return
        if kind in {"exit", "ends"}:
            self._ends(tid, kind, compiled=compiled)
            return
        is_done = deeds.is_done(self._deed, kind, self._done.how if self._done else None)
        before = self._before.get(tid)
        leads = deeds.may_lead(self._deed, kind, before.how if before else None)
        if is_done or leads:
            at = ptrace.moment(tid) if compiled else self._look(tid, kind)
            if at is None and self._looks[kind] <= _MOST_LOOKS:
                return  # none of its own functions did this
            if is_done:
                self._done = _Call(at, deeds.WORDS[kind], before)
            else:
                self._before[tid] = _Call(at, leads)

    def _look(self, tid: int, kind: str) -> Frame | None:
        """Where a thread of an interpreter is in a function of its own; None as well after too many looks."""
        self._looks[kind] += 1
        if self._looks[kind] > _MOST_LOOKS:
            return None
        return next((frame for _, frame in own_frames(stacks.of_python_thread(tid), self._files, ())), None)

    def _ends(self, tid: int, kind: str, *, compiled: bool) -> None:
        """A thread is about to exit, alone or with its process; afterwards it can't be looked at any more."""
        before = self._before.pop(tid, None)
        exits = kind == "exit" and (self._deed == "exit" if _is_of(tid, self._pid) else self._deed == "close")
        has_closed = self._done is not None and self._done.before is before is not None
        if exits and not has_closed:
            self._done = _Call(ptrace.moment(tid) if compiled else None, deeds.WORDS["exit"], before)
        done = self._done
        if compiled and done and isinstance(done.at, ptrace.Moment) and done.at.tid == tid:
            here = ptrace.moment(tid)
            try:
                self._done = self._looked_at(done, tid)
            finally:
                if here:
                    ptrace.put_back(here, calls=True)
                    os.kill(tid, signal.SIGCONT)
        if kind == "exit" and self._deed == "exit" and _is_of(tid, self._pid):
            self._say(self._done)

    def _looked_at(self, call: _Call, tid: int) -> _Call:
        """The same, with places for moments, as far as they can be had; the thread is stopped before and afterwards."""
        at = self._look_back(tid, call.at) if isinstance(call.at, ptrace.Moment) else call.at
        return _Call(at, call.how, self._looked_at(call.before, tid) if call.before else None)

    def _look_back(self, tid: int, was: ptrace.Moment) -> Frame | None:
        """Where a stopped thread was at that moment, which it is put back to; it is stopped again afterwards."""
        ptrace.put_back(was)
        ptrace.let_stop(tid)
        try:
            return self._frame(tid)
        finally:
            ptrace.seize(tid)
            ptrace.interrupt(tid)
            ptrace.wait_stopped(tid)

    def _frame(self, tid: int) -> Frame | None:
        """The innermost of its own functions that a thread is in, once it is stopped by a signal."""
        _wait_stopped(tid)
        return next((frame for _, frame in own_frames(stacks.of_thread(tid), self._files, ())), None)


def _is_of(tid: int, pid: int) -> bool:
    """Whether a thread is one of that process."""
    return os.path.exists(f"/proc/{pid}/task/{tid}")


def _wait_stopped(tid: int) -> None:
    for _ in range(round(_STOPS_WITHIN_S / _LOOK_S)):
        with open(f"/proc/{tid}/stat", "rb") as file:
            if file.read(4096).rpartition(b")")[2].split()[0] == b"T":
                return
        select.select([], [], [], _LOOK_S)


def _is_handled(tid: int, number: int) -> bool:
    """Whether the program catches or ignores a signal (proc(5)).  One that the kernel forces on it, it can't ignore."""
    with open(f"/proc/{tid}/status", "rb") as file:
        fields = file.read(1 << 16)
    bits = (int(fields.partition(name)[2].split()[0], 16) for name in (b"\nSigCgt:", b"\nSigIgn:"))
    return any(each >> number - 1 & 1 for each in bits)
