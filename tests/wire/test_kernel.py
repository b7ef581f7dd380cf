"""sock_diag on real sockets: one socket found exactly, dumps by state, TIME_WAIT rows destroyed where allowed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from grader.wire.courier import Courier
from grader.wire.kernel import CpuWaits, Endpoint, SocketRow, SocketTable, TcpState, sockets_in_use
from tests.wire.stand import PROGRAMS

LOOPBACK = "127.0.0.1"
#: A busy loop on the same CPU gets its turn within a fraction of this.
_RIVALRY_S = 20.0


@pytest.fixture
def table() -> Iterator[SocketTable]:
    """A conversation with the kernel."""
    table = SocketTable()
    yield table
    table.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes sockets in the end."""
    with ExitStack() as stack:
        yield stack


def listening(stack: ExitStack, host: str = LOOPBACK, *, dual: bool = False, backlog: int = 5) -> socket.socket:
    family = socket.AF_INET6 if dual or ":" in host else socket.AF_INET
    return stack.enter_context(socket.create_server((host, 0), family=family, dualstack_ipv6=dual, backlog=backlog))


def connected(stack: ExitStack, listener: socket.socket, host: str = LOOPBACK) -> tuple[socket.socket, socket.socket]:
    """(client, server)."""
    client = stack.enter_context(socket.create_connection((host, listener.getsockname()[1])))
    server, _ = listener.accept()
    return client, stack.enter_context(server)


def ends(client: socket.socket) -> tuple[Endpoint, Endpoint]:
    """The server's side of a connection: its own end and ours."""
    return Endpoint(*client.getpeername()[:2]), Endpoint(*client.getsockname()[:2])


def server_row(table: SocketTable, client: socket.socket) -> SocketRow:
    row = table.find(*ends(client))
    assert row is not None
    return row


