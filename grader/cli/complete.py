"""What a shell offers when Tab is pressed: names of assignments and checks.  Whatever goes wrong, it offers nothing."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from grader import assignment as assignments
from grader.errors import GraderError


def assignment_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Assignments by name, with their titles; paths, once there is a slash."""
    if "/" in incomplete:
        return [CompletionItem(incomplete, type="dir")]
    extra = _folder(context)
    found = [name for name in assignments.names(extra) if name.startswith(incomplete)]
    return [CompletionItem(name, help=_title(name, extra)) for name in found]


def check_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The checks of the assignment that is named before them."""
    name = context.params.get("name")
    try:
        checks = assignments.load(name, _folder(context)).checks if name else ()
    except GraderError:
        return []
    return [CompletionItem(spec.id) for spec in checks if spec.id.startswith(incomplete)]


def _folder(context: click.Context) -> Path | None:
    folder = context.params.get("folder")
    return Path(folder) if folder else None


def _title(name: str, extra: Path | None) -> str:
    try:
        return assignments.load(name, extra).title
    except GraderError:
        return ""
