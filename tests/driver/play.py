"""Plays a real driver: a job in, its words out, with a real warden beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import msgspec

from grader.assignment import Assignment, CheckSpec, ClientSpec, ServerSpec
from grader.job import Built, Checked, Command, Finished, Job, Word
from grader.limits import SandboxLimits
from grader.link.channel import pack
from grader.model import CheckResult, Requirement, Transport
from tests.wire.stand import warden_process

PROTOCOL = b"""
from grader.protocol.script import Exchange

def exchange(number, rng):
    return Exchange(b"%d\\n" % number, b"%d\\n" % number)
"""
#: Serves one client after the other and returns each line.
ECHO = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as listener:
    while True:
        sock, _ = listener.accept()
        with sock:
            while data := sock.recv(1000):
                sock.sendall(data)
"""
_PREAMBLE = """
from grader import fail
from grader.errors import Reason
from grader.link.channel import ChannelClosedError
from grader.wire.faults import FaultError, UnprovedError
"""


@dataclass
class Played:
    """What a driver said, and how it ended."""

    words: list[Word] = field(default_factory=list)
    status: int = 0
    complaints: str = ""

    @property
    def checks(self) -> dict[str, CheckResult]:
        """Verdicts by the behaviour's name, those of clients and pairs by their id."""
        results = [word.result for word in self.words if isinstance(word, Checked)]
        return {result.id.removeprefix("server."): result for result in results}

    @property
    def built(self) -> Built:
        """What was said of building."""
        (built,) = (word for word in self.words if isinstance(word, Built))
        return built

    @property
    def finished(self) -> bool:
        """Whether it said that it had finished, as its last word."""
        return isinstance(self.words[-1], Finished)


def job(
    own: str,
    *checks: str,
    needs: Mapping[str, str | tuple[str, ...]] | None = None,
    program: str = ECHO,
    limits: SandboxLimits | None = None,
    build: tuple[tuple[str, ...], ...] = (),
    transport: Transport = "tcp",
    chosen: frozenset[str] | None = None,
    client: Command | None = None,
    more_own: Mapping[str, str] | None = None,
) -> Job:
    """A job with checks of an assignment's own, in that order; `needs`: prerequisites by check.

    `client`: a client's commands, beside the server.  `more_own`: further files of checks.  A check without a role in
    its name is a server's.
    """
    ids = [check if "." in check else f"server.{check}" for check in checks]
    asked = {check: (needed,) if isinstance(needed, str) else needed for check, needed in (needs or {}).items()}
    specs = tuple(
        CheckSpec(id=check_id, points=2, requirement="1.1", needs=asked.get(check, ()))
        for check, check_id in zip(checks, ids, strict=True)
    )
    server = Command(build, (sys.executable, "-I", "-S", "-c", program, "{port}"))
    own_files = {"test_own.py": own, **(more_own or {})}
    return Job(
        assignment=Assignment(
            name="own",
            title="Own",
            roles=("server", "client") if client else ("server",),
            transport=transport,
            server=ServerSpec(default_port=12_000),
            checks=specs,
            requirements={"1.1": Requirement(number="1.1", text="It does.")},
            limits=limits or SandboxLimits(),
            files={
                "protocol.py": PROTOCOL,
                **{name: (_PREAMBLE + dedent(text)).encode() for name, text in own_files.items()},
            },
            client=ClientSpec() if client else None,
        ),
        commands={"server": server, "client": client} if client else {"server": server},
        chosen=chosen if chosen is not None else frozenset(ids),
        seed=1,
        private_network=False,
        environment={"PATH": os.environ.get("PATH", os.defpath)},
    )


def play(what: Job, work: Path, hear: Callable[[Word, int], None] = lambda *_: None) -> Played:
    """Run the driver on a job; `hear` gets each word as it falls, and the warden's pid."""
    played = Played()
    complaints = work / "complaints"
    folder = work / "work"
    folder.mkdir()
    with warden_process(folder) as (warden, channel), complaints.open("wb") as file:
        driver = subprocess.Popen(
            [sys.executable, "-m", "grader.driver", f"fd:{channel.fileno()}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            pass_fds=[channel.fileno()],
        )
        with driver:
            assert driver.stdin
            assert driver.stdout
            driver.stdin.write(pack(msgspec.json.encode(what)))
            driver.stdin.close()
            for word in _words(driver.stdout):
                played.words.append(word)
                hear(word, warden.pid)
        played.status = driver.returncode
    played.complaints = complaints.read_text()
    return played


def _words(lines: Iterable[bytes]) -> Iterator[Word]:
    for line in lines:
        yield msgspec.json.decode(line, type=Word)