def inode(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


def test_when_the_kernel_will_ask_the_other_side_is_known(table: SocketTable, stack: ExitStack) -> None:
    client, server = connected(stack, listening(stack))
    assert server_row(table, client).probe_s is None
    server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    probe_s = server_row(table, client).probe_s
    assert probe_s is not None
    assert 0 < probe_s <= 30


def test_one_socket_is_found_by_its_ends(table: SocketTable, stack: ExitStack) -> None:
    listener = listening(stack)
    client, server = connected(stack, listener)
    others = [connected(stack, listener) for _ in range(3)]
    here, there = ends(client)
    row = server_row(table, client)
    assert (row.family, row.state, row.local, row.remote) == (socket.AF_INET, TcpState.ESTABLISHED, here, there)
    assert (row.inode, row.receive_queue, row.bytes_received) == (inode(server), 0, 0)
    mirrored = table.find(there, here)
    assert mirrored is not None
    assert mirrored.inode == inode(client)
    assert {server_row(table, other).inode for other, _ in others} == {inode(other) for _, other in others}


@pytest.mark.parametrize("dual", [False, True])
def test_the_listener_is_never_taken_for_an_unknown_connection(
    table: SocketTable, stack: ExitStack, dual: bool
) -> None:
    port = listening(stack, "" if dual else LOOPBACK, dual=dual).getsockname()[1]
    stranger = stack.enter_context(socket.socket())
    stranger.bind((LOOPBACK, 0))
    assert table.find(Endpoint(LOOPBACK, port), Endpoint(LOOPBACK, stranger.getsockname()[1])) is None
    assert table.find(Endpoint("::1", port), Endpoint("::1", stranger.getsockname()[1])) is None


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
def test_a_socket_that_is_bound_to_a_device_is_found(table: SocketTable, stack: ExitStack, host: str) -> None:
    listener = listening(stack, host)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    client, server = connected(stack, listener, host)
    client.send(b"abc")
    assert server_row(table, client).inode == os.fstat(server.fileno()).st_ino


def test_a_port_without_any_socket_has_no_row(table: SocketTable, stack: ExitStack) -> None:
    bound = stack.enter_context(socket.socket())
    bound.bind((LOOPBACK, 0))
    assert table.find(Endpoint(LOOPBACK, bound.getsockname()[1]), Endpoint(LOOPBACK, 9)) is None


def test_a_dual_stack_server_is_found_by_ipv4(table: SocketTable, stack: ExitStack) -> None:
    listener = listening(stack, "", dual=True)
    client, server = connected(stack, listener)
    row = server_row(table, client)
    assert (row.family, row.inode) == (socket.AF_INET6, inode(server))
    assert (row.local, row.remote) == ends(client)
    (found,) = (row for row in table.dump(TcpState.LISTEN) if row.inode == inode(listener))
    assert (found.local.host, found.v6_only) == ("::", False)


def test_ipv6_only_is_told(table: SocketTable, stack: ExitStack) -> None:
    listener = listening(stack, "::1")
    client, server = connected(stack, listener, "::1")
    assert server_row(table, client).inode == inode(server)
    (found,) = (row for row in table.dump(TcpState.LISTEN) if row.inode == inode(listener))
    assert (found.local.host, found.v6_only) == ("::1", True)


def test_bytes_and_segments_are_counted_until_read(table: SocketTable, stack: ExitStack) -> None:
    client, server = connected(stack, listening(stack))
    before = server_row(table, client).segments_received
    client.send(b"five!")
    arrived = server_row(table, client)
    assert (arrived.bytes_received, arrived.receive_queue, arrived.segments_received) == (5, 5, before + 1)
    server.recv(2)
    assert server_row(table, client).receive_queue == 3
    server.recv(10)
    assert (server_row(table, client).bytes_received, server_row(table, client).receive_queue) == (5, 0)


def test_a_fin_counts_as_one_byte_until_it_is_read(table: SocketTable, stack: ExitStack) -> None:
    client, server = connected(stack, listening(stack))
    client.shutdown(socket.SHUT_WR)
    row = server_row(table, client)
    assert (row.state, row.bytes_received, row.receive_queue) == (TcpState.CLOSE_WAIT, 1, 1)
    assert server.recv(10) == b""
    assert server_row(table, client).receive_queue == 0


def test_a_fin_behind_bytes_counts_too(table: SocketTable, stack: ExitStack) -> None:
    client, server = connected(stack, listening(stack))
    client.send(b"five!", socket.MSG_MORE)
    client.shutdown(socket.SHUT_WR)
    assert (server_row(table, client).bytes_received, server_row(table, client).receive_queue) == (6, 6)
    server.recv(3)
    assert server_row(table, client).receive_queue == 3
    server.recv(10)  # a recv that takes the last byte takes the FIN of the same segment along
    assert server_row(table, client).receive_queue == 0


def test_unsent_bytes_stand_in_the_senders_queue(table: SocketTable, stack: ExitStack) -> None:
    client, server = connected(stack, listening(stack))
    client.setblocking(False)
    with suppress(BlockingIOError):
        while client.send(b"x" * 65536):
            pass
    ours = table.find(*reversed(ends(client)))
    assert ours is not None
    assert ours.send_queue > 0
    assert server_row(table, client).receive_queue > 0
    assert server.fileno() >= 0


def test_an_unaccepted_connection_has_no_inode_and_waits_in_the_listeners_queue(
    table: SocketTable, stack: ExitStack
) -> None:
    listener = listening(stack, backlog=7)
    clients = [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(2)]
    assert {server_row(table, client).inode for client in clients} == {0}
    (row,) = (row for row in table.dump(TcpState.LISTEN) if row.inode == inode(listener))
    assert (row.receive_queue, row.send_queue) == (2, 7)
    stack.enter_context(listener.accept()[0])
    (row,) = (row for row in table.dump(TcpState.LISTEN) if row.inode == inode(listener))
    assert row.receive_queue == 1


def test_a_dump_holds_the_asked_states_only(table: SocketTable, stack: ExitStack) -> None:
    listener = listening(stack)
    client, server = connected(stack, listener)
    half, other = connected(stack, listener)
    half.shutdown(socket.SHUT_WR)
    by_state = {
        (TcpState.LISTEN,): {inode(listener)},
        (TcpState.ESTABLISHED,): {inode(client), inode(server)},
        (TcpState.FIN_WAIT1, TcpState.FIN_WAIT2): {inode(half)},
        (TcpState.CLOSE_WAIT,): {inode(other)},
    }
    ours = set().union(*by_state.values())
    for states, expected in by_state.items():
        rows = table.dump(*states)
        assert {row.state for row in rows} <= set(states)
        assert {row.inode for row in rows} & ours == expected
    assert {row.inode for row in table.dump(*TcpState)} >= ours


def test_a_dump_of_many_messages_is_whole(table: SocketTable, stack: ExitStack) -> None:
    listeners = [listening(stack, host) for host in [LOOPBACK, "::1"] * 100]
    assert {row.inode for row in table.dump(TcpState.LISTEN)} >= {inode(listener) for listener in listeners}
    # The next answer is not mixed up with what was left of this one.
    client, server = connected(stack, listeners[0])
    assert server_row(table, client).inode == inode(server)


def test_a_reset_connection_is_gone(table: SocketTable, stack: ExitStack) -> None:
    client, server = connected(stack, listening(stack))
    here, there = ends(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert table.find(here, there) is None
    assert server.fileno() >= 0


def bound(stack: ExitStack, host: str = LOOPBACK, *, dual: bool = False) -> socket.socket:
    sock = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM))
    if dual:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind((host, 0))
    return sock


