"""Running programs under a real warden: output, endings, stillness as the kernel tells it, Ctrl-C, own time."""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from grader.errors import Reason
from grader.limits import REPLY_S, REPLY_WALL_S, SETTLE_S, SPINNING_CHECKS
from grader.link.channel import Channel, ChannelClosedError
from grader.model import EventKind
from grader.wire.endings import describe_ending
from grader.wire.facts import Snapshot
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint, SocketRow, SocketTable, TcpState
from grader.wire.own_time import Deadline
from grader.wire.process import ForCheck, Output
from grader.wire.program import Program
from grader.wire.stillness import Verdict
from grader.wire.stops import Stops
from grader.wire.terminal import MadeOfCtrlC
from grader.wire.waiting import NoProgressError, Why
from grader.wire.warden import CannotStartError, Ending, WardenClient, WardenError
from tests.wire.stand import LIMITS, PYTHON, Stand, wait_printed, warden_process

SHELL = "/bin/sh"


def test_output_keeps_its_head_and_counts_all() -> None:
    output = Output(kept_bytes=5)
    output.add(b"abc")
    assert not output.overfull
    output.add(b"defg")
    output.add(b"h")
    assert (bytes(output.data), output.size_bytes, output.overfull) == (b"abcde", 8, True)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (Ending(0, out_of_memory=False), "it exited with status 0"),
        (Ending(0, out_of_memory=True), "it exited with status 0"),
        (Ending(-9, out_of_memory=False), "it was ended by signal SIGKILL"),
        (Ending(-9, out_of_memory=True), "it was killed because it used more memory than allowed"),
        (Ending(-13, out_of_memory=False), "it was ended by signal SIGPIPE, writing to a connection that was gone"),
        (Ending(-31, out_of_memory=False), "it was ended by signal 31"),
    ],
)
def test_an_ending_in_words(ending: Ending, words: str) -> None:
    assert describe_ending(ending) == words


@pytest.mark.parametrize("terminal", [False, True])
def test_an_end_brings_status_and_all_output(stand: Stand, terminal: bool) -> None:
    program = stand.run(SHELL, "-c", "echo out; echo err >&2; exit 5", terminal=terminal)
    assert program.wait_end() == Ending(5, out_of_memory=False)
    assert bytes(program.stdout.data) == (b"out\r\n" if terminal else b"out\n")
    assert program.stderr.data == b"err\n"
    assert program.transcript.events[-1].kind is EventKind.EXITED
    assert program.doing() == "it exited with status 5"


def test_a_time_that_is_over_already_is_none(stand: Stand) -> None:
    stand.run(SHELL, "-c", "read line").pump(-1.0)


@pytest.mark.parametrize("number", [2, 6, 9, 11, 13, 15])
def test_an_end_by_signal_is_told_as_such(stand: Stand, number: int) -> None:
    program = stand.run(SHELL, "-c", f"kill -{number} $$")
    assert program.wait_end() == Ending(-number, out_of_memory=False)
    assert program.doing().startswith("it was ended by signal SIG")


def test_killing_ends_a_program_that_waits_for_ever(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "pause")
    program.kill()
    assert program.wait_end().status == -9


@pytest.mark.parametrize("command", ["no_such_program", "./missing", "/etc/passwd", "/"])
def test_what_cannot_be_executed_is_said_in_the_kernels_words(stand: Stand, command: str) -> None:
    words = "Permission denied" if command in {"/etc/passwd", "/"} else "No such file or directory"
    with pytest.raises(CannotStartError, match=f"^{command}: {words}$"):
        stand.run(command)
    assert stand.warden.snapshot() == ()


def test_a_refused_start_leaves_no_descriptor(stand: Stand) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for terminal in (False, True):
        with pytest.raises(CannotStartError):
            stand.run("no_such_program", terminal=terminal)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_started_programs_leave_no_descriptor(stand: Stand) -> None:
    stand.run(SHELL, "-c", "exit").close()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for terminal in (False, True, False):
        program = stand.run(SHELL, "-c", "exit", terminal=terminal)
        program.wait_end()
        program.close()
        program.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_program_gets_no_descriptor_but_its_three(stand: Stand) -> None:
    program = stand.run(SHELL, "-c", "ls /proc/$$/fd")
    program.wait_end()
    assert program.stdout.data.split() == [b"0", b"1", b"2"]


def test_a_program_runs_in_its_folder_with_our_environment_only(stand: Stand) -> None:
    program = stand.run(SHELL, "-c", 'pwd; test -z "$HOME$USER" && echo clean; echo $LANG; umask')
    program.wait_end()
    work, *rest = program.stdout.data.decode().splitlines()
    assert Path(work).name.startswith("work")
    assert rest == ["clean", "C.UTF-8", "0022"]


