"""The scripted UDP server beside real clients: who comes, each way to answer, strangers, ports that refuse."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from grader.errors import Reason
from grader.limits import DELAY_PART, LEAST_WAIT_S, REPLY_S
from grader.model import EventKind
from grader.protocol.form import form
from grader.protocol.nothing import nothing
from grader.protocol.script import Answer
from grader.wire.courier import BROADCAST, Courier
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import Endpoint
from grader.wire.program import Program
from grader.wire.udp_server import ScriptedUdpServer
from tests.wire.stand import PYTHON, Stand

#: A client that does what it is told: arguments are the host, the port, and its steps.
CLIENT = """
import signal, socket, sys, time

server = sys.argv[1], int(sys.argv[2])
sock = socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for step in sys.argv[3:]:
    what, _, text = step.partition(" ")
    if what == "connect":
        sock.connect(server)
    elif what == "send":
        sock.sendto(text.encode(), server)
    elif what == "flood":
        while True:
            sock.sendto(text.encode(), server)
    elif what == "recv":
        try:
            print(sock.recv(65536).decode(), flush=True)
        except ConnectionRefusedError:
            print("refused", flush=True)
    elif what == "recvfrom":
        data, source = sock.recvfrom(65536)
        print(data.decode(), *source, flush=True)
    elif what == "reply":
        sock.sendto(text.encode(), sock.recvfrom(65536)[1])
    elif what == "sleep":
        time.sleep(float(text))
    elif what == "work":
        while time.thread_time() < float(text):
            pass
    elif what == "exit":
        sys.exit(int(text))
    else:
        signal.pause()
