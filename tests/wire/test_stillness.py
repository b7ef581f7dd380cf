"""The pure decision, on recorded facts: what keeps a program from being still."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.wire.facts import ProcessFacts, ThreadFacts, descendants
from grader.wire.kernel import SocketRow, TcpState
from grader.wire.stillness import Awaits, Verdict, asleep, awaits, judge, multiplexed
from grader.wire.syscalls import CALLS, Call, Waits, transfer_sockets
from tests.wire.facts import (
    ACCEPT,
    FILES,
    FIRST,
    FOR_EVER_MS,
    LISTENER,
    LISTENS,
    MACHINE,
    NANOSLEEP,
    PAUSE,
    POINTER,
    POLL,
    READ,
    RECV,
    SECOND,
    SEND,
    UNTIMED,
    VFORK,
    WAIT4,
    process,
    row,
    sockets,
    thread,
)


def verdict(*processes: ProcessFacts, rows: tuple[SocketRow, ...] = (), timed: Any = UNTIMED) -> Verdict:
    return judge(processes, processes, sockets(*rows), timed, MACHINE)


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
        case Waits.PASSING:
            assert judged(4) is Verdict.STILL
            assert judged(5, *[4] * call.passes_to_at) is Verdict.RUNNING
        case Waits.EVENT:
            assert judged() is Verdict.STILL
        case Waits.MILLISECONDS:
            outcomes = [with_timeout(value) for value in (FOR_EVER_MS, 2**64 - 1, 0, 1, 0x7FFFFFFF)]
            assert outcomes == [Verdict.STILL] * 2 + [Verdict.TIMER] * 3
        case Waits.POINTER:
            assert [with_timeout(value) for value in (0, POINTER)] == [Verdict.STILL, Verdict.TIMER]
        case Waits.CLOCK:
            assert judged() is Verdict.TIMER


@pytest.mark.parametrize("unknown", [4242, 41, 999_999])
def test_an_unknown_call_is_never_still(unknown: int) -> None:
    assert verdict(process(thread(unknown))) is Verdict.UNKNOWN


def test_a_known_call_of_an_unknown_machine_is_unknown() -> None:
    seen = (process(thread(PAUSE)),)
    assert judge(seen, seen, {}, {}, "riscv64") is Verdict.UNKNOWN


def test_a_thread_asleep_outside_any_call_is_unknown() -> None:
    assert verdict(process(thread(None))) is Verdict.UNKNOWN


@pytest.mark.parametrize("state", ["R", "D"])
def test_a_thread_that_does_not_sleep_makes_it_running(state: str) -> None:
    assert verdict(process(thread(PAUSE), thread(None, tid=11, state=state))) is Verdict.RUNNING


@pytest.mark.parametrize("state", ["T", "t"], ids=["by a signal", "by its tracer"])
def test_a_stopped_thread_goes_on_only_when_somebody_lets_it(state: str) -> None:
    assert verdict(process(thread(None, state=state))) is Verdict.STILL
    assert verdict(process(thread(None, state=state), thread(NANOSLEEP, tid=11))) is Verdict.TIMER


def test_a_thread_in_vfork_waits_for_its_own_child_and_not_for_the_machine() -> None:
    parent = process(msgspec.structs.replace(thread(VFORK, state="D"), in_vfork=True))
    assert verdict(parent, process(thread(PAUSE, tid=20), pid=20)) is Verdict.STILL
    assert verdict(parent, process(thread(NANOSLEEP, tid=20), pid=20)) is Verdict.TIMER
    assert verdict(parent, process(thread(None, tid=20, state="R"), pid=20)) is Verdict.RUNNING


def test_a_process_that_had_gone_when_it_was_looked_at_makes_it_running() -> None:
    """It may have started another that no listing has met."""
    assert verdict(process(thread(PAUSE)), process(pid=20, state="X")) is Verdict.RUNNING
    assert verdict(process(pid=20, state="X")) is Verdict.RUNNING


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


@pytest.mark.parametrize("process_state", ["S", "Z"])
def test_a_first_thread_that_has_left_does_not_count(process_state: str) -> None:
    left = thread(None, state="Z")
    seen = process(left, thread(RECV, 4, tid=11), state=process_state)
    assert verdict(seen, rows=(row(FIRST),)) is Verdict.STILL
    assert verdict(seen, rows=(row(FIRST, unread=1),)) is Verdict.RUNNING
    assert verdict(process(left, thread(NANOSLEEP, tid=11))) is Verdict.TIMER
    assert list(transfer_sockets((seen,), MACHINE)) == [(10, 4)]


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_dead_thread_that_will_be_gone_is_not_yet_still(state: str) -> None:
    # Of its end something may come yet: a parent may be told that it was the last.
    ending = thread(None, tid=11, state=state)
    assert verdict(process(thread(PAUSE), ending)) is Verdict.RUNNING
    last = process(thread(None, tid=20, state="Z"), msgspec.structs.replace(ending, tid=21), pid=20, state="Z")
    assert verdict(process(thread(WAIT4)), last) is Verdict.RUNNING


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
def test_what_is_pending_wakes_it(call: ThreadFacts, pending: SocketRow) -> None:
    assert verdict(process(call), rows=(pending,)) is Verdict.RUNNING
    idle = msgspec.structs.replace(call), row(pending.inode, state=pending.state)
    assert verdict(process(idle[0]), rows=(idle[1],)) is Verdict.STILL


def test_bytes_for_another_socket_do_not_wake_it() -> None:
    rows = (row(FIRST), row(SECOND, unread=4), LISTENS)
    assert verdict(process(thread(RECV, 4)), rows=rows) is Verdict.STILL


WRITE = 1


@pytest.mark.parametrize("call", [SEND, WRITE])
@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (row(FIRST, unsent=4608), Verdict.STILL),  # the peer's window is closed
        (row(FIRST, unsent=4608, in_flight=1), Verdict.RUNNING),  # an acknowledgement is on its way
        (row(FIRST), Verdict.RUNNING),  # there is room: it is about to wake
        (row(FIRST, in_flight=1), Verdict.RUNNING),
        (row(SECOND, unsent=4608), Verdict.RUNNING),  # another socket than the one it sends on
        (row(FIRST, unsent=4608, unread=9), Verdict.STILL),  # what it could receive does not wake a sender
    ],
)
def test_a_sender_is_still_when_only_a_reader_could_make_room(call: int, there: SocketRow, expected: Verdict) -> None:
    assert verdict(process(thread(call, 4)), rows=(there,)) is expected


@pytest.mark.parametrize("own_timeout", [True, None])
@pytest.mark.parametrize("in_flight", [0, 1])
def test_a_sender_that_may_give_up_has_a_clock(own_timeout: bool | None, in_flight: int) -> None:
    rows = (row(FIRST, unsent=4608, in_flight=in_flight),)
    assert verdict(process(thread(SEND, 4)), rows=rows, timed={(10, 4): own_timeout}) is Verdict.TIMER


OURS = frozenset({"pipe:[9]"})


@pytest.mark.parametrize(
    ("call", "fd", "read_by_us", "expected"),
    [
        (WRITE, 0, frozenset(), Verdict.RUNNING),  # a terminal is read by us always
        (WRITE, 5, OURS, Verdict.RUNNING),
        (WRITE, 5, frozenset(), Verdict.STILL),  # full, and its reader is one of its own sleeping processes
        (WRITE, 77, frozenset(), Verdict.UNKNOWN),
        (READ, 0, frozenset(), Verdict.STILL),
        (READ, 5, OURS, Verdict.STILL),
        (READ, 5, frozenset(), Verdict.STILL),
        (READ, 6, frozenset(), Verdict.UNKNOWN),  # a file: who serves it may yet answer
        (READ, 77, frozenset(), Verdict.UNKNOWN),
    ],
)
def test_pipes_and_terminals_change_by_what_processes_do(
    call: int, fd: int, read_by_us: frozenset[str], expected: Verdict
) -> None:
    seen = (process(thread(call, fd), files={**FILES, "6": "/work/fifo"}),)
    assert judge(seen, seen, {}, {}, MACHINE, read_by_us=read_by_us) is expected


SPLICE, TEE = 275, 276


@pytest.mark.parametrize(
    ("call", "there", "expected"),
    [
        (thread(SPLICE, 4, 0, 5), row(FIRST), Verdict.STILL),  # nothing comes, into whatever pipe
        (thread(SPLICE, 4, 0, 7), row(FIRST), Verdict.STILL),
        (thread(SPLICE, 4, 0, 5), row(FIRST, unread=1), Verdict.RUNNING),
        (thread(SPLICE, 0, 0, 5), row(FIRST), Verdict.STILL),
        (thread(SPLICE, 0, 0, 4), row(FIRST), Verdict.STILL),
        (thread(SPLICE, 0, 0, 7), row(FIRST), Verdict.RUNNING),
        (thread(SPLICE, 5, 0, 4), row(FIRST), Verdict.RUNNING),  # its own pipe may hold something to send
        (thread(SPLICE, 5, 0, 4), row(FIRST, unsent=9), Verdict.STILL),
        (thread(SPLICE, 5, 0, 7), row(FIRST), Verdict.RUNNING),  # or to print
        (thread(SPLICE, 5, 0, 8), row(FIRST), Verdict.STILL),
        (thread(SPLICE, 6, 0, 5), row(FIRST), Verdict.UNKNOWN),
        (thread(SPLICE, 5, 0, 6), row(FIRST), Verdict.UNKNOWN),
        (thread(TEE, 5, 7), row(FIRST), Verdict.RUNNING),
        (thread(TEE, 5, 8, 7), row(FIRST), Verdict.STILL),
    ],
)
def test_who_passes_on_waits_for_bytes_or_for_room(call: ThreadFacts, there: SocketRow, expected: Verdict) -> None:
    files = {**FILES, "6": "/work/file", "7": "pipe:[7]", "8": "pipe:[8]"}
    seen = (process(call, files=files),)
    assert judge(seen, seen, sockets(there), UNTIMED, MACHINE, read_by_us=frozenset({"pipe:[7]"})) is expected


@pytest.mark.parametrize("own_timeout", [True, None])
def test_who_passes_on_may_have_a_clock_at_either_end(own_timeout: bool | None) -> None:
    for call in (thread(SPLICE, 4, 0, 5), thread(SPLICE, 5, 0, 4)):
        assert list(transfer_sockets((process(call),), MACHINE)) == [(10, 4)]
        assert verdict(process(call), rows=(row(FIRST),), timed={(10, 4): own_timeout}) is Verdict.TIMER


ALARM = 1 << (signal.SIGALRM - 1)
SIGTIMEDWAIT = 128


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Verdict.STILL),
        ({"posix_timers": True}, Verdict.TIMER),
        ({"alarms": True}, Verdict.TIMER),  # it ends by it
        ({"alarms": True, "caught_signals": ALARM}, Verdict.TIMER),
        ({"alarms": True, "ignored_signals": ALARM}, Verdict.STILL),
        ({"alarms": True, "ignored_signals": ALARM, "blocked_signals": ALARM}, Verdict.TIMER),  # sigwait takes it
        ({"alarms": False, "caught_signals": ALARM}, Verdict.STILL),
        ({"alarms": None}, Verdict.STILL),
        ({"alarms": None, "caught_signals": ALARM}, Verdict.TIMER),
        ({"alarms": None, "caught_signals": ALARM, "by_go": True}, Verdict.PRESUMED),
        ({"alarms": None, "blocked_signals": ALARM}, Verdict.TIMER),  # signalfd, sigwait
        (
            {"alarms": None, "caught_signals": ~ALARM & 0xFFFFFFFF, "blocked_signals": ~ALARM & 0xFFFFFFFF},
            Verdict.STILL,
        ),
        ({"alarms": None, "ignored_signals": ALARM}, Verdict.STILL),
        ({"timers": True}, Verdict.STILL),  # nobody else could have closed what it waits for
        ({"files": {"7": "anon_inode:[io_uring]"}}, Verdict.TIMER),
        ({"files": {"7": "/proc/pressure/cpu"}}, Verdict.TIMER),
        ({"files": {"7": "/sys/fs/cgroup/user.slice/cpu.pressure"}}, Verdict.TIMER),
        ({"files": {"7": "/sys/fs/cgroup/a.slice/cpu.max"}}, Verdict.STILL),  # Go's runtime keeps it open
        ({"files": {"7": "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us"}}, Verdict.STILL),
        ({"files": {"7": "/dev/snd/timer"}}, Verdict.TIMER),
        ({"files": {"7": "anon_inode:inotify"}}, Verdict.TIMER),  # others change files when they like
        ({"files": {"7": "/dev/urandom", "8": "/dev/null", "9": "/dev/shm/x"}}, Verdict.STILL),
        ({"files": {"7": "/dev/pts/3"}}, Verdict.STILL),
        ({"files": {"7": "/dev/pts/ptmx"}}, Verdict.TIMER),  # it has made a terminal, with a timeout perhaps
        ({"files": {"7": "/dev/ptmx"}}, Verdict.TIMER),
        ({"waiting_files": 1}, Verdict.TIMER),  # a timer, perhaps
    ],
)
def test_whatever_may_hold_a_timer_is_a_clock(change: dict[str, Any], expected: Verdict) -> None:
    assert verdict(msgspec.structs.replace(process(thread(PAUSE)), **change)) is expected


@pytest.mark.parametrize("kind", ["eventfd", "signalfd"])
def test_what_processes_write_says_nothing_by_itself(kind: str) -> None:
    reads = process(thread(READ, 7), files={"7": f"anon_inode:[{kind}]"})
    assert verdict(reads) is Verdict.STILL
    assert verdict(msgspec.structs.replace(reads, alarms=True, blocked_signals=ALARM)) is Verdict.TIMER


@pytest.mark.parametrize(
    ("change", "timeout", "expected"),
    [
        ({}, 0, Verdict.STILL),
        ({}, POINTER, Verdict.TIMER),
        ({"alarms": None}, 0, Verdict.TIMER),  # it may wait for one, and is not said to have blocked it meanwhile
        ({"alarms": True, "ignored_signals": ALARM}, 0, Verdict.TIMER),
    ],
)
def test_who_waits_for_a_signal_may_wait_for_an_alarm(change: dict[str, Any], timeout: int, expected: Verdict) -> None:
    waits = process(thread(SIGTIMEDWAIT, POINTER, 0, timeout, 8))
    assert verdict(msgspec.structs.replace(waits, **change)) is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Verdict.STILL),
        ({"alarms": None}, Verdict.PRESUMED),  # one may end by an alarm, which the other notices
        ({"alarms": None, "ignored_signals": ALARM}, Verdict.STILL),
        ({"timers": True}, Verdict.TIMER),  # one may have closed what the other waits for
        ({"timers": None}, Verdict.STILL),
    ],
)
def test_what_happens_to_one_process_may_wake_another(change: dict[str, Any], expected: Verdict) -> None:
    pair = process(thread(PAUSE)), process(thread(PAUSE, tid=20), pid=20)
    assert verdict(*(msgspec.structs.replace(each, **change) for each in pair)) is expected


def test_a_thread_may_have_closed_what_another_waits_for() -> None:
    both = process(thread(PAUSE), thread(PAUSE, tid=11))
    assert verdict(both) is Verdict.STILL
    assert verdict(msgspec.structs.replace(both, timers=True)) is Verdict.TIMER


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (row(FIRST), Verdict.STILL),
        (row(FIRST, in_flight=1), Verdict.RUNNING),
        (row(FIRST, unsent=9), Verdict.STILL),
        (row(SECOND, in_flight=1), Verdict.STILL),  # somebody else's socket
        (row(FIRST, state=TcpState.LISTEN, in_flight=1), Verdict.STILL),  # there, it is another number
    ],
)
def test_what_it_has_sent_may_be_on_its_way_to_itself(there: SocketRow, expected: Verdict) -> None:
    assert verdict(process(thread(PAUSE)), rows=(there,)) is expected


def to_itself(*, unsent: int = 0, accepted: bool = True, listens: bool = True) -> tuple[SocketRow, ...]:
    """The rows of a program that has connected to its own listener (FIRST) and may have accepted that (SECOND)."""
    one = row(FIRST, unsent=unsent)
    other = replace(row(SECOND), local=one.remote, remote=one.local)
    listener = replace(LISTENS, local=one.remote)
    return (one, *[other] * accepted, *[listener] * listens)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (to_itself(), Verdict.STILL),
        (to_itself(unsent=9), Verdict.RUNNING),  # TCP_USER_TIMEOUT may give it up
        (to_itself(accepted=False), Verdict.RUNNING),  # TCP_DEFER_ACCEPT may hold it back
        (to_itself(accepted=False, listens=False), Verdict.STILL),  # it is to somebody else
    ],
)
def test_a_connection_to_itself_may_move_by_the_kernels_clock(rows: tuple[SocketRow, ...], expected: Verdict) -> None:
    files = {str(fd): f"socket:[{inode}]" for fd, inode in enumerate((LISTENER, FIRST, SECOND), 3)}
    assert verdict(process(thread(PAUSE), files=files), rows=rows) is expected


def test_a_descriptor_is_a_c_int() -> None:
    seen = (process(thread(RECV, 0xDEADBEEF_00000004)),)
    assert list(transfer_sockets(seen, MACHINE)) == [(10, 4)]


def test_only_sockets_that_are_waited_on_are_asked_for_timeouts() -> None:
    threads = thread(READ, 0), thread(RECV, 4), thread(POLL, 4), thread(SEND, 3), thread(None, state="R")
    assert list(transfer_sockets((process(*threads),), MACHINE)) == [(10, 4), (10, 3)]


KINDS = {
    Verdict.STILL: thread(PAUSE),
    Verdict.TIMER: thread(NANOSLEEP),
    Verdict.UNKNOWN: thread(4242),
    Verdict.RUNNING: thread(SEND, 0),
}


@given(st.lists(st.sampled_from(list(KINDS)), min_size=1), st.booleans())
def test_the_strongest_thread_decides(kinds: list[Verdict], in_one_process: bool) -> None:
    threads = [msgspec.structs.replace(KINDS[kind], tid=10 + place) for place, kind in enumerate(kinds)]
    if in_one_process:
        assert verdict(process(*threads)) is max(kinds)
    else:
        assert verdict(*(process(one, pid=one.tid) for one in threads)) is max(kinds)


TERMINAL = "/dev/pts/3"
EPOLL, SELECT = 232, 23


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        ([thread(READ, 0)], Awaits.INPUT),
        ([thread(READ, 7)], Awaits.INPUT),  # the terminal by another name
        ([thread(READ, 8)], Awaits.INPUT),  # the terminal by another descriptor
        ([thread(READ, 0), thread(NANOSLEEP, tid=11)], Awaits.INPUT),
        ([thread(READ, 0), thread(RECV, 4, tid=11)], Awaits.BOTH),
        ([thread(RECV, 4)], Awaits.OTHER),
        ([thread(READ, 5)], Awaits.OTHER),
        ([thread(READ, 77)], Awaits.OTHER),
        ([thread(SPLICE, 0, 0, 5)], Awaits.INPUT),
        ([thread(READ, 0), thread(SPLICE, 4, 0, 5, tid=11)], Awaits.BOTH),
        ([thread(SEND, 0)], Awaits.OTHER),  # it prints
        ([thread(NANOSLEEP)], Awaits.OTHER),
        ([thread(PAUSE)], Awaits.OTHER),
        ([thread(4242, 0)], Awaits.OTHER),
        ([thread(None, state="R")], Awaits.OTHER),
    ],
)
def test_what_it_waits_for_is_read_from_where_it_reads(threads: list[ThreadFacts], expected: Awaits) -> None:
    seen = (process(*threads, files={**FILES, "7": "/dev/tty", "8": TERMINAL}),)
    assert awaits(seen, {TERMINAL, "/dev/tty"}, MACHINE) is expected


@pytest.mark.parametrize("call", [POLL, EPOLL, SELECT])
@pytest.mark.parametrize(
    ("fds", "expected"),
    [
        ([0], Awaits.INPUT),
        ([0, 4], Awaits.BOTH),
        ([4], Awaits.OTHER),
        ([], Awaits.OTHER),
        ([77], Awaits.OTHER),
        (None, Awaits.EVENTS),
    ],
)
def test_who_waits_for_several_things_waits_for_those_that_it_watches(
    call: int, fds: list[int] | None, expected: Awaits
) -> None:
    seen = (process(thread(call, 4)),)
    assert awaits(seen, {TERMINAL}, MACHINE, [fds]) is expected


def test_what_one_thread_watches_and_another_reads_counts_together() -> None:
    seen = (process(thread(POLL, 4), thread(READ, 0, tid=11), thread(EPOLL, 9, tid=12)),)
    assert [each.thread.tid for each in multiplexed(seen, MACHINE)] == [10, 12]
    assert awaits(seen, {TERMINAL}, MACHINE, [[4], None]) is Awaits.BOTH
    assert awaits(seen, {TERMINAL}, MACHINE, [[], None]) is Awaits.INPUT


def test_the_input_of_a_pipe_is_no_terminal() -> None:
    seen = (process(thread(READ, 5)),)
    assert awaits(seen, {"pipe:[9]"}, MACHINE) is Awaits.INPUT
    assert awaits(seen, {"pipe:[8]"}, MACHINE) is Awaits.OTHER


def test_the_dead_wait_for_nothing() -> None:
    seen = (process(thread(READ, 0, state="Z"), state="Z"),)
    assert awaits(seen, {TERMINAL}, MACHINE) is Awaits.OTHER
    assert multiplexed((process(thread(POLL, 4, state="Z"), state="Z"),), MACHINE) == []


def test_of_two_programs_each_has_its_own_processes() -> None:
    def made(pid: int, parent: int) -> ProcessFacts:
        return msgspec.structs.replace(process(pid=pid), parent=parent)

    seen = (made(2, 1), made(3, 2), made(4, 3), made(10, 1), made(11, 10), made(20, 21), made(21, 20))
    assert [one.pid for one in descendants(seen, 2)] == [2, 3, 4]
    assert [one.pid for one in descendants(seen, 10)] == [10, 11]
    assert descendants(seen, 5) == ()


@given(st.lists(st.sampled_from(Verdict)))
def test_what_is_presumed_of_one_and_later_of_another_is_both(verdicts: list[Verdict]) -> None:
    strongest = Verdict.of_all(verdicts)
    assert strongest >= max(verdicts, default=Verdict.STILL)
    assert (strongest is Verdict.PRESUMED_LATER) == (
        max(verdicts, default=None) is Verdict.PRESUMED_LATER
        or (max(verdicts, default=None) is Verdict.PRESUMED and Verdict.LATER in verdicts)
    )
