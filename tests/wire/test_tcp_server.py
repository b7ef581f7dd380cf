"""The scripted server beside real clients: how it answers, who comes and who does not, dead ports."""

from __future__ import annotations

import errno
import socket

import pytest

from grader.errors import Reason
from grader.model import EventKind
from grader.protocol.script import Answer
from grader.wire import tcp_server
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint
from grader.wire.program import Program
from grader.wire.tcp_server import ScriptedServer, dead_port
from tests.wire.stand import Stand, wait_printed

HELLO = b"hello\n"
REPLY = b"HELLO\n"


def kinds(program: Program) -> list[EventKind]:
    return [event.kind for event in program.transcript.events]


@pytest.mark.parametrize(
    ("how", "printed"),
    [
        (Answer.WHOLE, "recv 6"),
        (Answer.IN_BYTES, "recv 1 " * 6),
        (Answer.LATE, "recv 6"),
        (Answer.HALF_THEN_CLOSE, "recv 3 end"),
        (Answer.HALF_THEN_RESET, "recv 3 reset"),
        (Answer.CLOSE, "end"),
        (Answer.RESET, "reset"),
        (Answer.NOTHING, ""),
    ],
)
def test_each_answer_comes_as_it_is_called(stand: Stand, how: Answer, printed: str) -> None:
    server, program = stand.serve_client("receives")
    server.expect(HELLO)
    server.answer(REPLY, how)
    program.wait_still()
    assert program.stdout.data.decode().split() == printed.split()


def test_a_late_answer_comes_when_the_program_is_seen_to_wait(stand: Stand) -> None:
    server, program = stand.serve_client("receives")
    server.expect(HELLO)
    server.answer(REPLY, Answer.LATE)
    before, sent = [event for event in program.transcript.events if event.kind in {EventKind.KERNEL, EventKind.SENT}]
    assert (before.kind, sent.kind) == (EventKind.KERNEL, EventKind.SENT)
    assert before.text == "waits for its reply: blocked in recv on the server's connection"


def test_an_end_after_half_of_a_reply_is_sent_when_the_half_was_read(stand: Stand) -> None:
    server, program = stand.serve_client("receives")
    server.expect(HELLO)
    with program.frozen(), pytest.raises(FaultError) as caught:
        server.answer(REPLY, Answer.HALF_THEN_CLOSE)
    assert caught.value.what == "3 bytes from the server left unread"


def test_the_servers_end_is_dismissal(stand: Stand) -> None:
    server, program = stand.serve_client("receives")
    server.expect(HELLO)
    server.dismiss()
    wait_printed(program, b"end")


def test_where_the_program_has_come_to_is_known_when_it_has(stand: Stand) -> None:
    server, address = stand.listen()
    program = stand.run_client("receives", address.host, str(address.port))
    server.begin(program)
    assert server.connection.ours == address
    assert server.came_to() == address
    connected = next(event for event in program.transcript.events if event.kind is EventKind.CONNECTED)
    assert (connected.who, connected.text) == ("program", f"to 127.0.0.1 port {address.port}")


def test_nobody_has_come_to_a_server_that_nobody_goes_to(stand: Stand) -> None:
    server, _ = stand.listen()
    server.begin(stand.run_client("read"))
    assert server.came_to() is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_it_listens_on_all_its_addresses(stand: Stand, host: str) -> None:
    server, address = stand.listen("127.0.0.1", "127.0.0.2", "::1")
    server.begin(stand.run_client("receives", host, str(address.port)))
    server.expect(HELLO)
    assert server.came_to() == Endpoint(host, address.port)
    server.answer(REPLY)
    server.expect_nothing_more()


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])  # RFC 5737, RFC 3849: nobody's
def test_an_address_that_this_machine_has_not_is_left_out(stand: Stand, host: str) -> None:
    server, address = stand.listen(host, "127.0.0.1")
    server.begin(stand.run_client("receives", "127.0.0.1", str(address.port)))
    server.expect(HELLO)


def test_a_port_that_somebody_has_is_nobodys_fault(stand: Stand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UnprovedError) as caught:
            ScriptedServer([Endpoint("127.0.0.1", port)], stand.table)
    assert caught.value.what == f"nothing could listen on 127.0.0.1 port {port}: Address already in use"


@pytest.mark.parametrize(
    ("which", "what", "doing"),
    [
        ("read", "it did not connect", "blocked in read on its standard input"),
        ("receives_only", "it did not connect", "blocked in recv on a socket"),
    ],
)
def test_a_client_that_never_connects_is_named_with_what_it_waits_for(
    stand: Stand, which: str, what: str, doing: str
) -> None:
    server, _ = stand.listen()
    program = stand.run_client(which)
    server.begin(program)
    with pytest.raises(FaultError) as caught:
        server.expect(HELLO)
    assert (caught.value.reason, caught.value.what, caught.value.doing) == (Reason.NOT_CONNECTED, what, doing)


