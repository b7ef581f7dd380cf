"""Whose time it is that passes, how bytes that move stretch a deadline, and what is known of programs that spin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.limits import (
    DATAGRAM_WORTH_BYTES,
    IO_MOST_S,
    REPLY_S,
    RESTLESS_SETTLE_S,
    SETTLE_S,
    SPINNING_CHECKS,
    SPINNING_CPU_S,
    USEFUL_BYTES_PER_S,
)
from grader.wire.facts import ProcessFacts, ThreadFacts
from grader.wire.own_time import Deadline, OwnTime, Spinning


def facts(*threads: tuple[int, float, float]) -> tuple[ProcessFacts, ...]:
    """A snapshot of threads, each as (tid, seconds on a CPU, seconds waiting for one)."""
    seen = tuple(
        ThreadFacts(tid, "S", None, (), 0, ran_ns=round(ran_s * 1e9), waited_ns=round(waited_s * 1e9))
        for tid, ran_s, waited_s in threads
    )
    return (ProcessFacts(1, 0, "p", "S", 0, 0, 0, 0, seen),)


def test_time_asleep_counts_as_the_programs_own() -> None:
    clock = OwnTime(100.0)
    assert clock.spent_s(100.0, facts((1, 5.0, 5.0))) == 0
    assert clock.spent_s(103.0, facts((1, 5.0, 5.0))) == 3


def test_time_waited_for_a_cpu_does_not_count() -> None:
    clock = OwnTime(100.0)
    clock.spent_s(100.0, facts((1, 5.0, 5.0)))
    assert clock.spent_s(110.0, facts((1, 6.0, 13.0))) == pytest.approx(2)  # 10 s of which it waited 8


def test_time_in_which_we_kept_it_from_running_uses_up_no_deadline() -> None:
    deadline = Deadline(2.0)
    deadline.begin(100.0)
    deadline.look(101.0, facts((1, 0.0, 0.0)), ())
    deadline.excuse(5.0)
    deadline.look(106.5, facts((1, 0.0, 0.0)), ())
    was_over = deadline.is_over
    deadline.look(107.1, facts((1, 0.0, 0.0)), ())
    assert (was_over, deadline.is_over) == (False, True)
    deadline.has_not_come()
    assert deadline.needed_s == pytest.approx(2.1)


def test_time_on_a_cpu_counts_however_long_others_waited() -> None:
    clock = OwnTime(100.0)
    clock.spent_s(100.0, facts((1, 0.0, 0.0), (2, 0.0, 0.0)))
    assert clock.spent_s(102.0, facts((1, 1.5, 0.5), (2, 0.5, 1.5))) == pytest.approx(2)


def test_what_ended_between_two_looks_has_run_too() -> None:
    clock = OwnTime(100.0)
    waits = facts((1, 0.0, 0.0), (2, 0.0, 0.0))
    clock.spent_s(100.0, waits, cpu_s=50.0)
    assert clock.spent_s(101.0, facts((1, 0.0, 1.0), (2, 0.0, 1.0)), cpu_s=51.9) == pytest.approx(1.9)
    assert clock.spent_s(102.0, facts((1, 0.0, 2.0), (2, 0.0, 2.0)), cpu_s=51.0) == pytest.approx(1.9), "forgotten"
    assert clock.spent_s(103.0, facts((1, 0.0, 3.0), (2, 0.0, 3.0)), cpu_s=51.5) == pytest.approx(2.4)


def test_a_new_thread_counts_from_when_it_is_first_seen() -> None:
    clock = OwnTime(100.0)
    clock.spent_s(100.0, facts((1, 0.0, 0.0)))
    clock.spent_s(101.0, facts((1, 0.0, 0.0), (2, 50.0, 0.0)))
    assert clock.spent_s(102.0, facts((1, 0.0, 0.0), (2, 51.0, 0.0))) == pytest.approx(2)
    assert clock.ran_s == pytest.approx(1)


def test_a_thread_that_began_meanwhile_counts_from_its_beginning() -> None:
    clock = OwnTime(100.0)
    clock.spent_s(100.0, facts((1, 0.0, 0.0)))
    assert clock.spent_s(110.0, facts((1, 0.0, 0.0), (2, 0.5, 8.0))) == pytest.approx(2)


def test_what_a_thread_has_waited_and_run_stays_counted_when_it_has_ended() -> None:
    """A runtime's threads end one after another when it exits; on a busy machine each has waited for long."""
    clock = OwnTime(100.0)
    clock.spent_s(100.0, facts((1, 0.0, 0.0), (2, 0.0, 0.0)))
    assert clock.spent_s(110.0, facts((1, 0.0, 0.0), (2, 1.0, 8.0))) == pytest.approx(2)
    assert clock.spent_s(111.0, facts((1, 0.0, 0.5))) == pytest.approx(2.5)
    assert clock.ran_s == pytest.approx(1)


