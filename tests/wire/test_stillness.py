"""The pure decision, on recorded facts: what keeps a program from being still, and what it is said to be doing."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.wire.kernel import Endpoint, TcpRow, TcpState
from grader.wire.stillness import (
    CALLS,
    Call,
    Conversation,
    ProcessFacts,
    ThreadFacts,
    Verdict,
    Waits,
    asleep,
    describe,
    judge,
    receiving_sockets,
)

MACHINE = "x86_64"
READ, RECV, ACCEPT, SEND, POLL, NANOSLEEP, FUTEX, PAUSE, WAIT4 = 0, 45, 43, 44, 7, 35, 202, 34, 61
FOR_EVER_MS = 0xFFFFFFFF
POINTER = 0x7FFE1234

LISTENER, FIRST, SECOND = 100, 101, 102
FILES = {"0": "/dev/pts/3", "3": f"socket:[{LISTENER}]", "4": f"socket:[{FIRST}]", "5": "pipe:[9]"}
UNTIMED = {(10, 3): False, (10, 4): False}


def thread(call: int | None, *arguments: int, tid: int = 10, state: str = "S", switches: int = 5) -> ThreadFacts:
    return ThreadFacts(tid, state, call, (*arguments, *[0] * (6 - len(arguments))), switches, ran_ns=0, waited_ns=0)


def process(
    *threads: ThreadFacts, files: dict[str, str] | None = None, pid: int = 10, state: str = "S"
) -> ProcessFacts:
    return ProcessFacts(pid, 1, "server", state, 0, 0, 0, 0, threads, FILES if files is None else files)


def row(inode: int, *, state: TcpState = TcpState.ESTABLISHED, unread: int = 0) -> TcpRow:
    ends = Endpoint("127.0.0.1", 5000), Endpoint("127.0.0.1", 40_000 + inode)
    return TcpRow(socket.AF_INET, state, *ends, receive_queue=unread, send_queue=0, inode=inode)


LISTENS = row(LISTENER, state=TcpState.LISTEN)


def verdict(*processes: ProcessFacts, rows: tuple[TcpRow, ...] = (), timed: Any = UNTIMED) -> Verdict:
    return judge(processes, processes, {row.inode: row for row in rows}, timed, MACHINE)


def test_every_kind_of_waiting_is_among_the_calls() -> None:
    assert {call.waits for call in CALLS} == set(Waits)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_no_number_stands_for_two_calls(machine: str) -> None:
    numbers = [number for call in CALLS if (number := getattr(call, machine)) is not None]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("call", "machine", "number"),
    [
        pytest.param(call, machine, number, id=f"{call.name}-{machine}-{number}")
        for call in CALLS
        for machine in ("x86_64", "aarch64")
        if (number := getattr(call, machine)) is not None
    ],
)
def test_each_call_is_judged_by_how_it_waits(call: Call, machine: str, number: int) -> None:
    def judged(*arguments: int) -> Verdict:
        seen = (process(thread(number, *arguments)),)
        return judge(seen, seen, {FIRST: row(FIRST)}, UNTIMED, machine)

    def with_timeout(value: int) -> Verdict:
        return judged(*[4] * call.timeout_at, value)

    match call.waits:
        case Waits.RECEIVING:
            assert judged(4) is Verdict.STILL
        case Waits.SENDING:
            assert judged(4) is Verdict.RUNNING
        case Waits.EVENT:
            assert judged() is Verdict.STILL
        case Waits.MILLISECONDS:
            outcomes = [with_timeout(value) for value in (FOR_EVER_MS, 2**64 - 1, 0, 1, 0x7FFFFFFF)]
            assert outcomes == [Verdict.STILL] * 2 + [Verdict.TIMER] * 3
        case Waits.POINTER:
            assert [with_timeout(value) for value in (0, POINTER)] == [Verdict.STILL, Verdict.TIMER]
        case Waits.CLOCK:
            assert judged() is Verdict.TIMER


@pytest.mark.parametrize("unknown", [4242, 42, 999_999])
def test_an_unknown_call_is_never_still(unknown: int) -> None:
    assert verdict(process(thread(unknown))) is Verdict.UNKNOWN


def test_a_known_call_of_an_unknown_machine_is_unknown() -> None:
    seen = (process(thread(PAUSE)),)
    assert judge(seen, seen, {}, {}, "riscv64") is Verdict.UNKNOWN


def test_a_thread_asleep_outside_any_call_is_unknown() -> None:
    assert verdict(process(thread(None))) is Verdict.UNKNOWN


@pytest.mark.parametrize("state", ["R", "D", "t"])
def test_a_thread_that_does_not_sleep_makes_it_running(state: str) -> None:
    assert verdict(process(thread(PAUSE), thread(None, tid=11, state=state))) is Verdict.RUNNING


def test_a_stopped_thread_goes_on_only_when_somebody_lets_it() -> None:
    assert verdict(process(thread(None, state="T"))) is Verdict.STILL
    assert verdict(process(thread(None, state="T"), thread(NANOSLEEP, tid=11))) is Verdict.TIMER


@pytest.mark.parametrize(
    "later",
    [
        thread(PAUSE, switches=6),
        thread(NANOSLEEP),
        thread(PAUSE, tid=12),
    ],
    ids=["it ran in between", "it is in another call", "it is another thread"],
)
def test_two_looks_must_agree(later: ThreadFacts) -> None:
    first, second = (process(thread(PAUSE)),), (process(later),)
    assert not asleep(first, second)
    assert judge(first, second, {}, {}, MACHINE) is Verdict.RUNNING


def test_a_process_that_appears_or_goes_in_between_makes_it_running() -> None:
    one, two = (process(thread(PAUSE)),), (process(thread(PAUSE)), process(thread(PAUSE, tid=20), pid=20))
    assert judge(one, two, {}, {}, MACHINE) is Verdict.RUNNING
    assert judge(two, one, {}, {}, MACHINE) is Verdict.RUNNING


def test_a_program_that_is_about_to_be_gone_is_not_still() -> None:
    assert verdict() is Verdict.RUNNING
    assert verdict(process(thread(None, state="Z"), state="Z")) is Verdict.RUNNING


def test_a_zombie_beside_a_sleeper_does_not_count() -> None:
    zombie = process(thread(None, tid=20, state="Z"), pid=20, state="Z", files={})
    assert verdict(process(thread(PAUSE)), zombie) is Verdict.STILL


def test_a_dead_thread_beside_a_sleeper_is_not_yet_still() -> None:
    # Its process lives on, so something may come of its end yet.
    assert verdict(process(thread(PAUSE), thread(None, tid=11, state="Z"))) is Verdict.RUNNING


def test_a_timerfd_anywhere_is_a_clock() -> None:
    clocked = process(thread(PAUSE, tid=20), pid=20, files={"7": "anon_inode:[timerfd]"})
    assert verdict(process(thread(PAUSE)), clocked) is Verdict.TIMER
    assert verdict(process(thread(PAUSE), files={"7": "anon_inode:[eventfd]"})) is Verdict.STILL


@pytest.mark.parametrize(
    ("own_timeout", "expected"), [(False, Verdict.STILL), (True, Verdict.TIMER), (None, Verdict.TIMER)]
)
def test_a_sockets_own_timeout_counts(own_timeout: bool | None, expected: Verdict) -> None:
    assert verdict(process(thread(RECV, 4)), rows=(row(FIRST),), timed={(10, 4): own_timeout}) is expected


def test_a_timeout_that_nobody_asked_for_may_be_there() -> None:
    assert verdict(process(thread(RECV, 4)), rows=(row(FIRST),), timed={}) is Verdict.TIMER


@pytest.mark.parametrize(
    ("call", "pending"),
    [(thread(RECV, 4), row(FIRST, unread=1)), (thread(ACCEPT, 3), row(LISTENER, state=TcpState.LISTEN, unread=1))],
    ids=["a byte", "a client"],
)
def test_what_is_pending_wakes_it(call: ThreadFacts, pending: TcpRow) -> None:
    assert verdict(process(call), rows=(pending,)) is Verdict.RUNNING
    idle = msgspec.structs.replace(call), row(pending.inode, state=pending.state)
    assert verdict(process(idle[0]), rows=(idle[1],)) is Verdict.STILL


def test_bytes_for_another_socket_do_not_wake_it() -> None:
    rows = (row(FIRST), row(SECOND, unread=4), LISTENS)
    assert verdict(process(thread(RECV, 4)), rows=rows) is Verdict.STILL


@pytest.mark.parametrize("fd", [0, 5, 77])
def test_what_is_no_socket_is_written_by_nobody(fd: int) -> None:
    assert verdict(process(thread(READ, fd)), timed={}) is Verdict.STILL


def test_a_descriptor_is_a_c_int() -> None:
    seen = (process(thread(RECV, 0xDEADBEEF_00000004)),)
    assert list(receiving_sockets(seen, MACHINE)) == [(10, 4)]


def test_only_sockets_that_are_waited_on_are_asked_for_timeouts() -> None:
    threads = thread(READ, 0), thread(RECV, 4), thread(POLL, 4), thread(SEND, 3), thread(None, state="R")
    assert list(receiving_sockets((process(*threads),), MACHINE)) == [(10, 4), (10, 3)]


KINDS = {
    Verdict.STILL: thread(PAUSE),
    Verdict.TIMER: thread(NANOSLEEP),
    Verdict.UNKNOWN: thread(4242),
    Verdict.RUNNING: thread(SEND, 4),
}


@given(st.lists(st.sampled_from(Verdict), min_size=1), st.booleans())
def test_the_strongest_thread_decides(kinds: list[Verdict], in_one_process: bool) -> None:
    threads = [msgspec.structs.replace(KINDS[kind], tid=10 + place) for place, kind in enumerate(kinds)]
    if in_one_process:
        assert verdict(process(*threads)) is max(kinds)
    else:
        assert verdict(*(process(one, pid=one.tid) for one in threads)) is max(kinds)


def told(
    *threads: ThreadFacts, rows: tuple[TcpRow, ...] = (), ours: tuple[Conversation, ...] = (), alive: bool = True
) -> str:
    seen = process(*threads) if alive else process(thread(None, state="Z"), state="Z")
    return describe((seen,), {row.inode: row for row in rows}, ours, MACHINE)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (thread(RECV, 4), "blocked in recv on client A's connection"),
        (thread(SEND, 4), "blocked in send on client A's connection"),
        (thread(ACCEPT, 3), "blocked in accept, waiting for the next client"),
        (thread(READ, 0), "blocked in read on its standard input"),
        (thread(READ, 5), "blocked in read"),
        (thread(POLL, POINTER, 1, FOR_EVER_MS), "blocked in poll"),
        (thread(POLL, POINTER, 1, 500), "blocked in poll with a timeout of its own"),
        (thread(FUTEX, POINTER), "blocked in a wait for another thread"),
        (thread(WAIT4), "blocked in a wait for a child process"),
        (thread(NANOSLEEP), "sleeping on its own timer"),
        (thread(219), "in a wait with a timeout"),
        (thread(4242), "in a system call"),
        (thread(None, state="R"), "running"),
        (thread(None), "running"),
        (thread(None, state="T"), "stopped"),
        (thread(None, state="D"), "waiting for a disk or a device"),
    ],
)
def test_what_a_thread_does_in_words(one: ThreadFacts, words: str) -> None:
    client_a = Conversation("client A", row(FIRST))
    assert told(one, rows=(LISTENS, row(FIRST)), ours=(client_a,)) == words


def test_a_connection_that_is_not_ours_has_no_name() -> None:
    assert told(thread(RECV, 4), rows=(row(FIRST),)) == "blocked in recv on a connection"


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (row(SECOND), ""),
        (row(SECOND, unread=1), "client B has 1 unread byte"),
        (row(SECOND, unread=4), "client B has 4 unread bytes"),
        (row(0, unread=4), "client B has 4 unread bytes and was never accepted"),
        (row(0), "client B was never accepted"),
        (row(SECOND, state=TcpState.CLOSE_WAIT, unread=1), "client B has ended its side, which was not read yet"),
        (
            row(SECOND, state=TcpState.CLOSE_WAIT, unread=3),
            "client B has 2 unread bytes and has ended its side, which was not read yet",
        ),
        (row(0, state=TcpState.CLOSE_WAIT, unread=3), "client B has 2 unread bytes and was never accepted"),
        (
            row(SECOND, state=TcpState.CLOSE_WAIT),
            "client B has ended its side, and the program keeps its own open",
        ),
        (row(SECOND, state=TcpState.FIN_WAIT2, unread=3), ""),
        (None, ""),
    ],
)
def test_what_a_conversation_is_in_words(there: TcpRow | None, words: str) -> None:
    alone = told(thread(PAUSE), ours=(Conversation("client B", there),))
    assert alone == "; ".join(filter(None, ["blocked in pause", words]))


def test_equal_threads_are_counted() -> None:
    receivers = [thread(RECV, 4, tid=tid) for tid in range(10, 13)]
    words = told(*receivers, thread(ACCEPT, 3, tid=20), rows=(LISTENS, row(FIRST)))
    assert words == "3 threads blocked in recv on a connection; blocked in accept, waiting for the next client"


def test_the_handouts_example_sentence() -> None:
    ours = Conversation("client A", row(FIRST)), Conversation("client B", row(0, unread=4))
    words = told(thread(RECV, 4), rows=(row(FIRST),), ours=ours)
    assert words == "blocked in recv on client A's connection; client B has 4 unread bytes and was never accepted"


def test_a_program_of_zombies_has_ended() -> None:
    assert told(alive=False, ours=(Conversation("client A", row(FIRST, unread=2)),)) == "the program has ended"
    assert describe((), {}, (), MACHINE) == "the program has ended"
