"""The local sandbox inside somebody else's container, as a CI job runs it: no namespaces, few capabilities."""

from __future__ import annotations

import json
import sys
import sysconfig

import docker
import pytest

from grader.sandbox import engine as engines
from tests.cli.command import ROOT

_PYTHON = "/usr/bin/python3"
_SAME_PYTHON = sys.version_info[:2] == (3, 11)


@pytest.mark.container
@pytest.mark.skipif(not _SAME_PYTHON, reason="the image's Python 3.11 can't import libraries built for another version")
@pytest.mark.parametrize("user", ["0", "1000"])
@pytest.mark.parametrize(
    ("program", "failed"),
    [("good/threads.py", []), ("broken/no_reuse_address.c", ["server.port_reuse_after_ctrl_c"])],
)
def test_gets_the_same_verdict(engine: docker.DockerClient, user: str, program: str, failed: list[str]) -> None:
    for target in engines.TARGETS:
        assert engines.tag(target) not in engines.missing_images(engine), "build them first: make image"
    libraries = sysconfig.get_path("purelib")
    words = engine.containers.run(
        engines.tag("sandbox"),
        ["-c", _WITHOUT_STATUS, "check", f"{ROOT}/reference/tcp_uppercase/{program}", *_OPTIONS],
        entrypoint=_PYTHON,
        user=user,
        network_mode="none",
        environment={"PYTHONPATH": f"{ROOT}:{libraries}"},
        volumes={str(ROOT): {"bind": str(ROOT), "mode": "ro"}, libraries: {"bind": libraries, "mode": "ro"}},
        remove=True,
    )
    report = json.loads(words)
    assert report["grader"]["sandbox"] == "local, without namespaces of its own"
    assert [check["id"] for check in report["checks"] if check["outcome"] != "passed"] == failed
    assert report["unjudged"] == 0


_OPTIONS = ("--assignment", "tcp_uppercase", "--role", "server", "--sandbox", "local", "--json", "-", "--quiet")
#: A failed check ends the command with 1, which the engine's client would raise; the report says it too.
_WITHOUT_STATUS = "from grader import cli\ntry:\n    cli.main()\nexcept SystemExit:\n    pass\n"