def test_a_flood_of_output_is_cut_off(stand: Stand) -> None:
    client = stand.client_of("floods")
    client.send(b"go\n")
    with pytest.raises(FaultError, match="the program printed more than 1 MiB") as caught:
        client.expect(b"never\n")
    assert caught.value.reason is Reason.OUTPUT_FLOOD
    printed = client.program.stdout
    assert printed.size_bytes > LIMITS.output_flood_bytes
    assert len(printed.data) == LIMITS.output_kept_bytes


def test_much_output_is_read_so_that_nobody_blocks(stand: Stand) -> None:
    client = stand.client_of("prints_a_lot")
    client.send(b"go\n")
    client.expect(b"go\n")
    client.program.pump(0)
    assert client.program.stdout.size_bytes == 100_001
    events = [e for e in client.transcript.events if e.kind is EventKind.OUTPUT]
    assert sum(event.size_bytes for event in events) >= LIMITS.output_kept_bytes


STILL = {
    "accept": "blocked in accept, waiting for the next client",
    "recv": "blocked in recv on a socket",
    "read": "blocked in read on its standard input",
    "splice": "blocked in splice on a socket",
    "poll": "blocked in poll",
    "select": "blocked in select",
    "epoll": "blocked in epoll_wait",
    "lock": "blocked in a wait for another thread",
    "sigwaitinfo": "blocked in sigtimedwait",
    "child": "blocked in a wait for a child process; blocked in recv on a socket",
    "zombie": "1 exited child process not reaped; blocked in recv on a socket",
    "two_threads_receive": "2 threads blocked in recv on a socket",
    "main_thread_left": "blocked in recv on a socket",
}
TIMED = {
    "recv_with_timeout": "blocked in recv on a socket",
    "select_with_timeout": "blocked in select with a timeout of its own",
    "timerfd": "blocked in poll",
    "sleep": "sleeping on its own timer",
    "sigtimedwait": "blocked in sigtimedwait with a timeout of its own",
    "sleeping_child": "blocked in a wait for a child process; sleeping on its own timer",
    "one_thread_sleeps": "blocked in recv on a socket; sleeping on its own timer",
    "main_thread_left_and_timeval": "blocked in recv on a socket",
}


#: Their timers run for a thousand seconds, as the kernel or their memory tells.
LATER = {
    "poll_with_timeout": (Verdict.LATER, "blocked in poll with a timeout of its own"),
    "epoll_with_timeout": (Verdict.LATER, "blocked in epoll_wait with a timeout of its own"),
    "lock_with_timeout": (Verdict.PRESUMED_LATER, "blocked in a wait for another thread with a timeout of its own"),
}


def asleep(program: Program) -> tuple[Verdict, str]:
    """The verdict once every thread of it sleeps, and what it does."""

    def look() -> tuple[Verdict, str] | None:
        verdict, snapshot = program.looks.verdict()
        return (verdict, "; ".join(sorted(program.doing(snapshot).split("; ")))) if verdict != Verdict.RUNNING else None

    return program.wait(look)


@pytest.mark.parametrize(("way", "doing"), [*STILL.items(), ("pause", "blocked in pause")])
def test_a_program_that_waits_for_others_is_still(stand: Stand, way: str, doing: str) -> None:
    program = stand.run_ready("sleeper.py", way)
    outcome = program.wait_still()
    assert outcome.why is Why.STILL
    assert "; ".join(sorted(outcome.doing.split("; "))) == doing


@pytest.mark.parametrize(("way", "doing"), TIMED.items())
def test_a_program_that_waits_for_its_own_clock_is_not_still(stand: Stand, way: str, doing: str) -> None:
    assert asleep(stand.run_ready("sleeper.py", way)) == (Verdict.TIMER, doing)


@pytest.mark.parametrize(("way", "expected"), LATER.items())
def test_a_timer_that_runs_out_later_than_the_deadline_is_told_apart(
    stand: Stand, way: str, expected: tuple[Verdict, str]
) -> None:
    program = stand.run_ready("sleeper.py", way)
    assert asleep(program) == expected
    assert program.looks.verdict(within_s=1e6)[0] is Verdict.TIMER


