"""A process that has loaded the libraries of local sandboxes, and forks the first process of each.

Loading them takes most of the CPU time of a short grading.  Whoever grades again and again keeps such a process
(`kept`), and the local sandboxes that start meanwhile are its forks.  It is never told what is graded, so that a fork
finds in its memory nothing but libraries, as if it had loaded them itself; and it has no part in a grading.  If it is
gone, or can't fork, a sandbox starts without it.

A request is a message with the environment of who asks, and five descriptors: the three standard streams, and where
the driver reads and writes.  The answer is the new process's pidfd, or nothing.

Arguments: the descriptor of the socket on which requests come, and the module whose `main` is the driver.
Standard library only.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from grader.link import hidden
from grader.sandbox.interpreter import python_module

_DRIVER = "grader.driver.__main__"
_DESCRIPTORS = 5
#: More than the kernel lets through a socket of this kind by default: what is longer is refused where it is sent.
_LONGEST_REQUEST = 1 << 20
_DONE, _REFUSED = b"\0", b"\1"


class ForkServer:
    """The process, for as long as this context lasts.  Several threads may ask it."""

    def __init__(self, driver: str = _DRIVER) -> None:
        """`driver`: the module whose `main` is the driver."""
        self._driver = driver

    def __enter__(self) -> Self:
        self._asks, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._owner = os.getpid()
        with theirs:
            self._process = subprocess.Popen(
                [*python_module("grader.sandbox.fork_server"), str(theirs.fileno()), self._driver],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
            )
        self.pid = self._process.pid
        return self

    def fork(self, descriptors: Sequence[int]) -> int | None:
        """A pidfd of a sandbox's first process with these descriptors; None: it has to be started in another way."""
        if os.getpid() != self._owner:
            return None  # this process is a fork itself, and shares the socket with its parent
        with self._lock:
            try:
                socket.send_fds(self._asks, [json.dumps({**os.environ}).encode()], descriptors)
                answer, made, _, _ = socket.recv_fds(self._asks, 1, 1)
            except OSError:
                return None
        return made[0] if answer == _DONE else None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asks.close()
        self._process.wait()


#: Of this process; the last one is asked.
_kept: list[ForkServer] = []


@contextmanager
def kept() -> Iterator[None]:
    """While this lasts, the local sandboxes of this process are forks."""
    with ForkServer() as server:
        _kept.append(server)
        try:
            yield
        finally:
            _kept.remove(server)


def current() -> ForkServer | None:
    """The one that is kept."""
    return _kept[-1] if _kept else None


def main() -> None:
    """Serve until who asks is gone."""
    hidden.hide()  # a program without a user of its own could trace it, and with it every later sandbox
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who waits for a fork has its pidfd
    asks = socket.socket(fileno=int(sys.argv[1]))
    asks.set_inheritable(False)
    driver = sys.argv[2]
    gc.disable()
    for module in ("grader.sandbox.nest", "grader.sandbox.warden", driver):
        importlib.import_module(module)
    gc.freeze()
    gc.enable()
    while True:
        environment, descriptors, _, _ = socket.recv_fds(asks, _LONGEST_REQUEST, _DESCRIPTORS)
        if not environment:
            return
        _answer(asks, environment, descriptors, driver)
        for descriptor in descriptors:
            os.close(descriptor)


def _answer(asks: socket.socket, environment: bytes, descriptors: list[int], driver: str) -> None:
    """Fork, and say so; does not return in the fork."""
    try:
        child = os.fork()
    except OSError:
        asks.send(_REFUSED)
        return
    if child == 0:
        asks.close()
        _be_the_first(json.loads(environment), descriptors, driver)
    pidfd = os.pidfd_open(child)
    socket.send_fds(asks, [_DONE], [pidfd])
    os.close(pidfd)


def _be_the_first(environment: dict[str, str], descriptors: list[int], driver: str) -> None:
    """Be what `nest.py` is if it is started by itself."""
    from grader.sandbox import nest  # noqa: PLC0415 — only the server needs it, and has loaded it

    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        hidden.show()
        os.environ.clear()
        os.environ.update(environment)
        for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.argv = [nest.__name__, *map(str, descriptors[3:]), driver]
        nest.main()
        status = 0
    except BaseException:  # noqa: BLE001 — a fork must not go on as a second server
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
