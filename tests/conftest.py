"""What tests of more than one folder share: whether there is a container engine, and the loud word about it.

A test marked `container` is skipped where no engine answers, and the summary says how many and why; with
GRADER_REQUIRE_CONTAINERS=1 it fails instead, so that a machine that must have one can't be green without.

`make test` runs tests in several processes (pytest-xdist), each with session fixtures of its own, but for those marked
`alone`: they measure time, load the machine so that others would measure it, or need one port of it that others need
too.  They run one by one afterwards.

Those marked `waits` spend their time on the timers of clients over UDP, and hardly use a CPU.  They form lanes, as
many as there are CPUs, each of which is played in order by one process, and begin before everything else: so the other
processes, as many again, always have work meanwhile, and nobody waits for a client at the end.
"""

from __future__ import annotations

import functools
import gc
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import docker
import hypothesis
import pytest

from grader.errors import CannotJudgeError
from grader.sandbox import engine as engines
from grader.sandbox import fork_server as fork_servers
from grader.sandbox.images import Contents, Images

# How long one example takes says how busy the machine is; a test that hangs is ended by pytest's timeout.
hypothesis.settings.register_profile("grader", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("grader")

#: Their test_*.py are checks, which the driver plays.
collect_ignore = ["assignments"]

#: How many tests marked `waits` are played at a time: the Makefile starts so many processes more than there are CPUs.
LANES = len(os.sched_getaffinity(0))
REQUIRED = "GRADER_REQUIRE_CONTAINERS"
_MARKER = "container"
#: How the reason of a skipped container test begins.
_NO_ENGINE = "no container engine: "


@functools.cache
def _engine_or_reason() -> docker.DockerClient | str:
    """A client of the engine with both images there; or why there is none, asked once."""
    with warnings.catch_warnings():
        # docker-py leaves the socket open that it could not connect; collected here, it can't fail a test later.
        warnings.simplefilter("ignore", ResourceWarning)
        found = _look_for_engine()
        gc.collect()
    return found


def _look_for_engine() -> docker.DockerClient | str:
    try:
        client = engines.connect()
        Images(client, lambda _: None).supply(Contents())
    except CannotJudgeError as error:
        return str(error)
    return client


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the tests that wait out to their lanes; pytest-xdist begins with the groups that have most tests."""
    for number, item in enumerate(item for item in items if item.get_closest_marker("waits")):
        item.add_marker(pytest.mark.xdist_group(f"waits-{number % LANES}"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a container test without an engine, or fail it where one must be."""
    if item.get_closest_marker(_MARKER) is None:
        return
    reason = _engine_or_reason()
    if not isinstance(reason, str):
        return
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{REQUIRED}=1, but {reason}", pytrace=False)
    pytest.skip(_NO_ENGINE + reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not tested: a green line alone would hide it."""
    # The reports, since only they come from the processes that ran the tests.
    reasons = [report.longrepr[2] for report in terminalreporter.getreports("skipped")]
    skipped = [reason for reason in reasons if _NO_ENGINE in reason]
    if skipped:
        terminalreporter.section("NOT TESTED: containers", sep="!", red=True, bold=True)
        why = skipped[0].partition(_NO_ENGINE)[2]
        terminalreporter.line(f"{len(skipped)} container tests were SKIPPED, because {why}", red=True)
        terminalreporter.line(f"Set {REQUIRED}=1 where they must run; then they fail instead.", red=True)


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    """The container engine.  Only for tests marked `container`, which do not run without one."""
    client = _engine_or_reason()
    assert not isinstance(client, str), "a test that uses an engine must carry the marker `container`"
    return client


@pytest.fixture(scope="session", autouse=True)
def fork_server() -> Iterator[None]:
    """Local gradings in the tests' own processes start as those of `grader verify` do."""
    with fork_servers.kept():
        yield


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter and write in, unlike pytest's own; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="grader-tests-", dir="/var/tmp") as path:
        Path(path).chmod(0o1777)
        yield Path(path)