@pytest.fixture
def courier() -> Iterator[Courier]:
    """So that a datagram that was sent has arrived."""
    courier = Courier()
    yield courier
    courier.close()


def udp_row(table: SocketTable, sock: socket.socket) -> SocketRow:
    (row,) = (row for row in table.dump_udp() if row.inode == inode(sock))
    return row


@pytest.mark.parametrize(
    ("host", "dual", "v6_only"),
    [(LOOPBACK, False, False), ("0.0.0.0", False, False), ("::1", False, True), ("::", True, False)],  # noqa: S104
)
def test_a_bound_udp_socket_has_a_row(
    table: SocketTable, stack: ExitStack, host: str, dual: bool, v6_only: bool
) -> None:
    sock = bound(stack, host, dual=dual)
    row = udp_row(table, sock)  # bound to one IPv6 address, a socket can't be reached by IPv4
    assert (row.family, row.protocol, row.state) == (sock.family, socket.IPPROTO_UDP, TcpState.CLOSE)
    assert (row.local, row.v6_only) == (Endpoint(host, sock.getsockname()[1]), v6_only)
    assert (row.receive_queue, row.send_queue, row.drops) == (0, 0, 0)


def test_a_udp_socket_for_ipv6_only_says_so(table: SocketTable, stack: ExitStack) -> None:
    sock = stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("::", 0))
    assert udp_row(table, sock).v6_only


def test_a_connected_udp_socket_is_told_from_others(table: SocketTable, stack: ExitStack) -> None:
    sock, other = bound(stack), bound(stack)
    sock.connect(other.getsockname())
    row = udp_row(table, sock)
    assert (row.state, row.remote) == (TcpState.ESTABLISHED, Endpoint(*other.getsockname()))


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
@pytest.mark.parametrize("data", [b"", b"x", b"x" * 5000])
def test_a_datagram_counts_until_it_is_read_an_empty_one_too(
    table: SocketTable, stack: ExitStack, courier: Courier, host: str, data: bytes
) -> None:
    here, there = bound(stack, host), bound(stack, host)
    here.sendto(data, there.getsockname())
    courier.wait_arrived()
    assert udp_row(table, there).receive_queue > len(data)
    assert udp_row(table, here).receive_queue == 0
    assert there.recv(10_000) == data
    assert udp_row(table, there).receive_queue == 0


