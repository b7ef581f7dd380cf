"""Waiting by the kernel's facts beside waiting by the clock: fragments, and answers that never come."""

from __future__ import annotations

import socket
import threading
import time
from itertools import pairwise

from bench.warden import Bench
from grader.errors import Reason
from grader.limits import REPLY_S
from grader.wire.faults import FaultError
from grader.wire.kernel import Endpoint

#: What graders without gates do between fragments.
SLEEP_S = 0.01
_REQUEST = b"a"


def gated_fragments_per_s(server: Bench, fragments: int) -> float:
    """Single bytes of one message, each proved to have been read before the next is sent."""
    message = _REQUEST * (fragments - 1) + b"\n"
    with server.client() as client:
        began = time.perf_counter()
        client.send(message, pieces=1)
        elapsed_s = time.perf_counter() - began
        client.expect(message.upper())
    return fragments / elapsed_s


def slept_fragments_per_s(address: Endpoint, fragments: int) -> float:
    """The same with a sleep after each, which proves nothing."""
    message = _REQUEST * (fragments - 1) + b"\n"
    clock = threading.Event()
    with socket.create_connection(address) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        for start, end in pairwise(range(fragments + 1)):
            sock.sendall(message[start:end])
            clock.wait(SLEEP_S)
        return fragments / (time.perf_counter() - began)


def hopeless_wait_s(server: Bench) -> float:
    """From a whole message to the verdict that it will never be answered."""
    with server.client() as client:
        client.send(b"hello\n")
        began = time.perf_counter()
        try:
            client.expect(b"HELLO\n")
        except FaultError as fault:
            if fault.reason is not Reason.NO_REPLY:
                raise
            return time.perf_counter() - began
    raise AssertionError("the hopeless server has answered")


def deadline_wait_s(address: Endpoint, deadline_s: float = REPLY_S) -> float:
    """The same with a deadline and nothing else."""
    with socket.create_connection(address) as sock:
        sock.sendall(b"hello\n")
        sock.settimeout(deadline_s)
        began = time.perf_counter()
        try:
            sock.recv(1)
        except TimeoutError:
            return time.perf_counter() - began
    raise AssertionError("the hopeless server has answered")
