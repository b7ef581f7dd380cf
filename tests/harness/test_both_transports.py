"""A client that is about UDP goes on over TCP in a visit: one scripted server for each transport, on one port."""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from grader.errors import Reason
from grader.harness.clients import Clients
from grader.harness.manner import Manner
from grader.harness.ports import Ports
from grader.job import Command
from grader.model import EventKind
from grader.protocol.script import Answer
from grader.protocol.visit import Turn, Visit, outline
from grader.wire.faults import FaultError
from tests.driver.play import job
from tests.harness.conftest import MakeStage

#: Asks over UDP and prints what it gets; behind host and port comes what it then sends over TCP, if anything.
CLIENT = r"""
import socket, sys

there = sys.argv[1], int(sys.argv[2])
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.sendto(b"where?", there)
print(asking.recv(100).decode())
if len(sys.argv) > 3:
    with socket.create_connection(there) as server, server.makefile("rb") as lines:
        server.sendall(sys.argv[3].encode())
        line = lines.readline()
        if not line.endswith(b"\n"):
            sys.exit("cut short")
        print(line.decode().strip())
"""
WHERE = Turn(b"where?", b"over there")
THERE = Turn(b"again", b"here\n", over="tcp")


@pytest.fixture
def play(make_stage: MakeStage) -> Callable[..., Any]:
    """Play a visit with a client that sends this over TCP; gives its transcript."""

    def play(visit: Visit, *says: str) -> Any:
        stage = make_stage("upper", "udp")
        run = (sys.executable, "-I", "-S", "-c", CLIENT, "{host}", "{port}", *says)
        clients = Clients(stage, Command((), run), stage.ports.find(), stage.peers.await_datagrams, visit)
        clients._manner = Manner(run)  # finding it out is tested elsewhere
        clients.play(visit)
        return stage.transcript

    return play


@pytest.mark.parametrize(
    ("turns", "status"),
    [
        ((WHERE, THERE), 0),
        ((WHERE, Turn(b"again", b"here\n", Answer.IN_BYTES, "tcp")), 0),
        ((WHERE, Turn(b"again", b"here\n", Answer.HALF_THEN_CLOSE, "tcp")), None),
        ((WHERE, Turn(b"again", b"here\n", Answer.CLOSE, "tcp")), None),
    ],
)
def test_it_goes_on_over_tcp(play: Callable[..., Any], turns: tuple[Turn, ...], status: int | None) -> None:
    events = play(Visit(turns, shown=b"over there\nhere" if status == 0 else b"", status=status), "again").events
    assert [event.kind for event in events if event.kind is EventKind.CONNECTED] == [EventKind.CONNECTED]


@pytest.mark.parametrize(
    ("turns", "says", "reason", "what"),
    [
        ((WHERE, THERE), (), Reason.NOT_CONNECTED, "it did not connect: the program exited"),
        ((WHERE, THERE), ("again!",), Reason.EXTRA_REQUEST, "received more than the program should send"),
        ((WHERE, THERE), ("other",), Reason.WRONG_REQUEST, "the server received"),
        ((Turn(b"what?", b"x"), THERE), (), Reason.WRONG_REQUEST, "received a different datagram"),
    ],
)
def test_what_it_does_not_do_is_told(
    play: Callable[..., Any], turns: tuple[Turn, ...], says: tuple[str, ...], reason: Reason, what: str
) -> None:
    with pytest.raises(FaultError) as caught:
        play(Visit(turns), *says)
    assert (caught.value.reason, what in caught.value.what) == (reason, True)


def test_without_such_a_turn_nothing_listens(play: Callable[..., Any]) -> None:
    with pytest.raises(FaultError) as caught:
        play(Visit((WHERE,)), "again")
    assert caught.value.reason is Reason.TRACEBACK  # ConnectionRefusedError


def test_turns_over_different_transports_are_different_ones() -> None:
    assert outline(Visit((THERE,))) != outline(Visit((msgspec.structs.replace(THERE, over=None),)))


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_is_free_over_both(kind: socket.SocketKind) -> None:
    class Choices(random.Random):
        def choice(self, _: Any) -> Any:
            return next(offered)

    with socket.socket(socket.AF_INET, kind) as taken, socket.socket() as other:
        taken.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
        other.close()
        offered = iter([taken.getsockname()[1], free])
        ports = Ports(job("", transport="udp"), lambda: None)
        ports._choices = Choices()
        assert ports.find() == free
