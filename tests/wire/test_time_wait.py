"""A port that a connection of ours holds in TIME_WAIT: it decides what a program asks for, as its own would."""

from __future__ import annotations

import socket

import pytest

from grader.wire.kernel import Endpoint, SocketTable, TcpState
from grader.wire.time_wait import leave_time_wait


def held(bound: str, reached: str) -> int:
    """A port that is held so."""
    with socket.socket(socket.AF_INET6 if ":" in bound else socket.AF_INET) as probe:
        probe.bind((bound, 0))
        port: int = probe.getsockname()[1]
    leave_time_wait(Endpoint(bound, port), Endpoint(reached, port), v6_only=False)
    return port


def can_bind(bound: str, port: int, *options: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in bound else socket.AF_INET) as sock:
        for option in options:
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            sock.bind((bound, port))
        except OSError:
            return False
    return True


@pytest.mark.parametrize(
    ("bound", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("::", "127.0.0.1")],  # noqa: S104 — as servers do it
)
def test_whoever_asks_for_reuse_can_bind_and_nobody_else(bound: str, reached: str) -> None:
    port = held(bound, reached)
    table = SocketTable()
    assert [row for row in table.dump(TcpState.TIME_WAIT) if row.local.port == port]
    table.close()
    assert not can_bind(bound, port)
    assert can_bind(bound, port, socket.SO_REUSEADDR)
    assert can_bind(bound, port, socket.SO_REUSEPORT)


def test_a_port_that_somebody_holds_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Endpoint(*listener.getsockname())
        with pytest.raises(OSError, match="Address already in use"):
            leave_time_wait(address, address, v6_only=False)
