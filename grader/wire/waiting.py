"""Waiting for a program: until what is awaited has happened, or can't happen any more.

A wait is a loop that does four things in turn:

1. It asks `ready()`, which says whether the awaited thing has happened.  Only this ends a wait well.
2. It sleeps in poll(2) on whatever may tell of it, and on the program's output and end, which it reads meanwhile.
3. Once in a while it looks (`looks.py`): are all threads asleep in calls that nothing pending can satisfy?  If nothing
   was on its way to or from the program, before the look and after it, then the program is *still*, and what is awaited
   can never happen.  This is what makes a wrong program's verdict come within milliseconds.
4. If the look does not settle it, the look's time is charged to the deadline (`own_time.py`), which counts only the
   time in which the program could run.

So there are five ways out.  *It came.*  *Still*: it never will.  *Ended*: every process of the program has exited.
*Deadline*: the kernel can't tell, and the program has had its time.  And the machine's: we have waited far longer on
the clock, and the program has not had its time, which is nobody's fault (`UnprovedError`).  Before each of the last
four `ready()` is asked once more: what came between the last look and the verdict counts.

The order of the steps is what the verdicts rest on.  "Nothing on its way" must be true on both sides of the look: what
arrives after it would wake the program, and what the program sent before it fell asleep is here by then.  Output that
we hold unread may be what the program is waiting to get rid of, so there must be none.

Who may take less than proof: a wait that no check passes by (`hurried`) may end on a presumption, such as that threads
of a runtime are what they are called.  The names are the program's words, so they may fail it and never pass it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Final, NamedTuple, TypeVar

from grader.errors import Reason
from grader.limits import REPLY_WALL_S, SETTLE_S, SPINNING_CPU_S, SandboxLimits
from grader.wire.endings import describe_ending
from grader.wire.facts import Snapshot
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import SocketTable, stalled_s
from grader.wire.looks import Looks
from grader.wire.own_time import Deadline, Spinning
from grader.wire.process import ForCheck, Process
from grader.wire.stillness import Verdict
from grader.wire.talks import Talks
from grader.wire.warden import Ending, Started, WardenClient

T = TypeVar("T")
#: Whether a program of which a look has shown that rests.
Rests = Callable[[Verdict, Snapshot], bool]

#: Its own timer may wake it, but not in the time allowed.
LATER: Final = (Verdict.LATER, Verdict.PRESUMED_LATER)
#: A server that is going to reply does so within a fraction of this; before that, asking costs more than it tells.
_FIRST_LOOK_S = 0.001
#: Looks become rarer while a program is busy, so that they don't keep it from working.
_RAREST_LOOK_S = 0.05
#: Between looks at what no descriptor shows: a socket's row.
_UNWATCHED_S = 0.0002
_OVER = "the time for all its checks was used up during this one"


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


class _Silence(NamedTuple):
    """One that a program has kept for as long as a reply may take.  `since`: what had been done and read by its end."""

    since: tuple[int, ...]
    stop: NoProgressError


def no_more(stop: NoProgressError) -> str:
    """Why nothing more will come, as the end of a sentence."""
    if stop.verdict in LATER:
        return "will not in the time allowed"
    return {
        Why.STILL: "never will: the program is blocked and nothing will wake it",
        Why.ENDED: "never will: the program has exited",
        Why.DEADLINE: "the time allowed is up",
    }[stop.why]


def stays_silent(stop: NoProgressError) -> str:
    """How a program has kept silent, where it should, for a transcript."""
    if stop.verdict is Verdict.LATER:
        return "will sleep for longer than the time allowed for a reply"
    return "is still" if stop.why is Why.STILL else "has had the time allowed for a reply"


class Awaited(Process):
    """A program whose moves are waited for: what our conversations and the kernel's facts say about it as well."""

    def __init__(
        self,
        started: Started,
        warden: WardenClient,
        table: SocketTable,
        check: ForCheck,
        limits: SandboxLimits,
        *,
        keep_all: bool = False,
        spinning: Spinning | None = None,
        name: str = "program",
        running: Callable[[], Iterable[Process]] = tuple,
    ) -> None:
        super().__init__(started, warden, check, limits, keep_all=keep_all, name=name, running=running)
        self.talks = Talks()
        self.looks = Looks(started, warden, table, self.talks, check.budget)
        self.spinning: Final = spinning or Spinning()
        self._silence: _Silence | None = None

    def serve_check(self, check: ForCheck) -> None:
        """Another check begins with it."""
        super().serve_check(check)
        self._silence = None
        self.looks.count_in(check.budget)

    def doing(self, snapshot: Snapshot | None = None, cpu_share: float | None = None) -> str:
        """What it is doing, in words, from the kernel's facts."""
        if self._ending and not snapshot:
            return describe_ending(self._ending)
        return self.looks.doing(snapshot, cpu_share)

    def remaining(self, snapshot: Snapshot | None = None) -> Snapshot:
        """The processes that still run, now or in a snapshot; one that was gone may have left another behind."""
        seen = snapshot or self.looks.snapshot()
        return tuple(process for process in seen if process.alive or not process.settled)

    def wait(
        self,
        ready: Callable[[], T | None],
        watched: Collection[int] = (),
        deadline_s: float | None = None,
        *,
        within: Deadline | None = None,
        until_end: bool = True,
        rests: Rests = lambda *_: False,
        prints: bool = False,
        hurried: bool = False,
        silent: bool = False,
    ) -> T:
        """The first value of `ready()` that is not None.

        `deadline_s`: the time for a reply, if nothing is given.
        `watched`: descriptors whose readability means that it is worth looking again.  `within`: a deadline that
        several waits share, instead of `deadline_s`.  With `until_end` the exit of the program ends the wait too.
        `rests`: whether a program that is not still, since a timer may wake it, counts as still all the same.
        `prints`: whether what it prints counts as moving, because that is awaited.  `hurried`: no check passes because
        this wait ends, so that less is enough: a presumption that it is still, or that its timers run out too late (see
        `Verdict`), and less time for a program that is known to spin.  `silent`: it should do nothing, so that a proof
        is enough that its timers run out too late.  Without either it has its whole time, which may pace what we do.

        Raises:
            NoProgressError: it can't happen any more, or did not in that much of the program's own time.
            UnprovedError: the machine did not give the program that time.
            FaultError: it floods its output, or has let us wait too long in all.
        """
        __tracebackhide__ = True
        clock = within or Deadline(self.limits.reply_s if deadline_s is None else deadline_s)
        budget = self._check.budget
        began, starved_s = time.monotonic(), budget.starved_s
        try:
            value = self._wait(
                ready, watched, clock, until_end=until_end, rests=rests, prints=prints, hurried=hurried, silent=silent
            )
        finally:
            # The budget knows by itself for how long we had no CPU.
            ours_s = clock.needed_s + budget.starved_s - starved_s
            budget.note(clock.needed_s, max(0.0, time.monotonic() - began - ours_s))
        budget.note_step(clock.idled_s)
        return value

    def wait_silent(self, ready: Callable[[], T | None], watched: Collection[int]) -> T:
        """The same where nothing should come in the time for a reply.

        A silence is kept towards everybody: what the program has had its whole time for, and nothing has been done to
        it since, is not waited for once more on another connection.  That takes a look at what has come there.
        """
        __tracebackhide__ = True
        if self._silence and self._silence.since == self._moves():
            self.catch_up()
            if (value := self._carried(ready)) is not None:
                return value
            raise replace(self._silence.stop)
        try:
            return self.wait(ready, watched, silent=True)
        except NoProgressError as stop:
            had_its_time = stop.why is Why.DEADLINE and stop.verdict is not Verdict.LATER
            self._silence = _Silence(self._moves(), stop) if had_its_time else None
            raise

    def _moves(self) -> tuple[int, ...]:
        """What has happened between us and the program: the same for as long as nothing has."""
        return (self.transcript.moves, *self.talks.traffic())

    def _wait(
        self,
        ready: Callable[[], T | None],
        watched: Collection[int],
        clock: Deadline,
        *,
        until_end: bool,
        rests: Rests,
        prints: bool,
        hurried: bool,
        silent: bool,
    ) -> T:
        began = time.monotonic()
        pause_s = max(_FIRST_LOOK_S, self.looks.faded_cost_s())
        look_at = max(began + pause_s, self.looks.dear_until)
        clock.begin(began)
        starved_s = self._check.budget.starved_s
        while (value := self._carried(ready)) is None:
            clock.has_not_come()
            try:
                each = (*watched, *self.talks.watched())
                self.pump(min(pause_s if each else _UNWATCHED_S, max(0.0, look_at - time.monotonic())), each)
            except FaultError:  # it floods its output; what it did before counts
                if (value := self._carried(ready)) is not None:
                    return value
                raise
            now = time.monotonic()
            if now < look_at and not (until_end and self.has_ended()):
                continue
            arrived = self.talks.nothing_on_its_way()
            verdict, snapshot = self.looks.verdict(clock.most_s)
            if until_end and self.ending() and not self.remaining(snapshot) and self.talks.nothing_on_its_way():
                return self._last_chance(ready, Why.ENDED, Verdict.STILL, snapshot)
            foreseen = _foreseen(verdict, hurried=hurried, silent=silent, rests=partial(rests, verdict, snapshot))
            if foreseen and arrived and self.talks.nothing_on_its_way() and not self.holds_output():
                return self._last_chance(ready, foreseen, verdict, snapshot)
            in_haste = hurried and self.spinning.is_known
            moved = (*self._moved(prints=prints), self.talks.accepted() if in_haste else 0)
            # What we should have read or sent by now, a program may be waiting for.
            before_s, starved_s = starved_s, self._check.budget.starved_s
            clock.excuse(starved_s - before_s)
            late = now - began > clock.most_s
            clock.look(now, snapshot, moved, stalled_s(), self.warden.cpu_s() if late else None)
            if clock.is_over or (in_haste and clock.spins):
                return self._last_chance(ready, Why.DEADLINE, verdict, snapshot, clock)
            if now > self._check.give_up_at:
                raise self._check.budget.out_of_time(_OVER, self.doing())
            if now - began > REPLY_WALL_S:
                raise UnprovedError("the machine was too busy to let the program run", Reason.STARVED, self.doing())
            pause_s = max(time.monotonic() - now, min(2 * pause_s, _RAREST_LOOK_S))
            look_at = max(time.monotonic() + pause_s, self.looks.dear_until)
        return value

    def _carried(self, ready: Callable[[], T | None]) -> T | None:
        """What `ready` says once everything has been passed on that stands between this program and another."""
        __tracebackhide__ = True
        self.talks.carry()
        return ready()

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
        value = self._carried(ready)
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
            self.spinning.note(clock)
        raise NoProgressError(why, doing, verdict, snapshot)

    def _moved(self, *, prints: bool) -> tuple[int, ...]:
        """How much it has read and written, a number for each of our connections and, if it counts, its output."""
        return (*self.talks.traffic(), self.stdout.size_bytes + self.stderr.size_bytes if prints else 0)

    def wait_still(self, deadline_s: float | None = None) -> NoProgressError:
        """Until it is still or has exited, or until it had `deadline_s` and was not still (see the answer's `why`).

        What will sleep for that long has had it.
        """
        try:
            return self.wait(_never, deadline_s=deadline_s, silent=True)
        except NoProgressError as outcome:
            return outcome

    def at_rest(self) -> bool:
        """Whether it sleeps with nothing to do: still, or until a timer of its own; False while looks cost too much."""
        if self.looks.are_dear:
            return False
        began = time.monotonic()
        rests = self.talks.nothing_on_its_way() and self.looks.verdict()[0] <= Verdict.TIMER
        self._check.budget.note(0.0, time.monotonic() - began)
        return rests

    def wait_rest(self, most_s: float) -> bool:
        """Until it is at rest; False if it has exited, or had `most_s` and was not at rest."""
        if self.at_rest():
            return True
        deadline = Deadline(min(most_s, self.spinning.settle_s) if most_s <= SETTLE_S else most_s)
        try:
            return self.wait(_never, within=deadline, rests=lambda *_: True, hurried=True).why is Why.STILL
        except NoProgressError as outcome:
            if outcome.why is Why.DEADLINE:
                self.spinning.note_unrest(deadline)
            return outcome.why is Why.STILL

    def wait_end(self, deadline_s: float | None = None) -> Ending:
        """Until it has exited; None: within the time for that.

        Raises:
            NoProgressError: it keeps running, and nothing will end it.
        """
        most_s = self.limits.exit_s if deadline_s is None else deadline_s
        return self.wait(self.ending, until_end=False, deadline_s=most_s, hurried=True)

    def wait_delivered(self) -> None:
        """Until everything we sent has arrived, the ends of closed connections included.

        Raises:
            FaultError: it reads so little that it doesn't fit.
            UnprovedError: it has not arrived.
        """
        try:
            self.wait(lambda: self.talks.nothing_on_its_way() or None, until_end=False)
        except NoProgressError as stop:
            if stuck := self.talks.stuck():
                what = f"no more of what {stuck[0]} has sent fits: {stuck[1]} bytes are waiting to be read"
                raise FaultError(Reason.NOT_READ, what, doing=stop.doing) from None
            raise UnprovedError("what was sent did not arrive", doing=stop.doing) from None


def _never() -> NoProgressError | None:
    return None


def _foreseen(verdict: Verdict, *, hurried: bool, silent: bool, rests: Callable[[], bool]) -> Why | None:
    """How a wait will end in which nothing comes before the program's next move; None: that is not known yet."""
    if verdict > Verdict.TIMER:
        return None
    if verdict is Verdict.STILL or (hurried and verdict is Verdict.PRESUMED) or rests():
        return Why.STILL
    too_late = (verdict is Verdict.LATER and (hurried or silent)) or (verdict is Verdict.PRESUMED_LATER and hurried)
    return Why.DEADLINE if too_late else None
