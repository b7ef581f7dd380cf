"""A verdict that is there stands, even if the engine does not let the sandbox be removed."""

from __future__ import annotations

import docker
import pytest

from grader import flow
from grader.assignment import Assignment
from grader.errors import CannotJudgeError
from grader.sandbox import engine as engines
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.images import Contents, Images
from grader.submission import take
from tests.cli.command import RIGHT, UPPERCASE


@pytest.mark.container
def test_the_report_comes_and_then_the_complaint(engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    remove = engines.remove_left_behind
    complaints: list[str] = []
    made: list[DockerSandbox] = []

    def make(assignment: Assignment, archive: bytes, _: frozenset[str]) -> DockerSandbox:
        images = Images(engine, lambda _: None).supply(Contents())
        made.append(DockerSandbox(engine, assignment, archive, images, complaints.append))
        return made[-1]

    def refuses(client: docker.DockerClient, run: str) -> None:
        remove(client, run)
        raise CannotJudgeError("the container engine reports: device or resource busy")

    monkeypatch.setattr(engines, "remove_left_behind", refuses)
    request = flow.Request(UPPERCASE, roles=("server",), only=frozenset({"server.listens"}), seed=1)
    report = flow.carry_out(flow.plan(take(RIGHT), request), make, lambda _: None)
    made[0]._guardian.wait()  # it goes on trying, and finds nothing
    assert report.score == report.max_score
    assert complaints == ["the container engine reports: device or resource busy; to remove it: grader clean"]
