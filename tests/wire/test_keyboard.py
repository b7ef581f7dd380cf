"""Typing at real programs: what is a prompt and what is none, and what has arrived before anything is concluded."""

from __future__ import annotations

import importlib.util
import time

import pytest

from grader.errors import Reason
from grader.limits import READY_S, REPLY_S, SETTLE_S
from grader.model import EventKind
from grader.wire.faults import FaultError
from grader.wire.keyboard import Keyboard, Rest
from grader.wire.program import Program
from grader.wire.stillness import Awaits
from grader.wire.waiting import NoProgressError, Why
from tests.wire.stand import Stand, wait_printed

#: What each way to read waits for: nothing else, or its peer too.
READERS = {
    "read": Awaits.INPUT,
    "fgets": Awaits.INPUT,
    "input": Awaits.INPUT,
    "timer": Awaits.INPUT,
    "thread": Awaits.BOTH,
    "select": Awaits.BOTH,
    "poll": Awaits.BOTH,
    "poll_normal": Awaits.BOTH,
    "epoll": Awaits.BOTH,
    "epoll_normal": Awaits.BOTH,
}
if importlib.util.find_spec("readline"):
    READERS["readline"] = Awaits.INPUT
BY_EITHER = [(which, terminal) for which in READERS for terminal in (True, False)]


def rest_of(keyboard: Keyboard, deadline_s: float = READY_S) -> Rest:
    rest = keyboard.wait_rest(deadline_s=deadline_s)
    assert rest is not None
    return rest


@pytest.mark.parametrize(("which", "terminal"), BY_EITHER)
def test_who_reads_is_at_its_prompt_and_gets_each_line_before_the_next(
    stand: Stand, which: str, terminal: bool
) -> None:
    program, keyboard = stand.type_at(which, terminal=terminal)
    for number in range(3):
        keyboard.wait_prompt()
        assert program.stdout.data.count(b"got") == number
        keyboard.type(b"line %d\n" % number)
    rest = rest_of(keyboard)
    assert (rest.why, rest.what) == (Why.STILL, READERS[which])
    keyboard.end_input()
    assert program.wait_end().status == 0
    got = [line.partition(b"got ")[2] for line in program.stdout.data.splitlines() if b"got " in line]
    assert got == [b"b'line %d\\n'" % number for number in range(3)]
    assert program.stdout.data.rstrip().endswith(b"end")


def test_who_reads_while_another_thread_never_rests_is_at_its_prompt_after_the_deadline(stand: Stand) -> None:
    _, keyboard = stand.type_at("busy")
    rest = rest_of(keyboard, deadline_s=0.2)
    assert (rest.why, rest.what) == (Why.DEADLINE, Awaits.INPUT)


@pytest.mark.alone
def test_who_was_seen_to_read_restlessly_is_asked_early_from_then_on(stand: Stand) -> None:
    _, keyboard = stand.type_at("busy")
    took_s = []
    for _ in range(2):
        began = time.monotonic()
        rest = rest_of(keyboard, deadline_s=8 * SETTLE_S)
        took_s.append(time.monotonic() - began)
        assert (rest.why, rest.what) == (Why.DEADLINE, Awaits.INPUT)
    assert took_s[1] < took_s[0] / 2, took_s


def test_a_thread_that_sleeps_on_a_timer_does_not_delay_a_prompt(stand: Stand) -> None:
    _, keyboard = stand.type_at("timer")
    keyboard.wait_prompt()
    began = time.monotonic()
    for _ in range(3):
        keyboard.type(b"line\n")
        keyboard.wait_prompt()
    assert time.monotonic() - began < READY_S


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    ("which", "why", "doing"),
    [
        ("receives_only", Why.STILL, "blocked in recv on a socket"),
        ("ignores_its_input", Why.STILL, "blocked in pause"),
        ("sleeps", Why.DEADLINE, "sleeping on its own timer"),
    ],
)
def test_a_program_that_waits_for_something_else_is_at_no_prompt(
    stand: Stand, terminal: bool, which: str, why: Why, doing: str
) -> None:
    program, keyboard = stand.type_at(which, terminal=terminal)
    wait_printed(program, b"ready")
    with pytest.raises(FaultError) as caught:
        keyboard.wait_prompt(0.3)
    assert (caught.value.reason, caught.value.what) == (
        Reason.NO_PROMPT,
        "it does not wait for a line to be typed",
    )
    assert caught.value.doing == doing
    rest = rest_of(keyboard, 0.3)
    assert (rest.why, rest.what) == (why, Awaits.OTHER)


@pytest.mark.parametrize(("status", "reason"), [("0", Reason.EXITED), ("3", Reason.CRASHED)])
def test_a_program_that_ends_instead_is_named_so(stand: Stand, status: str, reason: Reason) -> None:
    _, keyboard = stand.type_at("ends", status)
    with pytest.raises(FaultError) as caught:
        keyboard.wait_prompt()
    assert (caught.value.reason, caught.value.what) == (reason, "it exited instead of waiting for a line to be typed")
    assert caught.value.doing == f"it exited with status {status}"
    assert rest_of(keyboard).why is Why.ENDED
    assert not keyboard.at_prompt()


