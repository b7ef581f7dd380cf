"""A warden as a child process without namespaces, and programs run by it: for measuring `grader.wire` alone.

Argument of the child: the descriptor of its channel to the driver's side, then the work folder.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import NotMeasuredError
from grader.limits import SandboxLimits
from grader.link.channel import Channel
from grader.link.settings import Settings
from grader.sandbox.host import settings_of
from grader.sandbox.warden import Warden
from grader.wire.kernel import Endpoint, SocketTable, TcpState
from grader.wire.process import ForCheck
from grader.wire.program import Program
from grader.wire.spare_ports import bind_to_spare_port
from grader.wire.tcp import ScriptedClient
from grader.wire.transcript import Transcript
from grader.wire.warden import WardenClient

_HOST = "127.0.0.1"


class Bench:
    """One running server and the means to speak to it."""

    def __init__(self, program: Program, table: SocketTable, port: int) -> None:
        self.program = program
        self.address = Endpoint(_HOST, port)
        self._table = table

    def client(self) -> ScriptedClient:
        """A new scripted client; its events go to a transcript of its own."""
        self.program.serve_check(ForCheck(Transcript(time.monotonic)))
        return ScriptedClient(self.program, self._table, self.address, "client A")


@contextmanager
def running(source: Path) -> Iterator[Bench]:
    """A Python server, started by a warden of its own on a free port, until it listens."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            command = [sys.executable, "-m", "bench.warden", str(theirs.fileno()), str(source.parent)]
            child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(theirs.fileno(),))
        try:
            yield _start(WardenClient(Channel(ours)), source)
        finally:
            ours.close()
            child.communicate()


def _start(warden: WardenClient, source: Path) -> Bench:
    table, port = SocketTable(), free_port()
    started = warden.start((sys.executable, source.name, str(port)), {"PATH": os.defpath}, terminal=False)
    program = Program(started, warden, table, ForCheck(Transcript(time.monotonic)), SandboxLimits())

    def listens() -> bool | None:
        return True if any(row.local.port == port for row in table.dump(TcpState.LISTEN)) else None

    program.wait(listens)
    return Bench(program, table, port)


def free_port() -> int:
    """A port that nobody uses now, and that the kernel gives to no connection before a program listens there.

    A client's end of a connection keeps its port for a minute after it has closed, SO_REUSEADDR or not.

    Raises:
        NotMeasuredError: none is left.
    """
    with socket.socket() as probe:
        if not bind_to_spare_port(probe, _HOST):
            raise NotMeasuredError("no port is free")
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Be the warden until the driver's side is gone."""
    settings: Settings = settings_of(SandboxLimits())
    settings |= {"uid": os.geteuid(), "gid": os.getegid(), "work": sys.argv[2], "private_pids": False}
    Warden(settings).serve(Channel(socket.socket(fileno=int(sys.argv[1]))), lifeline=0)


if __name__ == "__main__":
    main()
