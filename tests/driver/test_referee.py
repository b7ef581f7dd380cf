"""The driver as a whole, with checks that end in every way: whose fault each end is, and what follows from it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import pytest

from grader.catalogue import START_BY_HAND
from grader.errors import Reason
from grader.job import Built, Checked, Finished, Job, Refused, Word
from grader.limits import SandboxLimits
from grader.model import Compared, EventKind, Outcome
from tests.driver.play import ECHO, Played, job, play

ENDS = '''
def test_passes(connect, protocol):
    """Echoes"""
    print("a check may print what it likes")
    with connect() as client:
        exchange = protocol.exchange(7)
        client.send(exchange.request)
        client.expect(exchange.reply)

def test_fails(connect):
    """Is at fault

    Only the first line is a title.
    """
    with connect() as client:
        client.send(b"hello\\n")
        client.expect(b"HELLO\\n")

def test_is_unproved():
    raise UnprovedError("could not be seen", doing="running")

def test_is_starved():
    raise UnprovedError("no time", Reason.STARVED)

def test_has_an_error():
    raise KeyError("its own")

def test_asserts():
    """Says it in its own words"""
    assert 1 + 1 == 3, "one and one are two"

def test_exits():
    raise SystemExit(5)

def test_fails_in_words(connect):
    with connect() as client:
        client.send(b"hello\\n")
        fail(None, "it is not as it should be", expected=b"HELLO", received=b"HELlO")

def test_fails_for_no_fault():
    fail(Reason.STARVED, "no program's fault")

def test_asks_the_protocol(protocol):
    protocol.breaks()

def test_needs_passed():
    pass

def test_needs_failed():
    raise KeyError("must not be played")

def test_needs_skipped():
    raise KeyError("must not be played")

def test_needs_unproved():
    raise KeyError("must not be played")

def test_needs_unjudged():
    raise KeyError("must not be played")

def test_is_not_asked_for():
    raise KeyError("must not be played")
'''
# Not the order in which they are written, and prerequisites in the middle.  The two that share a server come first.
ORDER = (
    "passes",
    "needs_passed",
    "fails",
    "is_unproved",
    "needs_failed",
    "needs_skipped",
    "needs_unproved",
    "needs_unjudged",
    "has_an_error",
    "asserts",
    "exits",
    "fails_in_words",
    "fails_for_no_fault",
    "asks_the_protocol",
    "is_starved",
)
NEEDS = {
    "needs_passed": "server.passes",
    "needs_failed": "server.fails",
    "needs_skipped": "server.needs_failed",
    "needs_unproved": "server.is_unproved",
    "needs_unjudged": "server.needs_unproved",
}


def test_every_end_has_its_outcome_and_reason(tmp_path: Path) -> None:
    what = job(ENDS, *ORDER, needs=NEEDS)
    protocol = what.assignment.files["protocol.py"] + b'\ndef breaks(rng): raise AssertionError("broken")\n'
    played = play(with_protocol(what, protocol), tmp_path)
    assert played.status == 0, played.complaints
    assert [(name, check.outcome, check.reason) for name, check in played.checks.items()] == [
        ("passes", Outcome.PASSED, None),
        ("fails", Outcome.FAILED, Reason.WRONG_REPLY),
        ("fails_in_words", Outcome.FAILED, Reason.NOT_AS_REQUIRED),
        ("needs_passed", Outcome.PASSED, None),
        ("is_unproved", Outcome.INCONCLUSIVE, Reason.UNPROVED),
        ("needs_failed", Outcome.SKIPPED, Reason.PREREQUISITE),
        ("needs_skipped", Outcome.SKIPPED, Reason.PREREQUISITE),
        ("needs_unproved", Outcome.SKIPPED, Reason.PREREQUISITE_UNJUDGED),
        ("needs_unjudged", Outcome.SKIPPED, Reason.PREREQUISITE_UNJUDGED),
        ("has_an_error", Outcome.ERROR, Reason.ASSIGNMENT_ERROR),
        ("asserts", Outcome.ERROR, Reason.ASSIGNMENT_ERROR),
        ("exits", Outcome.ERROR, Reason.ASSIGNMENT_ERROR),
        ("fails_for_no_fault", Outcome.ERROR, Reason.ASSIGNMENT_ERROR),
        ("asks_the_protocol", Outcome.ERROR, Reason.ASSIGNMENT_ERROR),
        ("is_starved", Outcome.INCONCLUSIVE, Reason.STARVED),
    ]
    assert isinstance(played.words[0], Built)
    assert played.finished
    assert {name: check.points for name, check in played.checks.items() if check.points} == {
        "passes": 2,
        "needs_passed": 2,
    }
    assert {check.max_points for check in played.checks.values()} == {2}

    failed = played.checks["fails"]
    assert (failed.title, failed.requirement.number, failed.hint) == ("Is at fault", "1.1", "")
    assert failed.message.splitlines() == [
        "Client A received a different reply.",
        "client A sent: 'hello\\n'",
        "expected: 'HELLO\\n'",
        "received: 'hello\\n'",
        "           ^",
        "the program: blocked in recv on client A's connection",
    ]
    kinds = [event.kind for event in failed.evidence]
    conversation = [EventKind.CONNECTED, EventKind.SENT, EventKind.RECEIVED]
    assert kinds[-5:] == [*conversation, EventKind.VERDICT, EventKind.CLOSED]
    doing = "The program: blocked in recv on client A's connection."
    assert failed.evidence[-2].text == f"Client A received a different reply. {doing}"
    assert failed.compared == Compared(expected=b"HELLO\n", received=b"hello\n", difference=0)
    assert EventKind.STARTED not in kinds, "the program of the passed check was shared"

    assert played.checks["is_unproved"].message == "Could not be seen.\nthe program: running"
    for name, told in {
        "has_an_error": "test_own.py, line 31: KeyError: 'its own'",
        "asserts": "test_own.py, line 35: AssertionError: one and one are two",
        "exits": "test_own.py, line 38: SystemExit: 5",
        "fails_for_no_fault": "test_own.py, line 46: ValueError: a program can't be failed for starved",
        "asks_the_protocol": "protocol.py, line 7: AssertionError: broken",
    }.items():
        assert played.checks[name].message == f"In {told}."
    assert played.checks["fails_in_words"].message.splitlines() == [
        "It is not as it should be.",
        "client A sent: 'hello\\n'",
        "expected: 'HELLO'",
        "received: 'HELlO'",
        "              ^",
    ]
    assert played.checks["needs_failed"].depends_on == "server.fails"
    assert played.checks["needs_failed"].message == "skipped: depends on “Is at fault”, which did not pass"
    assert played.checks["needs_unproved"].message.endswith("“test_is_unproved”, which could not be judged")


def test_a_server_that_never_listens_fails_one_check_and_the_rest_are_not_played(tmp_path: Path) -> None:
    own = """
    def test_asks_nobody():
        raise KeyError("must not be played")
    """
    checks = ("listens", "answers", "asks_nobody")
    played = play(job(own, *checks, program="import sys; sys.exit('no socket today')"), tmp_path)
    assert [(name, check.outcome, check.reason) for name, check in played.checks.items()] == [
        ("listens", Outcome.FAILED, Reason.CRASHED),
        ("answers", Outcome.SKIPPED, Reason.PREREQUISITE),
        ("asks_nobody", Outcome.SKIPPED, Reason.PREREQUISITE),
    ]
    first, second = played.checks["listens"].message, played.checks["answers"].message
    assert "the program: it exited with status 1\nit printed on stderr:\n  no socket today" in first
    assert played.checks["listens"].hint
    assert second == "skipped: depends on a server that listens: the program crashed or exited with an error"


def test_without_the_check_for_it_the_first_one_tells_why_nothing_listens(tmp_path: Path) -> None:
    own = """
    def test_asks_nobody():
        raise KeyError("must not be played")
    """
    played = play(job(own, "answers", "asks_nobody", program="import no_such_library"), tmp_path)
    first, second = played.checks["answers"], played.checks["asks_nobody"]
    assert (first.outcome, first.reason) == (Outcome.FAILED, Reason.CRASHED)
    assert "no_such_library" in first.message
    assert "no_such_library" in first.hint
    assert (second.outcome, second.reason) == (Outcome.SKIPPED, Reason.PREREQUISITE)


def test_a_program_that_was_never_reached_gets_no_hint_about_what_the_check_is_for(tmp_path: Path) -> None:
    played = play(job("", "answers", program="print('no server')"), tmp_path)
    check = played.checks["answers"]
    assert (check.outcome, check.reason) == (Outcome.FAILED, Reason.EXITED)
    assert check.hint == START_BY_HAND


def test_after_the_whole_time_nothing_is_started(tmp_path: Path) -> None:
    own = """
    def test_one():
        raise KeyError("must not be played")
    """
    played = play(job(own, "one", limits=SandboxLimits(whole_s=1e-6)), tmp_path)
    check = played.checks["one"]
    assert (check.outcome, check.reason) == (Outcome.INCONCLUSIVE, Reason.TIME_BUDGET)
    assert check.message == "The 0 s for all checks of the server were used up before."
    assert check.evidence == ()


def test_a_program_that_has_too_much_to_look_at_is_not_started_again(tmp_path: Path) -> None:
    own = """
    def test_looks(connect):
        with connect() as client:
            client.send(b"x")
            client.expect(b"x")
            client.expect_nothing(Reason.EXTRA_REPLY, "more came")

    def test_comes_later(server):
        raise KeyError("must not be played")
    """
    crowd = "for _ in range(140): threading.Thread(target=threading.Event().wait).start()"
    program = ECHO.replace("import socket", "import threading, socket").replace(
        "with sock:", f"{crowd}\n        with sock:"
    )
    played = play(job(own, "looks", "comes_later", program=program), tmp_path)
    assert [(check.outcome, check.reason) for check in played.checks.values()] == [
        (Outcome.FAILED, Reason.TOO_MANY_PROCESSES)
    ] * 2
    words = played.checks["comes_later"].message
    assert words.startswith(
        "In an earlier check it had 141 processes and threads for 1 client; the limit is 128, plus 4"
    )


def test_only_chosen_checks_are_played(tmp_path: Path) -> None:
    own = """
    def test_one():
        pass

    def test_two():
        pass
    """
    played = play(job(own, "one", "two", chosen=frozenset({"server.two"})), tmp_path)
    assert list(played.checks) == ["two"]


def refused(played: Played) -> str:
    """Why an assignment's own files could not be played, where nothing else was said."""
    assert [type(word) for word in played.words] == [Refused, Finished], "nothing was built"
    return "\n".join(str(flaw) for word in played.words if isinstance(word, Refused) for flaw in word.flaws)


