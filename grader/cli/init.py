"""`grader init`: a starter for students."""

from __future__ import annotations

from pathlib import Path

import click

from grader import assignment as assignments
from grader import starter
from grader.cli import asked
from grader.cli.complete import assignment_names
from grader.cli.say import show
from grader.model import Role
from grader.starter.table import LANGUAGES

_EXAMPLES = """\b
Examples:
  grader init tcp_uppercase starter/ --language c
  grader init web_server --image registry.example.org/course/grader:2026
"""


@click.command("init", epilog=_EXAMPLES)
@click.argument("name", metavar="ASSIGNMENT", shell_complete=assignment_names)
@click.argument("directory", type=click.Path(path_type=Path), required=False, metavar="[DIR]")
@click.option(
    "--language", type=click.Choice([*LANGUAGES]), default="python", show_default=True, help="Of the program."
)
@click.option("--role", type=click.Choice(["server", "client"]), help="Begin only this program.")
@click.option(
    "--image",
    default="",
    metavar="NAME",
    help="The image with everything (grader image build --grader), by the name under which students get it.",
)
@asked.ASSIGNMENTS
def command(
    *, name: str, directory: Path | None, language: str, role: Role | None, image: str, folder: Path | None
) -> None:
    """Write a starter for ASSIGNMENT to DIR (its name, if DIR is left out), for students to begin with.

    It has the handout, a program that reads its arguments and does nothing yet, a page that says how to test it, and a
    file that has GitHub run the self-test.
    """
    name, folder = asked.located(name, folder)
    wanted = asked.assignment_of(name, folder)
    shipped = assignments.folder_of(name, folder) in [ours / name for ours in assignments.folders()]
    files = starter.files_of(starter.Wanted(wanted, asked.roles_in(wanted, role), language, image, shipped=shipped))
    where = directory or Path(name)
    starter.write(files, where)
    show(f"{where} has a starter for {wanted.title}, in {LANGUAGES[language].title}:\n")
    for path in sorted(files):
        if not path.startswith("files/"):
            show(f"  {path}")
    show("\nIts README.md says how to go on.")
