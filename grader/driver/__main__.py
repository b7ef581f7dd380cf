"""The driver's entry point: a job on standard input, verdicts on standard output, the warden through a channel.

Argument: where the warden is, `fd:N` or `unix:PATH`.
"""

from __future__ import annotations

import fcntl
import os
import resource
import select
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import pytest

from grader.assignment import Flaw
from grader.assignment.faults import PROTOCOL
from grader.driver import author
from grader.driver.plugin import Referee
from grader.harness.fixtures import Fixtures
from grader.harness.greeting import Greeting
from grader.harness.stage import Stage
from grader.harness.starting import environment
from grader.job import Built, Command, Finished, Job, Lacking, Refused, Word
from grader.limits import ANSWER_S, WARDEN_READY_S
from grader.link import hidden
from grader.link.channel import Channel, read_frame
from grader.model import Outcome, Role, parts_of
from grader.protocol.script import Seeded, StreamProtocol
from grader.wire.build import Builder, Product
from grader.wire.kernel import SocketTable
from grader.wire.warden import CannotKeepError, WardenClient

#: Parts of pytest that no check needs; setting up without them takes half the time.
_UNUSED_PLUGINS = (
    *("assertion", "cacheprovider", "capture", "debugging", "doctest", "faulthandler", "freeze_support", "junitxml"),
    *("legacypath", "logging", "pastebin", "recwarn", "setuponly", "setupplan", "stepwise", "subtests", "terminal"),
    *("threadexception", "unittest", "unraisableexception", "warnings"),
)

_LOOPBACK = "lo"
_SIOCSIFADDR = 0x8916  # netdevice(7)
#: What else the loopback device has for its addresses, where nobody else uses it.
_OWN_V4, _OWN_V6 = "127.0.0.4", "fd00::1"


def main(where: str) -> int:
    """Build, play the checks, report their verdicts.  `where`: the warden, as in the argument."""
    hidden.hide()  # this process knows the answers
    say = _speaker()
    # Every client of ours is an open file, and many shells allow 1024 of them where the kernel would allow more.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    job = msgspec.json.decode(read_frame(0), type=Job)
    if job.private_network:
        _add_addresses()
    to_warden = _reach_warden(where)
    to_warden.settimeout(ANSWER_S)
    warden = WardenClient(Channel(to_warden))
    with tempfile.TemporaryDirectory(prefix="grader-assignment-") as name:
        folder = Path(name).resolve()
        if flaws := _laid_out(job, folder):
            say(Refused(flaws))
        else:
            _build_and_play(job, warden, say, folder)
    say(Finished())
    return 0


def _laid_out(job: Job, folder: Path) -> tuple[Flaw, ...]:
    """Put the author's files in a folder; what is wrong with them."""
    author.lay_out(job.assignment, folder)
    return tuple(author.flaws(folder, job.assignment, job.chosen, [*job.commands], job.seed))


def _build_and_play(job: Job, warden: WardenClient, say: Callable[[Word], None], folder: Path) -> None:
    commands: dict[Role, Command] = {}
    table = SocketTable(private=job.private_network)
    for role, product in _built(job, warden, table, say).items():
        say(Built(role, product.result))
        if product.result.outcome is not Outcome.FAILED:
            commands[role] = msgspec.structs.replace(job.commands[role], run=product.run)
    if commands:
        protocol = author.load(folder, PROTOCOL)
        stage = Stage(msgspec.structs.replace(job, commands=commands), warden, table, _greeting(job, protocol))
        referee = Referee(job, parts_of(commands), stage, folder, say)
        _play(folder, referee, Fixtures(stage, protocol, job.seed))
        stage.end_program()


def _built(job: Job, warden: WardenClient, table: SocketTable, say: Callable[[Word], None]) -> dict[Role, Product]:
    """Build each program that can be; from then on each start finds everything as building has left it."""
    builder = Builder(warden, table, environment(job.environment), job.assignment.limits)
    products: dict[Role, Product] = {}
    for role, command in job.commands.items():
        if lacking := warden.lacking(command.tools, job.environment["PATH"]):
            say(Lacking(role, lacking))
        else:
            products[role] = builder.build(command, role)
    try:
        warden.remember()
    except CannotKeepError as error:
        return {role: _not_kept(product, error) for role, product in products.items()}
    return products


def _not_kept(product: Product, error: CannotKeepError) -> Product:
    log = f"{product.result.log}after building, {error}\n"
    return replace(product, result=msgspec.structs.replace(product.result, outcome=Outcome.FAILED, log=log))


def _add_addresses() -> None:
    """Give the loopback device more addresses than 127.0.0.1 and ::1.

    getaddrinfo(3) with AI_ADDRCONFIG, which its manual recommends, finds nothing in a family of which the machine has
    no other address.
    """
    # struct ifreq; by its name an alias, which leaves 127.0.0.1 where it is.
    alias = struct.pack("=16sHH4s16x", f"{_LOOPBACK}:1".encode(), socket.AF_INET, 0, socket.inet_aton(_OWN_V4))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFADDR, alias)
    # struct in6_ifreq.
    whole = struct.pack("=16sIi", socket.inet_pton(socket.AF_INET6, _OWN_V6), 128, socket.if_nametoindex(_LOOPBACK))
    # Where there is no IPv6, or it is switched off, nobody looks for it.
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFADDR, whole)


def _speaker() -> Callable[[Word], None]:
    """Keep standard output for verdicts only: what pytest or a check prints goes to stderr."""
    mouth = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def say(word: Word) -> None:
        mouth.write(msgspec.json.encode(word) + b"\n")
        mouth.flush()

    return say


def _reach_warden(where: str) -> socket.socket:
    kind, _, place = where.partition(":")
    if kind == "fd":
        return socket.socket(fileno=int(place))
    deadline = time.monotonic() + WARDEN_READY_S
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(place)
            return sock
        except OSError:
            sock.close()
            if time.monotonic() > deadline:
                raise
            select.select([], [], [], 0.002)  # between looks for a file that another container makes


def _greeting(job: Job, protocol: object) -> Greeting:
    said = cast("StreamProtocol", Seeded(protocol, job.seed))
    return Greeting(
        said.greeting() if hasattr(said, "greeting") else b"",
        # Chosen or not: a check that is played by itself gets the verdict that it has among all.
        judged=any(spec.id in {"server.greets", "server.extra_reply_bytes"} for spec in job.assignment.checks),
        opening=said.opening if hasattr(said, "opening") else None,
    )


def _play(folder: Path, referee: Referee, fixtures: Fixtures) -> None:
    # No configuration, conftest, cache or plugin of the machine's: the same run everywhere.
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    without = [word for plugin in _UNUSED_PLUGINS for word in ("-p", f"no:{plugin}")]
    options = ["-c", os.devnull, "--rootdir", str(folder), *without, "--noconftest"]
    status = pytest.main(options, plugins=[referee, fixtures])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}:
        raise SystemExit(f"pytest ended with {status!r}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
