"""The command: arguments in, exit code out.  The only package that exits.

Each command is the `command` of a module of its own, named in `COMMANDS` and loaded when it is called, so that none
waits for another's libraries.  `asked.py` has the options that several of them take, `say.py` how they print.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from typing import TYPE_CHECKING, Final

import click

from grader.cli.say import complain, show
from grader.errors import NOT_JUDGED, GraderError, did_you_mean
from grader.version import __version__

if TYPE_CHECKING:
    from grader.sandbox.begun import Nest

#: Every command and its module, in the order in which they are listed.
COMMANDS: Final = {
    "check": "grader.cli.check",
    "class": "grader.cli.class_",
    "points": "grader.cli.points",
    "replay": "grader.cli.replay",
    "play": "grader.cli.play",
    "list": "grader.cli.list_",
    "explain": "grader.cli.explain",
    "init": "grader.cli.init",
    "lint": "grader.cli.lint",
    "new": "grader.cli.new",
    "export": "grader.cli.export",
    "verify": "grader.cli.verify",
    "doctor": "grader.cli.doctor",
    "clean": "grader.cli.clean",
    "image": "grader.cli.image",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — click's
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 — click's
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            message = error.message.rstrip(".") + (did_you_mean(args[0], COMMANDS) or ".")
            raise click.UsageError(message, ctx) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="grader")
def grader() -> None:
    """Grade socket programs: run them in a sandbox, test them with awkward peers, explain every verdict.

    Completion for your shell: eval "$(_GRADER_COMPLETE=bash_source grader)", or zsh_source, or fish_source.

    Exit codes: 0 every check passed, 1 a check failed, 2 wrong usage or unusable input, 3 some points could not be
    judged.
    """


def main(nest: Nest | None = None) -> None:
    """Run the command and exit.  `nest`: a local sandbox that has been started already, to be used if one is wanted."""
    try:
        code = grader.main(standalone_mode=False, obj=nest)
    except click.ClickException as error:
        error.show(words := io.StringIO())
        show(words.getvalue().rstrip("\n"), err=True)
        code = 2
    except GraderError as error:
        for sentence in error.sentences:
            complain(sentence)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        complain("interrupted")
        code = NOT_JUDGED
    except Exception as error:  # noqa: BLE001 — whatever it is, it is not a verdict
        if os.environ.get("GRADER_TRACEBACK"):
            show(traceback.format_exc(), err=True)
        complain(f"internal error: {error!r} (set GRADER_TRACEBACK=1 to see where)")
        code = NOT_JUDGED
    sys.exit(code if isinstance(code, int) else 0)
