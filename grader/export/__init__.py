"""What a platform needs to run an assignment: the grader, the assignment, and files that start one on the other.

Nothing in an export is decided by a submission: which assignment and which program are written into the files that
start the grader.  The files of each platform are in `platforms/`, with places to be filled in between `@`; those of
`common/` install the grader and run it as root in a container, and wherever a platform works like that, its own files
only call them.  Pure but for reading files; `write` is the only one that writes.
"""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from grader import families
from grader.assignment import Assignment, visibility
from grader.assignment import folder_of as found_folder
from grader.errors import UsageError
from grader.export import wheel
from grader.export.table import PLATFORMS, Platform
from grader.families import FAMILIES
from grader.folders import files_below, make_whole
from grader.model import Role
from grader.version import __version__

_TEMPLATES: Final = Path(__file__).resolve().parent / "platforms"
#: Behind the name of a file that would be taken for one of ours.
_TEMPLATE: Final = ".in"
#: Names that mean the same to a shell, in YAML, in JSON and in a path.
_PLAIN: Final = re.compile(r"[\w][\w.-]*")
_PLAIN_PLACE: Final = re.compile(r"[\w][\w./:-]*(@[\w][\w./-]*)?")
#: What of an assignment's folder no grading needs.
_UNUSED: Final = frozenset({visibility.REFERENCE})
_TABLE: Final = "assignment.toml"


class Wanted(msgspec.Struct, frozen=True):
    """What is to be exported.

    `folder`: the assignment's.  `extra`: a folder with more assignments, where the one that it extends may be.
    `families`: of languages that its programs may be written in.  `at`: where the files will be, if they name it.
    """

    assignment: Assignment
    folder: Path
    extra: Path | None = None
    role: Role | None = None
    families: tuple[str, ...] = ()
    at: str = ""


class File(NamedTuple):
    """A file of an export."""

    content: bytes
    executable: bool = False


def files(platform: str, wanted: Wanted) -> dict[str, File]:
    """The files of an export, by path.

    Raises:
        UsageError: something can't be exported, or is named with characters that mean something to a shell.
    """
    row = PLATFORMS[platform]
    places = _places(row, wanted)
    made = {
        path.removesuffix(_TEMPLATE): _filled(data, places) for path, data in files_below(_TEMPLATES / platform).items()
    }
    inside = f"{row.payload}/" if row.payload else ""
    for path, data in _payload(row, wanted, places):
        made[f"{inside}{path}"] = data
    return made


def write(made: dict[str, File], row: Platform, into: Path) -> Path:
    """Write an export to a new folder, all of it or nothing.

    Raises:
        UsageError: there is something at that path, or it can't be written.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        message = f"{into} exists already"
        raise UsageError(message)
    content = {row.archive: File(_zipped(made))} if row.archive else made
    executable = [name for name, file in content.items() if file.executable]
    make_whole(into, {name: file.content for name, file in content.items()}, executable)
    return into


def _places(row: Platform, wanted: Wanted) -> dict[str, str]:
    """What replaces each word between `@` in the files of a platform."""
    name = wanted.assignment.name
    at = wanted.at or row.example
    if wanted.at and not row.at:
        message = f"--at is of no use for {row.title}: nothing in its files says where they are"
        raise UsageError(message)
    for words, pattern in ((name, _PLAIN), (at or "x", _PLAIN_PLACE)):
        if not pattern.fullmatch(words):
            message = f"{words!r} can't be exported: use letters, digits, dots, dashes and underscores only"
            raise UsageError(message)
    where, _, ref = at.partition("@")
    return {
        "NAME": name,
        "TITLE": msgspec.json.encode(wanted.assignment.title).decode(),
        "ROLE": f"--role {wanted.role}" if wanted.role else "",
        "AT": at,
        "WHERE": where,
        "REF": ref or "main",
        "VERSION": __version__,
        "PACKAGES": " ".join(_packages(wanted)),
        "LIBRARIES": _libraries(wanted.assignment),
        "UUID": str(uuid.uuid4()),
    }


def _packages(wanted: Wanted) -> Iterator[str]:
    for family in sorted(families.closed(wanted.families)):
        yield from FAMILIES[family].packages
    yield from wanted.assignment.image.packages


def _libraries(assignment: Assignment) -> str:
    """Shell commands that install the libraries that the assignment allows, where any program finds them."""
    commands = []
    if assignment.image.pip:
        commands += [
            "apt-get install -y -qq --no-install-recommends python3-pip",
            "python3 -m pip install --quiet --root-user-action=ignore --break-system-packages "
            + " ".join(f"'{each}'" for each in assignment.image.pip),
        ]
    if assignment.image.npm:
        commands += [
            "apt-get install -y -qq --no-install-recommends npm",
            "npm install --prefix /opt/npm --no-save --no-audit --no-fund --loglevel=error "
            + " ".join(f"'{each}'" for each in assignment.image.npm),
            "mv /opt/npm/node_modules /",
        ]
    return "\n".join(commands)


def _payload(row: Platform, wanted: Wanted, places: dict[str, str]) -> Iterator[tuple[str, File]]:
    """The grader, what installs and runs it, and the assignment."""
    yield wheel.file_name(), File(wheel.built())
    yield "constraints.txt", File(wheel.constraints().encode())
    for path in row.runs:
        yield path, _filled((_TEMPLATES / "common" / path).read_bytes(), places)
    left_out = visibility.KEPT_BACK if row.public else _UNUSED
    for folder in _with_those_it_extends(wanted):
        for path, data in files_below(folder).items():
            if path.partition("/")[0] not in left_out:
                yield f"assignments/{folder.name}/{path}", File(data)


def _with_those_it_extends(wanted: Wanted) -> Iterator[Path]:
    folder = wanted.folder
    while True:
        yield folder
        table = msgspec.toml.decode((folder / _TABLE).read_bytes())
        if "extends" not in table:
            return
        folder = found_folder(str(table["extends"]), wanted.extra)


def _filled(data: bytes, places: dict[str, str]) -> File:
    words = re.sub(r"@([A-Z]+)@", lambda found: places[found[1]], data.decode())
    return File(words.encode(), executable=words.startswith("#!"))


def _zipped(made: dict[str, File]) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, file in made.items():
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100755 if file.executable else 0o100644) << 16
            archive.writestr(entry, file.content, zipfile.ZIP_DEFLATED)
    return into.getvalue()
