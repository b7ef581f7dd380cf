"""`grader clean`: removes what killed runs left in the engine."""

from __future__ import annotations

import click

from grader.cli.say import say, show
from grader.sandbox import engine
from grader.sandbox.images import Images

_EXAMPLES = """\b
Examples:
  grader clean
"""


@click.command("clean", epilog=_EXAMPLES)
def command() -> None:
    """Remove what a killed run left behind (normally nothing), and images of other versions of the grader."""
    client = engine.connect()
    removed = [*engine.remove_orphans(client), *Images(client, say).remove_old()]
    for name in removed:
        show(f"removed {name}")
    if not removed:
        show("nothing was left behind")