def test_a_client_that_ends_instead_is_named_with_its_end(stand: Stand) -> None:
    server, _ = stand.listen()
    server.begin(stand.run_client("ends", "3"))
    with pytest.raises(FaultError) as caught:
        _ = server.connection
    assert (caught.value.reason, caught.value.what) == (
        Reason.CRASHED,
        "it did not connect: the program exited",
    )
    assert caught.value.doing == "it exited with status 3"


@pytest.mark.parametrize(
    ("request_bytes", "reason", "what"),
    [
        (b"HELLO\n", Reason.WRONG_REQUEST, "the server received different bytes than the program must send"),
        (
            b"hello\nagain\n",
            Reason.INCOMPLETE_REQUEST,
            "the server did not receive everything (6 of 12 bytes), and never will",
        ),
    ],
)
def test_what_the_program_sends_is_compared_to_the_last_byte(
    stand: Stand, request_bytes: bytes, reason: Reason, what: str
) -> None:
    server, _ = stand.serve_client("receives")
    with pytest.raises(FaultError) as caught:
        server.expect(request_bytes)
    assert caught.value.reason is reason
    assert caught.value.what.startswith(what)
    assert (caught.value.expected, caught.value.received) == (request_bytes, HELLO)


def test_a_program_that_connects_and_says_nothing_has_sent_nothing(stand: Stand) -> None:
    server, program = stand.serve_client("takes_arguments")
    with pytest.raises(FaultError) as caught:
        server.expect(HELLO)
    assert (caught.value.reason, caught.value.received) == (Reason.NO_REQUEST, b"")
    assert caught.value.what.startswith("the server received nothing, and never will")
    assert caught.value.doing == "blocked in read on its standard input"
    assert program.ending() is None


def test_more_than_was_expected_is_told(stand: Stand) -> None:
    server, program = stand.serve_client("sends_more")
    server.expect(HELLO)
    program.wait_still()
    with pytest.raises(FaultError) as caught:
        server.expect_nothing_more()
    assert (caught.value.reason, caught.value.received) == (Reason.EXTRA_REQUEST, HELLO)
    assert caught.value.what == "the server received more than the program should send"


def test_a_second_connection_is_told(stand: Stand) -> None:
    server, program = stand.serve_client("connects_twice")
    server.expect(HELLO)
    program.wait_still()
    with pytest.raises(FaultError) as caught:
        server.expect_nothing_more()
    assert (caught.value.reason, caught.value.what) == (
        Reason.EXTRA_REQUEST,
        "the program opened another connection, although one is enough",
    )


def test_who_connects_without_end_is_told_so(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_server, "_MOST_CONNECTIONS", 1)
    server, program = stand.serve_client("connects_twice")
    server.expect(HELLO)
    program.wait_still()
    with pytest.raises(FaultError, match="connected 2 times, and there is no end of it") as caught:
        server.expect_nothing_more()
    assert caught.value.reason is Reason.EXTRA_REQUEST


def test_one_connection_and_all_of_its_words_are_nothing_more(stand: Stand) -> None:
    server, program = stand.serve_client("receives")
    server.expect(HELLO)
    program.wait_still()
    server.expect_nothing_more()


def refused(stand: Stand, address: Endpoint) -> bool:
    program = stand.run_client("tells_how_connecting_ends", address.host, str(address.port))
    wait_printed(program, b"\n")
    answer = program.stdout.data.split()[-1]
    stand.warden.end()
    return int(answer) == errno.ECONNREFUSED


def test_who_refuses_listens_no_more(stand: Stand) -> None:
    server, address = stand.listen()
    server.refuse()
    assert refused(stand, address)


def test_a_closed_server_lets_go_of_its_port_and_its_connections(stand: Stand) -> None:
    server, program = stand.serve_client("receives")
    server.expect(HELLO)
    address = server.connection.ours
    server.close()
    wait_printed(program, b"end")
    stand.warden.end()
    assert refused(stand, address)


def test_nobody_listens_on_a_dead_port_and_nobody_else_gets_it(stand: Stand) -> None:
    server, address = stand.listen()
    server.close()
    everywhere = [Endpoint(host, address.port) for host in ("127.0.0.1", "192.0.2.1", "::1")]
    with dead_port(everywhere):
        assert refused(stand, address)
        with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
            other.bind(address)
    with socket.socket() as other:
        other.bind(address)


def test_a_port_with_a_connection_in_time_wait_can_be_dead(stand: Stand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Endpoint(*listener.getsockname())
        with socket.create_connection(address) as client:
            accepted, _ = listener.accept()
            accepted.close()  # the server of an earlier run closed first
            assert client.recv(1) == b""
    with dead_port([address]):
        assert refused(stand, address)


def test_a_port_that_cannot_be_held_is_nobodys_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = Endpoint(*other.getsockname())
        with pytest.raises(UnprovedError, match=f"port {address.port} could not be held"), dead_port([address]):
            pass


def test_where_one_address_is_taken_the_others_are_left_free(stand: Stand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnprovedError) as error:
            ScriptedServer([Endpoint("::1", port), Endpoint("127.0.0.1", port)], stand.table)
        free = tcp_server.listen_on(Endpoint("::1", port))
        assert free is not None, error
        free.close()
