"""What several commands are asked in the same words: their shared options, and what these mean."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection
from pathlib import Path

import click

from grader import assignment as assignments
from grader import flow
from grader.assignment import Assignment
from grader.cli.complete import check_names
from grader.errors import UsageError
from grader.limits import MOST_SEED
from grader.model import Role, parts_of
from grader.sandbox.begun import SANDBOX_VARIABLE
from grader.sandbox.choose import Rules, Wanted

ASSIGNMENTS = click.option(
    "--assignments", "folder", type=click.Path(path_type=Path), metavar="DIR", help="A folder with more assignments."
)
ROLE = click.option("--role", type=click.Choice(["server", "client"]), help="Grade only this program.")
SANDBOX = click.option(
    "--sandbox",
    "wanted",
    type=click.Choice(["auto", "docker", "local"]),
    default="auto",
    show_default=True,
    envvar=SANDBOX_VARIABLE,
    help="Where the program runs: in containers, or in namespaces on this machine.",
)
OFFLINE = click.option("--offline", is_flag=True, help="Don't build or fetch images; exit with 3 if one is missing.")
IMAGE = click.option(
    "--image", default="", metavar="NAME", help="Run the programs in this image of yours (docker only)."
)
ONLY = click.option(
    "--only",
    multiple=True,
    metavar="CHECK",
    shell_complete=check_names,
    help="Run only this check and what it depends on; may be repeated.",
)
HIDDEN = click.option(
    "--hidden",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of the assignment's hidden checks, if they are not in its own folder.",
)
SEEDS = click.IntRange(1, MOST_SEED)


class NamedPath(click.Path):
    """A path that is not empty: `grader check "$HANDED_IN"` without that variable must not grade this folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if value == "":
            self.fail("its name is empty.", param, ctx)
        return super().convert(value, param, ctx)


def located(name: str, folder: Path | None) -> tuple[str, Path | None]:
    """An assignment's name, and the folder with more assignments that has it; `name` may be the path of its folder.

    A path is told by a slash, or by being "." or "..".  For what a user names on the command line only.

    Raises:
        UsageError: there is no assignment at that path, or a folder with more is named besides.
    """
    if "/" not in name and name not in {".", ".."}:
        return name, folder
    if folder is not None:
        raise UsageError("--assignments is of no use where an assignment is named by its path")
    path = Path(name).resolve()
    if not (path / "assignment.toml").is_file():
        message = f"there is no assignment at {name}: it has no assignment.toml"
        raise UsageError(message)
    return path.name, path.parent


def rules_of(wanted: Wanted, image: str, *, offline: bool) -> Rules:
    """What the options say about images (UsageError: they make no sense together)."""
    if image and wanted == "local":
        raise UsageError("--image works only with docker: --sandbox local uses no image")
    return Rules(offline=offline, image=image)


def request(
    name: str | None,
    folder: Path | None,
    role: Role | None,
    only: tuple[str, ...],
    seed: int,
    *,
    hidden: Path | None = None,
) -> flow.Request:
    """What to grade (UsageError: something that was asked for doesn't exist)."""
    asked = assignment_of(name, folder, hidden)
    roles = roles_in(asked, role)
    return flow.Request(asked, seed, roles, chosen_in(asked, roles, only))


def assignment_of(name: str | None, folder: Path | None, hidden: Path | None = None) -> Assignment:
    if hidden is not None and not hidden.is_dir():
        message = f"there is no folder {hidden}"
        raise UsageError(message)
    if folder is not None and not folder.is_dir():
        message = f"there is no folder {folder}"
        raise UsageError(message)
    if not name:
        known = ", ".join(assignments.names(folder)) or "none"
        message = f"which assignment is it? Name it with --assignment or in grader.toml; known: {known}"
        raise UsageError(message)
    return assignments.load(name, folder, hidden)


def roles_in(asked: Assignment, role: Role | None) -> tuple[Role, ...]:
    if role is not None and role not in asked.roles:
        message = f"{asked.name} does not ask for a {role}"
        raise UsageError(message)
    return (role,) if role else asked.roles


def chosen_in(asked: Assignment, roles: tuple[Role, ...], only: tuple[str, ...]) -> frozenset[str] | None:
    """Ids of the checks asked for; a name without a role means those of every role that has it.  None for all."""
    if not only:
        return None
    named: dict[str, set[str]] = {}
    for spec in asked.checks:
        if spec.part in parts_of(roles):
            for name in (spec.id, spec.id.partition(".")[2]):
                named.setdefault(name, set()).add(spec.id)
    for check in only:
        if check not in named:
            meant = closest(check, named)
            hint = f"; did you mean {meant}?" if meant else f"; see: grader list {asked.name}"
            whose = f"{asked.name} (--role {roles[0]})" if roles != asked.roles else asked.name
            message = f"{whose} has no check {check!r}{hint}"
            raise UsageError(message)
    return frozenset().union(*(named[check] for check in only))


def closest(check: str, known: Collection[str]) -> str | None:
    """The one of these checks that a mistyped name most likely means; its role alone makes none alike."""
    role, dot, behaviour = check.rpartition(".")
    same_role = [one for one in known if one.startswith(role + dot)] if dot else []
    rivals = {one.rpartition(".")[2]: one for one in same_role or known}
    found = difflib.get_close_matches(behaviour, rivals, n=1)
    return rivals[found[0]] if found else None
