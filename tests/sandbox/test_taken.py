"""What waits in a program's pipes and sockets, counted in our own."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from grader.sandbox import taken

pytestmark = pytest.mark.skipif(not taken.gives_sockets(), reason="the kernel gives nobody's descriptors away")

SIZE = 10_000


def held(descriptor: int) -> int:
    return taken.held_bytes(os.getpid(), descriptor)


def test_what_waits_in_a_pipe_is_counted() -> None:
    ours, theirs = os.pipe()
    assert (held(ours), held(theirs)) == (0, 0)
    os.write(theirs, bytes(SIZE))
    assert (held(ours), held(theirs)) == (SIZE, SIZE)
    os.close(theirs)
    assert held(ours) == SIZE
    os.close(ours)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_what_waits_in_unix_sockets_is_counted(kind: socket.SocketKind) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with closing(ours), closing(theirs):
        for _ in range(3):
            theirs.send(bytes(SIZE))
        assert held(ours.fileno()) + held(theirs.fileno()) >= 3 * SIZE
        for _ in range(3):
            ours.recv(SIZE)
        assert (held(ours.fileno()), held(theirs.fileno())) == (0, 0)


def test_what_a_closed_unix_socket_has_sent_is_counted() -> None:
    ours, theirs = socket.socketpair()
    theirs.send(bytes(SIZE))
    theirs.close()
    with ours:
        assert held(ours.fileno()) == SIZE


def test_what_waits_in_sockets_of_the_internet_is_counted() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        sender = stack.enter_context(socket.create_connection(listener.getsockname()))
        assert held(listener.fileno()) == 0, "who waits to be accepted is nothing to be read"
        receiver = stack.enter_context(listener.accept()[0])
        sender.send(bytes(SIZE))
        assert held(receiver.fileno()) >= SIZE
        alone = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        alone.bind(("127.0.0.1", 0))
        for _ in range(3):
            alone.sendto(bytes(SIZE), alone.getsockname())
        assert held(alone.fileno()) >= 3 * SIZE


def test_nothing_waits_elsewhere() -> None:
    with Path(__file__).open("rb") as file:
        assert held(file.fileno()) == 0
    assert held(999_999) == 0
    assert taken.held_bytes(os.getpid() ^ 0x3FFFFF, 0) == 0