"""
HELLO = b"hello"

Meet = Callable[..., tuple[ScriptedUdpServer, Program]]


@pytest.fixture
def courier() -> Iterator[Courier]:
    """Proves arrival."""
    courier = Courier()
    yield courier
    courier.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def meet(stand: Stand, courier: Courier) -> Iterator[Meet]:
    """A scripted server, and a client that is told to go to one of its addresses and what to do."""
    servers = []

    def meet(
        *steps: str, host: str = "127.0.0.1", least_wait_s: float = LEAST_WAIT_S
    ) -> tuple[ScriptedUdpServer, Program]:
        port = free_port()
        addresses = [Endpoint(address, port) for address in ("127.0.0.1", "127.0.0.2", "::1")]
        server = ScriptedUdpServer(addresses, stand.table, courier, least_wait_s)
        servers.append(server)
        program = stand.run(*PYTHON, "-c", CLIENT, host, str(port), *steps)
        server.begin(program)
        return server, program

    yield meet
    for server in servers:
        server.close()


def fault_of(act: Callable[[], object]) -> FaultError:
    with pytest.raises(FaultError) as caught:
        act()
    return caught.value


def shown(program: Program) -> list[str]:
    """What it has printed when it has ended."""
    program.wait_end()
    return program.stdout.data.decode().splitlines()


# receiving


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_it_tells_where_a_datagram_was_sent_to(meet: Meet, host: str) -> None:
    server, _ = meet("send hello", "pause", host=host)
    assert server.wait_came().host == host
    server.expect(HELLO)
    assert server.came_to() == server.came_to() is not None


def test_nobody_has_come_before_the_first_datagram(meet: Meet) -> None:
    server, program = meet("pause")
    program.wait_still()
    assert server.came_to() is None
    fault = fault_of(server.wait_came)
    assert (fault.reason, fault.what) == (Reason.NOT_CONNECTED, "the server received no datagram")


def test_who_ends_without_a_datagram_has_not_come(meet: Meet) -> None:
    server, _ = meet()
    fault = fault_of(lambda: server.expect(HELLO))
    assert fault.reason is Reason.NOT_CONNECTED
    assert "the program exited" in fault.what


def test_datagrams_are_expected_in_the_order_in_which_they_came(meet: Meet) -> None:
    server, _ = meet("send a", "send ", "send c")
    for data in (b"a", b"", b"c"):
        server.expect(data)
    server.expect_nothing_more()


def test_another_datagram_than_expected_is_a_wrong_one(meet: Meet) -> None:
    server, _ = meet("send hello ")
    fault = fault_of(lambda: server.expect(HELLO))
    assert (fault.reason, fault.expected, fault.received) == (Reason.WRONG_REQUEST, HELLO, b"hello ")


def test_the_same_datagram_once_more_is_one_too_many(meet: Meet) -> None:
    server, _ = meet("send hello", "send hello", "send other")
    server.expect(HELLO)
    fault = fault_of(lambda: server.expect(b"other"))
    assert (fault.reason, fault.received) == (Reason.EXTRA_REQUEST, HELLO)


def test_the_same_datagram_twice_may_be_expected(meet: Meet) -> None:
    server, _ = meet("send hello", "send hello")
    server.expect(HELLO)
    server.expect(HELLO)


def came_after(server: ScriptedUdpServer, program: Program, waited_s: float) -> None:
    """The program has ended; its last datagram came so long after the one that was expected before."""
    program.wait_end()
    assert server.waiting() == 1
    server._came[0] = server._came[0]._replace(arrived_s=server._asked.arrived_s + waited_s)


@pytest.mark.parametrize(
    ("waited_s", "why"),
    [(0.02, ", 20.0 ms after the first, although its time was not up"), (0.6, ", although it had replied to it")],
)
def test_who_repeats_what_was_answered_is_told_so(meet: Meet, waited_s: float, why: str) -> None:
    server, program = meet("send hello", "recv", "send hello")
    server.expect(HELLO)
    server.answer(HELLO)
    came_after(server, program, waited_s)
    fault = fault_of(lambda: server.expect(b"other"))
    assert fault.reason is Reason.EXTRA_REQUEST
    assert fault.what == f"the server received the same datagram again{why}"


def test_who_does_not_wait_for_a_reply_gives_up_early(meet: Meet) -> None:
    server, program = meet("send hello", "send hello")
    server.expect(HELLO)
    came_after(server, program, 0.02)
    fault = fault_of(lambda: server.expect_after_wait(HELLO))
    what = "it went on only 20.0 ms after a datagram to which no reply had come"
    assert (fault.reason, fault.what) == (Reason.GAVE_UP_EARLY, what)


def test_who_waits_half_a_second_may_have_lost_patience(meet: Meet) -> None:
    server, program = meet("send hello", "send hello")
    server.expect(HELLO)
    came_after(server, program, 0.6)
    server.expect_after_wait(HELLO)


@pytest.mark.parametrize(("waited_s", "is_early"), [(0.2, True), (0.3, False)])
def test_how_long_it_must_wait_is_what_the_handout_says(meet: Meet, waited_s: float, is_early: bool) -> None:
    server, program = meet("send hello", "send hello", least_wait_s=0.25)
    server.expect(HELLO)
    came_after(server, program, waited_s)
    with pytest.raises(FaultError, match="went on only 200") if is_early else nullcontext():
        server.expect_after_wait(HELLO)


def test_a_program_that_waits_sends_no_more(meet: Meet) -> None:
    server, _ = meet("send hello", "recv")
    server.expect(HELLO)
    fault = fault_of(lambda: server.expect(b"other"))
    assert fault.reason is Reason.NO_REQUEST
    assert fault.doing == "blocked in recv, waiting for a datagram"


def test_a_program_that_fails_sends_no_more(meet: Meet) -> None:
    server, _ = meet("send hello", "exit 1")
    server.expect(HELLO)
    fault = fault_of(lambda: server.expect(b"other"))
    assert (fault.reason, fault.what) == (Reason.CRASHED, "the server received no datagram: the program exited")


@pytest.mark.parametrize(("status", "reason"), [(0, Reason.NOT_CONNECTED), (1, Reason.CRASHED)])
def test_a_program_that_ends_before_it_comes_is_told_so(meet: Meet, status: int, reason: Reason) -> None:
    server, _ = meet(f"exit {status}")
    assert fault_of(lambda: server.expect(HELLO)).reason is reason


def test_the_same_at_once_comes_too_soon(meet: Meet) -> None:
    server, program = meet("send hello", "send hello")
    server.expect(HELLO)
    came_after(server, program, 0.02)
    assert fault_of(server.expect_nothing_too_soon).reason is Reason.EXTRA_REQUEST


def test_the_same_half_a_second_later_is_its_own_timers(meet: Meet) -> None:
    server, program = meet("send hello", "send hello")
    server.expect(HELLO)
    came_after(server, program, 0.6)
    server.expect_nothing_too_soon()
    assert not server.waiting()


def test_another_datagram_never_comes_by_a_timer(meet: Meet) -> None:
    server, program = meet("send hello", "send more")
    server.expect(HELLO)
    came_after(server, program, 0.6)
    fault = fault_of(server.expect_nothing_too_soon)
    assert (fault.reason, fault.received) == (Reason.EXTRA_REQUEST, b"more")


def test_what_comes_besides_is_seen(meet: Meet) -> None:
    server, program = meet("send hello", "send more", "pause")
    server.expect(HELLO)
    program.wait_still()
    assert server.waiting() == 1
    fault = fault_of(server.expect_nothing_more)
    assert (fault.reason, fault.received) == (Reason.EXTRA_REQUEST, b"more")


def test_of_a_flood_only_so_much_is_taken(meet: Meet) -> None:
    server, program = meet("flood x")
    program.wait(lambda: server.waiting() >= 1000 or None)
    assert server.waiting() == server.count == 1000


def test_a_datagram_knows_when_it_came(meet: Meet) -> None:
    began = time.time()
    server, _ = meet("send hello")
    server.expect(HELLO)
    assert began < server._asked.arrived_s < time.time()


# answering


@pytest.mark.parametrize(
    ("how", "lines"),
    [(Answer.WHOLE, ["HELLO"]), (Answer.LATE, ["HELLO"]), (Answer.TWICE, ["HELLO", "HELLO"])],
)
def test_each_answer_comes_as_it_is_called(meet: Meet, how: Answer, lines: list[str]) -> None:
    server, program = meet("send hello", *["recv"] * len(lines))
    server.expect(HELLO)
    server.answer(b"HELLO", how)
    assert shown(program) == lines


def test_no_answer_is_none(meet: Meet) -> None:
    server, program = meet("send hello", "recv")
    server.expect(HELLO)
    server.answer(b"HELLO", Answer.NOTHING)
    program.wait_still()
    assert not program.stdout.data


def test_an_answer_behind_the_next_comes_behind_the_next(meet: Meet) -> None:
    server, program = meet("send a", "send b", "send c", "recv", "recv", "recv")
    server.expect(b"a")
    server.answer(b"A", Answer.BEHIND_THE_NEXT)
    program.wait_still()
    assert not program.stdout.data
    server.expect(b"b")
    server.answer(b"B")
    server.expect(b"c")
    server.answer(b"C")
    assert shown(program) == ["B", "A", "C"]


def test_an_answer_before_the_next_waits_for_the_next_request(meet: Meet) -> None:
    server, program = meet("send a", "recv", "send b", "recv")
    server.expect(b"a")
    server.answer(b"A", Answer.BEFORE_THE_NEXT)
    program.wait_still()
    assert not program.stdout.data


def test_an_answer_before_the_next_comes_before_its_answer(meet: Meet) -> None:
    server, program = meet("send a", "send b", "recv", "recv")
    server.expect(b"a")
    server.answer(b"A", Answer.BEFORE_THE_NEXT)
    server.expect(b"b")
    server.answer(b"B")
    assert shown(program) == ["A", "B"]


def test_a_delayed_answer_comes_so_long_after_what_it_answers(meet: Meet) -> None:
    server, program = meet("send hello", "recv")
    server.expect(HELLO)
    came = server._asked.arrived_s
    server.answer(b"HELLO", Answer.DELAYED)
    assert time.time() - came > LEAST_WAIT_S * DELAY_PART
    assert shown(program) == ["HELLO"]


def test_for_a_program_that_has_exited_nothing_is_delayed(meet: Meet) -> None:
    server, program = meet("send hello")
    server.expect(HELLO)
    program.wait_end()
    server._last = server._asked._replace(arrived_s=time.time() + 60)
    server.delay(server._asked)


def test_strangers_answer_in_the_servers_place(meet: Meet) -> None:
    server, program = meet("send hello", "recv", "recv", "recv")
    server.expect(HELLO)
    server.answer(b"HELLO", Answer.FROM_STRANGERS)
    program.wait_still()
    assert program.stdout.data == b"HELLO\nHELLO\n"
    assert {event.who for event in program.transcript.events if event.kind is EventKind.SENT} == {"a stranger"}


def test_another_server_answers_from_its_own_address_and_our_port(meet: Meet) -> None:
    server, program = meet("send hello", "recvfrom", "recvfrom")
    server.expect(HELLO)
    here = server.came_to()
    assert here
    server.answer_from("127.0.0.4", b"HELLO")
    server.answer_from("127.0.0.2", b"HELLO")
    assert shown(program) == [f"HELLO 127.0.0.4 {here.port}", f"HELLO 127.0.0.2 {here.port}"]


def test_another_server_hears_what_it_is_sent(meet: Meet) -> None:
    server, _ = meet("send hello", "reply hello", "pause")
    server.expect(HELLO)
    server.answer_from("127.0.0.4", b"HELLO")
    server.expect(HELLO)
    came_to = server.came_to()
    assert came_to
    assert came_to.host == "127.0.0.4"


def test_where_this_machine_has_no_such_address_nobody_answers_from_there(meet: Meet) -> None:
    server, _ = meet("send hello", "pause")
    server.expect(HELLO)
    with pytest.raises(UnprovedError, match=r"no address 192\.0\.2\.1"):
        server.answer_from("192.0.2.1", b"HELLO")


def test_another_server_that_answers_too_late_proves_nothing(meet: Meet) -> None:
    server, _ = meet("send hello", "pause")
    server.expect(HELLO)
    server._last = server._asked._replace(arrived_s=time.time() - 1)
    with pytest.raises(UnprovedError, match="the machine was too busy"):
        server.answer_from("127.0.0.4", b"HELLO")


def test_an_answer_before_the_next_comes_before_another_servers(meet: Meet) -> None:
    server, program = meet("send a", "send b", "recv", "recv")
    server.expect(b"a")
    server.answer(b"A", Answer.BEFORE_THE_NEXT)
    server.expect(b"b")
    server.answer_from("127.0.0.4", b"B")
    assert shown(program) == ["A", "B"]


def test_a_broadcast_is_heard_and_answered_from_an_address_that_is_none(stand: Stand, courier: Courier) -> None:
    port = free_port()
    server = ScriptedUdpServer([Endpoint(BROADCAST, port)], stand.table, courier)
    program = stand.run(*PYTHON, "-c", CLIENT, BROADCAST, str(port), "send hello", "recvfrom")
    server.begin(program)
    server.expect(HELLO)
    assert server.came_to() == Endpoint(BROADCAST, port)
    server.answer(b"HELLO")
    assert shown(program) == [f"HELLO 127.0.0.1 {port}"]
    heard, said = (event.ends for event in program.transcript.events if event.ends)
    assert heard[0] == Endpoint(BROADCAST, port)
    assert said[0] == Endpoint("127.0.0.1", port)
    server.close()


def test_a_socket_for_broadcasts_can_refuse(stand: Stand, courier: Courier) -> None:
    server = ScriptedUdpServer([Endpoint(BROADCAST, free_port())], stand.table, courier)
    server.refuse()
    server.close()


@pytest.mark.parametrize("how", [Answer.RESET, Answer.IN_BYTES])
def test_what_only_a_connection_can_do_is_refused(meet: Meet, how: Answer) -> None:
    server, _ = meet("send hello", "recv")
    server.expect(HELLO)
    with pytest.raises(ValueError, match=f"can't answer as Answer.{how.name} says"):
        server.answer(b"HELLO", how)


def test_what_is_heard_may_be_recognised(meet: Meet) -> None:
    server, program = meet("send id 42", "recv")
    values = server.expect(form(b"id {id:[0-9]+}", ending=b""))
    server.answer(values["id"])
    assert shown(program) == ["42"]


def test_a_datagram_that_is_not_recognised_is_a_wrong_one(meet: Meet) -> None:
    server, _ = meet("send id 4x", "recv")
    fault = fault_of(lambda: server.expect(form(b"id {id:[0-9]+}", ending=b"")))
    assert (fault.reason, fault.at, fault.received) == (Reason.WRONG_REQUEST, 4, b"id 4x")


def test_that_nothing_is_sent_can_be_heard(meet: Meet) -> None:
    server, _ = meet("pause")
    assert server.expect(nothing) == {}


def test_an_empty_answer_is_a_datagram(meet: Meet) -> None:
    server, program = meet("send hello", "recv")
    server.expect(HELLO)
    server.answer(b"")
    assert shown(program) == [""]
    assert [event.text for event in program.transcript.events if event.kind is EventKind.SENT] == ["an empty datagram"]


@pytest.mark.parametrize("how", [Answer.WHOLE, Answer.TWICE])
def test_who_is_answered_too_late_is_not_judged(meet: Meet, how: Answer) -> None:
    server, _ = meet("send hello", "recv", "recv")
    server.expect(HELLO)
    server._last = server._asked._replace(arrived_s=time.time() - 0.6)
    with pytest.raises(UnprovedError) as caught:
        server.answer(b"HELLO", how)
    assert (caught.value.reason, caught.value.what) == (
        Reason.STARVED,
        "the machine was too busy: a reply was sent 0.6 s after the request",
    )


def test_a_late_answer_may_come_late(meet: Meet) -> None:
    server, program = meet("send hello", "recv")
    server.expect(HELLO)
    server._last = server._asked._replace(arrived_s=time.time() - 60)
    server.answer(b"HELLO", Answer.LATE)
    assert shown(program) == ["HELLO"]


def test_each_try_is_answered_late(meet: Meet) -> None:
    server, program = meet("send first", "recv", "send hello", "send hello", "recv", "recv")
    server.expect(b"first")
    server.answer(b"FIRST")
    server.expect(HELLO)
    server.expect(HELLO)
    server.answer(b"HELLO", Answer.LATE)
    assert shown(program) == ["FIRST", "HELLO", "HELLO"]
    assert not server.unanswered


# strangers


@pytest.mark.alone
def test_a_strangers_words_are_read_before_the_answer_is_sent(meet: Meet) -> None:
    server, program = meet("send hello", "recv", "recv")
    server.expect(HELLO)
    server.send_as_stranger(next(server.strangers()), b"strange")
    program.wait_still()
    assert program.stdout.data == b"strange\n"
    server.answer(b"HELLO")
    assert shown(program) == ["strange", "HELLO"]


def test_what_it_does_because_of_a_stranger_is_seen_however_late_it_is(meet: Meet) -> None:
    server, program = meet("send hello", "recv", "work 0.1", "exit 7", least_wait_s=1e-6)
    server.expect(HELLO)
    server.send_as_stranger(next(server.strangers()), b"strange")
    assert program.ending()


def test_strays_come_from_the_server_and_from_a_stranger_by_turns(meet: Meet) -> None:
    server, program = meet("send hello", "recv", "recv")
    server.expect(HELLO)
    for number in range(2):
        server.send_stray(number, b"stray")
    assert shown(program) == ["stray", "stray"]
    told = [(event.who, event.data) for event in program.transcript.events if event.kind is EventKind.SENT]
    assert told == [("the server", b"stray"), ("a stranger", b"stray")]


def test_how_long_it_waited_is_read_from_its_datagrams(meet: Meet) -> None:
    server, _ = meet("send hello", "sleep 0.02", "send hello")
    server.expect(HELLO)
    server.expect(HELLO)
    assert 0.02 <= server.last_wait_s() < 60


def test_one_stranger_has_the_servers_address_and_one_its_port(meet: Meet) -> None:
    server, program = meet("send hello", "recv", "recv")
    server.expect(HELLO)
    for stranger in server.strangers():
        server.send_as_stranger(stranger, b"strange")
    here = server.came_to()
    assert here
    near, far = (event.text for event in program.transcript.events if event.kind is EventKind.SENT)
    assert near.startswith(f"from {here.host} port ")
    assert f"port {here.port}," not in near
    assert far == f"from 127.0.0.3 port {here.port}, which was never asked"


def test_over_ipv6_there_is_one_stranger(meet: Meet) -> None:
    server, _ = meet("send hello", "pause", host="::1")
    server.expect(HELLO)
    assert len(list(server.strangers())) == 1


def test_a_program_that_sleeps_is_not_waited_for(meet: Meet) -> None:
    server, _ = meet("send hello", "sleep 20")
    server.expect(HELLO)
    server.send_as_stranger(next(server.strangers()), b"strange")
    assert time.time() - server._asked.arrived_s < REPLY_S


def test_a_connected_socket_does_not_take_a_strangers_words(meet: Meet) -> None:
    server, program = meet("connect", "send hello", "recv")
    server.expect(HELLO)
    server.send_as_stranger(next(server.strangers()), b"strange")
    server.answer(b"HELLO")
    assert shown(program) == ["HELLO"]


def test_a_stranger_is_told_apart_in_the_transcript(meet: Meet) -> None:
    server, program = meet("send hello", "recv")
    server.expect(HELLO)
    server.send_as_stranger(next(server.strangers()), b"strange")
    (event,) = (event for event in program.transcript.events if event.kind is EventKind.SENT)
    here = server.came_to()
    assert here
    assert event.who == "a stranger"
    assert f"port {here.port}," not in event.text


# ports


def test_a_port_that_refuses_is_still_held(meet: Meet) -> None:
    server, _ = meet("pause")
    server.refuse()
    held = server._sockets[0].getsockname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, pytest.raises(OSError, match="in use") as caught:
        other.bind(held)
    assert caught.value.errno == errno.EADDRINUSE


def test_who_sends_to_a_port_that_refuses_hears_of_it(stand: Stand, courier: Courier) -> None:
    port = free_port()
    server = ScriptedUdpServer([Endpoint("127.0.0.1", port)], stand.table, courier)
    server.refuse()
    program = stand.run(*PYTHON, "-c", CLIENT, "127.0.0.1", str(port), "connect", "send hello", "recv")
    server.begin(program)
    assert shown(program) == ["refused"]
    assert server.came_to() is None
    server.close()


def test_an_address_that_this_machine_does_not_have_is_left_out(stand: Stand, courier: Courier) -> None:
    port = free_port()
    server = ScriptedUdpServer([Endpoint("192.0.2.1", port), Endpoint("127.0.0.1", port)], stand.table, courier)
    assert [sock.getsockname() for sock in server._sockets] == [("127.0.0.1", port)]
    server.close()


def test_a_port_that_somebody_has_proves_nothing(stand: Stand, courier: Courier) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(UnprovedError, match="could not be bound"):
            ScriptedUdpServer([Endpoint(*other.getsockname())], stand.table, courier)


def test_a_closed_server_is_no_party_any_more(meet: Meet) -> None:
    server, program = meet("pause")
    assert server in program.talks.open
    server.close()
    server.close()
    assert server not in program.talks.open