def test_what_is_awaited_comes_before_the_prompt(stand: Stand) -> None:
    program, keyboard = stand.type_at("read")
    assert keyboard.wait_rest(lambda: b"ready" in program.stdout.data or None) is None
    assert rest_of(keyboard).what is Awaits.INPUT


@pytest.mark.parametrize("terminal", [True, False])
def test_the_end_of_input_stands_in_the_transcript(stand: Stand, terminal: bool) -> None:
    program, keyboard = stand.type_at("read", terminal=terminal)
    keyboard.wait_prompt()
    keyboard.end_input()
    program.wait_end()
    typed = [event.text for event in program.transcript.events if event.kind is EventKind.TYPED]
    assert typed == ["the end of input"]


def test_the_end_of_input_is_nothing_to_an_ended_program(stand: Stand) -> None:
    for terminal in (True, False):
        program, keyboard = stand.type_at("ends", "0", terminal=terminal)
        program.wait_end()
        keyboard.end_input()
        assert program.ending() is not None


def test_a_long_text_goes_down_a_pipe_as_it_is_read(stand: Stand) -> None:
    program, keyboard = stand.type_at("counts_bytes", "0.0005", terminal=False)
    keyboard.type(b"x" * (1 << 20))
    keyboard.end_input()
    program.wait_end()
    assert program.stdout.data == b"read %d\n" % (1 << 20)


def test_a_reader_may_take_longer_than_a_reply_as_long_as_it_reads(stand: Stand) -> None:
    # 48 parts behind the 64 KiB that a pipe holds.
    pause_s = REPLY_S / 40
    program, keyboard = stand.type_at("counts_bytes", str(pause_s), terminal=False)
    began = time.monotonic()
    size_bytes = (16 + 48) * 4096
    keyboard.type(b"x" * size_bytes)
    keyboard.end_input()
    assert time.monotonic() - began > REPLY_S
    program.wait_end()
    assert program.stdout.data == b"read %d\n" % size_bytes


@pytest.mark.parametrize("which", ["ignores_its_input", "receives_only"])
def test_who_never_reads_is_named_at_once(stand: Stand, which: str) -> None:
    program, keyboard = stand.type_at(which, terminal=False)
    wait_printed(program, b"ready")
    began = time.monotonic()
    with pytest.raises(FaultError) as caught:
        keyboard.type(b"x" * (1 << 20))
    assert time.monotonic() - began < REPLY_S
    assert (caught.value.reason, caught.value.what) == (Reason.NO_PROMPT, "it does not read its standard input")
    assert caught.value.doing.startswith("blocked in")


def test_who_reads_nothing_of_a_short_text_gets_it_all_the_same(stand: Stand) -> None:
    program, keyboard = stand.type_at("ignores_its_input", terminal=False)
    keyboard.type(b"line\n")
    assert program.wait_still().doing == "blocked in pause"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_line_that_nobody_reads_has_arrived_too(stand: Stand, terminal: bool) -> None:
    program, keyboard = stand.type_at("ignores_its_input", terminal=terminal)
    wait_printed(program, b"ready")
    program.wait_still()
    keyboard.type(b"line\n")
    assert program.wait_still().why is Why.STILL
    assert keyboard.delivered()


def test_typing_at_an_ended_program_is_no_fault(stand: Stand) -> None:
    program, keyboard = stand.type_at("ends", "0", terminal=False)
    program.wait_end()
    keyboard.type(b"x" * (1 << 20))
    assert program.ending() is not None


def test_what_is_typed_stands_in_the_transcript_and_counts_as_told(stand: Stand) -> None:
    program, keyboard = stand.type_at("read")
    keyboard.wait_prompt()
    keyboard.type(b"line\n")
    keyboard.wait_prompt()
    (typed,) = (event for event in program.transcript.events if event.kind is EventKind.TYPED)
    assert (typed.who, typed.data) == ("the keyboard", b"line\n")
    assert program._told_bytes == 5
    assert keyboard.traffic() == (5,)


def still_with(program: Program, seen: bytes) -> None:
    """All that it had printed is there when it is found still."""
    with pytest.raises(NoProgressError) as caught:
        program.wait(lambda: None)
    assert caught.value.why is Why.STILL
    assert bytes(program.stdout.data) == seen


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_printed_before_it_reads_again_is_never_missed(stand: Stand, terminal: bool) -> None:
    program, keyboard = stand.type_at("counts", terminal=terminal)
    seen = b""
    for number in range(1, 16):
        keyboard.type(b"\n")
        seen += b"<%d>" % number
        still_with(program, seen)


@pytest.mark.parametrize("which", ["looks_now_and_then", "reads_for_a_tenth"])
def test_one_that_will_look_at_its_connection_waits_for_no_line_before(stand: Stand, which: str) -> None:
    server, program = stand.serve_client(which)
    server.expect(b"hello\n")
    keyboard = Keyboard(program)
    for word in (b"one", b"two", b"three"):
        server.answer(word)
        keyboard.wait_prompt()
        program.pump(0)
        assert word in program.stdout.data
