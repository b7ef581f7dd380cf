"""Building by real commands under a real warden: what they make is found, and what is no build is seen."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from grader.job import Command
from grader.limits import SandboxLimits
from grader.link.channel import Channel
from grader.model import Outcome, Role
from grader.wire.build import Builder, Product
from grader.wire.kernel import SocketTable
from grader.wire.warden import WardenClient
from tests.wire.stand import ENVIRONMENT, LIMITS, warden_process

MAKES = "mkdir -p {folder}; printf '#!/bin/sh\\n' > {path}; chmod +x {path}; echo made {path}"
LISTENS = "import socket; s = socket.socket({kind}); s.bind(('127.0.0.1', 0)); {then}"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def warden(work: Path) -> Iterator[WardenClient]:
    with warden_process(work) as (_, sock):
        yield WardenClient(Channel(sock))


def making(*paths: str) -> str:
    return "; ".join(MAKES.format(folder=Path(path).parent, path=path) for path in paths)


def built(
    warden: WardenClient, line: str, role: Role = "server", likely: tuple[str, ...] | None = (), build_s: float = 30
) -> Product:
    with closing(SocketTable()) as table:
        builder = Builder(warden, table, ENVIRONMENT, SandboxLimits(build_s=build_s))
        return builder.build(Command((("sh", "-c", line),), (f"./{role}", "{port}"), finds=likely), role)


def test_program_is_found_where_it_was_made(warden: WardenClient) -> None:
    product = built(warden, making("bin/server-mt", "bin/client", "obj/x"))
    assert product.run == ("./bin/server-mt", "{port}")
    assert product.result.outcome is Outcome.PASSED
    assert "made bin/server-mt" in product.result.log


def test_braces_of_a_name_are_no_placeholder(warden: WardenClient) -> None:
    assert built(warden, making("a{port}")).run == ("./a{{port}}", "{port}")


def test_what_was_handed_in_is_not_what_was_made(warden: WardenClient, work: Path) -> None:
    (work / "server").write_text("#!/bin/sh\n")
    (work / "server").chmod(0o755)
    product = built(warden, "true")
    assert product.result.outcome is Outcome.FAILED
    assert "it built no server" in product.result.log
    assert built(warden, making("server")).run == ("./server", "{port}")


def test_programs_that_no_name_tells_apart_are_all_named(warden: WardenClient) -> None:
    product = built(warden, making("one", "two"))
    assert product.result.outcome is Outcome.FAILED
    assert "built several programs, and none is named after the server: 'one', 'two'" in product.result.log
    assert product.result.likely == ("one", "two")
    assert built(warden, making("three", "four"), likely=("four",)).run == ("./four", "{port}")


def test_text_that_can_be_executed_is_no_program(warden: WardenClient) -> None:
    assert built(warden, f"echo x > notes; chmod +x notes; {making('upper')}").run == ("./upper", "{port}")


@pytest.mark.parametrize(("kind", "then"), [("", "s.listen(); s.accept()"), ("type=socket.SOCK_DGRAM", "s.recv(1)")])
def test_build_that_starts_a_server_is_stopped_and_what_it_made_counts(
    warden: WardenClient, kind: str, then: str
) -> None:
    script = LISTENS.format(kind=kind, then=then)
    started = time.monotonic()
    product = built(warden, f'{making("server")}; exec {sys.executable} -c "{script}"')
    assert product.run == ("./server", "{port}")
    assert product.result.outcome is Outcome.PASSED
    assert "does not build the program but starts it" in product.result.log
    assert time.monotonic() - started < 15


def test_build_that_sleeps_for_good_is_stopped(warden: WardenClient) -> None:
    product = built(warden, f'exec {sys.executable} -c "import signal; signal.pause()"')
    assert product.result.outcome is Outcome.FAILED
    assert "does not build the program but starts it" in product.result.log


def test_build_that_asks_hears_the_end_of_its_input(warden: WardenClient) -> None:
    assert built(warden, "read answer || echo nobody; " + making("server")).run == ("./server", "{port}")


def test_build_that_works_on_is_left_alone_until_its_time_is_up(warden: WardenClient) -> None:
    assert "took longer than 2 s" in built(warden, "while :; do :; done", build_s=2).result.log


def test_same_commands_are_run_once_for_both(warden: WardenClient, work: Path) -> None:
    line = f"echo x >> count; {making('server', 'client')}"
    roles: tuple[Role, ...] = ("server", "client")
    with closing(SocketTable()) as table:
        builder = Builder(warden, table, ENVIRONMENT, LIMITS)
        products = [builder.build(Command((("sh", "-c", line),), (f"./{role}",), finds=()), role) for role in roles]
    assert [product.run for product in products] == [("./server",), ("./client",)]
    assert (work / "count").read_text() == "x\n"


def test_tools_that_are_not_there_are_named(warden: WardenClient) -> None:
    assert warden.lacking(("sh", "no-such-tool"), ENVIRONMENT["PATH"]) == ("no-such-tool",)
    assert warden.lacking((), "") == ()


def test_a_build_that_keeps_the_machine_busy_itself_gains_no_time(warden: WardenClient) -> None:
    began = time.monotonic()
    busy = "for i in 1 2 3 4 5 6 7 8; do while :; do :; done & done; wait"
    assert "took longer than 1 s" in built(warden, busy, build_s=1).result.log
    assert time.monotonic() - began < 5