@pytest.mark.parametrize(
    ("way", "how"),
    [("poll_with_timeout", "silent"), ("poll_with_timeout", "hurried"), ("lock_with_timeout", "hurried")],
)
def test_a_deadline_that_will_surely_pass_is_not_waited_for(stand: Stand, way: str, how: str) -> None:
    program = stand.run_ready("sleeper.py", way)
    clock = Deadline(60)
    began = time.monotonic()
    with pytest.raises(NoProgressError) as stop:
        program.wait(lambda: None, within=clock, hurried=how == "hurried", silent=how == "silent")
    assert time.monotonic() - began < 30
    assert (stop.value.why, stop.value.verdict, clock.is_over) == (Why.DEADLINE, LATER[way][0], False)
    assert stop.value.doing.endswith("; no timer of its own runs out in the time allowed")


@pytest.mark.parametrize(("way", "silent"), [("lock_with_timeout", True), ("poll_with_timeout", False)])
def test_a_deadline_passes_where_memory_says_so_alone_or_where_it_paces_what_we_do(
    stand: Stand, way: str, silent: bool
) -> None:
    program = stand.run_ready("sleeper.py", way)
    began = time.monotonic()
    with pytest.raises(NoProgressError) as stop:
        program.wait(lambda: None, deadline_s=0.3, silent=silent)
    assert time.monotonic() - began >= 0.3
    assert (stop.value.why, stop.value.verdict) == (Why.DEADLINE, LATER[way][0])
    assert "no timer" not in stop.value.doing


def test_what_will_sleep_for_long_uses_no_cpu(stand: Stand) -> None:
    began = time.monotonic()
    assert stand.run_ready("sleeper.py", "poll_with_timeout").cpu_share(60) is None
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("way", ["alarm", "awaited_alarm", "interval_timer", "child_with_alarm", "closed_timer"])
def test_a_program_that_a_clock_will_wake_which_nobody_sees_is_not_still(stand: Stand, way: str) -> None:
    program = stand.run_ready("sleeper.py", way)
    assert asleep(program)[0] is Verdict.TIMER
    stand.warden.end()
    assert asleep(stand.run_ready("sleeper.py", "child"))[0] is Verdict.STILL  # another program is another matter


def test_whatever_a_program_does_while_it_makes_clocks_the_warden_answers(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "alarms_in_a_storm")
    seen = program.wait(lambda: next((one for one in program.looks.snapshot() if one.alarms), None))
    assert seen.timers is False
    assert stand.warden.freeze()
    stand.warden.thaw()
    program.wait(lambda: True if program.looks.snapshot() else None)
    stand.warden.end()
    assert stand.warden.snapshot() == ()


@pytest.mark.alone
def test_a_deadline_tells_what_kept_the_program_from_being_still(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "sleep")
    outcome = program.wait_still(0.05)
    assert (outcome.why, outcome.verdict) == (Why.DEADLINE, Verdict.TIMER)
    stand.warden.end()
    outcome = stand.run_ready("sleeper.py", "spins").wait_still(0.5)
    assert (outcome.why, outcome.verdict) == (Why.DEADLINE, Verdict.RUNNING)
    assert re.fullmatch(r"spinning \(([89][0-9]|100)% of a CPU\)", outcome.doing)


def test_a_program_that_keeps_itself_from_running_is_not_kept_by_the_machine(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "starves_itself")
    began = time.monotonic()
    outcome = program.wait_still(0.5)
    assert outcome.why is Why.DEADLINE
    assert time.monotonic() - began < REPLY_WALL_S / 4


def test_waiting_for_an_ended_program_ends_with_it(stand: Stand) -> None:
    program = stand.run(SHELL, "-c", "exit 1")
    began = time.monotonic()
    outcome = program.wait_still()
    assert (outcome.why, outcome.doing) == (Why.ENDED, "it exited with status 1")
    assert time.monotonic() - began < REPLY_S / 2


def test_what_is_awaited_wins_over_the_end(stand: Stand) -> None:
    program = stand.run(SHELL, "-c", "echo last words")
    assert program.wait(lambda: True if b"last words" in program.stdout.data else None)


def test_what_is_printed_just_before_the_program_rests_is_not_missed(stand: Stand) -> None:
    program = stand.run_ready("typist.py", "dies")

    look = program.looks.verdict

    def latest(within_s: float = REPLY_S) -> tuple[Verdict, Snapshot]:
        """It prints at the latest moment: after our last look at its output, before the verdict."""
        if os.write(program.started.stdin, b"now\n"):
            select.select([program.started.stdout], [], [], 5)
        return asleep_again(partial(look, within_s))

    program.looks.verdict = latest  # type: ignore[method-assign]  # what the waiting calls
    assert program.wait(lambda: True if b"line" in program.stdout.data else None)


