"""A stage in this process: a real warden under it, programs of ours on it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import msgspec
import pytest

from grader.harness.greeting import Greeting
from grader.harness.stage import Stage
from grader.job import Command
from grader.limits import SandboxLimits
from grader.link.channel import Channel
from grader.model import Transport
from grader.wire.kernel import SocketTable
from grader.wire.warden import WardenClient
from tests.driver.play import job
from tests.wire.stand import PROGRAMS, warden_process

#: A stage for one of `programs/lines.py` (TCP) or `programs/datagrams.py` (UDP).
MakeStage = Callable[..., Stage]


@pytest.fixture(scope="session")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    """To the warden."""
    with warden_process(tmp_path_factory.mktemp("work")) as (_, sock):
        yield Channel(sock)


@pytest.fixture
def make_stage(channel: Channel) -> Iterator[MakeStage]:
    """Makes a stage; what was started on it ends with the test."""
    made: list[tuple[Stage, SocketTable]] = []

    def make(
        which: str,
        transport: Transport = "tcp",
        greeting: Greeting | None = None,
        limits: SandboxLimits | None = None,
    ) -> Stage:
        table = SocketTable()
        name, more = ("lines.py", []) if transport == "tcp" else ("datagrams.py", ["{host}"])
        run = (sys.executable, "-I", "-S", str(PROGRAMS / name), which, *more, "{port}")
        asked = job("", transport=transport, limits=limits)
        what = msgspec.structs.replace(asked, commands={"server": Command((), run)})
        made.append((Stage(what, WardenClient(channel), table, greeting), table))
        made[-1][0].begin()
        return made[-1][0]

    yield make
    for stage, table in made:
        for voice in stage.programs.voices(""):
            # Which pytest shows when the test has failed.
            sys.stdout.write((voice.printed + voice.complained).decode(errors="replace"))
        stage.finish(passed=False)
        stage.peers._courier.close()
        table.close()
