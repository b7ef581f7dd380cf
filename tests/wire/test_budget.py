"""How long a program may let us wait altogether, and whose fault it is when all the time is used up."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import Reason
from grader.limits import (
    MOST_STEPS,
    REPLY_S,
    SLOW_CHECK_S,
    SLOW_PART,
    SLOW_STEP_S,
    WHOLE_GIVEN_BACK,
    Allowance,
    SandboxLimits,
)
from grader.wire.budget import Budget, Counted, allowed_s
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.process import ForCheck
from tests.wire.stand import Stand


def steps_until_too_slow(budget: Budget, step_s: float, most: int = 1000) -> tuple[int, FaultError | None]:
    """How many steps of that length go well, and what is said of the next one."""
    for number in range(most):
        try:
            budget.note_step(step_s)
        except FaultError as fault:
            return number, fault
    return most, None


def test_answers_that_use_up_nearly_each_deadline_are_too_slow_together() -> None:
    well, fault = steps_until_too_slow(Budget(), 0.95 * REPLY_S)
    assert (well + 1) * 0.95 * REPLY_S < 2 * SLOW_CHECK_S + 2 * REPLY_S
    assert fault is not None
    assert fault.reason is Reason.TOO_SLOW
    assert fault.what == (
        "it took 22.8 s of its own time for 12 steps (replies, starts and the like); the limit is 22.0 s"
    )


def test_a_program_that_is_a_little_slow_at_each_message_may_be_so() -> None:
    assert steps_until_too_slow(Budget(), 0.1) == (1000, None)


def test_a_client_that_looks_at_its_keyboard_once_a_second_may_do_so() -> None:
    assert steps_until_too_slow(Budget(), 1.0, most=30) == (30, None)


def test_a_slow_program_leaves_time_for_others_than_the_check_with_most_steps() -> None:
    well, fault = steps_until_too_slow(Budget(), 0.25)
    assert fault is not None
    assert 0.25 * well < SandboxLimits().whole_s / 2


def test_steps_that_took_no_time_bring_none_with_them() -> None:
    budget = Budget()
    for _ in range(1000):
        budget.note_step(0.0)
    assert steps_until_too_slow(budget, 1.85)[0] == 11


def test_what_comes_without_end_is_the_programs_fault() -> None:
    budget = Budget()
    for _ in range(2):
        budget.begin_check()
        for _ in range(MOST_STEPS):
            budget.note_step(0.0)
    with pytest.raises(FaultError, match="no end of what it sends") as caught:
        budget.note_step(0.0)
    assert caught.value.reason is Reason.NOT_AS_REQUIRED


def test_a_few_slow_ends_and_starts_are_no_fault() -> None:
    assert steps_until_too_slow(Budget(), 4.9, most=2) == (2, None)


def test_each_check_begins_anew() -> None:
    budget = Budget()
    for _ in range(20):
        budget.begin_check()
        budget.note_step(SLOW_CHECK_S)


@given(st.lists(st.floats(0, 5), max_size=300))
def test_no_check_takes_more_than_its_steps_allow(steps_s: list[float]) -> None:
    budget, taken_s = Budget(), 0.0
    try:
        for step_s in steps_s:
            taken_s += step_s
            budget.note_step(step_s)
    except FaultError:
        return
    assert taken_s <= allowed_s(len(steps_s)) + 1e-6


def test_who_has_longer_for_a_reply_has_longer_for_each_step() -> None:
    limits = SandboxLimits(reply_s=10)
    well, _ = steps_until_too_slow(Budget(limits=limits), 0.95 * limits.reply_s)
    assert well == steps_until_too_slow(Budget(), 0.95 * REPLY_S)[0]


@pytest.mark.parametrize("of", list(Counted))
@pytest.mark.parametrize(
    "limits",
    [SandboxLimits(), SandboxLimits(tasks=Allowance(9, 2), descriptors=Allowance(8, 0), sockets=Allowance(7, 1))],
)
def test_what_is_counted_grows_with_the_clients(of: Counted, limits: SandboxLimits) -> None:
    budget, most = Budget(limits=limits), of.allowed(limits)
    budget.note_count(of, most.anyhow, 0)
    budget.note_count(of, most.anyhow + 500 * most.for_each, 500)
    assert not budget.exceeded
    with pytest.raises(FaultError) as caught:
        budget.note_count(of, most.anyhow + most.for_each + 1, 1)
    assert caught.value.reason is of.reason
    allowed = f"the limit is {most.anyhow}, plus {most.for_each} for each client"
    assert caught.value.what.endswith(f" {of.words} for 1 client; {allowed}")
    assert budget.out_of_time("the time is over") == budget.exceeded
    assert budget.exceeded == FaultError(of.reason, caught.value.what.replace("it has", "in an earlier check it had"))


@pytest.mark.parametrize(("part", "whose"), [(0.9, UnprovedError), (1.1, FaultError)])
def test_whose_time_was_used_up(part: float, whose: type[Exception]) -> None:
    budget = Budget(100)
    budget.note(part * SLOW_PART * 100, 0.0)
    error = budget.out_of_time("the time is over", "running")
    assert isinstance(error, whose)
    if isinstance(error, FaultError):
        assert error.what == "the time is over; the program itself used 55 of 100 s"
    assert error.reason is (Reason.TOO_SLOW if whose is FaultError else Reason.TIME_BUDGET)
    assert error.doing == "running"


@pytest.mark.parametrize(("waited_s", "whose"), [(0.9, FaultError), (1.1, UnprovedError)])
def test_where_we_had_to_wait_for_a_cpu_ourselves_it_was_the_machine(waited_s: float, whose: type[Exception]) -> None:
    so_far_s = [50.0]
    budget = Budget(100, lambda: so_far_s[0])
    budget.begin_check()
    budget.note(100, 0.0)
    so_far_s[0] += waited_s * WHOLE_GIVEN_BACK * 100
    budget.begin_check()
    assert isinstance(budget.out_of_time("the time is over"), whose)


@pytest.mark.parametrize(("kept_s", "back_s"), [(30.0, 30.0), (1000.0, 100.0)])
def test_what_was_not_the_programs_time_is_given_back_once(kept_s: float, back_s: float) -> None:
    budget = Budget(100)
    budget.note(5.0, kept_s)
    assert budget.given_back_s == back_s


def test_waiting_for_a_program_adds_up_its_own_time(stand: Stand) -> None:
    program = stand.run("sleep", "2")
    program.serve_check(ForCheck(program.transcript, budget=(budget := Budget(1.0))))
    budget.note_step(SLOW_CHECK_S + SLOW_STEP_S)
    with pytest.raises(FaultError, match=r"it took 1[23]\.[0-9] s of its own time for 2 steps") as caught:
        program.wait_end()
    assert caught.value.reason is Reason.TOO_SLOW
    assert isinstance(budget.out_of_time("over"), FaultError)


def test_what_never_came_is_no_step_but_counts_as_its_time(stand: Stand) -> None:
    program = stand.run("sleep", "1000")
    program.serve_check(ForCheck(program.transcript, budget=(budget := Budget(0.2))))
    budget.note_step(SLOW_CHECK_S)
    program.wait_still(1.0)
    assert isinstance(budget.out_of_time("over"), FaultError)


def test_time_in_which_we_had_no_cpu_is_not_the_programs(stand: Stand) -> None:
    program = stand.run("sleep", "1")
    without_a_cpu = Budget(100, time.monotonic)  # as if we had never had one
    program.serve_check(ForCheck(program.transcript, budget=without_a_cpu))
    program.wait(program.ending, deadline_s=0.2, until_end=False)
    assert without_a_cpu.taken_s < 0.2