def test_who_waits_for_room_for_its_output_is_not_still(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "prints_by_epoll")
    assert program.wait(lambda: program.stdout.size_bytes >= 1 << 19 or None)


def asleep_again(look: Callable[[], tuple[Verdict, Snapshot]]) -> tuple[Verdict, Snapshot]:
    while (seen := look())[0] is Verdict.RUNNING:
        pass
    return seen


def press_enter_until_it_sleeps_again(program: Program) -> None:
    """Without reading what it prints."""
    before = [thread.switches for process in program.snapshot() for thread in process.threads]
    os.write(program.started.stdin, b"\n")
    while True:
        threads = [thread for process in program.snapshot() for thread in process.threads]
        if [thread.switches for thread in threads] != before and all(thread.state == "S" for thread in threads):
            return


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_printed_just_before_it_sleeps_is_there_after_catching_up(stand: Stand, terminal: bool) -> None:
    program = stand.run_client("counts", terminal=terminal)
    program.wait_still()
    printed = b""
    for number in range(1, 41):
        press_enter_until_it_sleeps_again(program)
        program.catch_up()
        printed += b"<%d>" % number
        assert program.stdout.data == printed


def test_catching_up_leaves_no_trace(stand: Stand) -> None:
    program = stand.run_client("counts")
    for _ in range(20):
        program.catch_up()
    assert program.stdout.data == b""
    assert program.stdout.size_bytes == 0
    os.write(program.started.stdin, b"\n")
    program.wait_still()
    assert program.stdout.data == b"<1>"


def test_a_stopped_terminal_does_not_hold_us_up(stand: Stand) -> None:
    program = stand.run_client("stops_its_terminal")
    program.wait_still()
    assert program.stdout.data == b"before"
    press_enter_until_it_sleeps_again(program)
    began = time.monotonic()
    program.catch_up()
    assert time.monotonic() - began < REPLY_S
    assert program.stdout.data == b"before"
    assert program.wait_still().doing == "blocked in read on its standard input"


def test_an_end_brings_what_was_printed_last_on_a_terminal(stand: Stand) -> None:
    for _ in range(10):
        program = stand.run(SHELL, "-c", "printf last", terminal=True, echo=False)
        program.wait_end()
        assert program.stdout.data == b"last"
        stand.warden.end()


def test_catching_up_with_an_ended_program_is_nothing(stand: Stand) -> None:
    for terminal in (True, False):
        program = stand.run(SHELL, "-c", "printf last", terminal=terminal, echo=False)
        program.wait_end()
        program.catch_up()
        program.close()
        program.catch_up()
        assert program.stdout.data == b"last"


def test_without_echo_nothing_is_added_to_what_is_printed(stand: Stand) -> None:
    program = stand.run(SHELL, "-c", 'read line; echo "got $line"', terminal=True, echo=False)
    os.write(program.started.stdin, b"typed\n")
    program.wait_end()
    assert program.stdout.data == b"got typed\n"


def test_a_child_that_outlives_its_parent_is_still_the_program(stand: Stand) -> None:
    program = stand.run(SHELL, "-c", "sleep 1000 & exit 0")
    assert program.wait_end().status == 0
    program.wait(lambda: True if [p.name for p in program.remaining()] == ["sleep"] else None, until_end=False)
    stand.warden.end()
    assert stand.warden.snapshot() == ()


@pytest.mark.alone
@pytest.mark.parametrize(("way", "least", "most"), [("spins", 0.5, 1.5), ("sleep", 0.0, 0.2)])
def test_the_cpu_share_of_a_program(stand: Stand, way: str, least: float, most: float) -> None:
    share = stand.run_ready("sleeper.py", way).cpu_share(0.1)
    assert share is not None
    assert least <= share <= most


def test_a_still_program_uses_no_cpu(stand: Stand) -> None:
    assert stand.run_ready("sleeper.py", "accept").cpu_share(5) is None


def states(stand: Stand) -> set[str]:
    return {thread.state for process in stand.warden.snapshot() for thread in process.threads}


#: Elsewhere a stop interrupts calls for good; see `sandbox/restart.py`.
RESTARTS = pytest.mark.skipif(os.uname().machine != "x86_64", reason="calls begin again on x86_64 alone")


@RESTARTS
@pytest.mark.parametrize("way", ["epoll_without_eintr", "receive_without_eintr", "threads_without_eintr"])
def test_a_stop_interrupts_no_call(stand: Stand, way: str) -> None:
    program = stand.run_ready("sleeper.py", way)
    before = program.wait_still()  # asleep in the call, not on its way there
    for _ in range(3):
        with program.frozen():
            assert states(stand) == {"T"}
    assert program.wait_still().doing == before.doing
    assert program.ending() is None