def test_a_check_that_does_not_exist_is_no_verdict(tmp_path: Path) -> None:
    assert refused(play(job("", "is_not_there"), tmp_path)) == (
        "assignment.toml: there is no check server.is_not_there"
    )


def test_a_check_whose_messages_the_protocol_does_not_have_is_no_verdict(tmp_path: Path) -> None:
    played = play(job("", "listens", "long_message"), tmp_path)
    assert refused(played) == "assignment.toml: check server.long_message needs sized, which protocol.py does not have"


@pytest.mark.parametrize(
    ("protocol", "why"),
    [
        (b"import no_such_module", "protocol.py, line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        (b"\nif:", "protocol.py, line 2: SyntaxError: invalid syntax"),
        (b"raise SystemExit(3)", "protocol.py, line 1: SystemExit: 3"),
        (
            b"def exchange(number): pass",
            (
                "protocol.py, line 1: exchange of protocol.py must be a function exchange(number, rng), where rng is "
                "the run's random source"
            ),
        ),
        (
            b"def exchange(number, rng):\n    return len(number)",
            (
                "protocol.py, line 1: exchange of protocol.py raises TypeError(\"object of type 'int' has no len()\") "
                "in line 2"
            ),
        ),
    ],
)
def test_a_protocol_that_cannot_be_read_is_its_authors_fault(tmp_path: Path, protocol: bytes, why: str) -> None:
    assert refused(play(with_protocol(job("", "listens"), protocol), tmp_path)) == why


def with_protocol(what: Job, protocol: bytes, seed: int = 1) -> Job:
    files = {**what.assignment.files, "protocol.py": protocol}
    return msgspec.structs.replace(what, assignment=msgspec.structs.replace(what.assignment, files=files), seed=seed)


def test_messages_are_those_of_the_runs_seed(tmp_path: Path) -> None:
    protocol = b"""
from grader import Exchange

def exchange(number, rng):
    line = b"%d %d\\n" % (number, rng.getrandbits(64))
    return Exchange(line, line)
"""
    own = """
    def test_asks(connect, protocol, rng):
        with connect() as client:
            client.ask(protocol.exchange(3))
            client.send(b"%d\\n" % rng.getrandbits(64))
    """

    def sent(seed: int, turn: int) -> list[bytes]:
        (work := tmp_path / f"{seed} {turn}").mkdir()
        played = play(with_protocol(job(own, "asks"), protocol, seed), work)
        return [event.data for event in played.checks["asks"].evidence if event.kind is EventKind.SENT]

    first = sent(5, 1)
    assert len(first) == 2
    assert sent(5, 2) == first
    assert not {*sent(6, 1)} & {*first}


def test_a_check_may_need_several(tmp_path: Path) -> None:
    own = """
    def test_one():
        pass

    def test_two():
        raise UnprovedError("not seen")

    def test_needs_one():
        pass

    def test_needs_both():
        raise KeyError("must not be played")
    """
    needs = {"needs_one": ("server.one",), "needs_both": ("server.one", "server.two")}
    played = play(job(own, "one", "two", "needs_one", "needs_both", needs=needs), tmp_path)
    assert {name: check.outcome.value for name, check in played.checks.items()} == {
        "one": "passed",
        "two": "inconclusive",
        "needs_one": "passed",
        "needs_both": "skipped",
    }


def test_what_depends_on_a_check_that_held_with_plain_lines_is_tried_and_never_charged_twice(tmp_path: Path) -> None:
    own = """
    def test_sends(stage):
        stage.basics.hold("server.sends")
        raise FaultError(Reason.WRONG_REQUEST, "spaces are gone")

    def test_passes(stage):
        pass

    def test_fails(stage):
        raise FaultError(Reason.NO_REPLY, "and so is this")

    def test_needs_failed():
        raise KeyError("must not be played")

    def test_needs_passed():
        raise FaultError(Reason.NO_REPLY, "and so is this")
    """
    needs = {
        "passes": "server.sends",
        "fails": "server.sends",
        "needs_failed": "server.fails",
        "needs_passed": "server.passes",
    }
    played = play(job(own, "sends", *needs, needs=needs), tmp_path)
    assert {name: (check.outcome.value, check.points, check.depends_on) for name, check in played.checks.items()} == {
        "sends": ("failed", 0, ""),
        "passes": ("passed", 2, ""),
        "fails": ("skipped", 0, "server.sends"),
        "needs_failed": ("skipped", 0, "server.fails"),
        "needs_passed": ("skipped", 0, "server.sends"),
    }


def test_a_check_that_was_not_played_leaves_the_program_to_the_next(tmp_path: Path) -> None:
    own = """
    pids = []

    def test_fails(server):
        raise FaultError(Reason.WRONG_REPLY, "wrong")

    def test_one(server):
        pids.append(server.program.pid)

    def test_not_played(server):
        raise KeyError("must not be played")

    def test_two(server):
        assert pids == [server.program.pid], "the server was started again"
    """
    played = play(job(own, "fails", "one", "not_played", "two", needs={"not_played": "server.fails"}), tmp_path)
    outcomes = [check.outcome.value for check in played.checks.values()]
    assert outcomes == ["failed", "passed", "skipped", "passed"], played.checks


#: Answers, and spins in a thread for each client that has left.
SPINS_FOR_EACH = """
import socket, sys, threading

def serve(sock):
    while True:
        try:
            data = sock.recv(1000)
            sock.sendall(data)
        except OSError:
            pass

with socket.create_server(("", int(sys.argv[1]))) as listener:
    while True:
        threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
"""


def test_no_more_clients_come_to_a_program_that_those_who_left_keep_busy(tmp_path: Path) -> None:
    played = play(job("", "no_thread_leak", "no_zombies", program=SPINS_FOR_EACH), tmp_path)
    leaks, zombies = played.checks["no_thread_leak"], played.checks["no_zombies"]
    assert (leaks.outcome, leaks.reason) == (Outcome.FAILED, Reason.THREAD_LEAK)
    assert leaks.message.startswith("After 20 clients have left it has ")
    assert zombies.outcome is Outcome.PASSED
    assert [event.text for event in zombies.evidence if event.kind is EventKind.NOTE] == ["20 clients came and left"]


def test_what_could_not_be_judged_is_played_once_more_alone(tmp_path: Path) -> None:
    own = """
    pids = []

    def test_one(server):
        pids.append(server.program.pid)

    def test_succeeds_then(server):
        pids.append(server.program.pid)
        if len(pids) == 2:
            raise UnprovedError("not yet")
        assert len(set(pids)) == 2, "it was not played alone"

    def test_never_succeeds(stage):
        pids.append(0)
        raise UnprovedError(f"not seen, {len(pids)}")

    def test_fails(stage):
        pids.append(0)
        raise FaultError(Reason.WRONG_REPLY, f"wrong, {len(pids)}")
    """
    played = play(job(own, "one", "succeeds_then", "never_succeeds", "fails"), tmp_path)
    assert [(check.outcome.value, check.message) for check in played.checks.values()] == [
        ("passed", ""),
        ("passed", ""),
        ("inconclusive", "Not seen, 5."),
        ("failed", "Wrong, 6."),
    ]
    assert [event.text for event in played.checks["never_succeeds"].evidence] == [
        "it could not be judged before, and is played once more, by itself",
        "Not seen, 5.",
    ]


#: Serves two clients, and exits when a third one has come.
TIRES = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as listener:
    for _ in range(2):
        sock, _ = listener.accept()
        with sock:
            while data := sock.recv(1000):
                sock.sendall(data)
    listener.accept()
"""


def test_a_server_that_exits_some_time_fails_no_check_that_it_would_pass(tmp_path: Path) -> None:
    own = """
    pids = []

    def ask(connect, server):
        pids.append(server.program.pid)
        with connect() as client:
            client.send(b"hello\\n")
            client.expect(b"hello\\n")

    def test_one(connect, server):
        ask(connect, server)

    def test_two(connect, server):
        ask(connect, server)

    def test_three(connect, server):
        ask(connect, server)
        assert pids[0] == pids[1] == pids[2] != pids[3], "it was not played afresh"

    def test_four(connect, server):
        ask(connect, server)
        assert pids[4] != pids[3], "a server that exits some time was shared"

    def test_five(connect, server):
        for _ in range(3):
            ask(connect, server)
    """
    played = play(job(own, "one", "two", "three", "four", "five", program=TIRES), tmp_path)
    assert [(check.outcome.value, check.reason) for check in played.checks.values()] == [
        *[("passed", None)] * 4,
        ("failed", Reason.EXITED),
    ], [check.message for check in played.checks.values()]
    note = "the server exited, which earlier checks had used; the check is played once more with a new one"
    noted = [name for name, check in played.checks.items() if note in {event.text for event in check.evidence}]
    assert noted == ["three"]


def test_what_a_server_always_exits_of_fails_and_the_next_is_shared_again(tmp_path: Path) -> None:
    own = """
    pids = []

    def test_one(server):
        pids.append(server.program.pid)

    def test_ends_it(connect, server):
        pids.append(server.program.pid)
        server.program.kill()
        with connect() as client:
            client.send(b"hello\\n")
            client.expect(b"hello\\n")

    def test_two(server):
        pids.append(server.program.pid)

    def test_three(server):
        assert pids[0] == pids[1] != pids[2] != pids[3] == server.program.pid, pids
    """
    played = play(job(own, "one", "ends_it", "two", "three"), tmp_path)
    messages = "\n".join(check.message for check in played.checks.values())
    assert [check.outcome.value for check in played.checks.values()] == ["passed", "failed", "passed", "passed"], (
        messages
    )


def test_checks_that_share_a_server_are_played_before_one_that_ends_it(tmp_path: Path) -> None:
    own = """
    pids = []

    def test_one(server):
        pids.append(server.program.pid)

    def test_ends_its_own(fresh_server):
        pids.append(fresh_server.program.pid)
        fresh_server.program.kill()

    def test_two(connect, server):
        pids.append(server.program.pid)
        assert pids[0] == pids[1] and len(pids) == 2, "the server was started again"
    """
    played = play(job(own, "one", "ends_its_own", "two"), tmp_path)
    assert list(played.checks) == ["one", "two", "ends_its_own"]
    messages = "\n".join(check.message for check in played.checks.values())
    assert {check.outcome for check in played.checks.values()} == {Outcome.PASSED}, messages


def test_a_check_that_did_not_pass_leaves_no_program_to_the_next(tmp_path: Path) -> None:
    own = """
    pids = []

    def test_one(server):
        pids.append(server.program.pid)

    def test_two(server):
        pids.append(server.program.pid)
        raise FaultError(Reason.WRONG_REPLY, "wrong")

    def test_three(server, stage):
        assert pids[0] == pids[1] != server.program.pid, "the wrong program was shared"

    clients = []

    def test_four(connect):
        clients.append(connect())

    def test_five(server):
        assert clients[0].sock.fileno() == -1, "a client was left open"
        assert server.program.talks.open == ()
    """
    played = play(job(own, "one", "two", "three", "four", "five"), tmp_path)
    outcomes = [check.outcome.value for check in played.checks.values()]
    assert outcomes == ["passed", "failed", "passed", "passed", "passed"], played.checks


def test_a_failed_build_ends_the_grading(tmp_path: Path) -> None:
    build = (("sh", "-c", "echo building"), ("sh", "-c", "echo broken >&2; exit 2"), ("sh", "-c", "echo not reached"))
    played = play(job("", build=build), tmp_path)
    assert [type(word) for word in played.words] == [Built, Finished]
    result = played.built.result
    assert (result.outcome, result.log) == (
        Outcome.FAILED,
        "building\nbroken\nit exited with status 2\n",
    )
    assert result.command.startswith("sh -c 'echo building' && sh -c 'echo broken >&2; exit 2' && ")


def test_a_build_that_takes_too_long_or_cannot_start_fails(tmp_path: Path) -> None:
    for number, (command, words) in enumerate(
        [
            (("sh", "-c", "echo first; exec sleep 1000"), "first\nbuilding took longer than 0 s\n"),
            (("no_such_compiler",), "no_such_compiler: No such file or directory\n"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        played = play(job("", build=(command,), limits=SandboxLimits(build_s=0.3)), folder)
        assert (played.built.result.outcome, played.built.result.log) == (Outcome.FAILED, words)


def test_a_build_leaves_its_result_and_no_process(tmp_path: Path) -> None:
    own = """
    def test_one(stage):
        program = stage.programs.run(("cat", "made"))
        program.wait_end()
        assert program.stdout.data == b"by make\\r\\n"
    """
    build = (
        ("sh", "-c", "echo by make > made; sleep 1000 > /dev/null 2>&1 & echo $! > pid"),
        ("sh", "-c", "! kill -0 $(cat pid)"),
    )
    played = play(job(own, "one", build=build), tmp_path)
    assert played.built.result.outcome is Outcome.PASSED, "something of the first command still runs"
    assert played.checks["one"].outcome is Outcome.PASSED, played.checks


def test_a_dead_warden_ends_the_driver_without_a_verdict_for_the_rest(tmp_path: Path) -> None:
    own = """
    def test_one(server):
        pass

    def test_two(connect):
        connect().expect(b"never")

    def test_three(server):
        pass
    """

    def kill_warden(word: Word, warden: int) -> None:
        if isinstance(word, Checked):
            os.kill(warden, signal.SIGKILL)

    played = play(job(own, "one", "two", "three"), tmp_path, kill_warden)
    assert played.status != 0
    assert not played.finished
    assert not [check for check in played.checks.values() if check.outcome is Outcome.FAILED]
    assert "three" not in played.checks


def test_what_ends_whatever_it_is_told_is_not_judged_by_bad_arguments(tmp_path: Path) -> None:
    played = play(job("", "listens", "bad_arguments_reported", program="raise SystemExit('no')"), tmp_path)
    result = played.checks["bad_arguments_reported"]
    assert (result.outcome, result.reason) == (Outcome.SKIPPED, Reason.PREREQUISITE)


def test_what_cannot_be_tidied_up_takes_no_verdict_along(tmp_path: Path) -> None:
    own = """
    from grader.wire.warden import WardenError

    def cannot_end():
        raise WardenError("end: the program's processes could not be ended")

    def test_one(server):
        pass

    def test_two(server, stage):
        stage.programs._warden.end = cannot_end
        raise FaultError(Reason.WRONG_REPLY, "wrong")

    def test_three(server):
        pass
    """
    played = play(job(own, "one", "two", "three"), tmp_path)
    assert [(name, check.outcome.value) for name, check in played.checks.items()] == [
        ("one", "passed"),
        ("two", "failed"),
    ]
    assert not played.finished
