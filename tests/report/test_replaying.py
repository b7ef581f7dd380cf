"""The replay of a check: the steps are what was done, and the script plays them against a real program."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings

from grader.errors import UsageError
from grader.model import CheckResult, Compared, Event, EventKind, Outcome, Report
from grader.protocol.network import Fate
from grader.report import relay
from grader.report.replaying import as_started, failed_check, found_files, last_act, required, script, steps
from grader.wire.transcript import compared
from tests.report.examples import BOTH, ERROR, FRAGMENTS, FULL, report_strategy

SERVER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        client, _ = listener.accept()
        try:
            while data := client.recv(1024):
                client.sendall(b"<" + data.upper() + b">")
        except ConnectionResetError:
            pass
"""
CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as sock:
    sock.sendall(input("> ").encode() + b"\\n")
    print(f"shown {sock.recv(1024)}")
"""
ASKS = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.sendto(input().encode(), (sys.argv[1], int(sys.argv[2])))
    print(f"shown {sock.recv(1024)}")
"""
REPLIES = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", int(sys.argv[1])))
    while True:
        data, peer = sock.recvfrom(1024)
        sock.sendto(data.upper(), peer)
"""
CONVERSATION = (
    Event(at_ms=1, kind=EventKind.CONNECTED, who="client A", text="to port 5"),
    Event(at_ms=2, kind=EventKind.SENT, who="client A", data=b"abc", size_bytes=3, pieces=(1, 2)),
    Event(at_ms=3, kind=EventKind.RECEIVED, who="client A", data=b"ABC", size_bytes=3),
    Event(at_ms=4, kind=EventKind.VERDICT, who="grader", text="No reply."),
    Event(at_ms=5, kind=EventKind.RESET, who="client A"),
)


def check_of(*events: Event, part: str = "server", compared: Compared | None = None) -> CheckResult:
    return msgspec.structs.replace(FRAGMENTS, id=f"{part}.x", evidence=events, compared=compared)


def played(folder: Path, check: CheckResult, program: str, run: str) -> str:
    (folder / "program.py").write_text(program)
    (folder / "replay.py").write_text(script(FULL, check))
    command = [sys.executable, "-W", "error", "replay.py", "--run", f"{sys.executable} -u program.py {run}"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_each_piece_is_sent_once_the_one_before_has_been_read(tmp_path: Path) -> None:
    said = played(tmp_path, check_of(*CONVERSATION), SERVER, "{port}")
    # Both pieces together would be answered as one.
    assert "it sent: b'<A><BC>'" in said
    assert "in the report: b'ABC'" in said
    assert "piece 2 of 2: b'bc'" in said
    assert "verdict: No reply." in said
    assert "can't be done" not in said


def test_a_message_is_sent_once_the_one_before_has_been_read(tmp_path: Path) -> None:
    pieces = [
        Event(at_ms=2, kind=EventKind.SENT, who="client A", data=data, size_bytes=len(data)) for data in (b"ab", b"c")
    ]
    said = played(tmp_path, check_of(CONVERSATION[0], *pieces, CONVERSATION[2]), SERVER, "{port}")
    assert "it sent: b'<AB><C>'" in said


def test_at_the_verdict_it_is_shown_what_has_come_meanwhile(tmp_path: Path) -> None:
    connected, sent, received, verdict, _ = CONVERSATION
    said = played(tmp_path, check_of(connected, sent, verdict), SERVER, "{port}")
    assert "3. in the report, the verdict: No reply.\n   now client A: it sent b'<A><BC>'" in said
    said = played(tmp_path, check_of(connected, sent, received, verdict), SERVER, "{port}")
    assert said.endswith("now client A: nothing has come\n")


def test_what_was_required_is_shown_beside_what_has_come(tmp_path: Path) -> None:
    connected, sent, _, verdict, _ = CONVERSATION
    check = check_of(connected, sent, verdict, compared=compared(b"<A><BC>", b""))
    said = played(tmp_path, check, SERVER, "{port}")
    assert said.endswith("now client A: it sent b'<A><BC>'\n   required: b'<A><BC>'\n")
    assert "client A: connect  (to port 5 in the report)" in said


@pytest.mark.parametrize(
    ("expected", "received", "is_known"),
    [(b"a" * 47, b"", True), (b"a" * 48, b"", False), (b"a" * 90, b"a" * 80, False), (b"abc", b"abd", True)],
)
def test_what_was_required_is_known_if_the_report_has_all_of_it(
    expected: bytes, received: bytes, is_known: bool
) -> None:
    check = check_of(compared=compared(expected, received))
    assert required(check) == (expected if is_known else b"")


def test_a_note_is_no_longer_than_a_few_lines() -> None:
    file = Event(at_ms=1, kind=EventKind.NOTE, who="your client", text="finds the file a.bin", data=b"\0" * 4096)
    ((*_, said),) = steps([file])
    assert said.startswith("in the report, note: finds the file a.bin")
    assert len(said) < 400


def test_what_can_t_be_done_is_said_in_words(tmp_path: Path) -> None:
    said = played(tmp_path, check_of(CONVERSATION[1]), SERVER, "{port}")
    assert "this can't be done now: there is no connection" in said


def test_a_client_is_typed_to_and_answered(tmp_path: Path) -> None:
    events = (
        Event(at_ms=1, kind=EventKind.CONNECTED, who="program", text="to 127.0.0.1 port 5"),
        Event(at_ms=2, kind=EventKind.TYPED, who="the keyboard", data=b"hello\n", size_bytes=6),
        Event(at_ms=3, kind=EventKind.RECEIVED, who="the server", data=b"hello\n", size_bytes=6),
        Event(at_ms=4, kind=EventKind.SENT, who="the server", data=b"HELLO\n", size_bytes=6),
        Event(at_ms=5, kind=EventKind.RECEIVED, who="the server"),
    )
    said = played(tmp_path, check_of(*events, part="client"), CLIENT, "{host} {port}")
    assert r"it sent: b'hello\n'" in said
    assert r"shown b'HELLO\n'" in said


def test_datagrams_are_played_too(tmp_path: Path) -> None:
    ends = (("127.0.0.1", 5), ("127.0.0.1", 6))
    events = (
        Event(at_ms=2, kind=EventKind.TYPED, who="the keyboard", data=b"hello\n", size_bytes=6),
        Event(at_ms=3, kind=EventKind.RECEIVED, who="the server", data=b"hello", size_bytes=5, ends=ends),
        Event(at_ms=4, kind=EventKind.SENT, who="the server", data=b"HELLO", size_bytes=5, ends=ends),
        Event(at_ms=5, kind=EventKind.RECEIVED, who="the server", data=b"again", size_bytes=5, ends=ends),
    )
    said = played(tmp_path, check_of(*events, part="client"), ASKS, "{host} {port}")
    assert "it sent: b'hello'" in said
    assert "shown b'HELLO'" in said
    assert "nothing came" in said


def starts(who: str) -> Event:
    return Event(at_ms=1, kind=EventKind.STARTED, who=who, text="python3 x.py")


TYPED = Event(at_ms=2, kind=EventKind.TYPED, who="the keyboard", data=b"hello\n", size_bytes=6)
TOGETHER = (starts("your client"), TYPED, starts("your server"), starts("your client"), TYPED)


def played_together(folder: Path, server: str, client: str, *passed: Event) -> str:
    (folder / "server.py").write_text(server)
    (folder / "client.py").write_text(client)
    (folder / "replay.py").write_text(script(FULL, check_of(*TOGETHER, *passed, part="pair")))
    python = f"{sys.executable} -u"
    options = ["--server", f"{python} server.py {{port}}", "--run", f"{python} client.py {{host}} {{port}}"]
    command = [sys.executable, "-W", "error", "replay.py", *options]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_what_two_programs_say_to_each_other_is_shown_and_passed_on(tmp_path: Path) -> None:
    said = played_together(tmp_path, SERVER, CLIENT)
    assert "your client connects" in said
    assert r"your client sends b'hello\n'" in said
    assert r"your server sends b'<HELLO\n>'" in said
    assert r"shown b'<HELLO\n>'" in said


def test_datagrams_between_two_programs_are_passed_on(tmp_path: Path) -> None:
    said = played_together(tmp_path, REPLIES, ASKS)
    assert "your client sends b'hello'" in said
    assert "your server sends b'HELLO'" in said
    assert "shown b'HELLO'" in said


def through(kind: EventKind, text: str, data: bytes) -> Event:
    ends = (("127.0.0.1", 5), ("127.0.0.1", 6))
    return Event(at_ms=3, kind=kind, who="the network", text=text, data=data, size_bytes=len(data), ends=ends)


def test_a_network_between_two_programs_does_the_same_again(tmp_path: Path) -> None:
    passed = [
        through(EventKind.RECEIVED, f"for the {to}; {fate.value}", b"x")
        for to, fate in (("server", Fate.TWICE), ("client", Fate.LOST), ("client", Fate.CHANGED))
    ]
    said = played_together(tmp_path, REPLIES, ASKS, *passed)
    assert "your client sends b'hello'  (passed on twice)" in said
    assert said.count("your server sends b'HELLO'  (") == 2
    assert "shown b'HEMLO'" in said


def test_the_fates_are_those_of_a_scripted_network() -> None:
    known = {relay.PASSED, relay.LOST, relay.TWICE, relay.CHANGED, relay.LATE}
    assert known == {fate.value for fate in Fate}


def test_of_a_network_of_ours_the_client_is_played_its_part() -> None:
    events = (
        through(EventKind.RECEIVED, "for the server: START; passed on", b"a"),
        through(EventKind.RECEIVED, "for the client: ACK; passed on twice", b"b"),
        through(EventKind.SENT, "to the client: ACK", b"b"),
        through(EventKind.SENT, "to the client: ACK", b"b"),
    )
    played_by_us = [(what, who, data) for what, who, data, _, _ in steps(events, "client")]
    assert played_by_us == [
        ("receive", "the server", b"a"),
        ("send", "the server", b"b"),
        ("send", "the server", b"b"),
    ]
    assert [*steps(events, "pair")] == []


def test_a_program_is_started_as_it_was_and_finds_what_it_found() -> None:
    events = (
        Event(at_ms=1, kind=EventKind.STARTED, who="your client", text="X=1 python3 client.py 127.0.0.1 7 'a b.bin'"),
        Event(at_ms=1, kind=EventKind.NOTE, who="your client", text="finds the file a.bin", data=b"xy", size_bytes=2),
    )
    run = ("python3", "client.py", "{host}", "{port}", "{file}")
    assert as_started(run, "client", events) == ("python3", "client.py", "{host}", "{port}", "a b.bin")
    assert as_started(run, "server", events) == run
    assert found_files(events) == {"a.bin": b"xy"}
    assert found_files([msgspec.structs.replace(events[1], who="grader")]) == {}


def test_of_a_client_its_last_run_is_played() -> None:
    first, second = (through(EventKind.SENT, "to the client", data) for data in (b"a", b"b"))
    runs = (starts("program"), first, starts("program"), second, starts("program"))
    assert last_act(check_of(*runs, part="client")) == ("client", runs[2:4])


def test_an_answer_has_the_id_that_a_client_has_chosen_anew(tmp_path: Path) -> None:
    ends = (("127.0.0.1", 5), ("127.0.0.1", 6))
    events = (
        Event(at_ms=2, kind=EventKind.TYPED, who="the keyboard", data=b"12-ask\n", size_bytes=7),
        Event(at_ms=3, kind=EventKind.RECEIVED, who="the server", data=b"99-ask", size_bytes=6, ends=ends),
        Event(at_ms=4, kind=EventKind.SENT, who="the server", data=b"99-told", size_bytes=7, ends=ends),
    )
    assert "shown b'12-told'" in played(tmp_path, check_of(*events, part="client"), ASKS, "{host} {port}")


@pytest.mark.parametrize(
    ("events", "plays", "begins"),
    [
        (TOGETHER, "pair", 2),
        ((*TOGETHER, starts("your server"), *CONVERSATION), "server", 5),
        (
            (*TOGETHER, starts("your server"), *CONVERSATION, starts("your client"), TYPED),
            "client",
            11,
        ),
        (
            (
                starts("your server"),
                starts("your client"),
                Event(at_ms=5, kind=EventKind.RECEIVED, who="the server", data=b"x"),
            ),
            "client",
            1,
        ),
        ((starts("your client"), TYPED), "client", 0),
        ((TYPED,), "pair", 1),
    ],
)
def test_of_two_programs_what_led_to_the_verdict_is_played(events: tuple[Event, ...], plays: str, begins: int) -> None:
    assert last_act(check_of(*events, part="pair")) == (plays, events[begins:])


def test_what_a_report_lacks_is_replaced_and_that_is_said() -> None:
    long = Event(
        at_ms=1, kind=EventKind.SENT, who="client A", data=b"AB\n", size_bytes=6, omitted_bytes=3, head_bytes=2
    )
    notice, sent = steps([long])
    assert (notice[0], sent[2]) == ("note", b"ABaaa\n")
    assert "lacks 3 of the next bytes" in notice[4]
    (received,) = steps([msgspec.structs.replace(long, kind=EventKind.RECEIVED)])
    assert (received[0], received[2]) == ("receive", b"")


@pytest.mark.parametrize(
    ("report", "name", "says"),
    [
        (FULL, "nothing", "this report has no check 'nothing'; with a conversation: server.answers"),
        (FULL, ERROR.id, "nobody talked to the program"),
        (BOTH, "pair.talk", "nobody talked to the program"),
    ],
)
def test_what_cannot_be_replayed_is_said(report: Report, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        failed_check(report, name)


def test_a_check_is_found_with_and_without_its_role() -> None:
    assert failed_check(FULL, FRAGMENTS.id) == failed_check(FULL, "fragments_every_split") == FRAGMENTS


@given(report=report_strategy)
@settings(max_examples=20)  # each is a whole report, of whose checks each becomes a script that is parsed
def test_nothing_of_a_submission_becomes_code(report: Report) -> None:
    usual = script(FULL, check_of())
    for check in report.checks:
        short = (msgspec.structs.replace(event, omitted_bytes=event.omitted_bytes % 4096) for event in check.evidence)
        made = msgspec.structs.replace(check, id=FRAGMENTS.id, outcome=Outcome.FAILED, evidence=tuple(short))
        tree, plain = ast.parse(script(report, made)), ast.parse(usual)
        assert len(tree.body) == len(plain.body)
        (found,) = (node for node in tree.body if isinstance(node, ast.AnnAssign))
        assert found.value is not None
        assert ast.literal_eval(found.value) == [*steps(made.evidence)]


def test_a_claim_of_any_size_is_bounded() -> None:
    claim = Event(at_ms=0.0, kind=EventKind.SENT, who="client A", data=b"xy", head_bytes=1, omitted_bytes=1 << 50)
    told, sent = steps((claim,))
    assert "the report lacks" in told[4]
    assert len(sent[2]) == (1 << 20) + 2
