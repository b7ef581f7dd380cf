"""`grader new`: a new assignment that already grades."""

from __future__ import annotations

from pathlib import Path

import click

from grader import assignment as assignments
from grader import new, verify
from grader.assignment.visibility import REFERENCE
from grader.cli import asked
from grader.cli.say import show
from grader.errors import UsageError
from grader.new.table import KINDS

_LIKE = f"One of {', '.join(KINDS)}; or an assignment, by name or path, which is copied."


_EXAMPLES = """\b
Examples:
  grader new my_assignment --like frame
  grader new my_variant assignments/ --like tcp_echo
"""


@click.command("new", epilog=_EXAMPLES)
@click.argument("name")
@click.argument("directory", type=click.Path(path_type=Path), default=Path(), metavar="[DIR]")
@click.option("--like", default="line", show_default=True, metavar="KIND", help=_LIKE)
@asked.ASSIGNMENTS
def command(name: str, directory: Path, like: str, folder: Path | None) -> None:
    """Write a new assignment that already grades to DIR/NAME (here, if DIR is left out).

    It has a handout, checks, messages, a correct program and two wrong ones; `grader verify` passes on it.  Change it
    step by step, and verify after each step.
    """
    files = new.of_kind(name, like) if like in KINDS else _copied(name, like, folder)
    written = new.write(files, directory, name)
    where = _path(written)
    show(
        f"""{where} is an assignment that already grades.  Try it:

  grader verify {where}
  grader check {where}/{_right(written)} --assignment {where}

Then make it yours, and run `grader lint {where}` after each step:

  1. protocol.py: what a message is, and its correct reply
  2. handout.md: what students read; each requirement has a number
  3. assignment.toml: which check judges which requirement, and the points
  4. reference/: a correct program; mutants, each a correct one with a change; what each must get
"""
    )


def _copied(name: str, like: str, folder: Path | None) -> dict[str, bytes]:
    try:
        like, folder = asked.located(like, folder)
        found = assignments.folder_of(like, folder)
    except UsageError as error:
        message = f"--like {like}: {error}; kinds: {', '.join(KINDS)}"
        raise UsageError(message) from error
    try:
        reference = verify.reference_folder(assignments.load(like, folder), found)
    except UsageError:
        reference = None
    return new.of_assignment(name, found, reference)


def _right(folder: Path) -> str:
    """A right program, by its path in the assignment's folder."""
    programs = sorted(path for path in (folder / REFERENCE / "good").glob("*") if not path.name.startswith("."))
    return str(programs[0].relative_to(folder)) if programs else "PROGRAM"


def _path(folder: Path) -> str:
    """A path that is read as one, not as a name."""
    words = str(folder)
    return words if "/" in words else f"./{words}"
