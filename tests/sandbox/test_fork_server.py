"""Local sandboxes' first processes as forks of one that has loaded their libraries; and without it where it can't."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from grader.sandbox import fork_server
from grader.sandbox.begun import Nest
from grader.sandbox.fork_server import ForkServer
from tests.cli.command import wait_until

PROGRAMS = Path(__file__).parent.parent / "programs"


@pytest.fixture
def server() -> Iterator[ForkServer]:
    with ForkServer() as made:
        yield made


def forks(server: ForkServer) -> list[psutil.Process]:
    return psutil.Process(server.pid).children()


def started_by_ourselves() -> list[psutil.Process]:
    """Those that a `Nest` has started itself.  A process has no arguments for a moment while it executes a program."""
    alive = (child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE)
    return [child for child in alive if "grader.sandbox.nest" in child.cmdline()]


def test_a_sandbox_is_its_fork_and_nobody_is_left(server: ForkServer) -> None:
    with Nest(server), Nest(server):
        assert len(forks(server)) == 2
        assert not started_by_ourselves()
        assert wait_until(lambda: all(len(each.children()) == 2 for each in forks(server)))
        started = [each for first in forks(server) for each in (first, *first.children())]
    assert not any(process.is_running() for process in started)


def test_it_ends_with_who_keeps_it() -> None:
    with ForkServer() as server:
        process = psutil.Process(server.pid)
    assert not process.is_running()


@pytest.fixture
def speaking(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    monkeypatch.setenv("PYTHONPATH", str(PROGRAMS))
    monkeypatch.setenv("WORD", "old")
    monkeypatch.setenv("OTHER", "here")
    with ForkServer("says_a_word") as made:
        yield made


def said(server: ForkServer | None) -> bytes:
    with Nest(server) as nest, os.fdopen(os.dup(nest.words), "rb") as words:
        return words.readline()


def test_a_fork_has_the_environment_of_who_asks_and_nothing_open_that_is_not_its_own(
    speaking: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORD", "n\udcffw")
    monkeypatch.delenv("OTHER")
    word, other, *open_files = said(speaking).split()
    assert (word, other) == (b"n\xffw", b"None")
    # Its standard streams, of which the last takes complaints, and its way to the warden.
    assert open_files == [b"/memfd", b"pipe", b"pipe", b"socket"]


def test_who_is_gone_is_not_needed(server: ForkServer) -> None:
    os.kill(server.pid, signal.SIGKILL)
    with Nest(server):
        assert wait_until(lambda: len(started_by_ourselves()) == 1)


def test_what_does_not_fit_is_started_without_it(server: ForkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONG", "x" * 100_000)
    monkeypatch.setenv("LONGER", "x" * 120_000)
    with Nest(server):
        assert wait_until(lambda: len(started_by_ourselves()) == 1)
        assert not forks(server)
    monkeypatch.delenv("LONG")
    monkeypatch.delenv("LONGER")
    with Nest(server):
        assert len(forks(server)) == 1


def test_a_fork_of_its_keeper_does_not_ask(server: ForkServer) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0 if server.fork(()) is None else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_last_one_is_asked() -> None:
    before = fork_server.current()
    with fork_server.kept():
        first = fork_server.current()
        assert first is not before
        with fork_server.kept():
            assert fork_server.current() not in {None, first, before}
        assert fork_server.current() is first
    assert fork_server.current() is before
