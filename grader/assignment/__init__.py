"""An assignment's folder as a value: what is asked, which checks, how many points, and the handout's requirements.

Every check names a requirement and every requirement has a check; a folder for which this does not hold is rejected
here, before anything runs.  The assignment's Python files are never imported here: they run in the driver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from grader.assignment import visibility
from grader.assignment.faults import disagreements
from grader.assignment.starting import Starting
from grader.assignment.table import CannotReadError, Source, examined
from grader.assignment.values import (
    Assignment,
    CheckSpec,
    ClientSpec,
    Flaw,
    Libraries,
    ServerSpec,
    VisibilitySpec,
    builds,
    handed_in,
)
from grader.errors import AssignmentError, UsageError, did_you_mean

__all__ = [
    "Assignment",
    "CheckSpec",
    "ClientSpec",
    "Flaw",
    "Libraries",
    "ServerSpec",
    "Starting",
    "VisibilitySpec",
    "builds",
    "examine",
    "folder_of",
    "folders",
    "handed_in",
    "load",
    "names",
]


def folders(extra: Path | None = None) -> Iterator[Path]:
    """Where assignments are looked for: the user's folder first, then ours (a checkout's or the installed ones)."""
    here = Path(__file__).resolve().parent.parent
    for folder in (extra, here.parent / "assignments", here / "_data" / "assignments"):
        if folder is not None and folder.is_dir():
            yield folder


def names(extra: Path | None = None) -> list[str]:
    """All assignments that can be named."""
    return sorted({path.parent.name for folder in folders(extra) for path in folder.glob("*/assignment.toml")})


def folder_of(name: str, extra: Path | None = None) -> Path:
    """The folder of the assignment of that name (UsageError: there is none)."""
    for folder in folders(extra):
        if (folder / name / "assignment.toml").is_file() and Path(name).name == name:
            return folder / name
    known = names(extra)
    meant = did_you_mean(name, known) or f"; known: {', '.join(known) or 'none'}"
    message = f"there is no assignment {name!r}{meant}"
    raise UsageError(message)


def load(name: str, extra: Path | None = None, hidden: Path | None = None) -> Assignment:
    """The assignment of that name.

    `hidden`: the folder of its hidden checks, where it isn't in the assignment's own folder.

    Raises:
        UsageError: there is none.
        AssignmentError: its folder has a fault.
    """
    asked, flaws = examine(folder_of(name, extra), extra, hidden)
    if asked is None or flaws:
        message = f"assignment {name}: {flaws[0].what}"
        raise AssignmentError(message)
    return asked


def examine(
    folder: Path, extra: Path | None = None, hidden: Path | None = None
) -> tuple[Assignment | None, list[Flaw]]:
    """What a folder asks for, as far as it can be read (None: not at all), and every mistake in its table and handout.

    Its Python files are read, but not examined.  `extra`: where the assignment that it extends may be, besides ours.
    `hidden`: see `load`.
    """
    secret = hidden or folder / visibility.FOLDER
    try:
        source = Source.read(folder, lambda name: folder_of(name, extra))
        if hidden or secret.is_dir():
            source = replace(source, hidden=visibility.read(secret))
    except CannotReadError as error:
        return None, [*error.flaws]
    except visibility.CannotReadHiddenError as error:
        return None, [error.flaw]
    asked, flaws = examined(source)
    if asked is not None:
        flaws += disagreements(asked, source)
    return asked, flaws
