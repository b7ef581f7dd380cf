"""`grader list`: the assignments, or one assignment's checks."""

from __future__ import annotations

from pathlib import Path

import click

from grader import assignment as assignments
from grader import flow
from grader.assignment.words import in_words
from grader.cli import asked
from grader.cli.complete import assignment_names
from grader.cli.say import show
from grader.model import SECTIONS, parts_of
from grader.report import text

_EXAMPLES = """\b
Examples:
  grader list
  grader list tcp_uppercase
"""


@click.command("list", epilog=_EXAMPLES)
@click.argument("name", required=False, metavar="[ASSIGNMENT]", shell_complete=assignment_names)
@asked.ASSIGNMENTS
def command(name: str | None, folder: Path | None) -> None:
    """List the assignments, or one assignment's checks."""
    if name is None:
        for known in assignments.names(folder):
            show(f"{known}  {assignments.load(known, folder).title}")
        return
    name, folder = asked.located(name, folder)
    wanted = assignments.load(name, folder)
    titles = flow.titles(wanted)
    total = sum(spec.points for spec in wanted.checks)
    secret = [spec for spec in wanted.checks if spec.visibility == "hidden"]
    show(f"{wanted.name}: {wanted.title}, {len(wanted.checks)} checks, {total:g} points\n")
    for role in wanted.roles:
        show(in_words(wanted.starting(role), role))
    show("")
    for part in parts_of(wanted.roles):
        specs = [spec for spec in wanted.checks if spec.part == part and spec not in secret]
        if specs and len(wanted.roles) > 1:
            worth = text.plural_points(sum(spec.points for spec in specs))
            show(f"{SECTIONS[part]}: {text.plural(len(specs), 'check')}, {worth}\n")
        for spec in specs:
            show(f"{spec.points:>4g}  {spec.id}\n      {titles[spec.id]}")
            show(f"      {spec.requirement} {wanted.requirements[spec.requirement].text}\n")
    if secret:
        worth = text.plural_points(sum(spec.points for spec in secret))
        show(f"{text.plural(len(secret), 'hidden check')}, {worth}\n")
