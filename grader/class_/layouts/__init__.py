"""Layouts: how platforms name what students hand in, one module each, found by themselves.

Each module is a function from the names in an export to attempts.  Which layout an export has is tried in the order of
the table: the one in which most of the export belongs to somebody.  Platforms mark their names so clearly that only the
last two have to be tried last: what is a folder for each student could be anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from grader.class_.layouts import blackboard, brightspace, canvas, folders, github, gradescope, moodle, paths
from grader.class_.layouts.export import Entry, Export, opened
from grader.class_.layouts.found import Attempt, Found, Layout, stem
from grader.errors import UsageError
from grader.model import ROLES
from grader.roles import is_usual
from grader.submission import Part, shown

#: In the order in which they are tried.
LAYOUTS: Final = {
    layout.name: layout
    for layout in (
        Layout("gradescope", "submission_123456/ beside submission_metadata.yml", gradescope.find),
        Layout("moodle", "Jane Doe_4455_assignsubmission_file_/", moodle.find),
        Layout("blackboard", "Uppercase_jdoe_attempt_2026-11-30-10-00-00_server.py", blackboard.find),
        Layout("brightspace", "12345-67890 - Jane Doe - Nov 30, 2026 1000 AM/", brightspace.find),
        Layout("canvas", "doejane_12345_67890_server.py", canvas.find),
        Layout("github", "uppercase-jdoe/, a checkout of a repository", github.find_checkouts),
        Layout("folders", "jdoe/ or jdoe.zip", folders.find),
    )
}
#: The one without any marks.
_PLAIN: Final = "folders"
#: What is no export: a file with a path on each line.
LIST: Final = "list"
NAMES: Final = ("auto", *LAYOUTS, LIST)


class Read(NamedTuple):
    """What was found: with which layout, the attempts, where each of their files is, and what belongs to nobody."""

    layout: str
    attempts: list[Attempt]
    parts: dict[str, Part]
    strays: list[str]


def read(path: Path, layout: str = "auto") -> Read:
    """What students have handed in, at `path`: a folder, a zip archive, or a list of paths.

    Raises:
        UsageError: nothing was found there, in one sentence that says what was looked for.
    """
    if layout == LIST or (layout == "auto" and path.is_file()):
        listed = paths.paths_in(path) if path.is_file() else None
        if listed is not None:
            found, parts = paths.find(listed)
            return Read(LIST, found.attempts, parts, found.strays)
        if layout == LIST:
            message = f"{shown(str(path))} is not a list of paths: a text file with one path on each line"
            raise UsageError(message)
    return _read_export(opened(path), layout)


def _read_export(export: Export, layout: str) -> Read:
    chosen, found, export = _chosen(export, layout)
    if not found.attempts:
        raise UsageError(_nothing(export, layout))
    if chosen == _PLAIN:
        _refuse_one_submission(export, found)
    names = {entry for attempt in found.attempts for entry, _ in attempt.files}
    return Read(chosen, found.attempts, {name: export.part(name) for name in names}, [*found.strays, *export.refused])


def _chosen(export: Export, layout: str) -> tuple[str, Found, Export]:
    """The layout, what was found, and where: in the export, or in a folder that is all of it."""
    places = _places(export)
    marked = [name for name in LAYOUTS if name != _PLAIN] if layout == "auto" else [layout]
    for place in places:
        most = len(place.entries()) / 2
        for name in marked:
            found = LAYOUTS[name].find(place) if layout == "auto" else _named_by_the_user(name, place)
            if found.named > (most if layout == "auto" else 0):
                return name, found, place
    if layout == "auto":
        # An outer folder is no student's if there is a whole class in it.
        place = next((inner for inner in reversed(places[1:]) if _is_class(inner)), places[0])
        return _PLAIN, folders.find(place), place
    return layout, Found([], [], 0), export


def _named_by_the_user(name: str, place: Export) -> Found:
    """Whoever says that these are checkouts may have exported them without their history."""
    return github.find(place) if name == "github" else LAYOUTS[name].find(place)


def _places(export: Export) -> list[Export]:
    """The export, and then the folder that holds everything, if there is one, and so on."""
    places = [export]
    while len(entries := places[-1].entries()) == 1 and entries[0].folder:
        places.append(places[-1].inner(entries[0].name))
    return places


def _is_class(export: Export) -> bool:
    """Whether there are several folders or archives, and nothing that is a program by its name."""
    found = folders.find(export).attempts
    packed = [
        attempt
        for attempt in found
        if stem(name := attempt.files[0][0]) != name or Entry(name, folder=True) in export.entries()
    ]
    return len(packed) > 1 and not any(_is_program(attempt) for attempt in found)


def _refuse_one_submission(export: Export, found: Found) -> None:
    """Nobody's students are called `server` and `client`."""
    if all(map(_is_program, found.attempts)):
        message = f"{shown(export.name)} looks like one submission, not like a class's: grader check grades it"
        raise UsageError(message)


def _is_program(attempt: Attempt) -> bool:
    return any(is_usual(attempt.files[0][0], role) for role in ROLES)


def _nothing(export: Export, layout: str) -> str:
    if layout != "auto":
        return f"{shown(export.name)} contains nothing in the layout {layout}: {LAYOUTS[layout].looks_like}"
    return (
        f"{shown(export.name)} contains no submissions: a folder, an archive or a source file for each student was "
        "looked for, and the exports of Canvas, Moodle, Gradescope, Blackboard, Brightspace and GitHub Classroom"
    )
