"""A client that acts by itself, with a scripted network between it and a server, or our own end."""

from __future__ import annotations

import sys

import pytest

from grader.errors import Reason
from grader.harness import clients
from grader.harness.clients import Clients
from grader.harness.manner import Manner
from grader.harness.stage import Stage
from grader.job import Command
from grader.protocol.network import Fate, Network, fates
from grader.protocol.visit import Turn, Visit
from grader.wire.faults import FaultError
from grader.wire.udp_server import ScriptedUdpServer
from tests.harness.conftest import MakeStage

#: Sends a word, again every tenth of a second, until an answer comes, which it prints.
CLIENT = r"""
import socket, sys

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(0.1)
while True:
    sock.sendto(b"hello", (sys.argv[1], int(sys.argv[2])))
    try:
        print(sock.recv(1000).decode())
        break
    except TimeoutError:
        pass
"""
VISIT = Visit((Turn(b"hello", b"HELLO"),), shown=b"HELLO")


def clients_of(stage: Stage, own_port: int | None = None) -> Clients[ScriptedUdpServer]:
    run = (sys.executable, "-I", "-S", "-c", CLIENT, "{host}", "{port}" if own_port is None else str(own_port))
    made = Clients(stage, Command((), run), stage.ports.find(), stage.peers.await_datagrams, VISIT)
    made._manner = Manner(run, own_port=own_port)  # finding it out is tested elsewhere
    return made


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    """Where a server runs that answers in capitals, and clients."""
    return make_stage("upper", "udp")


def told(stage: Stage) -> list[str]:
    return [event.text for event in stage.transcript.events if event.who == "the network"]


def test_it_stands_between_the_client_and_the_server(stage: Stage) -> None:
    server = stage.launch()
    clients_of(stage).play_through(Network(fates({0: (Fate.LOST, Fate.LOST)})), server, VISIT)
    passed = [text for text in told(stage) if text.startswith("for")]
    assert passed[:3] == ["for the server; lost", "for the server; lost", "for the server; passed on"]
    assert "for the client; passed on" in passed
    assert stage.programs.has(server.program)


def test_our_own_end_answers_without_a_server(stage: Stage) -> None:
    clients_of(stage).play_through(Network(), lambda data, _: [data.upper()], VISIT)
    assert told(stage)[-1] == "to the client"


def test_the_client_is_judged_by_what_it_prints(stage: Stage) -> None:
    with pytest.raises(FaultError) as caught:
        clients_of(stage).play_through(Network(), lambda data, _: [data], VISIT)
    assert caught.value.reason is Reason.NOT_SHOWN


def test_a_client_that_goes_to_its_own_port_meets_the_network_there(stage: Stage) -> None:
    server = stage.launch()
    clients_of(stage, stage.ports.find()).play_through(Network(fates({0: Fate.LOST})), server, VISIT)
    assert told(stage)[0] == "for the server; lost"


def test_nothing_can_stand_before_a_server_on_the_clients_own_port(stage: Stage) -> None:
    server = stage.launch()
    with pytest.raises(FaultError) as caught:
        clients_of(stage, server.port).play_through(Network(), server, VISIT)
    assert caught.value.reason is Reason.OTHER_PORT


def test_one_that_acts_by_itself_is_not_watched_at_its_keyboard(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def watched(*_: object) -> bool:
        message = "its timers are waited for"
        raise AssertionError(message)

    monkeypatch.setattr(clients, "_polls", watched)
    it = clients_of(stage)
    it._manner = None
    assert not it.manner.polls
