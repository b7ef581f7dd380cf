"""A running program: its output, its exit, and waiting for what it does.

Everything that waits for a program waits in `Program.wait`: it looks whether the awaited thing has happened, reads what
the program prints (or the program would block), looks whether it has exited, and asks the kernel whether it is still.
So each wait ends with the thing itself, or with the reason why it can never happen, and only if the kernel can't tell,
with a deadline.  The deadline counts the time in which the program could run, not the time in which a busy machine kept
it from running.
"""

from __future__ import annotations

import errno
import math
import os
import select
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Protocol, TypeVar

from grader.errors import Reason
from grader.limits import (
    EXIT_S,
    KERNEL_S,
    MOST_DESCRIPTORS,
    MOST_SOCKETS,
    REPLY_S,
    REPLY_WALL_S,
    SETTLE_S,
    SPINNING_CPU_S,
    SandboxLimits,
)
from grader.model import EventKind
from grader.wire import peeking, runtimes, stillness, terminal
from grader.wire.budget import Budget, Counted
from grader.wire.diagnosis import Conversation, describe
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import SocketRow, SocketTable, TcpState, io_stalled_s, machine
from grader.wire.own_time import Deadline, OwnTime, Spinning
from grader.wire.stillness import Awaits, Snapshot, Verdict
from grader.wire.terminal import MadeOfCtrlC
from grader.wire.transcript import Transcript
from grader.wire.warden import Ending, Started, WardenClient, WardenError

T = TypeVar("T")

#: A server that is going to reply does so within a fraction of this; before that, asking costs more than it tells.
_FIRST_LOOK_S = 0.001
#: Looks become rarer while a program is busy, so that they don't keep it from working.
_RAREST_LOOK_S = 0.05
#: A look takes 0.2 ms for a thread or process; at more than so many it keeps the program, and us, from working ...
_DEAR_THREADS = 50
#: ... so that the next one waits until four times as much has passed: looking takes a fifth of the time, at most.
_DEAR_PAUSES = 4
#: What repr() makes of a byte: four characters, and another program's log line besides.
_PRINTED_BY_BYTE = 8
#: How much of a look's cost is remembered from wait to wait: of 500 replies that come together, we look for a dozen.
_FADING = 0.9
#: How much is kept of a client's output: a reply of a mebibyte, several times.
_MOST_OUTPUT_BYTES = 16 << 20
#: Between looks at what no descriptor shows: a socket's row.
_UNWATCHED_S = 0.0002
_ALL_BUT_TIME_WAIT = tuple(state for state in TcpState if state not in {TcpState.TIME_WAIT, TcpState.CLOSE})


class Why(Enum):
    """Why a wait ended without what it waited for."""

    STILL = "still"
    ENDED = "ended"
    DEADLINE = "deadline"


@dataclass
class NoProgressError(Exception):
    """What was waited for did not happen.  `doing`: what the program was doing, according to the kernel.

    `seen`: its last snapshot.
    """

    why: Why
    doing: str
    verdict: Verdict = Verdict.STILL
    seen: Snapshot = ()


class Talk(Protocol):
    """Our end of a conversation, as far as waiting needs to know it."""

    name: str

    def row(self) -> SocketRow | None:
        """The program's side of the connection, if it has one of its own."""

    def delivered(self) -> bool:
        """Whether nothing is on its way: what we sent has arrived there, and what it sent has arrived here."""

    def traffic(self) -> tuple[int, ...]:
        """How much it has read from us, and how much of what it sent we have received, in bytes."""


@dataclass
class Output:
    """What a program printed on one stream: the beginning of it, and how much it was."""

    kept_bytes: int
    data: bytearray = field(default_factory=bytearray)
    size_bytes: int = 0

    @property
    def overfull(self) -> bool:
        """Whether more was printed than was kept."""
        return self.size_bytes > len(self.data)

    def add(self, chunk: bytes) -> None:
        """Keep what still fits."""
        self.size_bytes += len(chunk)
        self.data += chunk[: max(0, self.kept_bytes - len(self.data))]


