"""A stand for tests: a real warden in a child process, real programs under it, and real clients to them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from grader.limits import KERNEL_S, SandboxLimits
from grader.link.channel import Channel
from grader.link.settings import Settings
from grader.wire.courier import Courier
from grader.wire.kernel import Endpoint, SocketTable, TcpState
from grader.wire.keyboard import Keyboard
from grader.wire.process import ForCheck
from grader.wire.program import Program
from grader.wire.stops import Stops
from grader.wire.tcp import ScriptedClient
from grader.wire.tcp_server import ScriptedServer
from grader.wire.transcript import Transcript
from grader.wire.udp import UdpClient
from grader.wire.warden import WardenClient

PROGRAMS = Path(__file__).parent.parent / "programs"
#: A bare interpreter starts in half the time: no site, no user's environment.
PYTHON = (sys.executable, "-I", "-S")
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
LIMITS = SandboxLimits(output_flood_bytes=1 << 20)


def settings(work: Path, **changed: Any) -> Settings:
    """As the local sandbox has them without namespaces, but for the user, who stays the same unless that is changed."""
    made: Settings = {
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "work": str(work),
        "caches": str(work / ".cache"),
        "files": "",
        "places": [str(work)],
        "private_pids": False,
        "own_cgroup": False,
        "memory_bytes": LIMITS.memory_bytes,
        "processes": LIMITS.processes,
        "open_files": LIMITS.open_files,
        "disk_bytes": LIMITS.disk_bytes,
        "disk_files": LIMITS.disk_files,
        "patience_s": KERNEL_S,
    }
    return cast("Settings", {**made, **changed})


@contextmanager
def warden_process(
    work: Path, prefix: Sequence[str] = (), **changed: Any
) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """A warden's process and our end of its channel; it has ended by itself when this block does.

    `prefix`: put before its command; `changed`: settings.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        told = json.dumps(settings(work, **changed))
        command = [*prefix, sys.executable, str(PROGRAMS / "warden_child.py"), told, str(theirs.fileno())]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[theirs.fileno()], start_new_session=True)
    assert process.stdin
    try:
        with ours, process.stdin:
            yield process, ours
        process.wait(10)
    finally:
        process.kill()
        process.wait()


@dataclass
class Serving:
    """A program that listens at `address`."""

    program: Program
    address: Endpoint


def wait_printed(program: Program, words: bytes) -> None:
    """Until it has printed these words."""

    def printed() -> bool | None:
        program.pump(0)
        return True if words in program.stdout.data else None

    program.wait(printed)


class Stand:
    """Programs and clients of one test."""

    def __init__(self, channel: Channel) -> None:
        self.warden = WardenClient(channel)
        self.table = SocketTable()
        self._programs: list[Program] = []
        self._courier = Courier()
        self._clients: list[ScriptedClient | UdpClient | ScriptedServer] = []

    def run(self, *argv: str, terminal: bool = False, echo: bool = True, stops: Stops | None = None) -> Program:
        """Start a command.  `stops`: how earlier runs of it took being stopped."""
        started = self.warden.start(argv, ENVIRONMENT, terminal=terminal, echo=echo)
        program = Program(started, self.warden, self.table, ForCheck(Transcript(time.monotonic)), LIMITS, stops=stops)
        self._programs.append(program)
        return program

    def run_client(self, which: str, *arguments: str, terminal: bool = True) -> Program:
        """Start one of `programs/clients.py`, at a terminal without echo or on pipes."""
        return self.run(*PYTHON, str(PROGRAMS / "clients.py"), which, *arguments, terminal=terminal, echo=False)

    def type_at(self, which: str, *arguments: str, terminal: bool = True) -> tuple[Program, Keyboard]:
        """The same, and what types at it."""
        program = self.run_client(which, *arguments, terminal=terminal)
        return program, Keyboard(program)

    def listen(self, *hosts: str) -> tuple[ScriptedServer, Endpoint]:
        """A scripted server on a port that is free on all these hosts, and where to reach it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = Endpoint("127.0.0.1", probe.getsockname()[1])
        server = ScriptedServer([Endpoint(host, address.port) for host in hosts or ("127.0.0.1",)], self.table)
        self._clients.append(server)
        return server, address

    def serve_client(self, which: str) -> tuple[ScriptedServer, Program]:
        """A scripted server, and one of `programs/clients.py` that is told to go there."""
        server, address = self.listen()
        program = self.run_client(which, address.host, str(address.port))
        server.begin(program)
        return server, program

    def run_ready(self, name: str, *arguments: str, terminal: bool = False, stops: Stops | None = None) -> Program:
        """Start one of our programs, and wait until it says that it is ready."""
        program = self.run(*PYTHON, str(PROGRAMS / name), *arguments, terminal=terminal, stops=stops)
        wait_printed(program, b"ready")
        return program

    def serve(self, which: str, *options: str) -> Serving:
        """Start one of `programs/server.py`, and wait until it listens."""
        program = self.run(*PYTHON, str(PROGRAMS / "server.py"), which, *options)

        def listens() -> Endpoint | None:
            own = {target for process in program.snapshot() for target in process.files.values()}
            rows = (row for row in self.table.dump(TcpState.LISTEN) if f"socket:[{row.inode}]" in own)
            return next((row.local for row in rows), None)

        return Serving(program, program.wait(listens))

    def serve_udp(self, which: str, host: str = "127.0.0.1") -> Serving:
        """Start one of `programs/datagrams.py`, and wait until it is bound."""
        program = self.run(*PYTHON, str(PROGRAMS / "datagrams.py"), which, host)

        def bound() -> Endpoint | None:
            own = {target for process in program.snapshot() for target in process.files.values()}
            rows = (row for row in self.table.dump_udp() if f"socket:[{row.inode}]" in own)
            return next((row.local for row in rows if row.local.host == host), None)

        reached_at = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104 (what was bound, on a free port)
        address = program.wait(bound)
        return Serving(program, Endpoint(reached_at.get(host, host), address.port))

    def connect(self, serving: Serving, name: str = "client A", *, slow: bool = False) -> ScriptedClient:
        """A client to it."""
        client = ScriptedClient(serving.program, self.table, serving.address, name, slow=slow)
        self._clients.append(client)
        return client

    def connect_udp(self, serving: Serving, name: str = "client A", to: str = "") -> UdpClient:
        """A UDP client to it, or to another address at its port."""
        address = serving.address._replace(host=to or serving.address.host)
        client = UdpClient(serving.program, self.table, self._courier, address, name)
        self._clients.append(client)
        return client

    def client_of(self, which: str, *options: str) -> ScriptedClient:
        """A client to a server of its own."""
        return self.connect(self.serve(which, *options))

    def clear(self) -> None:
        """End everything."""
        for client in self._clients:
            client.close()
        for program in self._programs:
            program.close()
        self.warden.end()
        self._courier.close()
        self.table.close()
