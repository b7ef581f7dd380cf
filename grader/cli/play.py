"""`grader play`: our side of an assignment alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

import click

from grader import assignment as assignments
from grader.assignment.faults import PROTOCOL
from grader.cli import asked
from grader.cli.complete import assignment_names
from grader.cli.say import show
from grader.driver import author
from grader.errors import AssignmentError, UsageError
from grader.model import Role
from grader.play import OurSide
from grader.protocol.script import Seeded

_EXAMPLES = """\b
Examples:
  grader play ./my_assignment server --port 12000
  grader play ./my_assignment client
"""


@click.command("play", epilog=_EXAMPLES)
@click.argument("name", metavar="ASSIGNMENT", shell_complete=assignment_names)
@click.argument("role", type=click.Choice(["server", "client"]))
@click.option("--host", default="127.0.0.1", show_default=True, help="Where your server runs.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="The server's port.  [default: the handout's]")
@click.option("--count", type=click.IntRange(1, 1000), default=3, show_default=True, help="How many conversations.")
@click.option("--seed", type=asked.SEEDS, default=1, show_default=True, help="Seed of what our side says.")
@asked.ASSIGNMENTS
def command(
    *, name: str, role: Role, host: str, port: int | None, count: int, seed: int, folder: Path | None
) -> Literal[0, 1]:
    """Play our side of an assignment, with a ROLE of yours that you start yourself: a program, or nc and your hands.

    With a server our client asks, and says about each reply whether it is right. With a client our server waits for
    it, and says what to type and what must be shown. Ctrl-C stops it.
    """
    name, folder = asked.located(name, folder)
    wanted = assignments.load(name, folder)
    if role not in wanted.roles:
        message = f"assignment {name} asks for no {role}"
        raise UsageError(message)
    port = port or wanted.server.usual_port
    with tempfile.TemporaryDirectory(prefix="grader-play-") as scratch:
        (own := Path(scratch) / "assignment").mkdir()
        author.lay_out(wanted, own)
        try:
            side = OurSide(wanted, Seeded(author.load(own, PROTOCOL), seed), count, show)
            right = side.with_server(host, port) if role == "server" else side.with_client(port, Path(scratch))
        except Exception as error:
            if flaw := author.blame(error, own):
                message = f"assignment {name}: {flaw}"
                raise AssignmentError(message) from error
            raise
    show(f"\n{'All of it was right.' if right else 'That was not right.'}")
    return 0 if right else 1
