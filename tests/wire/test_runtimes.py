"""Timers of runtimes, on recorded facts: HotSpot 17, Go 1.19 and Node 20, each serving a client that says nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.limits import HOTSPOT_COMPILERS, REPLY_S
from grader.wire.diagnosis import describe
from grader.wire.facts import Snapshot, ThreadFacts
from grader.wire.runtimes import Clocks, Learnt, learn, passing_helpers, serves_the_runtime, timer
from grader.wire.stillness import Verdict, judge
from grader.wire.syscalls import call_of
from tests.wire.facts import FUTEX, MACHINE, POINTER, POLL, process, thread

RECORDED = Path(__file__).parent / "recorded"
S = 10**9
#: Of futex(2): private to the process, relative; absolute; absolute by the clock on the wall.
RELATIVE, ABSOLUTE, ON_THE_WALL = 128, 128 | 9, 128 | 9 | 256
NOW = Clocks(1_000 * S, 1_700_000_000 * S)
EPOLL = 232


class Look(msgspec.Struct):
    """One recorded look: when it began and ended, and what it saw."""

    began_ns: int
    ended: Clocks
    seen: Snapshot


def recorded(name: str, change: Callable[[ThreadFacts], ThreadFacts] = lambda one: one) -> list[Look]:
    """The two looks of a recording, with each thread changed."""
    looks = msgspec.json.decode((RECORDED / f"{name}.json").read_bytes(), type=list[Look])
    for look in looks:
        look.seen = tuple(msgspec.structs.replace(one, threads=tuple(map(change, one.threads))) for one in look.seen)
    return looks


def judged(looks: list[Look], learnt: Learnt | None = None) -> Verdict:
    """What is said at the last look, when these were all, or with what was learnt before."""
    known = learnt or Learnt(looks[0].began_ns)
    for look in looks:
        known = learn(known, look.seen, MACHINE, look.began_ns, look.ended)
    first, second = looks[-2:]
    untimed = {(one.pid, int(fd)): False for one in second.seen for fd in one.files}
    timers = partial(timer, learnt=known, now=second.ended, within_s=REPLY_S)
    return judge(first.seen, second.seen, {}, untimed, MACHINE, timers=timers)


def of(thread_name: str, **changed: object) -> Callable[[ThreadFacts], ThreadFacts]:
    return lambda one: msgspec.structs.replace(one, **changed) if one.name == thread_name else one


@pytest.mark.parametrize(
    ("name", "expected"),
    [("jvm17_idle", Verdict.PRESUMED), ("go119_idle", Verdict.PRESUMED), ("node20_idle", Verdict.STILL)],
)
def test_a_runtime_that_serves_nobody_is_looked_through(name: str, expected: Verdict) -> None:
    assert judged(recorded(name)) is expected


def test_without_that_knowledge_each_of_its_timers_may_wake_it() -> None:
    for name in ("jvm17_idle", "go119_idle"):
        first, second = recorded(name)
        untimed = {(one.pid, int(fd)): False for one in second.seen for fd in one.files}
        assert judge(first.seen, second.seen, {}, untimed, MACHINE) is Verdict.TIMER


HELPERS = ["G1 Service", "VM Thread", "Monitor Deflati", "VM Periodic Tas"]


@pytest.mark.parametrize("name", HELPERS)
def test_a_thread_of_another_name_with_the_same_timer_may_be_the_programs(name: str) -> None:
    assert judged(recorded("jvm17_idle", of(name, name="pool-1-thread-1"))) is Verdict.TIMER


@pytest.mark.parametrize("name", HELPERS)
def test_of_two_threads_with_one_name_only_the_older_is_the_runtimes(name: str) -> None:
    assert judged(recorded("jvm17_idle", of("Thread-0", name=name))) is Verdict.PRESUMED  # it sleeps for ever
    looks = recorded("jvm17_idle", of("Thread-0", name=name))
    sleeper = next(one for one in looks[0].seen[0].threads if one.name == name)
    younger = msgspec.structs.replace(sleeper, tid=99)
    for look in looks:
        look.seen = tuple(msgspec.structs.replace(one, threads=(*one.threads, younger)) for one in look.seen)
    assert judged(looks) is Verdict.TIMER


def test_a_thread_of_hotspots_that_waits_elsewhere_than_when_it_is_idle_may_do_something() -> None:
    idle = recorded("jvm17_idle")
    learnt = Learnt(0)
    for look in idle:
        learnt = learn(learnt, look.seen, MACHINE, look.began_ns, look.ended)
    known = dict(learnt.idle)
    at_its_end = recorded("jvm17_idle", lambda one: _elsewhere(one) if one.name == "VM Thread" else one)
    assert judged(at_its_end, learnt) is Verdict.TIMER
    assert judged(idle, learnt) is Verdict.PRESUMED
    assert known == learnt.idle


def _elsewhere(one: ThreadFacts) -> ThreadFacts:
    return msgspec.structs.replace(one, arguments=(one.arguments[0] + 64, *one.arguments[1:]))


def test_where_it_is_idle_is_not_learnt_from_a_short_wait() -> None:
    looks = recorded("jvm17_idle")
    soon = of("VM Thread", timeout_ns=looks[0].ended.monotonic_ns + 10 * 10**6)
    assert judged(recorded("jvm17_idle", soon)) is Verdict.TIMER


def test_the_other_futex_of_the_same_condition_is_the_same_place() -> None:
    learnt = Learnt(0)
    for look in recorded("jvm17_idle"):
        learnt = learn(learnt, look.seen, MACHINE, look.began_ns, look.ended)
    turned = recorded("jvm17_idle", lambda one: _turned(one) if one.name in HELPERS else one)
    assert judged(turned, learnt) is Verdict.PRESUMED


def _turned(one: ThreadFacts) -> ThreadFacts:
    return msgspec.structs.replace(one, arguments=(one.arguments[0] ^ 4, *one.arguments[1:]))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda one: msgspec.structs.replace(one, timeout_ns=one.timeout_ns and S), id="another-time"),
        pytest.param(lambda one: msgspec.structs.replace(one, timeout_ns=None), id="unreadable"),
        pytest.param(lambda one: msgspec.structs.replace(one, tid=100 - one.tid), id="another-thread"),
    ],
)
def test_only_gos_second_thread_that_sleeps_for_a_minute_is_its_own(
    change: Callable[[ThreadFacts], ThreadFacts],
) -> None:
    assert judged(recorded("go119_idle", change)) in {Verdict.PRESUMED_LATER, Verdict.TIMER}


def test_in_a_program_that_go_has_not_made_a_caught_alarm_may_ring() -> None:
    looks = recorded("go119_idle")
    for look in looks:
        look.seen = tuple(msgspec.structs.replace(one, by_go=False) for one in look.seen)
    assert judged(looks) is Verdict.TIMER


def test_hotspots_compilers_may_end_when_it_likes() -> None:
    (idle,) = recorded("jvm17_idle")[0].seen
    assert passing_helpers(idle) == 2
    (one,) = [thread for thread in idle.threads if thread.name == "C1 CompilerThre"]
    many = msgspec.structs.replace(idle, threads=idle.threads + 100 * (one,))
    assert passing_helpers(many) == HOTSPOT_COMPILERS
    assert passing_helpers(process(thread(FUTEX))) == 0


# Timers of the program's own


def timed(one: ThreadFacts, learnt: Learnt, within_s: float = REPLY_S) -> Verdict:
    call = call_of(one, MACHINE)
    assert call
    return timer(process(one), one, call, learnt=learnt, now=NOW, within_s=within_s)


def futex(operation: int, timeout_ns: int | None, *, name: str = "worker") -> ThreadFacts:
    made = thread(FUTEX, POINTER, operation, 0, POINTER)
    return msgspec.structs.replace(made, timeout_ns=timeout_ns, name=name)


@pytest.mark.parametrize(
    ("left_s", "expected"),
    [
        (-1.0, Verdict.TIMER),
        (0.5, Verdict.TIMER),
        (REPLY_S + 0.04, Verdict.TIMER),
        (REPLY_S + 0.06, Verdict.PRESUMED_LATER),
    ],
)
@pytest.mark.parametrize(("operation", "clock"), [(ABSOLUTE, NOW.monotonic_ns), (ON_THE_WALL, NOW.realtime_ns)])
def test_an_absolute_timeout_counts_by_what_is_left(
    operation: int, clock: int, left_s: float, expected: Verdict
) -> None:
    assert timed(futex(operation, clock + round(left_s * S)), Learnt(0)) is expected


@pytest.mark.parametrize("operation", [6, 13, 128 | 6, 11])  # FUTEX_LOCK_PI, …_LOCK_PI2, …_WAIT_REQUEUE_PI
def test_an_operation_that_is_not_known_may_end_at_any_time(operation: int) -> None:
    one = futex(operation, 1 << 62)
    learnt = learn(Learnt(0), (process(one),), MACHINE, 1, NOW)
    assert timed(one, learnt) is Verdict.TIMER


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (thread(POLL, POINTER, 1, 10_000), Verdict.LATER),
        (thread(POLL, POINTER, 1, 5_000), Verdict.TIMER),
        (thread(EPOLL, 3, POINTER, 8, 10_000), Verdict.LATER),
        (futex(RELATIVE, 10 * S), Verdict.PRESUMED_LATER),
        (futex(RELATIVE, 5 * S), Verdict.TIMER),
        (futex(RELATIVE, None), Verdict.TIMER),
    ],
)
def test_a_relative_timeout_counts_from_the_look_before_it_was_first_seen(one: ThreadFacts, expected: Verdict) -> None:
    began = NOW.monotonic_ns - 4 * S  # so a timeout of 10 s has 6 left at least, and one of 5 s none that is known of
    before = Learnt(began)
    assert timed(one, learn(before, (process(one),), MACHINE, began + S, NOW)) is expected
    assert timed(one, before) is Verdict.TIMER  # never looked at


def test_a_call_that_begins_anew_with_other_arguments_is_another() -> None:
    looked_at = [NOW.monotonic_ns - seconds * S for seconds in (300, 200, 100)]
    one, other = thread(POLL, POINTER, 1, 60_000), thread(POLL, POINTER, 2, 60_000)
    learnt = Learnt(looked_at[0])
    for at in looked_at[1:]:
        learnt = learn(learnt, (process(other),), MACHINE, at, NOW)
    assert timed(other, learnt) is Verdict.TIMER
    fresh = learn(learnt, (process(one),), MACHINE, NOW.monotonic_ns, NOW)
    assert timed(one, fresh) is Verdict.TIMER  # it may have begun a hundred seconds ago
    again = learn(fresh, (process(other),), MACHINE, NOW.monotonic_ns, NOW)
    assert timed(other, again) is Verdict.LATER


TIMERS = st.one_of(
    st.builds(futex, st.sampled_from([RELATIVE, ABSOLUTE, ON_THE_WALL, 6]), st.none() | st.integers(0, (1 << 63) - 1)),
    st.builds(lambda ms: thread(POLL, POINTER, 1, ms), st.integers(0, 0x7FFFFFFF)),
)


@given(TIMERS, st.floats(0.1, 100.0), st.floats(0.0, 100.0))
def test_a_longer_deadline_never_makes_a_timer_later(one: ThreadFacts, within_s: float, more_s: float) -> None:
    learnt = learn(Learnt(NOW.monotonic_ns), (process(one),), MACHINE, NOW.monotonic_ns, NOW)
    short, long = timed(one, learnt, within_s), timed(one, learnt, within_s + more_s)
    assert {short, long} <= {Verdict.LATER, Verdict.PRESUMED_LATER, Verdict.TIMER}
    assert short <= long


@given(st.lists(TIMERS, max_size=4), st.integers(0, 10 * S))
def test_looks_only_ever_make_a_sleep_older(threads: list[ThreadFacts], apart_ns: int) -> None:
    seen = (process(*(msgspec.structs.replace(one, tid=tid) for tid, one in enumerate(threads, 10))),)
    once = learn(Learnt(0), seen, MACHINE, apart_ns, NOW)
    twice = learn(once, seen, MACHINE, 2 * apart_ns, NOW)
    assert once.sleeps == twice.sleeps
    assert all(sleep.not_before_ns == 0 for sleep in twice.sleeps.values())


def test_a_reader_is_not_shown_what_a_runtime_has_started_for_itself() -> None:
    seen = recorded("jvm17_idle")[0].seen
    (java,) = seen
    shown = {thread.name for thread in java.living if not serves_the_runtime(java, thread)}
    assert shown == {"java", "Thread-0"}
    assert describe(seen, {}, (), MACHINE) == "blocked in accept; blocked in read; blocked in a wait for another thread"


def test_the_names_of_a_runtime_hide_nothing_elsewhere() -> None:
    (node,) = recorded("node20_idle")[0].seen
    renamed = msgspec.structs.replace(
        node, threads=tuple(msgspec.structs.replace(thread, name="GC Thread#0") for thread in node.threads)
    )
    assert not any(serves_the_runtime(renamed, thread) for thread in renamed.living)