@dataclass
class Stops:
    """What is known about how a submission's program keeps situations from being proved.

    `ended_of_it`: one of its runs has ended because it was stopped and continued; two that do are no coincidence.
    `leaves_unread`: it never rests and leaves bytes where they are, as looking at them with MSG_PEEK does; what it
    answers right then proves nothing (`unproved`, for the check that is played).
    """

    ended_of_it: bool = False
    leaves_unread: bool = False
    unproved: UnprovedError | None = None


class Program:
    """One started program and all its processes."""

    def __init__(
        self,
        started: Started,
        warden: WardenClient,
        table: SocketTable,
        transcript: Transcript,
        limits: SandboxLimits,
        *,
        keep_all: bool = False,
        spinning: Spinning | None = None,
        stops: Stops | None = None,
        name: str = "program",
    ) -> None:
        self.pid = started.pid
        #: Its name in the transcript.
        self.name = name
        self.talks: list[Talk] = []
        #: How many conversations there were, those that have ended included.
        self._met = 0
        self._leaving: list[Talk] = []
        self.transcript = transcript
        self.started = started
        self._warden = warden
        self._table = table
        self._limits = limits
        self._spinning = spinning or Spinning()
        self._stops = stops or Stops()
        # What a client prints is what it is judged by.
        self.stdout = Output(_MOST_OUTPUT_BYTES if keep_all else limits.output_kept_bytes)
        self.stderr = Output(limits.output_kept_bytes)
        self._readers = {started.stdout: self.stdout, started.stderr: self.stderr}
        for descriptor in self._readers:
            os.set_blocking(descriptor, False)
        self._read_by_us = frozenset(f"pipe:[{os.fstat(descriptor).st_ino}]" for descriptor in self._readers)
        self._open = {started.pidfd, started.stdin, started.stdout, started.stderr}
        if started.terminal is not None:
            self._open.add(started.terminal)
        self._ending: Ending | None = None
        #: When waiting for it is cut short, whatever it does (time.monotonic).
        self.give_up_at = math.inf
        #: What it has used up of the time for its checks.
        self.budget = Budget()
        #: Bytes that it was sent; one that prints what it reads may print them all, escaped.
        self.told_bytes = 0
        #: Where what it has printed in this check begins, on standard output and on stderr.
        self._check_from = (0, 0)
        self._survives_stops = False
        self._look_s = 0.0
        #: It is not looked at again before this time, whoever waits (time.monotonic).
        self._dear_until = 0.0
        #: What its timers have shown.
        self._learnt = runtimes.Learnt(started.not_before_ns)

    def serve_check(self, transcript: Transcript, give_up_at: float, budget: Budget) -> None:
        """Another check begins with it: what it has printed until now belongs to those before.

        `give_up_at`: when waiting for it is cut short (time.monotonic).  `budget`: where it is counted what it needs.
        """
        with suppress(FaultError):  # a flood is told when it goes on
            self.catch_up()
        self.transcript, self.give_up_at, self.budget = transcript, give_up_at, budget
        self._check_from = len(self.stdout.data), len(self.stderr.data)

    def printed_in_check(self) -> tuple[bytes, bytes]:
        """What it has printed since its check began, on standard output and on stderr, as far as that was read."""
        out_from, err_from = self._check_from
        return bytes(self.stdout.data[out_from:]), bytes(self.stderr.data[err_from:])

    def close(self) -> None:
        """Let go of its descriptors (the program itself is killed by the warden)."""
        while self._open:
            os.close(self._open.pop())
        self._readers.clear()

    def close_input(self) -> None:
        """End its standard input, if that is a pipe."""
        if self.started.stdin in self._open:
            self._open.remove(self.started.stdin)
            os.close(self.started.stdin)

    # What it prints

    def pump(self, timeout_s: float, watched: Collection[int] = ()) -> None:
        """Read what it prints; return when something happens on a watched descriptor, or after the time."""
        poll = select.poll()
        for descriptor in (*self._readers, *watched):
            poll.register(descriptor, select.POLLIN)
        if not self._ending:
            poll.register(self.started.pidfd, select.POLLIN)
        for descriptor, _ in poll.poll(timeout_s * 1000):
            if descriptor in self._readers:
                self._read_output(descriptor)

    def _read_output(self, descriptor: int) -> None:
        try:
            chunk = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:  # what a terminal's master says when the program's side is closed
                raise
            chunk = b""
        if not chunk:
            del self._readers[descriptor]
            return
        stream = self._readers[descriptor]
        if not stream.overfull:
            self.transcript.add(EventKind.OUTPUT, self.name, self._stream_name(descriptor), chunk)
        stream.add(chunk)
        if stream.size_bytes > self._limits.output_flood_bytes + _PRINTED_BY_BYTE * self.told_bytes:
            raise FaultError(Reason.OUTPUT_FLOOD, f"the program printed more than {stream.size_bytes >> 20} MiB")

    def _stream_name(self, descriptor: int) -> str:
        return "stderr" if descriptor == self.started.stderr else "standard output"

    def _holds_output(self) -> bool:
        """Whether something is left to be read of what it has printed.

        Then it may sleep until there is room for more, in a call that does not tell so: who prints by an event loop
        waits in epoll_wait(2), as Node does.
        """
        poll = select.poll()
        for descriptor in self._readers:
            poll.register(descriptor, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

    def catch_up(self) -> None:
        """Read everything it has printed so far; what other processes hold open is read as far as it has come.

        A terminal's bytes are passed on by a kernel worker, but reading or polling makes that happen first
        (tty_buffer_flush_work in n_tty_read and n_tty_poll of drivers/tty/n_tty.c).
        """
        for descriptor in list(self._readers):
            before = -1
            while descriptor in self._readers and self._readers[descriptor].size_bytes != before:
                before = self._readers[descriptor].size_bytes
                self._read_output(descriptor)

    # What it does

    def ending(self) -> Ending | None:
        """How it ended, or None while it runs."""
        if self._ending is None and self._has_ended():
            self._ending = self._how_it_ended()
            self.catch_up()
            self.transcript.add(EventKind.EXITED, self.name, describe_ending(self._ending))
        return self._ending

    def _how_it_ended(self) -> Ending:
        """What the kernel keeps about an exited process, whatever may have kept the warden from reaping it (ptrace(2)).

        Raises:
            WardenError: it can't be had.
        """
        until = time.monotonic() + KERNEL_S
        while (ending := self._warden.ending(self.pid)) is None:  # we may know of its end a moment earlier
            if time.monotonic() > until:
                raise WardenError(f"process {self.pid} has exited, and the kernel does not say how")
        return ending

    def _has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self.started.pidfd, select.POLLIN)
        return bool(poll.poll(0))

    def snapshot(self, *, files: bool = True) -> Snapshot:
        """What all its processes do now.

        Raises:
            FaultError: it has more of them, or more files open, than a program needs; or one of them hides its files,
                and was asked for them.
        """
        seen = self._warden.snapshot(files=files, most_files=MOST_DESCRIPTORS.of(self._met))
        self.budget.note_count(Counted.TASKS, stillness.task_count(seen), self._met)
        if any(process.unread_files for process in seen):
            count = sum(process.unread_files or len(process.files) for process in seen)
            self.budget.note_count(Counted.DESCRIPTORS, count, self._met)
        if hidden := [process for process in seen if process.hidden]:
            what = f"its process {hidden[0].name!r} does not let the grader see what it has open (it is not dumpable)"
            raise FaultError(Reason.HIDDEN, what)
        return seen

    def sockets(self) -> dict[int, SocketRow]:
        """All sockets of the network namespace that belong to somebody, by inode.

        Raises:
            FaultError: it has more of them than a program needs.
        """
        rows = (*self._table.dump(*_ALL_BUT_TIME_WAIT), *self._table.dump_udp())
        if len(rows) > MOST_SOCKETS.of(self._met):
            self.budget.note_count(Counted.SOCKETS, self._count_own(rows), self._met)
        return {row.inode: row for row in rows if row.inode}

    def _count_own(self, rows: Sequence[SocketRow]) -> int:
        """How many of these sockets are its own: all, where nobody else uses the network but a few of ours."""
        if self._table.private:
            return len(rows)
        files = {target for process in self.snapshot() for target in process.files.values()}
        return sum(f"socket:[{row.inode}]" in files for row in rows)

    def timeout_s(self) -> float:
        """How much longer the call in which it sleeps may wait, as far as its arguments say; 0: they don't."""
        return stillness.longest_timeout_s(self.snapshot(files=False), machine())

    def doing(self, snapshot: Snapshot | None = None, cpu_share: float | None = None) -> str:
        """What it is doing, in words, from the kernel's facts."""
        if self._ending and not snapshot:
            return describe_ending(self._ending)
        facts = snapshot or self.snapshot()
        return describe(facts, self.sockets(), self.conversations(), machine(), cpu_share)

    def conversations(self) -> tuple[Conversation, ...]:
        """Our open connections and the program's side of each."""
        return tuple(Conversation(talk.name, talk.row()) for talk in (*self.talks, *self._leaving))

    def awaits(self, seen: Snapshot, its_input: Collection[str]) -> Awaits:
        """Whether it waits for a line, according to a snapshot in which it rests.  `its_input`: where we type."""
        sleepers = [
            (each.process.pid, each.thread.tid, each.thread.switches, each.call.name, each.thread.arguments)
            for each in stillness.multiplexed(seen, machine())
        ]
        return stillness.awaits(seen, its_input, machine(), self._warden.watched(sleepers))

    def verdict(self, within_s: float = REPLY_S) -> tuple[Verdict, Snapshot]:
        """Whether it is still now, with the facts; open files are among them only if all its threads slept.

        `within_s`: a timer of its own that runs out later than this is told apart (`Verdict.LATER`).
        """
        began = time.monotonic()
        verdict, snapshot = self._look(within_s)
        ended = time.monotonic()
        self._look_s = ended - began
        # Nobody is kept from working who sleeps.
        if verdict is Verdict.RUNNING and sum(len(process.threads) for process in snapshot) > _DEAR_THREADS:
            self._dear_until = ended + _DEAR_PAUSES * self._look_s
        return verdict, snapshot

    def _look(self, within_s: float) -> tuple[Verdict, Snapshot]:
        first = self._learning(lambda: self.snapshot(files=False))
        if not stillness.asleep(first, first):
            return Verdict.RUNNING, first
        sockets = self.sockets()
        second = self._learning(lambda: self.snapshot(files=True))
        timed = self._warden.socket_timeouts(list(stillness.transfer_sockets(second, machine())))
        timers = partial(runtimes.timer, learnt=self._learnt, now=_clocks(), within_s=within_s)
        verdict = stillness.judge(first, second, sockets, timed, machine(), read_by_us=self._read_by_us, timers=timers)
        return max(verdict, Verdict.TIMER if self._terminal_has_a_clock() else verdict), second

    def _learning(self, look: Callable[[], Snapshot]) -> Snapshot:
        """What a look shows, which is remembered of its timers."""
        began_ns = time.monotonic_ns()
        seen = look()
        self._learnt = runtimes.learn(self._learnt, seen, machine(), began_ns, _clocks())
        return seen

    def _terminal_has_a_clock(self) -> bool:
        """Whether a read from its terminal ends by a timeout."""
        return self.started.terminal is not None and terminal.has_a_clock(self.started.stdin)

    def _traffic(self, *, prints: bool) -> tuple[int, ...]:
        """How much it has read and written, a number for each of our connections and, if it counts, its output."""
        talked = (number for talk in self.talks for number in talk.traffic())
        return (*talked, self.stdout.size_bytes + self.stderr.size_bytes if prints else 0)

    def _accepted(self) -> int:
        """How many of our connections it has accepted."""
        return sum((row := talk.row()) is not None and row.inode != 0 for talk in self.talks)

    def has_peeked(self, inode: int) -> bool:
        """Whether a thread sleeps in a look at this socket's bytes (MSG_PEEK): it has seen all that had come before."""
        if time.monotonic() < self._dear_until:
            return False
        first, second = self.snapshot(), self.snapshot()
        return bool(peeking.lookers(first, inode, machine()) & peeking.lookers(second, inode, machine()))

    @property
    def leaves_unread(self) -> bool:
        """Whether it was seen to leave bytes where they are without coming to rest."""
        return self._stops.leaves_unread

    def may_have_peeked(self) -> None:
        """It has left bytes where they are without coming to rest: nobody sees whether it has looked at them."""
        self._stops.leaves_unread = True
        self._stops.unproved = UnprovedError(
            "it is not known whether the program has seen each piece before the next one arrived: it leaves bytes in "
            "its socket, as recv with MSG_PEEK does, and never sleeps there until more arrive"
        )

    def nothing_on_its_way(self) -> bool:
        """Whether everything we sent has arrived there, the ends of closed connections included, and its bytes here.

        For a verdict this must hold before we look at the program (what arrives later wakes it later) and afterwards
        (what it sent before it fell asleep is here).
        """
        self._leaving = [talk for talk in self._leaving if not talk.delivered()]
        return not self._leaving and all(talk.delivered() for talk in self.talks)

    def wait_delivered(self) -> None:
        """Until everything we sent has arrived, the ends of closed connections included.

        Raises:
            FaultError: it reads so little that it doesn't fit.
            UnprovedError: it has not arrived.
        """
        try:
            self.wait(lambda: self.nothing_on_its_way() or None, until_end=False)
        except NoProgressError as stop:
            for talk in (*self._leaving, *self.talks):
                if not talk.delivered() and (row := talk.row()) is not None and row.receive_queue > 0:
                    what = (
                        f"no more of what {talk.name} has sent fits: {row.receive_queue} bytes are waiting to be read"
                    )
                    raise FaultError(Reason.NOT_READ, what, doing=stop.doing) from None
            raise UnprovedError("what was sent did not arrive", doing=stop.doing) from None

    def meet(self, talk: Talk) -> None:
        """A conversation of ours begins."""
        self.talks.append(talk)
        self._met += 1

    def leave(self, talk: Talk) -> None:
        """Our end of a connection was closed or reset; that is on its way now."""
        if talk in self.talks:
            self.talks.remove(talk)
            self._leaving.append(talk)

    # Waiting

    def wait(
        self,
        ready: Callable[[], T | None],
        watched: Collection[int] = (),
        deadline_s: float = REPLY_S,
        *,
        within: Deadline | None = None,
        until_end: bool = True,
        rests: Callable[[Snapshot], bool] = lambda _: False,
        prints: bool = False,
        hurried: bool = False,
    ) -> T:
        """The first value of `ready()` that is not None.

        `watched`: descriptors whose readability means that it is worth looking again.  `within`: a deadline that
        several waits share, instead of `deadline_s`.  With `until_end` the exit of the program ends the wait too.
        `rests`: whether a program that sleeps on a timer of its own, as the snapshot shows it, counts as still.
        `prints`: whether what it prints counts as moving, because that is awaited.  `hurried`: no check passes because
        this wait ends, so that less is enough: a presumption that it is still, or that its timers run out too late (see
        `Verdict`), and less time for a program that is known to spin.

        Raises:
            NoProgressError: it can't happen any more, or did not in that much of the program's own time.
            UnprovedError: the machine did not give the program that time.
            FaultError: it floods its output, or has let us wait too long in all.
        """
        __tracebackhide__ = True
        clock = within or Deadline(deadline_s)
        try:
            value = self._wait(ready, watched, clock, until_end=until_end, rests=rests, prints=prints, hurried=hurried)
        finally:
            self.budget.note(clock.needed_s)
        self.budget.note_step(clock.idled_s)
        return value

    def _wait(
        self,
        ready: Callable[[], T | None],
        watched: Collection[int],
        clock: Deadline,
        *,
        until_end: bool,
        rests: Callable[[Snapshot], bool],
        prints: bool,
        hurried: bool,
    ) -> T:
        began = time.monotonic()
        # What the last look cost fades, so that one slow look does not make all later waits slow.
        self._look_s *= _FADING
        pause_s = max(_FIRST_LOOK_S, self._look_s)
        look_at = max(began + pause_s, self._dear_until)
        clock.begin(began)
        while (value := ready()) is None:
            clock.has_not_come()
            try:
                self.pump(min(pause_s if watched else _UNWATCHED_S, max(0.0, look_at - time.monotonic())), watched)
            except FaultError:  # it floods its output; what it did before counts
                if (value := ready()) is not None:
                    return value
                raise
            now = time.monotonic()
            if now < look_at and not (until_end and self._has_ended()):
                continue
            arrived = self.nothing_on_its_way()
            verdict, snapshot = self.verdict(clock.most_s)
            if until_end and self.ending() and not self.remaining(snapshot) and self.nothing_on_its_way():
                return self._last_chance(ready, Why.ENDED, Verdict.STILL, snapshot)
            foreseen = _foreseen(verdict, hurried=hurried, rests=partial(rests, snapshot))
            if foreseen and arrived and self.nothing_on_its_way() and not self._holds_output():
                return self._last_chance(ready, foreseen, verdict, snapshot)
            in_haste = hurried and self._spinning.is_known
            moved = (*self._traffic(prints=prints), self._accepted() if in_haste else 0)
            clock.look(now, snapshot, moved, io_stalled_s())
            if clock.is_over or (in_haste and clock.spins):
                return self._last_chance(ready, Why.DEADLINE, verdict, snapshot, clock)
            if now > self.give_up_at:
                raise self.budget.out_of_time("the time for all its checks was used up during this one", self.doing())
            if now - began > REPLY_WALL_S:
                raise UnprovedError("the machine was too busy to let the program run", Reason.STARVED, self.doing())
            pause_s = max(time.monotonic() - now, min(2 * pause_s, _RAREST_LOOK_S))
            look_at = max(time.monotonic() + pause_s, self._dear_until)
        return value

    def _last_chance(
        self,
        ready: Callable[[], T | None],
        why: Why,
        verdict: Verdict,
        snapshot: Snapshot,
        clock: Deadline | None = None,
    ) -> T:
        """What came between the last look and the verdict still counts.

        `clock`: the deadline that has passed; of one that surely will, None.
        """
        self.catch_up()
        value = ready()
        if value is not None:
            return value
        will_pass = why is Why.DEADLINE and not clock
        doing = self.doing(snapshot if why is Why.STILL or will_pass else None, clock.cpu_share if clock else None)
        if will_pass:
            doing += "; no timer of its own runs out in the time allowed"
        if clock and not clock.is_over:
            doing += (
                f"; {SPINNING_CPU_S:g} s on a CPU were enough, since earlier checks had waited longer for it in vain"
            )
        elif clock:
            self._spinning.note(clock)
        raise NoProgressError(why, doing, verdict, snapshot)

    def wait_still(self, deadline_s: float = REPLY_S) -> NoProgressError:
        """Until it is still or has exited, or until it had `deadline_s` and was not still (see the answer's `why`)."""
        try:
            return self.wait(_never, deadline_s=deadline_s)
        except NoProgressError as outcome:
            return outcome

    def at_rest(self) -> bool:
        """Whether it sleeps with nothing to do: still, or until a timer of its own; False while looks cost too much."""
        if time.monotonic() < self._dear_until:
            return False
        return self.nothing_on_its_way() and self.verdict()[0] <= Verdict.TIMER

    def wait_rest(self, most_s: float) -> bool:
        """Until it is at rest; False if it has exited, or had `most_s` and was not at rest."""
        if self.at_rest():
            return True
        deadline = Deadline(min(most_s, self._spinning.settle_s) if most_s <= SETTLE_S else most_s)
        try:
            return self.wait(_never, within=deadline, rests=lambda _: True, hurried=True).why is Why.STILL
        except NoProgressError as outcome:
            if outcome.why is Why.DEADLINE:
                self._spinning.note_unrest(deadline)
            return outcome.why is Why.STILL

    def wait_end(self, deadline_s: float = EXIT_S) -> Ending:
        """Until it has exited.

        Raises:
            NoProgressError: it keeps running, and nothing will end it.
        """
        return self.wait(self.ending, until_end=False, deadline_s=deadline_s, hurried=True)

    def press_ctrl_c(self) -> MadeOfCtrlC:
        """Press Ctrl-C at its terminal; what the terminal makes of it.

        If the terminal does not send SIGINT to the program, because the program has given that job to another key, has
        left its terminal or has put another process group in the foreground, the key is pressed first, and then the
        signal is sent by kill(2).  A program that has switched off all such keys receives each as a byte, Ctrl-C too:
        it must look for that itself.
        """
        if self.ending():
            return MadeOfCtrlC.SIGNAL
        assert self.started.terminal is not None  # noqa: S101 — Ctrl-C is for programs at a terminal
        self.pump(0)
        made_of_it = terminal.made_of_ctrl_c(self.started.stdin)
        at_hand = self._warden.in_foreground(self.pid)
        self.transcript.add(EventKind.SIGNAL, "grader", "Ctrl-C typed at the program's terminal")
        if made_of_it is MadeOfCtrlC.SIGNAL and at_hand:
            terminal.send_interrupt(self.started.stdin, self.started.terminal)
            return made_of_it
        terminal.press(self.started.stdin, self.started.terminal, terminal.CTRL_C)
        if made_of_it is not MadeOfCtrlC.BYTE:
            self._send_interrupt(
                "its terminal sends none for that key" if at_hand else "its terminal serves another process"
            )
        return made_of_it

    def _send_interrupt(self, why: str) -> None:
        """SIGINT by kill(2) to its process group, as its terminal would send it, unless the key has ended it."""
        with suppress(NoProgressError):
            self.wait_end(SETTLE_S)
            return
        self.transcript.add(EventKind.SIGNAL, "grader", f"SIGINT sent to the program: {why}")
        self._warden.send_signal(-self.pid, signal.SIGINT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The whole program is stopped meanwhile; what is sent to it collects in its queues.

        Raises:
            FaultError: it does not survive that, and did not before.
            UnprovedError: it did not survive that once, or the machine does not stop it.
        """
        if not self._survives_stops:
            self._rehearse_stop()
        self._freeze()
        self.transcript.add(EventKind.FROZEN, "grader")
        try:
            yield
        finally:
            self.transcript.add(EventKind.THAWED, "grader")
            self._warden.thaw()

    def _freeze(self) -> None:
        if not self._warden.freeze():
            self._warden.thaw()
            raise UnprovedError("the kernel could not stop the program in time", Reason.STARVED, self.doing())

    def _rehearse_stop(self) -> None:
        """Stop it and let it continue, with nothing sent: if that alone ends it, what follows must not be judged.

        Handouts say that a program carries on after that, as after Ctrl-Z and fg in a shell.  But then epoll_wait(2)
        fails with EINTR even where no handler is installed (signal(7)), and the example in its own manual page exits at
        any failure: a program that was waiting there is not blamed, however often.  One that has a handler for SIGCONT
        is prepared for it, and exits because it wants to.

        Raises:
            FaultError: it ends, as a run before this one did.
            UnprovedError: it ends, the first of its runs that does, or one that waited in epoll_wait.
        """
        __tracebackhide__ = True
        self.wait_rest(SETTLE_S)
        before = self.snapshot(files=False)
        prepared = any(process.caught_signals >> (signal.SIGCONT - 1) & 1 for process in before)
        excused = stillness.waits_in(before, "epoll_wait", machine()) and not prepared
        self._freeze()
        self._warden.thaw()
        self.wait_rest(SETTLE_S)
        if self.ending():
            what = "stopped and continued (SIGSTOP, SIGCONT) while nothing was asked of it, it did not carry on"
            if self._stops.ended_of_it and not excused:
                raise FaultError(Reason.ENDED_BY_STOP, f"{what}, twice", doing=self.doing())
            self._stops.ended_of_it = True
            raise UnprovedError(what, doing=self.doing())
        self._survives_stops = True

    def cpu_share(self, window_s: float) -> float | None:
        """The part of its own time for which it is on a CPU while nothing is asked; None: it is still, so none.

        Watches until it is still, or for `window_s` of its own time.
        """
        clock = OwnTime(time.monotonic())
        clock.spent_s(time.monotonic(), self.snapshot(files=False))
        outcome = self.wait_still(window_s)
        if outcome.why is not Why.DEADLINE:
            return None
        snapshot = self.snapshot(files=False)
        return clock.ran_s(snapshot) / max(clock.spent_s(time.monotonic(), snapshot), 1e-3)

    def terminate(self) -> None:
        """Ask it to exit with SIGTERM."""
        self.transcript.add(EventKind.SIGNAL, "grader", "SIGTERM sent to the program")
        self._warden.send_signal(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill its first process with SIGKILL, which no program can refuse."""
        self.transcript.add(EventKind.SIGNAL, "grader", "SIGKILL sent to the program")
        self._warden.send_signal(self.pid, signal.SIGKILL)

    def remaining(self, snapshot: Snapshot | None = None) -> Snapshot:
        """The processes that still run, now or in a snapshot; one that was gone may have left another behind."""
        return tuple(process for process in snapshot or self.snapshot() if process.alive or not process.settled)


def _never() -> NoProgressError | None:
    return None


def _foreseen(verdict: Verdict, *, hurried: bool, rests: Callable[[], bool]) -> Why | None:
    """How a wait will end in which nothing comes before the program's next move; None: that is not known yet."""
    if verdict > Verdict.TIMER:
        return None
    if verdict is Verdict.STILL or (hurried and verdict is Verdict.PRESUMED) or rests():
        return Why.STILL
    return Why.DEADLINE if hurried and verdict is Verdict.LATER else None


def _clocks() -> runtimes.Clocks:
    return runtimes.Clocks(time.monotonic_ns(), time.time_ns())


_SIGNAL_NAMES = {
    2: "SIGINT, the signal of Ctrl-C",
    4: "SIGILL, an illegal instruction",
    6: "SIGABRT, an abort",
    7: "SIGBUS, a bad memory access",
    8: "SIGFPE, a division by zero",
    9: "SIGKILL",
    11: "SIGSEGV, a bad memory access",
    13: "SIGPIPE, writing to a connection that was gone",
    15: "SIGTERM",
    25: "SIGXFSZ, writing too large a file",
}


def no_more(stop: NoProgressError) -> str:
    """Why nothing more will come, as the end of a sentence."""
    if stop.verdict is Verdict.LATER:
        return "will not in the time allowed"
    return {
        Why.STILL: "never will: the program is blocked and nothing will wake it",
        Why.ENDED: "never will: the program has exited",
        Why.DEADLINE: "the time allowed is up",
    }[stop.why]


def reason_of(ending: Ending) -> Reason:
    """What it is called when a program exits without being asked."""
    if ending.out_of_memory:
        return Reason.OUT_OF_MEMORY
    return Reason.CRASHED if ending.status else Reason.EXITED


def describe_ending(ending: Ending) -> str:
    """How a program ended, in words."""
    if ending.out_of_memory and ending.status == -9:
        return "it was killed because it used more memory than allowed"
    if ending.status >= 0:
        return f"it exited with status {ending.status}"
    return f"it was ended by signal {_SIGNAL_NAMES.get(-ending.status, str(-ending.status))}"
