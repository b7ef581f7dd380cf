"""A scripted network between real programs, and between a program and our own end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from grader.errors import Reason
from grader.model import EventKind
from grader.protocol.network import Fate, Network, fates
from grader.wire import network
from grader.wire.courier import Courier
from grader.wire.faults import FaultError
from grader.wire.kernel import Endpoint
from grader.wire.network import ScriptedNetwork
from grader.wire.program import Program
from grader.wire.waiting import NoProgressError, Why
from tests.wire.stand import PYTHON, Stand
from tests.wire.test_udp_server import CLIENT, free_port

#: Sends each datagram back in capitals, to wherever it came from.
ECHO = """
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    data, client = server.recvfrom(65536)
    (other if data == b"elsewhere" else server).sendto(data.upper(), client)
"""

Between = Callable[..., tuple[ScriptedNetwork, Program]]


@pytest.fixture
def courier() -> Iterator[Courier]:
    """Proves arrival."""
    courier = Courier()
    yield courier
    courier.close()


@pytest.fixture
def between(stand: Stand, courier: Courier) -> Iterator[Between]:
    """A network, and a client that takes steps; `far`: our own end, or else a program that answers in capitals."""
    made = []

    def between(
        network: Network, *steps: str, far: Callable[..., list[bytes]] | None = None
    ) -> tuple[ScriptedNetwork, Program]:
        near, port = Endpoint("127.0.0.1", free_port()), free_port()
        made.append(it := ScriptedNetwork([near], network, far or Endpoint("127.0.0.1", port), courier))
        others = () if far else (stand.run(*PYTHON, "-c", ECHO, str(port)),)
        for server in others:
            server.wait_rest(1.0)
        client = stand.run(*PYTHON, "-c", CLIENT, near.host, str(near.port), *steps)
        it.begin(client, *others)
        return it, client

    yield between
    for it in made:
        it.close()


def printed(client: Program) -> list[str]:
    client.wait_end()
    return client.stdout.data.decode().splitlines()


def test_what_is_sent_and_answered_is_passed_on(between: Between) -> None:
    _, client = between(Network(), "send a", "recv", "send b", "recv")
    assert printed(client) == ["A", "B"]


def test_what_is_lost_never_comes_and_the_client_is_known_to_wait_for_nothing(between: Between) -> None:
    _, client = between(Network(fates(to_server={0: Fate.LOST})), "send a", "recv")
    with pytest.raises(NoProgressError) as stop:
        client.wait_end()
    assert stop.value.why is Why.STILL


def test_each_direction_is_scripted(between: Between) -> None:
    script = fates(to_server={0: Fate.TWICE}, to_client={1: Fate.LOST})
    _, client = between(Network(script), "send a", "recv", "recv", "send b", "send c", "recv")
    assert printed(client) == ["A", "A", "C"]


def test_what_is_held_back_comes_behind_the_next(between: Between) -> None:
    _, client = between(Network(fates(to_client={0: Fate.LATE})), "send a", "send b", "recv", "recv")
    assert printed(client) == ["B", "A"]


def test_an_answer_from_elsewhere_is_not_passed_on(between: Between) -> None:
    it, client = between(Network(), "send elsewhere", "send a", "recv")
    assert printed(client) == ["A"]
    assert any("not where the server was asked" in event.text for event in client.transcript.events)
    it.close()


def test_every_fate_is_in_the_transcript(between: Between) -> None:
    network = Network(
        fates(to_server={0: Fate.LOST, 1: Fate.CHANGED}, to_client={0: Fate.LATE}), lambda data: f"{data!r}"
    )
    it, client = between(network, "send one", "send two", "send three", "recv", "exit 0")
    client.wait_end()
    it.carry()
    it.close()
    told = [event.text for event in client.transcript.events if event.who == it.name]
    assert "for the server: b'one'; lost" in told
    assert "for the server: b'two'; passed on with one bit changed" in told
    assert "to the server: b'tvo'" in told
    assert "for the client: b'TVO'; held back until another one has passed" in told
    kinds = [event.kind for event in client.transcript.events if event.who == it.name]
    assert {EventKind.RECEIVED, EventKind.SENT} <= {*kinds}


def test_what_is_delivered_to_the_server_may_be_rewritten(between: Between) -> None:
    network = Network(fates(to_server={0: Fate.TWICE}), rewritten=lambda data: data + b"!")
    it, client = between(network, "send a", "recv", "recv", "exit 0")
    client.wait_end()
    assert printed(client) == ["A!", "A!"]
    assert [event.data for event in client.transcript.events if event.text.startswith("to the server")] == [b"a!"] * 2
    it.close()


def test_what_was_never_delivered_is_told(between: Between) -> None:
    it, client = between(Network(fates(to_server={0: Fate.LATE})), "send a", "exit 0")
    client.wait_end()
    it.carry()
    it.close()
    assert client.transcript.events[-1].text == "1 held back for the server, and never delivered"


def test_our_own_end_answers_through_the_network(between: Between) -> None:
    heard: list[tuple[bytes, float]] = []

    def far(data: bytes, at_s: float) -> list[bytes]:
        heard.append((data, at_s))
        return [data + b"1", data + b"2"]

    _, client = between(Network(fates(to_client={1: Fate.LOST})), "send a", "recv", "send b", "recv", "recv", far=far)
    assert printed(client) == ["a1", "b1", "b2"]
    assert [data for data, _ in heard] == [b"a", b"b"]
    assert heard[0][1] <= heard[1][1]


def test_what_our_own_end_finds_wrong_ends_the_wait(between: Between) -> None:
    def far(data: bytes, _: float) -> list[bytes]:
        raise FaultError(Reason.WRONG_REQUEST, "this is wrong", received=data)

    _, client = between(Network(), "send a", "recv", far=far)
    with pytest.raises(FaultError, match="this is wrong"):
        client.wait_end()


def test_who_sends_without_end_is_told_so(between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_MOST_DATAGRAMS", 50)
    _, client = between(Network(), "flood a")
    with pytest.raises(FaultError, match="have sent 50 datagrams, and there is no end of them"):
        client.wait_end()


def test_two_clients_are_told_apart(between: Between, stand: Stand) -> None:
    it, first = between(Network(), "send a", "recv", "send c", "recv")
    near = it._near[0].getsockname()
    second = stand.run(*PYTHON, "-c", CLIENT, near[0], str(near[1]), "send b", "recv")
    second.talks.meet(it)
    second.talks.attend(it)
    assert printed(second) == ["B"]
    assert printed(first) == ["A", "C"]
    second.talks.dismiss(it)


def test_who_sends_from_sockets_without_end_is_told_so(
    between: Between, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_MOST_SOURCES", 1)
    it, first = between(Network(), "send a", "recv")
    assert printed(first) == ["A"]
    near = it._near[0].getsockname()
    second = stand.run(*PYTHON, "-c", CLIENT, near[0], str(near[1]), "send b", "recv")
    second.talks.attend(it)
    with pytest.raises(FaultError, match="has sent from 1 sockets, and there is no end of them"):
        second.wait_end()
    second.talks.dismiss(it)