def test_what_found_no_room_is_counted(table: SocketTable, stack: ExitStack, courier: Courier) -> None:
    here, there = bound(stack), bound(stack)
    there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    for _ in range(50):
        here.sendto(bytes(500), there.getsockname())
    courier.wait_arrived()
    dropped = udp_row(table, there).drops
    there.setblocking(False)
    came = 0
    with suppress(BlockingIOError):
        while there.recv(1000):
            came += 1
    assert (came + dropped, came > 0, dropped > 0) == (50, True, True)
    assert udp_row(table, here).drops == 0


def test_a_udp_dump_is_whole_and_of_udp_alone(table: SocketTable, stack: ExitStack) -> None:
    socks = [bound(stack, host) for host in [LOOPBACK, "::1"] * 100]
    listener = listening(stack)
    inodes = {row.inode for row in table.dump_udp()}
    assert inodes >= {inode(sock) for sock in socks}
    assert inode(listener) not in inodes
    assert inode(socks[0]) not in {row.inode for row in table.dump(*TcpState)}


def test_what_is_not_acknowledged_is_in_flight_and_a_closed_window_is_not(table: SocketTable, stack: ExitStack) -> None:
    client, server = connected(stack, listening(stack))
    assert server_row(table, client).in_flight == 0
    client.setblocking(False)
    with suppress(BlockingIOError):
        while client.send(b"x" * 65536):
            pass
    ours = table.find(*reversed(ends(client)))
    while ours is not None and ours.in_flight:  # the acknowledgement of the last segment
        ours = table.find(*reversed(ends(client)))
    assert ours is not None
    assert ours.send_queue > 0
    assert server.fileno() >= 0


def test_no_descriptor_is_left(stack: ExitStack) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    table = SocketTable()
    table.dump(TcpState.LISTEN)
    table.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def time_wait(*namespace: str, argument: str = "") -> dict[str, bool]:
    """What `programs/time_wait.py` finds in namespaces of its own."""
    command = ["unshare", *namespace, sys.executable, str(PROGRAMS / "time_wait.py"), argument]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare failed" in run.stderr:
        pytest.skip(f"this machine refuses namespaces: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    answer: dict[str, bool] = json.loads(run.stdout)
    return answer


def test_a_time_wait_row_is_destroyed_in_a_namespace_of_our_own() -> None:
    assert time_wait("--user", "--map-root-user", "--net", argument="up") == {
        "found": True,
        "could_bind": False,
        "destroyed": True,
        "gone": True,
        "can_bind": True,
        "again": True,
        "listener_is_spared": True,
    }


def test_a_time_wait_row_of_others_is_not_destroyed() -> None:
    assert time_wait("--user", "--map-root-user") == {
        "found": True,
        "could_bind": False,
        "destroyed": False,
        "gone": False,
        "can_bind": False,
        "again": False,
        "listener_is_spared": True,
    }


def test_how_long_we_have_waited_for_a_cpu_only_grows() -> None:
    """It is the kernel's count, asked again: beside enough busy loops on one CPU, it grows."""
    waited_s = CpuWaits()
    before_s = waited_s()
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    try:
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as rival:
            until = time.monotonic() + _RIVALRY_S
            while waited_s() == before_s and time.monotonic() < until:
                pass
            rival.kill()
    finally:
        os.sched_setaffinity(0, cpus)
    assert 0 <= before_s < waited_s()


def test_sockets_are_counted_wherever_they_are_kept() -> None:
    """On their way through a Unix socket they are in no table of descriptors; the Unix sockets don't count."""
    many, others = 150, 75  # others use this network, too

    def in_use() -> int:
        found = sockets_in_use()
        assert found is not None
        return found

    before = in_use()
    ways = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(many)]
    assert abs(in_use() - before) < others
    for ours, _ in ways:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sent:
            socket.send_fds(ours, [b"x"], [sent.fileno()])
    assert abs(in_use() - before - many) < others
    for way in ways:
        for end in way:
            end.close()
    assert abs(in_use() - before) < others
