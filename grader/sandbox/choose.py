"""Which sandbox a run takes, and why, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from grader.assignment import Assignment
from grader.errors import CannotJudgeError
from grader.sandbox.host import Sandbox

Wanted = Literal["auto", "docker", "local"]
#: What images are made from when nobody says otherwise, and by which network their packages come.
DEFAULT_BASE = "debian:bookworm-slim"
DEFAULT_NETWORK = "host"


@dataclass(frozen=True)
class Choice:
    """A sandbox's kind.  `why`: one sentence for the user; `make`: one sandbox for one submission's archive.

    `complaints`: what the sandboxes could not tidy up, for after the report.
    """

    kind: Literal["docker", "local"]
    why: str
    make: Callable[[Assignment, bytes], Sandbox]
    complaints: list[str] = field(default_factory=list)

    @property
    def caution(self) -> str:
        """What its user should know of it, as the end of a sentence."""
        return "; it does not protect this machine from the program" if self.kind == "local" else ""


def choose(wanted: Wanted, listen: Callable[[str], None]) -> Choice:
    """The sandbox that is wanted, or with `auto` containers where they can be had.  `listen` hears of slow steps.

    Raises:
        CannotJudgeError: docker is wanted and can't be had.
    """
    if wanted == "local":
        return _local("as asked")
    if wanted == "docker":
        return _docker(listen, "as asked")
    try:
        return _docker(listen, "a container engine answers")
    except CannotJudgeError as error:
        return _local(str(error))


def _local(why: str) -> Choice:
    from grader.sandbox.local import LocalSandbox  # noqa: PLC0415 — each kind loads only what it needs

    return Choice("local", why, lambda assignment, archive: LocalSandbox(assignment.limits, archive))


def _docker(listen: Callable[[str], None], why: str) -> Choice:
    from grader.sandbox import engine  # noqa: PLC0415 — see above
    from grader.sandbox.docker import DockerSandbox  # noqa: PLC0415

    client = engine.connect()
    if engine.missing_images(client):
        listen("building the two images, once for this version of the grader (a minute or so) …")
        engine.build_images(client, DEFAULT_BASE, DEFAULT_NETWORK, lambda _: None)
    complaints: list[str] = []

    def make(assignment: Assignment, archive: bytes) -> Sandbox:
        return DockerSandbox(client, assignment.limits, archive, complaints.append)

    return Choice("docker", why, make, complaints)