def test_a_number_that_is_given_again_is_another_thread() -> None:
    clock = OwnTime(100.0)
    clock.spent_s(100.0, facts((1, 0.0, 0.0), (2, 9.0, 9.0)))
    assert clock.spent_s(110.0, facts((1, 0.0, 0.0), (2, 0.5, 4.0))) == pytest.approx(6)
    assert clock.ran_s == pytest.approx(0.5)


def test_a_wait_for_a_cpu_that_has_not_ended_does_not_count_either() -> None:
    """The kernel adds it to its count when it has ended: until then only that nothing is counted tells of it."""
    clock = OwnTime(100.0)
    clock.spent_s(100.0, running(1.0, 5.0))
    assert clock.spent_s(103.0, running(1.0, 5.0)) == pytest.approx(0)
    assert clock.spent_s(104.0, running(1.1, 8.9)) == pytest.approx(0.1), "once it runs, the count has all of it"
    assert clock.spent_s(104.5, running(1.1, 8.9)) == pytest.approx(0.1)
    assert clock.spent_s(106.0, facts((1, 1.1, 8.9))) == pytest.approx(2.1), "it slept since then, for all we know"


def test_a_thread_on_a_cpu_uses_up_its_time() -> None:
    clock = OwnTime(100.0)
    clock.spent_s(100.0, running(1.0, 5.0))
    assert clock.spent_s(101.0, running(2.0, 5.0)) == pytest.approx(1)


def running(ran_s: float, waited_s: float) -> tuple[ProcessFacts, ...]:
    """A snapshot of one thread that runs or wants to."""
    thread = ThreadFacts(1, "R", None, (), 0, ran_ns=round(ran_s * 1e9), waited_ns=round(waited_s * 1e9))
    return (ProcessFacts(1, 0, "p", "R", 0, 0, 0, 0, (thread,)),)


def at_device(*, in_vfork: bool = False) -> tuple[ProcessFacts, ...]:
    """A snapshot of one thread in state D."""
    thread = ThreadFacts(1, "D", None, (), 0, ran_ns=0, waited_ns=0, in_vfork=in_vfork)
    return (ProcessFacts(1, 0, "p", "D", 0, 0, 0, 0, (thread,)),)


def test_time_at_a_device_is_the_machines_as_far_as_the_machine_counts_it() -> None:
    clock = OwnTime(100.0)
    clock.spent_s(100.0, at_device(), 7.0)
    assert clock.spent_s(102.0, at_device(), 8.5) == pytest.approx(0.5)
    assert clock.spent_s(103.0, at_device(), 11.0) == pytest.approx(0.5), "not more than has passed"
    assert clock.spent_s(104.0, facts((1, 0.0, 0.0)), 12.0) == pytest.approx(1.5), "it does not wait any more"
    assert clock.spent_s(105.0, at_device(), 13.0) == pytest.approx(2.5), "it did not wait before"


@pytest.mark.parametrize(
    ("seen", "stalled"),
    [(at_device(), (7.0, 7.0)), (at_device(), (None, None)), (at_device(in_vfork=True), (7.0, 9.0))],
)
def test_without_a_fact_of_the_machines_it_is_the_programs(
    seen: tuple[ProcessFacts, ...], stalled: tuple[float | None, float | None]
) -> None:
    clock = OwnTime(100.0)
    clock.spent_s(100.0, seen, stalled[0])
    assert clock.spent_s(102.0, seen, stalled[1]) == 2


def test_a_program_cannot_wait_for_devices_for_ever() -> None:
    deadline = Deadline(REPLY_S)
    deadline.begin(0.0)
    looks = 0
    while not deadline.is_over:
        deadline.look(looks / 2, at_device(), (), looks / 2)
        looks += 1
    assert looks / 2 == pytest.approx(IO_MOST_S + REPLY_S, abs=2)


def asleep(deadline: Deadline, step_s: float, moved: list[int], began: float = 100.0) -> int | None:
    """Looks at a program that sleeps, so far apart; `moved`: bytes at each.  At which look the deadline is over."""
    deadline.begin(began)
    for number, size in enumerate(moved):
        deadline.look(began + number * step_s, facts((1, 0.0, 0.0)), (size, 0))
        if deadline.is_over:
            return number
    return None


def test_one_byte_now_and_then_does_not_begin_the_time_anew() -> None:
    assert asleep(Deadline(REPLY_S), 1.5, list(range(100))) == 2