ENDS_WHEN_CONTINUED = """
import os, signal
signal.signal(signal.SIGCONT, lambda *_: os._exit(3))
print("ready", flush=True)
while True:
    {waits}
"""


def test_a_program_that_ends_of_a_stop_alone_is_not_judged_by_what_follows(stand: Stand) -> None:
    program = stand.run(*PYTHON, "-c", ENDS_WHEN_CONTINUED.format(waits="signal.pause()"))
    wait_printed(program, b"ready")
    program.wait_still()
    entered = False
    with pytest.raises(UnprovedError) as caught, program.frozen():
        entered = True
    assert caught.value.what == (
        "stopped and continued (SIGSTOP, SIGCONT) while nothing was asked of it, it did not carry on"
    )
    assert (caught.value.reason, caught.value.doing) == (Reason.UNPROVED, "it exited with status 3")
    assert not entered
    assert EventKind.FROZEN not in {event.kind for event in program.transcript.events}


@pytest.mark.parametrize("waits", ["signal.pause()", "import select; select.epoll().poll()"])
def test_a_program_that_ends_of_a_stop_alone_a_second_time_is_at_fault(stand: Stand, waits: str) -> None:
    stops = Stops()
    for expected in (UnprovedError, FaultError):
        program = stand.run(*PYTHON, "-c", ENDS_WHEN_CONTINUED.format(waits=waits), stops=stops)
        wait_printed(program, b"ready")
        program.wait_still()
        with pytest.raises(expected) as caught, program.frozen():
            pass
    fault = caught.value
    assert isinstance(fault, FaultError)
    assert (fault.reason, fault.doing) == (Reason.ENDED_BY_STOP, "it exited with status 3")


def test_a_program_that_survives_another_stop_is_judged(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "accept", stops=Stops(ended_of_it=True))
    with program.frozen():
        assert states(stand) == {"T"}


@pytest.mark.alone
def test_a_program_that_is_known_to_spin_is_waited_for_shorter_where_nothing_passes_by_it(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "spins")
    words = "0.5 s on a CPU were enough, since earlier checks had waited longer for it in vain"
    assert words not in spun_through(program, hurried=True), "not known yet"
    for _ in range(SPINNING_CHECKS):
        program.spinning.end_check()
        program.spinning._in_this_one = True
    program.spinning.end_check()
    assert spun_through(program, hurried=True).endswith(f"; {words}")
    assert words not in spun_through(program, hurried=False)


def spun_through(program: Program, *, hurried: bool) -> str:
    """What it does at the end of a wait for what never comes."""
    with pytest.raises(NoProgressError) as caught:
        program.wait(lambda: None, deadline_s=0.6, hurried=hurried)
    assert caught.value.why is Why.DEADLINE
    return caught.value.doing


class CountingWarden(WardenClient):
    """A warden that counts how often it was told to stop the program."""

    stops = 0

    def freeze(self) -> bool:
        self.stops += 1
        return super().freeze()


def test_a_stop_is_rehearsed_once(stand: Stand, channel: Channel) -> None:
    program = stand.run_ready("sleeper.py", "epoll")
    warden = program.warden = CountingWarden(channel)
    stops = []
    for _ in range(2):
        with program.frozen():
            stops.append(warden.stops)
    assert stops == [2, 3]
    assert program.wait_still().doing == "blocked in epoll_wait"


@pytest.mark.parametrize(("way", "status"), [("sleep", -15), ("accept", -15)])
def test_sigterm_asks_it_to_end(stand: Stand, way: str, status: int) -> None:
    program = stand.run_ready("sleeper.py", way)
    program.terminate()
    assert program.wait_end().status == status
    kinds = [event.kind for event in program.transcript.events]
    assert kinds.index(EventKind.SIGNAL) < kinds.index(EventKind.EXITED)


@pytest.mark.parametrize("way", ["spins", "child", "two_threads_receive"])
def test_freezing_stops_every_thread_until_thawed(stand: Stand, way: str) -> None:
    program = stand.run_ready("sleeper.py", way)
    with program.frozen():
        assert states(stand) == {"T"}
        assert program.doing() in {"stopped", "2 threads stopped", "2 processes stopped"}
    program.wait(lambda: True if "T" not in states(stand) else None)


def test_a_program_whose_first_thread_has_left_is_known_as_any_other(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "main_thread_left")
    program.wait_still()
    (seen,) = program.snapshot()
    assert [thread.state for thread in seen.threads] == ["Z", "S"]
    assert seen.state == "S"
    assert sum(target.startswith("socket:") for target in seen.files.values()) == 3
    assert seen.resident_bytes > 1 << 20
    with program.frozen():
        assert states(stand) == {"Z", "T"}


