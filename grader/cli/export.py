"""`grader export`: what a platform needs to run an assignment."""

from __future__ import annotations

from pathlib import Path

import click

from grader import assignment as assignments
from grader import export
from grader.cli import asked
from grader.cli.complete import assignment_names
from grader.cli.say import show
from grader.export.table import PLATFORMS
from grader.families import FAMILIES
from grader.model import Role

_PLACES = "; ".join(f"{name}: {row.at}" for name, row in PLATFORMS.items() if row.at)

_EXAMPLES = """\b
Examples:
  grader export gradescope tcp_uppercase --role server --out upload/
  grader export github tcp_uppercase --at COURSE/grading@v1 --family jvm
"""


@click.command("export", epilog=_EXAMPLES)
@click.argument("platform", type=click.Choice([*PLATFORMS]))
@click.argument("name", metavar="ASSIGNMENT", shell_complete=assignment_names)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where to write (default: NAME-PLATFORM).")
@click.option("--at", default="", metavar="WHERE", help=f"Where the files will be ({_PLACES}).")
@click.option(
    "--family",
    "families",
    type=click.Choice([family.name for family in FAMILIES.values() if family.packages]),
    multiple=True,
    help="Languages besides Python, C and C++ that programs may be written in; may be repeated.",
)
@asked.ROLE
@asked.ASSIGNMENTS
def command(
    *,
    platform: str,
    name: str,
    out: Path | None,
    at: str,
    families: tuple[str, ...],
    role: Role | None,
    folder: Path | None,
) -> None:
    """Write what PLATFORM needs to run ASSIGNMENT: this grader, the assignment, and the files that start it.

    Which assignment it is, and which program with --role, is written into those files: no submission can change it.
    docs/ci.md has a section for each platform.
    """
    name, folder = asked.located(name, folder)
    wanted = export.Wanted(
        assignment=asked.assignment_of(name, folder),
        folder=assignments.folder_of(name, folder),
        extra=folder,
        role=role,
        families=families,
        at=at,
    )
    asked.roles_in(wanted.assignment, role)
    row = PLATFORMS[platform]
    into = export.write(export.files(platform, wanted), row, out or Path(f"{name}-{platform}"))
    show(f"{into} is what {row.title} needs for {name}.  Next:")
    for number, step in enumerate(row.then, start=1):
        show(f"  {number}. {step}")
    if row.at and not at:
        show(f"It names {row.example}, which is an example: --at names {row.at}.")
