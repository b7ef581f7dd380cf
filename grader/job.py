"""What the host tells the driver, and what the driver tells the host: values, as JSON."""

from __future__ import annotations

from typing import Literal

import msgspec

from grader.assignment import Assignment, Flaw
from grader.model import BuildResult, CheckResult, Role


class Command(msgspec.Struct, frozen=True):
    """A program.  `build`: commands to run first, in order; `run`: how to start it, with placeholders like {port}.

    `asks`: what a client asks for at its prompts before the first message, in order, as the submission says (None: it
    does not say, and looking finds out).  `ports`: numbers in the program's source that may be a port of its own, each
    from 1 to 65535, in order of appearance.  `language`: what it is written in; empty: nobody knows.
    `finds`: likely names of the program, which takes the place of run[0] when building has made it (None: run[0] is
    its name); `named`: names that the assignment gives it, which come before those.  `tools`: commands that building
    and starting it take.  `arguments`: how many of run's last words are the assignment's.
    """

    build: tuple[tuple[str, ...], ...]
    run: tuple[str, ...]
    asks: tuple[Literal["host", "port"], ...] | None = None
    ports: tuple[int, ...] = ()
    language: str = ""
    finds: tuple[str, ...] | None = None
    tools: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    arguments: int = 0


class Job(msgspec.Struct, frozen=True):
    """What to grade.  `commands`: the programs that were handed in, in the assignment's order.

    `chosen`: ids of the checks to play.  `private_network`: whether nobody else uses this network namespace.
    `environment`: the variables of the place where programs are built and run, PATH among them.  `files`: where the
    assignment's files are, as the program sees them; empty if it has none.  `own_image`: whether nobody knows what is
    installed where programs run.
    """

    assignment: Assignment
    commands: dict[Role, Command]
    chosen: frozenset[str]
    seed: int
    private_network: bool
    environment: dict[str, str]
    files: str = ""
    own_image: bool = False


class Built(msgspec.Struct, frozen=True, tag="built"):
    """Building has ended."""

    role: Role
    result: BuildResult


class Lacking(msgspec.Struct, frozen=True, tag="lacking"):
    """A program that can't be built or started here, since these commands are not there; one at least."""

    role: Role
    tools: tuple[str, ...]


class Checked(msgspec.Struct, frozen=True, tag="checked"):
    """A check has its verdict."""

    result: CheckResult


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """All checks have theirs."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The assignment's own files can't be played; every reason for it, at least one."""

    flaws: tuple[Flaw, ...]


Word = Built | Lacking | Checked | Finished | Refused