def test_a_program_whose_first_thread_has_left_is_ended_as_any_other(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "main_thread_left")
    program.wait_still()
    stand.warden.end()
    assert program.remaining() == ()


def test_a_frozen_program_reads_nothing(stand: Stand) -> None:
    client = stand.client_of("lines")
    with client.program.frozen():
        client.send(b"one\n")
        client.send(b"two\n")
        client._sender.wait_arrived()
        row = client.row()
        assert row is not None
        assert row.receive_queue == 8
    client.expect(b"ONE\nTWO\n")


@pytest.mark.parametrize(("how", "status"), [("dies", -2), ("handles", 3)])
def test_ctrl_c_at_the_terminal_is_sigint(stand: Stand, how: str, status: int) -> None:
    program = stand.run_ready("typist.py", how, terminal=True)
    assert program.wait_rest(SETTLE_S)  # Python sees a signal that comes right before its read only after it
    program.press_ctrl_c()
    assert program.wait_end().status == status
    # The signal goes before its echo, so the program's answer to it may too.
    assert program.stdout.data.count(b"^C") == 1
    assert program.stdout.data.count(b"goodbye\r\n") == (how == "handles")


def test_ctrl_c_that_is_ignored_ends_nothing(stand: Stand) -> None:
    program = stand.run_ready("typist.py", "ignores", terminal=True)
    program.press_ctrl_c()
    with pytest.raises(NoProgressError) as caught:
        program.wait_end()
    assert (caught.value.why, caught.value.doing) == (Why.STILL, "blocked in read on its standard input")
    assert b"^C" in program.stdout.data


TERMINALS = (
    *("no_echo", "no_control_echo", "other_key", "no_key", "stopped_output"),
    *("in_the_background", "left_its_terminal", "closed_its_terminal"),
)


@pytest.mark.parametrize("terminal", TERMINALS)
def test_no_terminal_keeps_ctrl_c_from_a_program(stand: Stand, terminal: str) -> None:
    program = stand.run_ready("typist.py", terminal, terminal=True)
    program.wait_still()
    program.press_ctrl_c()
    assert program.wait_end().status == -2


@pytest.mark.parametrize("terminal", TERMINALS)
def test_whoever_ignores_ctrl_c_goes_on_whatever_its_terminal_is(stand: Stand, terminal: str) -> None:
    program = stand.run_ready("typist.py", "ignores", terminal, terminal=True)
    program.wait_still()
    program.press_ctrl_c()
    with pytest.raises(NoProgressError) as caught:
        program.wait_end()
    assert caught.value.why is Why.STILL


def test_a_handler_is_called_once(stand: Stand) -> None:
    for terminal in ("no_control_echo", "other_key", "left_its_terminal"):
        program = stand.run_ready("typist.py", "handles", terminal, terminal=True)
        program.wait_still()
        program.press_ctrl_c()
        assert program.wait_end().status == 3
        assert program.stdout.data.count(b"goodbye") == 1
        stand.warden.end()


def test_ctrl_c_behind_what_nobody_has_read_is_sigint_all_the_same(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "pause", terminal=True)
    os.write(program.started.stdin, b"typed ahead\n")
    program.press_ctrl_c()
    assert program.wait_end().status == -2


def test_ctrl_c_without_signals_is_a_byte_like_any_other(stand: Stand) -> None:
    program = stand.run_ready("typist.py", "no_signals", terminal=True)
    assert program.press_ctrl_c() is MadeOfCtrlC.BYTE
    with pytest.raises(NoProgressError) as caught:
        program.wait_end()
    assert caught.value.why is Why.STILL


def test_a_program_that_reads_the_key_itself_gets_it_and_no_signal(stand: Stand) -> None:
    program = stand.run_ready("typist.py", "raw", terminal=True)
    program.wait_still()
    program.press_ctrl_c()
    assert program.wait_end().status == 4


def test_ctrl_c_for_an_ended_program_is_nothing(stand: Stand) -> None:
    program = stand.run(SHELL, "-c", "exit 3", terminal=True)
    program.wait_end()
    program.press_ctrl_c()
    assert program.ending() == Ending(3, out_of_memory=False)


def test_a_second_program_does_not_see_the_end_of_the_first(stand: Stand) -> None:
    first = stand.run(SHELL, "-c", "exit 4")
    assert first.wait_end().status == 4
    stand.warden.end()
    second = stand.run_ready("sleeper.py", "pause")
    assert second.ending() is None


