"""Small decisions of the stage: names, command lines, addresses."""

from __future__ import annotations

import socket
from typing import cast

import msgspec
import pytest
from msgspec.structs import replace

from grader.assignment import ServerSpec
from grader.harness.listening import Server
from grader.harness.peers import client_name
from grader.harness.ports import Ports
from grader.wire.faults import UnprovedError
from grader.wire.kernel import Endpoint, SocketRow, TcpState
from grader.wire.program import Program
from tests.driver.play import job


def test_clients_are_named_by_letter_while_there_are_letters() -> None:
    assert [client_name(number) for number in (0, 1, 25, 26, 99)] == [
        "client A",
        "client B",
        "client Z",
        "client 27",
        "client 100",
    ]
    assert len({client_name(number) for number in range(200)}) == 200


def test_ports_are_the_seeds_so_that_none_tells_which_check_runs() -> None:
    def ports(seed: int) -> list[int]:
        alone = msgspec.structs.replace(job("", "answers"), seed=seed, private_network=True)
        found = Ports(alone, lambda: None)
        return [found.find() for _ in range(20)]

    told = {seed: ports(seed) for seed in range(1, 11)}
    assert len({*told[1], *ports(1)}) < 25, "the same, but for a port that somebody else may take meanwhile"
    for turn in range(20):
        assert len({each[turn] for each in told.values()}) > 5


def test_a_port_that_the_assignment_fixes_is_had_or_nothing_is_judged() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked = job("", "answers")
        fixed = ServerSpec(port=taken.getsockname()[1])
        ports = Ports(replace(asked, assignment=replace(asked.assignment, server=fixed)), lambda: None)
        with pytest.raises(UnprovedError, match="something else on this machine uses port"):
            ports.for_server()
    assert ports.for_server() == ports.own == fixed.port


@pytest.mark.parametrize(
    ("host", "v6_only", "reached_at"),
    [
        ("0.0.0.0", False, "127.0.0.1"),  # noqa: S104 — what a row says, never bound
        ("127.0.0.1", False, "127.0.0.1"),
        ("127.0.0.9", False, "127.0.0.9"),
        ("::", False, "127.0.0.1"),
        ("::", True, "::1"),
        ("::1", True, "::1"),
    ],
)
def test_where_a_client_reaches_a_server(host: str, v6_only: bool, reached_at: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    row = SocketRow(family, TcpState.LISTEN, Endpoint(host, 5000), Endpoint(host, 0), 0, 5, 1, v6_only=v6_only)
    server = Server(cast("Program", None), row, 4000)
    assert (server.address, server.port) == (Endpoint(reached_at, 5000), 5000)
