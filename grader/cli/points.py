"""`grader points`: other points for a class that is graded."""

from __future__ import annotations

from pathlib import Path

import click

from grader.class_ import whole
from grader.cli.told import GRADEBOOK, books_of, exit_code, tell
from grader.errors import UsageError

_EXAMPLES = """\b
Examples:
  grader points results/ --points points.toml --gradebook canvas=grades.csv
  grader points results/ --reset
"""


@click.command("points", epilog=_EXAMPLES)
@click.argument("out", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--points", "file", type=click.Path(path_type=Path), metavar="FILE", help="Points, and what late days cost."
)
@GRADEBOOK
@click.option("--reset", is_flag=True, help="Count the assignment's own points again.")
def command(*, out: Path, file: Path | None, gradebook: tuple[str, ...], reset: bool) -> int:
    """Weigh the checks of a graded class differently, without running anything.

    DIR is the folder that `grader class` has written.
    """
    if (file is None) is not reset:
        raise UsageError("name a file with --points, or return to the assignment's points with --reset")
    done = whole.weigh(out, file, lambda graded: books_of(gradebook, graded.title, graded.assignment))
    tell(done, out)
    return exit_code(done.graded)
