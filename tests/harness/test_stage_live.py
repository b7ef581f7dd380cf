"""What the stage brings about, with real programs: clients of both transports, held ports, words."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from grader.errors import Reason
from grader.harness.greeting import Greeting
from grader.harness.programs import leftovers
from grader.harness.stage import Stage
from grader.harness.starting import Start, as_usual
from grader.limits import SandboxLimits
from grader.model import EventKind, Transport
from grader.protocol.form import form
from grader.protocol.reply import Reply
from grader.protocol.script import Exchange
from grader.wire.faults import FaultError
from tests.harness.conftest import MakeStage
from tests.wire.stand import PROGRAMS, PYTHON

HELLO = Exchange(b"hello\n", b"HELLO\n")
GREETING = b"Welcome\n"
#: A server of each transport that answers in upper case.
UPPER: list[tuple[str, Transport]] = [("right", "tcp"), ("upper", "udp")]


@pytest.mark.parametrize(("which", "transport"), UPPER)
def test_a_client_of_either_transport_asks_in_the_same_way(
    make_stage: MakeStage, which: str, transport: Transport
) -> None:
    stage = make_stage(which, transport)
    server = stage.shared()
    for name in ("client A", "client B"):
        with stage.client(server) as client:
            client.ask(HELLO)
            assert client.name == name
    assert server.port == server.port_given


def test_two_servers_on_one_port_are_told_apart_by_whose_socket_it_is(make_stage: MakeStage) -> None:
    stage = make_stage("shares_its_port", "udp")
    first = stage.shared()
    second = stage.launch_beside(port=first.port)
    assert first.port == second.port
    assert first.row.inode != second.row.inode


def test_who_does_not_share_its_port_is_not_taken_for_the_one_that_has_it(make_stage: MakeStage) -> None:
    stage = make_stage("upper", "udp")
    first = stage.shared()
    with pytest.raises(FaultError) as caught:
        stage.launch_beside(port=first.port)
    assert caught.value.what == f"the program exited before it listened on port {first.port}"


def test_what_a_program_has_printed_in_this_check_is_told_and_nothing_before(make_stage: MakeStage) -> None:
    stage = make_stage("prints_lines")
    server = stage.shared()
    with stage.client(server) as client:
        client.ask(HELLO)
        while not server.program.at_rest():  # which reads nothing of what it prints
            pass
        (voice,) = stage.programs.voices("")
        assert voice.printed.split() == [b"hello"]
    stage.finish(passed=True)
    stage.begin()
    assert stage.shared() is server
    (voice,) = stage.programs.voices("")
    assert voice.printed == b""


def test_every_client_receives_the_greeting_but_one_that_only_knocks_or_is_slow(make_stage: MakeStage) -> None:
    stage = make_stage("greeting", greeting=Greeting(GREETING))
    server = stage.shared()
    with stage.connect(server) as client:
        client.ask(HELLO)
    with stage.peers.knock(server) as client:
        client.expect(b"Welc")
    with stage.connect(server, slow=True) as client:
        assert client.slow
        assert client.received_bytes == 0
        stage.greeting.hear(client)
        client.ask(HELLO)


def test_each_client_introduces_itself_unless_it_is_told_not_to(make_stage: MakeStage) -> None:
    greeting = Greeting(GREETING, opening=lambda number: Exchange(b"hi %d\n" % number, b"HI %d\n" % number))
    stage = make_stage("greeting", greeting=greeting)
    server = stage.shared()
    with stage.connect(server) as first, stage.connect(server, slow=True) as second:
        assert (first.sent_bytes, second.sent_bytes) == (5, 5)
        assert greeting.unread.reply == b""
        first.ask(HELLO)
        second.ask(HELLO)
    with stage.connect(server, opens=False) as client:
        assert client.sent_bytes == 0
        client.ask(HELLO)
    with stage.peers.knock(server) as client:
        client.send(b"".join(exchange.request for exchange in greeting.first()))
        client.expect(b"Welcome\nHI 2\n")


def test_a_greeting_that_does_not_come_is_the_programs_fault(make_stage: MakeStage) -> None:
    stage = make_stage("right", greeting=Greeting(GREETING))
    with pytest.raises(FaultError) as caught:
        stage.connect(stage.shared())
    assert (caught.value.reason, caught.value.expected) == (Reason.NO_REPLY, b"Welcome\n")


@pytest.mark.parametrize(
    ("which", "required", "reason"),
    [
        ("greeting", b"Wellcome\n", Reason.WRONG_REPLY),
        ("greeting", form(b"Good {time}"), Reason.WRONG_REPLY),
        ("greeting", b"", Reason.EXTRA_REPLY),
        ("right", GREETING, None),
        ("right", form(b"Welcome{:.*}"), None),
    ],
)
def test_a_wrong_greeting_is_one_fault_and_left_out_for_all_others(
    make_stage: MakeStage, which: str, required: bytes | Reply, reason: Reason | None
) -> None:
    stage = make_stage(which, greeting=Greeting(required, judged=True))
    server = stage.shared()
    for _ in range(2):
        with stage.connect(server) as client:
            client.ask(HELLO)
        with stage.connect(server, slow=True) as slow:
            slow.ask(HELLO)
    with pytest.raises(FaultError) as caught:
        stage.greeting.must_be_right()
    assert caught.value.reason is (reason or Reason.NO_REPLY)


@pytest.mark.parametrize(
    ("which", "required"), [("greeting", GREETING), ("greeting", form(b"Wel{rest}")), ("right", b"")]
)
def test_a_right_greeting_is_no_fault(make_stage: MakeStage, which: str, required: bytes | Reply) -> None:
    stage = make_stage(which, greeting=Greeting(required, judged=True))
    with stage.connect(stage.shared()) as client:
        client.ask(HELLO)
    stage.greeting.must_be_right()
    assert stage.greeting.expected == required


def test_who_waits_to_be_accepted_is_counted(make_stage: MakeStage) -> None:
    stage = make_stage("right_one_by_one")
    server = stage.shared()
    first = stage.connect(server)
    first.wait_accepted()
    assert stage.listening.accept_queue(server) == 0
    for waiting in range(1, 4):
        stage.peers.knock(server)
        assert stage.listening.accept_queue(server) == waiting


@pytest.mark.parametrize(("which", "transport"), UPPER)
def test_a_server_at_rest_is_kept_and_another_is_started_in_its_place(
    make_stage: MakeStage, which: str, transport: Transport
) -> None:
    stage = make_stage(which, transport)
    server = stage.shared()
    with stage.client(server) as client:
        client.ask(HELLO)
    assert stage.again(server) is server
    server.program.kill()
    server.program.wait_end()
    other = stage.again(server)
    assert other.program.pid != server.program.pid
    with stage.client(other) as client:
        client.ask(HELLO)


def test_what_was_found_out_is_not_found_out_again_when_the_program_is_started_anew(make_stage: MakeStage) -> None:
    stage = make_stage("right")
    looks: list[int] = []

    def look() -> int:
        looks.append(len(looks))
        return looks[-1]

    stage.shared()
    assert [stage.once("it", look), stage.once("it", look), stage.once("other", look)] == [0, 0, 1]
    stage.end_program()
    assert stage.once("it", look) == 0


def can_bind(port: int, kind: socket.SocketKind, family: socket.AddressFamily) -> bool:
    with socket.socket(family, kind) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


@pytest.mark.parametrize(
    ("which", "transport", "kind"), [("right", "tcp", socket.SOCK_STREAM), ("upper", "udp", socket.SOCK_DGRAM)]
)
def test_a_held_port_can_be_bound_by_nobody_else(
    make_stage: MakeStage, which: str, transport: Transport, kind: socket.SocketKind
) -> None:
    stage = make_stage(which, transport)
    families = (socket.AF_INET, socket.AF_INET6)
    with stage.ports.held() as port:
        assert [can_bind(port, kind, family) for family in families] == [False, False]
        assert stage.programs.start_on(port).wait_end().status == 1
    assert [can_bind(port, kind, family) for family in families] == [True, True]


@pytest.mark.parametrize(
    ("transport", "command", "words"),
    [
        ("tcp", "datagrams.py", "it has UDP port {port}; TCP is required"),
        ("udp", "lines.py", "it has TCP port {port}; UDP is required"),
    ],
)
def test_a_program_of_the_other_transport_is_told_so(
    make_stage: MakeStage, transport: Transport, command: str, words: str
) -> None:
    wrong: Stage = make_stage("right", transport) if command == "datagrams.py" else make_stage("upper", transport)
    right = make_stage("upper", "udp") if command == "datagrams.py" else make_stage("right", "tcp")
    port = wrong.ports.find()
    with pytest.raises(FaultError) as caught:
        wrong.listening.wait(wrong.programs.run(*right_command(right, port)), port)
    assert caught.value.reason is Reason.NOT_LISTENING
    assert words.format(port=port) in caught.value.what


def right_command(stage: Stage, port: int) -> Start:
    """How the program of a stage is started on a port."""
    return as_usual(stage._job.commands["server"].run, {}, {"port": str(port), "host": "127.0.0.1"})


@pytest.mark.parametrize(
    ("way", "names"),
    [
        ("daemon", {"\rState:\tZ"}),
        ("chain", {Path(PYTHON[0]).name, "one that keeps starting another and exiting"}),
    ],
)
def test_what_is_left_running_is_named(make_stage: MakeStage, way: str, names: set[str]) -> None:
    """Whatever it calls itself, and whether or not a look meets it."""
    stage = make_stage("right", limits=SandboxLimits(exit_s=0.2))
    program = stage.programs.run((*PYTHON, str(PROGRAMS / "evader.py"), way))
    program.wait_end()
    left = leftovers(program)
    assert left
    assert set(left) <= names


def test_a_repetition_leaves_no_trace_in_the_transcript(make_stage: MakeStage) -> None:
    stage = make_stage("right")
    server = stage.shared()
    with stage.connect(server) as client:
        mark = stage.transcript.mark()
        for _ in range(3):
            stage.transcript.rewind(mark)
            client.ask(HELLO)
    kinds = [event.kind for event in stage.transcript.events]
    assert kinds[-3:] == [EventKind.SENT, EventKind.RECEIVED, EventKind.CLOSED]
    assert kinds.count(EventKind.SENT) == 1


def test_started_again_it_must_have_its_port(make_stage: MakeStage) -> None:
    stage = make_stage("takes_any_other_port")
    server = stage.launch()
    server.program.kill()
    server.program.wait_end()
    assert stage.launch_again(server).port == server.port
    stage.end_program()
    with socket.create_server(("", server.port)), pytest.raises(FaultError) as caught:
        stage.launch_again(server)
    assert caught.value.reason is Reason.WRONG_PORT
    assert caught.value.what.startswith(f"it listened on port {server.port} before, but now on port ")


def test_a_program_that_listens_no_more_is_not_kept(make_stage: MakeStage) -> None:
    stage = make_stage("stops_listening")
    server = stage.shared()
    with stage.client(server) as client:
        client.ask(HELLO)
    assert stage.again(server) is not server


def test_a_program_that_piles_up_threads_is_not_kept(make_stage: MakeStage) -> None:
    stage = make_stage("leaves_threads")
    server = stage.shared()
    assert stage.again(server) is server
    with stage.client(server) as client:
        client.ask(HELLO)
    other = stage.again(server)
    assert other is not server
    with stage.client(other) as client:
        client.ask(HELLO)
    assert stage.again(other) is not other, "not even if it was started for a crowd"


def test_a_server_that_has_connected_its_socket_is_not_kept(make_stage: MakeStage) -> None:
    stage = make_stage("connects", "udp")
    server = stage.shared()
    with stage.client(server) as client:
        client.ask(HELLO)
    assert stage.again(server) is not server


def test_once_seen_to_listen_is_enough(make_stage: MakeStage) -> None:
    stage = make_stage("right")
    stage.launch()
    stage.end_program()
    stage.see_it_listen()
    assert stage.programs._last is None
