"""Clients of a running server, and what the kernel says of it meanwhile.

Every server is started by the grader's own warden.  Whether a client will ever get its echo is asked of the kernel, as
in a check: the program is still, or it is not.  Times are medians, taken while nothing else is asked of the server.
"""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from bench.concurrency.model import Figures, Point
from bench.timed import grade
from bench.warden import Bench, running
from grader import assignment as assignments
from grader.model import Outcome
from grader.wire.faults import FaultError, UnprovedError

SERVERS = Path(__file__).with_name("servers")
#: In the order of the page: what a course tries first comes first.
NAMES = ("one_at_a_time", "threads", "processes", "thread_pool", "select_loop", "epoll_loop", "asyncio_tasks")
#: How many clients are silent while another one asks: more than a pool has threads.
SILENT = 20
_ASSIGNMENT = "tcp_echo"
#: The checks about many clients, lost ones and slow ones; what they depend on comes with them.
CHECKS = frozenset(
    f"server.{name}"
    for name in (
        *("idle_client_blocks_no_one", "interleaved_fragments", "concurrent_clients", "many_clients", "backlog_burst"),
        *("connect_and_leave", "reset_mid_request", "reset_before_accept", "peer_gone_mid_reply"),
        *("slow_reader_gets_all", "slow_reader_blocks_no_one", "both_directions_full"),
        *("no_fd_leak", "no_zombies", "no_thread_leak", "no_busy_loop"),
        *("ctrl_c_with_client_connected", "sigterm_stops", "leaves_nothing_running"),
    )
)
_LINE = b"what does one more client cost?\n"
#: Bytes that a client sends without reading: more than the kernel's buffers hold (tcp_wmem and tcp_rmem, 10 MiB).
_UNREAD_BYTES = 16 << 20
#: Times are medians of so many batches: the first meets cold caches, any may meet another program's turn.
_BATCHES = 9
#: How long a plain socket waits for its echo: many times what a busy machine takes.
_WAIT_S = 3.0


def measured(name: str, counts: tuple[int, ...], echoes: int, checks: frozenset[str] = CHECKS) -> Figures:
    """All figures of one server.  `counts`: clients connected, ascending; `echoes`: how many a median is taken of."""
    points: list[Point] = []
    for count in counts:
        with running(SERVERS / f"{name}.py") as server:
            points.append(_point(server, count, echoes))
        if points[-1].served < count:
            break  # more clients get no more out of it
    with running(SERVERS / f"{name}.py") as server:
        beside_silent = _beside_silent(server)
    with running(SERVERS / f"{name}.py") as server:
        beside_slow = _beside_slow(server)
    return Figures(name, tuple(points), beside_silent, beside_slow, _fails(name, checks))


def _point(server: Bench, count: int, echoes: int) -> Point:
    with ExitStack() as stack:
        clients = _served(server, count, stack)
        if len(clients) < count:
            return Point(count, len(clients))
        pids = _pids(server)
        batches = [_batch(clients, pids, echoes // _BATCHES) for _ in range(_BATCHES)]
        return Point(
            clients=count,
            served=count,
            memory_kib=sum(map(_pss_kib, pids)),
            processes=len(pids),
            threads=sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids),
            wall_us=statistics.median(wall_us for wall_us, _ in batches),
            cpu_us=statistics.median(cpu_us for _, cpu_us in batches),
            arrival_us=_median_arrival_us(server, max(echoes // 36, 1)),
        )


def _batch(clients: list[socket.socket], pids: list[int], echoes: int) -> tuple[float, float]:
    """So many echoes, one after the other, to the clients in turn: the median time, and the CPU time of one."""
    before_us = _cpu_us(pids)
    taken_us = [_echo_us(clients[number % len(clients)]) for number in range(echoes)]
    return statistics.median(taken_us), (_cpu_us(pids) - before_us) / echoes


@contextmanager
def _connected(server: Bench) -> Iterator[socket.socket]:
    with socket.create_connection(server.address, timeout=_WAIT_S) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client


def _served(server: Bench, count: int, stack: ExitStack) -> list[socket.socket]:
    """So many clients that stay connected, each once the one before has got its echo; fewer where one gets none."""
    clients: list[socket.socket] = []
    with suppress(TimeoutError):
        for _ in range(count):
            client = stack.enter_context(_connected(server))
            _echo_us(client)
            clients.append(client)
    return clients


def _echo_us(client: socket.socket) -> float:
    began_s = time.perf_counter()
    client.sendall(_LINE)
    left = len(_LINE)
    while left:
        left -= len(client.recv(left))
    return (time.perf_counter() - began_s) * 1e6


def _median_arrival_us(server: Bench, rounds: int) -> float | None:
    """None: one more client than those that are connected is not served."""
    try:
        return statistics.median(_arrival_us(server) for _ in range(rounds))
    except TimeoutError:
        return None


def _arrival_us(server: Bench) -> float:
    began_s = time.perf_counter()
    with _connected(server) as client:
        _echo_us(client)
        return (time.perf_counter() - began_s) * 1e6


def _beside_silent(server: Bench) -> bool:
    with ExitStack() as stack:
        for _ in range(SILENT):
            stack.enter_context(_connected(server))
        return _serves_another(server)


def _beside_slow(server: Bench) -> bool:
    with server.client() as slow:
        with suppress(FaultError):  # a server that gives up on it blocks nobody
            slow.send_without_reading(_LINE * (_UNREAD_BYTES // len(_LINE)))
        return _serves_another(server)


def _serves_another(server: Bench) -> bool:
    """Whether another client gets its echo, as far as the kernel shows."""
    try:
        with server.client() as client:
            client.send(_LINE)
            client.expect(_LINE)
    except (FaultError, UnprovedError):
        return False
    return True


def _pids(server: Bench) -> list[int]:
    """All its processes.  Not asked of the grader's own look, which has a limit for each client that it has made."""
    root = psutil.Process(server.program.started.pid)
    return [root.pid, *(child.pid for child in root.children(recursive=True))]


def _pss_kib(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


def _cpu_us(pids: list[int]) -> float:
    """Time on a CPU of all threads there are, as the scheduler counts it (proc(5): schedstat is in nanoseconds)."""
    tasks = (task for pid in pids for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1000


def _fails(name: str, checks: frozenset[str]) -> tuple[str, ...]:
    played = grade(SERVERS / f"{name}.py", assignments.load(_ASSIGNMENT), checks)
    return tuple(timed.check.id for timed in played.checks if timed.check.outcome is Outcome.FAILED)