def test_a_program_that_eats_memory_is_killed_for_it(stand: Stand) -> None:
    grow = "import mmap; m = mmap.mmap(-1, 1 << 30)\nfor at in range(0, 1 << 30, 4096): m[at] = 1"
    program = stand.run(*PYTHON, "-c", f"{grow}\nimport signal; signal.pause()")
    ending = program.wait_end()
    assert ending == Ending(-9, out_of_memory=True)
    assert program.doing() == "it was killed because it used more memory than allowed"


def test_an_unknown_socket_has_no_known_timeout(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "accept")
    asked = [(program.pid, 0), (program.pid, 999), (os.getpid() ^ 0x3FFFFF, 3)]
    assert set(stand.warden.socket_timeouts(asked).values()) == {None}
    assert stand.warden.socket_timeouts([]) == {}


def test_a_connection_to_itself_may_be_a_clock(stand: Stand) -> None:
    connect = (
        "l = socket.create_server(('127.0.0.1', 0)); k = socket.create_connection(l.getsockname()); s, _ = l.accept()"
    )
    ask = "s.setsockopt(1, socket.SO_KEEPALIVE, 1); s.setsockopt(6, socket.TCP_KEEPIDLE, 30); k.close()"
    program = stand.run(
        *PYTHON, "-c", f"import select, socket\n{connect}\n{ask}\np = select.poll(); p.register(s, 0); p.poll()"
    )
    program.wait_rest(10.0)
    assert program.looks.verdict(60.0)[0] is Verdict.TIMER, "what the kernel asks for, is answered by a reset"
    assert program.looks.verdict(2.0)[0] is Verdict.STILL


def test_what_a_program_keeps_in_pipes_and_sockets_counts_once(stand: Stand) -> None:
    fill = "a, b = os.pipe(); os.write(b, bytes(50_000)); c, d = socket.socketpair(); c.send(bytes(50_000))"
    program = stand.run(*PYTHON, "-c", f"import os, signal, socket; {fill}; os.fork(); signal.pause()")
    program.wait_rest(10.0)
    held = program.looks.held_bytes(program.snapshot())
    assert 100_000 <= held < 250_000, "a Unix socket's may count at both ends, and nothing for both processes"
    assert stand.warden.held_bytes([]) == 0


def test_a_question_that_fails_is_our_error_and_the_warden_goes_on(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "pause")
    with pytest.raises(WardenError, match=r"send_signal: .*Invalid argument"):
        stand.warden.send_signal(program.pid, 1000)
    assert program.ending() is None


def test_the_wardens_end_is_noticed_by_its_client(tmp_path: Path) -> None:
    with warden_process(tmp_path) as (process, sock):
        client = WardenClient(Channel(sock))
        assert client.snapshot() == ()
        process.kill()
        process.wait()
        with pytest.raises(ChannelClosedError):
            client.snapshot()


@pytest.mark.parametrize("who", ["driver", "host"])
def test_the_end_of_driver_or_host_ends_the_program(tmp_path: Path, who: str) -> None:
    with warden_process(tmp_path) as (process, sock):
        started = WardenClient(Channel(sock)).start((SHELL, "-c", "sleep 1000 & sleep 1000"), {}, terminal=False)
        assert process.stdin
        sock.close() if who == "driver" else process.stdin.close()
        assert process.wait(10) == 0
        # Nobody holds the writing end any more, neither the program nor its child.
        assert os.read(started.stdout, 1) == b""
        for descriptor in (started.pidfd, started.stdin, started.stdout, started.stderr):
            os.close(descriptor)


def test_what_keeps_the_warden_from_starting_a_program_is_not_the_programs_fault(stand: Stand) -> None:
    with pytest.raises(WardenError, match="start: TypeError"):
        stand.warden.start(("true",), {"PATH": os.defpath, "A": 1}, terminal=False)  # type: ignore[dict-item]


def test_a_wait_is_cut_short_when_the_time_for_all_checks_is_used_up(stand: Stand) -> None:
    program = stand.run("sleep", "1000")
    program.serve_check(ForCheck(program.transcript, time.monotonic()))
    with pytest.raises(UnprovedError, match="the time for all its checks was used up during this one") as caught:
        program.wait_end()
    assert caught.value.reason is Reason.TIME_BUDGET


def test_what_is_mapped_and_never_used_counts_for_nothing(stand: Stand) -> None:
    """As gcc's sanitizers do it; 0x4000 is MAP_NORESERVE of mmap(2)."""
    maps = "import mmap; mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)"
    assert stand.run(*PYTHON, "-c", maps).wait_end().status == 0