def test_a_long_message_may_take_longer_while_it_moves_at_a_useful_rate() -> None:
    seconds = 30
    assert asleep(Deadline(REPLY_S), 1.0, [USEFUL_BYTES_PER_S * second for second in range(seconds)]) is None
    assert asleep(Deadline(REPLY_S), 1.0, [USEFUL_BYTES_PER_S // 2 * second for second in range(seconds)]) == 5
    assert asleep(Deadline(REPLY_S), 0.1, [DATAGRAM_WORTH_BYTES * look for look in range(10 * seconds)]) is None


def test_nothing_is_saved_up_for_whoever_stops() -> None:
    moved = [USEFUL_BYTES_PER_S * 100 * second for second in range(10)]
    assert asleep(Deadline(REPLY_S), 1.0, moved + [moved[-1]] * 10) == 12


@given(st.lists(st.integers(0, USEFUL_BYTES_PER_S // 4), min_size=12, max_size=12))
def test_whoever_moves_at_half_the_rate_at_most_is_over_in_twice_the_time(steps: list[int]) -> None:
    moved = [sum(steps[:number]) for number in range(13)]
    over = asleep(Deadline(REPLY_S), 0.5, moved)
    assert over is not None
    assert 4 < over <= 9


def test_several_waits_share_a_deadline() -> None:
    deadline = Deadline(REPLY_S)
    assert asleep(deadline, 1.5, [0, 0]) is None
    assert asleep(deadline, 0.4, [0, 0, 0], began=500.0) == 2


def test_what_came_during_a_look_or_before_we_could_see_it_was_not_needed() -> None:
    deadline = Deadline(REPLY_S)
    deadline.begin(100.0)
    for now in (100.0, 100.5):
        deadline.look(now, facts((1, 0.0, 0.0)), ())
    deadline.has_not_come()
    deadline.look(101.5, facts((1, 0.0, 0.0)), ())
    assert deadline.needed_s == pytest.approx(0.5)
    deadline.begin(200.0)
    assert deadline.needed_s == deadline.idled_s == 0


def test_bytes_that_move_give_back_what_a_wait_has_used_of_other_waits_too() -> None:
    deadline = Deadline(REPLY_S)
    asleep(deadline, 1.0, [0, 0])
    asleep(deadline, 0.5, [0, USEFUL_BYTES_PER_S, USEFUL_BYTES_PER_S], began=200.0)
    deadline.has_not_come()
    assert deadline.needed_s == pytest.approx(1.0)
    assert deadline.idled_s == pytest.approx(0.5)


def test_a_program_that_sleeps_or_moves_does_not_spin() -> None:
    deadline = Deadline(REPLY_S)
    deadline.begin(0.0)
    # It sleeps; a byte moves; it was not on a CPU for long since then; now it was.
    looks = [(0.0, 0.0, 0), (1.0, 0.1, 0), (2.0, 1.1, 1), (2.4, 1.5, 1), (2.6, 1.7, 1)]
    spins = []
    for now, ran_s, moved in looks:
        deadline.look(now, facts((1, ran_s, 0.0)), (moved,))
        spins.append(deadline.spins)
    assert spins == [False, False, False, False, True]
    assert deadline.cpu_share == pytest.approx(1)


def spun(deadline_s: float = REPLY_S) -> Deadline:
    """A deadline that a program has spun through."""
    deadline = Deadline(deadline_s)
    deadline.begin(0.0)
    for ran_s in (0.0, deadline_s + 0.1):
        deadline.look(ran_s, facts((1, ran_s, 0.0)), (0,))
    return deadline


def test_spinning_is_known_after_some_checks_and_not_after_some_waits() -> None:
    spinning = Spinning()
    for _ in range(SPINNING_CHECKS):
        assert not spinning.is_known
        for _ in range(3):
            spinning.note(spun())
        spinning.end_check()
    assert spinning.is_known


def test_what_was_no_whole_deadline_or_no_spinning_does_not_count() -> None:
    spinning = Spinning()
    slept = Deadline(REPLY_S)
    asleep(slept, 1.0, [0, 0, 0, 0])
    for _ in range(SPINNING_CHECKS + 1):
        spinning.note(slept)
        spinning.note(spun(SPINNING_CPU_S))
        spinning.end_check()
    assert not spinning.is_known


def test_whoever_does_not_rest_is_given_less_time_to_settle_if_it_spins() -> None:
    spinning = Spinning()
    slept = Deadline(SETTLE_S)
    asleep(slept, 1.0, [0, 0])
    spinning.note_unrest(slept)
    assert spinning.settle_s == SETTLE_S
    spinning.note_unrest(spun(SETTLE_S))
    assert spinning.settle_s == RESTLESS_SETTLE_S
