"""`grader lint`: every mistake in an assignment's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from grader import assignment as assignments
from grader.cli import asked
from grader.cli.complete import assignment_names
from grader.cli.say import show
from grader.lint import flaws

_EXAMPLES = """\b
Examples:
  grader lint ./my_assignment
  grader lint my_assignment --assignments course/
"""


@click.command("lint", epilog=_EXAMPLES)
@click.argument("name", metavar="ASSIGNMENT", shell_complete=assignment_names)
@asked.ASSIGNMENTS
def command(name: str, folder: Path | None) -> Literal[0, 2]:
    """Report every mistake in an assignment's folder, with file and line."""
    name, folder = asked.located(name, folder)
    found = flaws(assignments.folder_of(name, folder), folder)
    for flaw in found:
        show(str(flaw))
    if not found:
        show(f"{name}: no mistakes found")
    return 2 if found else 0
