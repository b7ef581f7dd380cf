"""Scripted UDP clients against real servers, and the proof that a datagram has arrived."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import msgspec
import pytest

from grader.errors import Reason
from grader.limits import REPLY_S
from grader.model import EventKind
from grader.protocol.form import form
from grader.protocol.nothing import nothing
from grader.protocol.script import Exchange
from grader.wire.courier import BROADCAST, Courier
from grader.wire.faults import FaultError
from grader.wire.process import ForCheck
from grader.wire.udp import UdpClient
from grader.wire.waiting import NoProgressError, Why
from tests.wire.stand import Serving, Stand

LOOPBACK = "127.0.0.1"
NO_MORE = "never will: the program is blocked and nothing will wake it"
HELLO = Exchange(b"hello", b"HELLO")


@pytest.fixture
def courier() -> Iterator[Courier]:
    """Proves arrival."""
    courier = Courier()
    yield courier
    courier.close()


def waiting(sock: socket.socket) -> list[bytes]:
    """All datagrams that are there."""
    sock.setblocking(False)
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(sock.recv(65536))
    return found


def bound(host: str = LOOPBACK) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind((host, 0))
    return sock


# the courier


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
def test_what_was_sent_is_there_in_order_when_the_courier_is_back(courier: Courier, host: str) -> None:
    with bound(host) as here, bound(host) as there:
        for round_trip in range(100):
            sent = [b"%d %d" % (round_trip, number) for number in range(20)]
            for data in sent:
                here.sendto(data, there.getsockname())
            courier.wait_arrived()
            assert waiting(there) == sent


def test_what_others_have_sent_on_whatever_cpu_is_there_too(courier: Courier) -> None:
    cpus = sorted(os.sched_getaffinity(0))
    with bound() as there:

        def send_on(cpu: int) -> None:
            os.sched_setaffinity(0, {cpu})  # of this thread alone
            with bound() as here:
                for number in range(50):
                    here.sendto(b"%d %d" % (cpu, number), there.getsockname())

        for _ in range(20):
            senders = [threading.Thread(target=send_on, args=[cpu]) for cpu in cpus]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            courier.wait_arrived()
            assert sorted(waiting(there)) == sorted(b"%d %d" % (cpu, number) for cpu in cpus for number in range(50))


def test_the_courier_goes_back_to_all_its_cpus(courier: Courier) -> None:
    before = os.sched_getaffinity(0)
    courier.wait_arrived()
    assert os.sched_getaffinity(0) == before


def test_a_marker_that_found_no_room_is_sent_again(courier: Courier) -> None:
    courier._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # the least that Linux allows
    for _ in range(20):
        courier._sock.send(b"late")
    numbered = courier._number
    courier.wait_arrived()
    assert courier._number - numbered == len(os.sched_getaffinity(0)) + 1


def test_words_of_strangers_are_not_taken_for_the_couriers_own(courier: Courier) -> None:
    with bound() as stranger, bound() as there:
        for number in range(30):
            stranger.sendto(b"\0" * (number % 10), courier._sock.getsockname())
        stranger.sendto(b"x", there.getsockname())
        courier.wait_arrived()
        assert waiting(there) == [b"x"]
        assert waiting(courier._sock) == []


# asking


def fault_of(client: UdpClient, exchange: Exchange = HELLO) -> FaultError:
    """How asking ends."""
    with pytest.raises(FaultError) as caught:
        client.ask(exchange)
    return caught.value


@pytest.mark.parametrize("host", [LOOPBACK, "0.0.0.0", "::1", "::"])  # noqa: S104 (in a test, on free ports)
@pytest.mark.parametrize("size_bytes", [0, 1, 1024, 65_000])
def test_a_datagram_is_answered(stand: Stand, host: str, size_bytes: int) -> None:
    client = stand.connect_udp(stand.serve_udp("upper", host))
    client.ask(Exchange(b"x" * size_bytes, b"X" * size_bytes))


def test_what_was_sent_waits_in_the_programs_queue(stand: Stand) -> None:
    serving = stand.serve_udp("reads_nothing")
    client = stand.connect_udp(serving)
    before = 0
    for _ in range(3):
        client.send(b"")
        (row,) = (row for row in stand.table.dump_udp() if row.local == serving.address)
        assert row.receive_queue > before
        before = row.receive_queue


def test_clients_get_their_own_answers_in_the_order_in_which_they_asked(stand: Stand) -> None:
    serving = stand.serve_udp("upper")
    first, second = stand.connect_udp(serving), stand.connect_udp(serving, "client B")
    with serving.program.frozen():
        for number in range(5):
            first.send(b"a%d" % number)
            second.send(b"b%d" % number)
    for number in range(5):
        first.expect(b"A%d" % number)
    second.expect_all([b"B%d" % number for number in range(5)])


@pytest.mark.parametrize(
    ("which", "reason", "what", "doing"),
    [
        (
            "silent",
            Reason.NO_REPLY,
            f"client A received no reply, and {NO_MORE}",
            "blocked in recv, waiting for a datagram",
        ),
        (
            "reads_nothing",
            Reason.NO_REPLY,
            f"client A received no reply, and {NO_MORE}",
            "blocked in pause; datagrams are waiting unread",
        ),
        (
            "crashes",
            Reason.CRASHED,
            "client A received no reply: the program exited",
            "it was ended by signal SIGABRT, an abort",
        ),
        (
            "wrong",
            Reason.WRONG_REPLY,
            "client A received a different reply",
            None,  # it has answered, and may be seen on its way back to sleep
        ),
    ],
)
def test_a_datagram_that_does_not_come_is_known_before_the_deadline(
    stand: Stand, which: str, reason: Reason, what: str, doing: str | None
) -> None:
    client = stand.connect_udp(stand.serve_udp(which))
    fault = fault_of(client)
    stop = fault.__context__
    assert not isinstance(stop, NoProgressError) or stop.why is not Why.DEADLINE
    assert (fault.reason, fault.what) == (reason, what)
    assert fault.doing == doing or doing is None


def test_a_program_that_ends_at_an_empty_datagram_has_exited(stand: Stand) -> None:
    fault = fault_of(stand.connect_udp(stand.serve_udp("exits_at_an_empty_one")), Exchange(b"", b""))
    assert (fault.reason, fault.what) == (Reason.EXITED, "client A received no reply: the program exited")


def test_a_program_that_runs_for_ever_has_its_deadline(stand: Stand) -> None:
    began = time.monotonic()
    fault = fault_of(stand.connect_udp(stand.serve_udp("spins")))
    assert (fault.reason, fault.what) == (
        Reason.NO_REPLY,
        "client A received no reply, and the time allowed is up",
    )
    assert fault.doing.startswith("spinning (")
    assert time.monotonic() - began >= REPLY_S


def test_a_reply_that_went_to_another_client_is_told(stand: Stand) -> None:
    serving = stand.serve_udp("to_the_first")
    first, second = stand.connect_udp(serving), stand.connect_udp(serving, "client B")
    first.ask(HELLO)
    fault = fault_of(second)
    assert fault.reason is Reason.NO_REPLY
    assert fault.what == f"client B received no reply, and {NO_MORE}; a datagram went to client A instead"


def test_a_reply_from_another_port_is_the_programs_fault(stand: Stand) -> None:
    serving = stand.serve_udp("from_another_port")
    client = stand.connect_udp(serving)
    fault = fault_of(client)
    (came,) = (event.text for event in client._transcript.events if event.kind is EventKind.NOTE)
    port = int(came.removeprefix("it came from 127.0.0.1 port "))
    assert port != serving.address.port
    assert (fault.reason, fault.what) == (
        Reason.WRONG_SOURCE,
        f"client A asked port {serving.address.port}, but the reply came from port {port}",
    )


def test_a_client_goes_on_with_the_port_that_has_answered(stand: Stand) -> None:
    serving = stand.serve_udp("from_a_port_of_its_own")
    client = stand.connect_udp(serving)
    client.send(b"read")
    client.expect_from_any_port(b"READ")
    assert client.theirs.port != serving.address.port
    client.send(b"more")
    client.expect(b"MORE")
    other = stand.connect_udp(serving)
    other.send(b"read")
    with pytest.raises(FaultError, match="but the reply came from port"):
        other.expect(b"READ")


def test_a_reply_from_another_address_is_the_programs_fault(stand: Stand) -> None:
    fault = fault_of(stand.connect_udp(stand.serve_udp("from_another_address")))
    assert (fault.reason, fault.what) == (
        Reason.WRONG_SOURCE,
        "client A asked 127.0.0.1, but the reply came from 127.0.0.2",
    )


def test_a_broadcast_is_answered_from_whatever_address_at_that_port(stand: Stand) -> None:
    client = stand.connect_udp(stand.serve_udp("upper", "0.0.0.0"), to=BROADCAST)  # noqa: S104 — on a free port
    client.ask(HELLO)
    assert client.theirs.host == BROADCAST
    assert not [event for event in client._transcript.events if event.kind is EventKind.NOTE]


def test_a_broadcast_is_not_heard_at_one_address(stand: Stand) -> None:
    assert fault_of(stand.connect_udp(stand.serve_udp("upper"), to=BROADCAST)).reason is Reason.NO_REPLY


def test_an_answer_to_a_broadcast_from_another_port_is_the_programs_fault(stand: Stand) -> None:
    client = stand.connect_udp(stand.serve_udp("from_another_port", "0.0.0.0"), to=BROADCAST)  # noqa: S104 — as above
    fault = fault_of(client)
    assert fault.reason is Reason.WRONG_SOURCE
    assert fault.what.startswith(f"client A asked port {client.theirs.port}, but the reply came from port ")


REQUESTS = [b"r%d" % (number % 7) for number in range(10)]  # some of them twice


def burst(stand: Stand, which: str) -> UdpClient:
    """A client whose datagrams all waited when the program went on."""
    serving = stand.serve_udp(which)
    client = stand.connect_udp(serving)
    with serving.program.frozen():
        for data in REQUESTS:
            client.send(data)
    return client


@pytest.mark.parametrize("which", ["upper", "from_its_last_to_its_first"])
def test_the_replies_to_a_burst_may_come_in_any_order(stand: Stand, which: str) -> None:
    burst(stand, which).expect_all([data.upper() for data in REQUESTS])


def test_of_a_burst_every_reply_counts_as_often_as_it_was_asked_for(stand: Stand) -> None:
    with pytest.raises(FaultError) as caught:
        burst(stand, "all_but_the_last").expect_all([data.upper() for data in REQUESTS])
    fault = caught.value
    assert (fault.reason, fault.expected, fault.received) == (Reason.WRONG_REPLY, b"R2", b"R0")
    assert fault.what == "client A received wrong replies: 1 of 10"


def test_replies_to_a_burst_that_do_not_come_are_counted(stand: Stand) -> None:
    client = burst(stand, "upper")
    with pytest.raises(FaultError) as caught:
        client.expect_all([*(data.upper() for data in REQUESTS), b"ONE MORE"])
    assert (caught.value.reason, caught.value.what) == (
        Reason.NO_REPLY,
        f"client A did not receive all replies (10 of 11), and {NO_MORE}",
    )


# another copy of a reply


def test_another_copy_of_a_reply_is_passed_over(stand: Stand) -> None:
    client = stand.connect_udp(stand.serve_udp("twice"))
    for data in (b"a", b"b", b"a", b"c"):
        client.ask(Exchange(data, data.upper()))
    client.expect(nothing)
    client.ask(Exchange(b"d", b"D"))
    said = [event.text for event in client._transcript.events if event.kind is EventKind.NOTE]
    assert set(said) == {"it is another copy of an earlier reply, and passed over"}
    with pytest.raises(FaultError, match="one too many"):
        client.expect_nothing(Reason.EXTRA_REPLY, "one too many")


def test_copies_among_the_replies_to_a_burst_are_passed_over(stand: Stand) -> None:
    burst(stand, "twice").expect_all([data.upper() for data in REQUESTS])


@pytest.mark.parametrize(("which", "asked"), [("twice_and_one_less", [b"a", b"b"]), ("copies_for_ever", [b"a"])])
def test_a_copy_is_the_wrong_reply_if_no_other_comes(stand: Stand, which: str, asked: list[bytes]) -> None:
    client = stand.connect_udp(stand.serve_udp(which))
    for data in asked:
        client.ask(Exchange(data, data.upper()))
    fault = fault_of(client, Exchange(b"c", b"C"))
    assert (fault.reason, fault.what) == (Reason.WRONG_REPLY, "client A received a different reply")


# replies that are recognised


def test_a_recognised_reply_gives_what_it_captured(stand: Stand) -> None:
    client = stand.connect_udp(stand.serve_udp("upper"))
    assert client.ask(Exchange(b"at 12", form(b"AT {t:[0-9]+}", ending=b"")))["t"] == b"12"


def test_a_reply_that_is_not_recognised_says_where(stand: Stand) -> None:
    fault = fault_of(stand.connect_udp(stand.serve_udp("upper")), Exchange(b"at x", form(b"AT {t:[0-9]+}", ending=b"")))
    assert (fault.reason, fault.what) == (Reason.WRONG_REPLY, "client A received a different reply")
    assert (fault.expected, fault.received, fault.at, fault.here) == ("'AT <t>'", b"AT X", 3, "a digit")


def test_a_reply_that_is_cut_short_says_what_is_lacking(stand: Stand) -> None:
    fault = fault_of(stand.connect_udp(stand.serve_udp("upper")), Exchange(b"ok", form(b"OK")))
    assert (fault.reason, fault.received, fault.lacking) == (Reason.WRONG_REPLY, b"OK", r"its line ending, '\n'")


def test_the_replies_to_a_burst_are_matched_whichever_fit(stand: Stand) -> None:
    digit = form(b"R{d:[0-9]}", ending=b"")
    burst(stand, "upper").expect_all([digit] * 6 + [b"R0", b"R1", b"R2", b"R0"])
    with pytest.raises(FaultError, match="received wrong replies: 1 of 10") as caught:
        burst(stand, "upper").expect_all([digit] * 7 + [b"R0", b"R0", b"R0"])
    assert (caught.value.expected, caught.value.received) == (b"R0", b"R2")


def test_nothing_is_no_datagram(stand: Stand) -> None:
    client = stand.connect_udp(stand.serve_udp("silent"))
    client.ask(Exchange(b"", nothing))
    client.expect_all([nothing])
    assert client._transcript.events[-1].text == "blocked in recv, waiting for a datagram"


@pytest.mark.parametrize("said", [b"", b"x"])
def test_nothing_is_not_an_empty_datagram_either(stand: Stand, said: bytes) -> None:
    fault = fault_of(stand.connect_udp(stand.serve_udp("upper")), Exchange(said, nothing))
    assert (fault.reason, fault.expected, fault.received) == (Reason.WRONG_REPLY, "nothing", said.upper())


def test_an_empty_datagram_is_not_nothing(stand: Stand) -> None:
    fault = fault_of(stand.connect_udp(stand.serve_udp("silent")), Exchange(b"", b""))
    assert fault.reason is Reason.NO_REPLY


def test_silence_is_proved_by_stillness(stand: Stand) -> None:
    client = stand.connect_udp(stand.serve_udp("upper"))
    client.ask(HELLO)
    client.expect_nothing(Reason.EXTRA_REPLY, "another came")
    assert client._transcript.events[-1].text == "blocked in recv, waiting for a datagram"


def test_what_comes_where_nothing_may_is_reported(stand: Stand) -> None:
    client = stand.connect_udp(stand.serve_udp("twice"))
    client.ask(HELLO)
    with pytest.raises(FaultError, match="another came") as caught:
        client.expect_nothing(Reason.EXTRA_REPLY, "another came")
    assert (caught.value.reason, caught.value.received) == (Reason.EXTRA_REPLY, b"HELLO")


def kept_silence(stand: Stand, which: str) -> tuple[UdpClient, UdpClient]:
    """Two clients of a server with a timer of its own, which has kept silent towards the second for all its time."""
    serving = stand.serve_udp(which)
    serving.program.limits = msgspec.structs.replace(serving.program.limits, reply_s=0.3)
    first, second = stand.connect_udp(serving), stand.connect_udp(serving, "client B")
    first.send(b"x")
    second.ask(HELLO)
    first.receive()
    began = time.monotonic()
    second.expect_nothing(Reason.EXTRA_REPLY, "another came")
    assert time.monotonic() - began >= 0.3
    return first, second


class WaitedError(Exception):
    """The program was waited for."""


def test_a_silence_towards_one_client_is_one_towards_the_other(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = kept_silence(stand, "looks_up")

    def wait(*_: object, **__: object) -> None:
        raise WaitedError

    monkeypatch.setattr(first._program, "wait", wait)
    first.expect_nothing(Reason.EXTRA_REPLY, "another came")
    second.send(b"y")  # it may answer that to anybody
    with pytest.raises(WaitedError):
        first.expect_nothing(Reason.EXTRA_REPLY, "another came")


def test_what_has_come_to_another_client_meanwhile_counts(stand: Stand) -> None:
    first, _ = kept_silence(stand, "looks_up_and_tells_the_first")
    with pytest.raises(FaultError, match="another came") as caught:
        first.expect_nothing(Reason.EXTRA_REPLY, "another came")
    assert caught.value.received == HELLO.request


def test_a_silence_in_another_check_is_none_in_this_one(stand: Stand) -> None:
    first, _ = kept_silence(stand, "looks_up")
    first._program.serve_check(ForCheck(first._program.transcript))
    began = time.monotonic()
    first.expect_nothing(Reason.EXTRA_REPLY, "another came")
    assert time.monotonic() - began >= 0.3


def test_nothing_has_come_yet_once_a_program_rests_that_has_a_timer(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = stand.connect_udp(stand.serve_udp("looks_up"))
    client.ask(HELLO)
    monkeypatch.setattr(client._program, "wait_silent", None)
    client.expect_nothing_yet(Reason.EXTRA_REPLY, "another came")
    client.send(b"x")
    with pytest.raises(FaultError, match="another came") as caught:
        client.expect_nothing_yet(Reason.EXTRA_REPLY, "another came")
    assert (caught.value.reason, caught.value.received) == (Reason.EXTRA_REPLY, b"X")


def test_what_was_read_is_known_to_be(stand: Stand) -> None:
    client = stand.connect_udp(stand.serve_udp("silent"))
    client.send(b"")
    client.wait_read()
    assert all(row.receive_queue == 0 for row in stand.table.dump_udp() if row.local == client.theirs)


def test_what_is_never_read_is_waited_for_as_long_as_a_reply(stand: Stand) -> None:
    client = stand.connect_udp(stand.serve_udp("reads_nothing"))
    client.send(b"")
    client.wait_read()
    (row,) = [row for row in client._table.dump_udp() if row.local.port == client.theirs.port]
    assert row.receive_queue > 0


def test_a_client_that_is_closed_is_spoken_to_no_more(stand: Stand) -> None:
    serving: Serving = stand.serve_udp("upper")
    with stand.connect_udp(serving) as client:
        assert list(serving.program.talks.open) == [client]
        client.close()
    assert list(serving.program.talks.open) == []
    assert client.gone()
    stand.connect_udp(serving, "client B").ask(HELLO)


def test_each_datagram_is_an_event_of_its_own(stand: Stand) -> None:
    serving = stand.serve_udp("upper")
    client = stand.connect_udp(serving)
    with serving.program.frozen():
        client.send(b"one")
        client.send(b"two")
    client.expect_all([b"ONE", b"TWO"])
    came = [event.data for event in client._transcript.events if event.kind is EventKind.RECEIVED]
    assert came == [b"ONE", b"TWO"]


def test_a_network_without_broadcasts_proves_nothing() -> None:
    # In a network of its own whose loopback device is down.
    asks = "from grader.wire.udp import must_carry_broadcasts, UnprovedError\n"
    asks += "try:\n    must_carry_broadcasts()\nexcept UnprovedError as error:\n    print(error)\n"
    asked = subprocess.run(["unshare", "-rn", sys.executable, "-c", asks], capture_output=True, text=True, check=False)
    if "Operation not permitted" in asked.stderr:
        pytest.skip("this kernel refuses namespaces")
    assert asked.stdout.startswith("a broadcast to 127.255.255.255 does not arrive on this machine: "), asked.stderr


def test_a_network_without_ipv6_proves_nothing_of_a_server_there() -> None:
    # In a network of its own that has no address yet.
    asks = "from types import SimpleNamespace as Fake; from grader.wire.udp import UdpClient, Endpoint, UnprovedError\n"
    asks += "try:\n    UdpClient(Fake(talks=[], transcript=None), None, None, Endpoint('::1', 9), 'client A')\n"
    asks += "except UnprovedError as error:\n    print(error)\n"
    asked = subprocess.run(["unshare", "-rn", sys.executable, "-c", asks], capture_output=True, text=True, check=False)
    if "Operation not permitted" in asked.stderr:
        pytest.skip("this kernel refuses namespaces")
    assert asked.stdout == "this sandbox has no network for the address ::1\n", asked.stderr
