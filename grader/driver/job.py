"""What the host tells the driver, and what the driver tells the host: values, as JSON."""

from __future__ import annotations

import msgspec

from grader.assignment import Assignment, Role
from grader.model import BuildResult, CheckResult


class Job(msgspec.Struct, frozen=True):
    """What to grade.  `build`: commands to run first, in order; `run`: how to start, with {host} and {port} in it.

    `chosen`: ids of the checks to play.  `private_network`: whether nobody else uses this network namespace.
    `path`: where programs are looked for.
    """

    assignment: Assignment
    role: Role
    build: tuple[tuple[str, ...], ...]
    run: tuple[str, ...]
    chosen: frozenset[str]
    seed: int
    private_network: bool
    path: str


class Built(msgspec.Struct, frozen=True, tag="built"):
    """Building has ended."""

    result: BuildResult


class Checked(msgspec.Struct, frozen=True, tag="checked"):
    """A check has its verdict."""

    result: CheckResult


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """All have."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The assignment's own files can't be played; why, in one sentence for its author."""

    why: str


Word = Built | Checked | Finished | Refused