def test_looking_at_many_threads_takes_a_part_of_the_time_only(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "spins_among_many")
    took: list[float] = []
    look = program.looks.verdict

    def timed(within_s: float = REPLY_S) -> tuple[Verdict, Snapshot]:
        began = time.monotonic()
        found = look(within_s)
        took.append(time.monotonic() - began)
        return found

    program.looks.verdict = timed  # type: ignore[method-assign]  # what the waiting calls
    began = time.monotonic()
    assert program.wait_still(0.3).why is Why.DEADLINE
    elapsed = time.monotonic() - began
    assert len(took) > 1
    assert sum(took[:-1]) < elapsed / 4  # after the last one it does not wait


def test_many_threads_that_rest_are_known_to(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "many_sleep")
    for _ in range(3):  # the second and third time it may not be looked at before some time has passed
        assert program.wait_rest(1)


FORKS = """
import os, socket, sys, signal, threading
{before}
for _ in range({children}):
    if os.fork() == 0:
        {in_each}
        signal.pause()
{after}
print("ready", flush=True)
signal.pause()
"""
MORE_THAN_A_PROGRAM_NEEDS: dict[str, dict[str, str]] = {
    "processes and threads": {"children": "260"},
    "open descriptors": {"children": "9", "before": "for _ in range(990): os.dup(0)"},
    "sockets": {
        "children": "2",
        "in_each": "kept = [socket.create_connection(there) for _ in range(520)]; os.write(met_end, b'.' )",
        "before": "listener = socket.create_server(('127.0.0.1', 0), backlog=4096); there = listener.getsockname(); "
        "met, met_end = os.pipe()",
        "after": "[os.read(met, 1) for _ in range(2)]",
    },
}


@pytest.mark.parametrize("what", list(MORE_THAN_A_PROGRAM_NEEDS))
def test_a_program_that_has_more_to_look_at_than_it_needs_is_at_fault(stand: Stand, what: str) -> None:
    parts = {"before": "", "in_each": "", "after": "", **MORE_THAN_A_PROGRAM_NEEDS[what]}
    program = stand.run(*PYTHON, "-c", FORKS.format(**parts))
    wait_printed_unseen(program, b"ready")
    words = rf"it has \d+ {what} for 0 clients; the limit is \d+, plus "
    with pytest.raises(FaultError, match=words) as caught:
        program.wait_still()
    expected = Reason.TOO_MANY_PROCESSES if what.startswith("processes") else Reason.TOO_MANY_FILES
    assert caught.value.reason is expected


def wait_printed_unseen(program: Program, words: bytes) -> None:
    """Until it has printed these words, without a look at what it does."""
    while words not in program.stdout.data:
        program.pump(1.0)


def test_of_clients_that_have_come_a_program_may_have_more(stand: Stand) -> None:
    program = stand.run(*PYTHON, "-c", FORKS.format(before="", children=130, in_each="", after=""))
    wait_printed_unseen(program, b"ready")
    program.talks._met = 1
    assert program.wait_still().why is Why.STILL


def test_of_too_many_files_only_the_number_is_told(stand: Stand) -> None:
    stand.run_ready("sleeper.py", "accept")
    (whole,) = stand.warden.snapshot(files=True)
    assert len(whole.files) > 3
    (few,) = stand.warden.snapshot(files=True, most_files=len(whole.files) - 1)
    assert (few.files, few.unread_files) == ({}, len(whole.files))
    (enough,) = stand.warden.snapshot(files=True, most_files=len(whole.files))
    assert (enough.files, enough.unread_files) == (whole.files, 0)


def test_where_nobody_else_uses_the_network_sockets_in_no_hands_count_as_well(stand: Stand) -> None:
    program = stand.run_ready("sleeper.py", "accept")
    stranger = SocketRow(2, TcpState.CLOSE_WAIT, Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2), 0, 0, 0)
    program.looks._table = (table := CrowdedTable(stranger, 1100))
    assert program.looks.sockets() == {}, "they may be anybody's"
    table.private = True
    with pytest.raises(FaultError, match="it has 1100 sockets"):
        program.looks.sockets()
    table.close()


class CrowdedTable(SocketTable):
    """A table that holds one row many times."""

    def __init__(self, row: SocketRow, count: int) -> None:
        super().__init__()
        self._rows = [row] * count

    def dump(self, *_: TcpState) -> list[SocketRow]:
        """Always the same."""
        return self._rows

    def dump_udp(self) -> list[SocketRow]:
        """None."""
        return []
