"""A new assignment that already grades: its folder with a handout, checks, messages and reference programs.

A kind's own words are in `kinds/<kind>/`: what its messages are for the handout (`about.md`), `protocol.py`, a right
program and mutants with their verdicts.  The table and the requirements are made from the catalogue's.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grader.assignment.table import HANDOUT, TABLE
from grader.assignment.visibility import REFERENCE
from grader.catalogue.usual import USUAL
from grader.errors import UsageError
from grader.folders import files_below, make_whole
from grader.new.table import KINDS, Kind, Section

_KINDS: Final = Path(__file__).resolve().parent / "kinds"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
#: What stands for the assignment's name in a kind's files.
_PLACEHOLDER: Final = "@NAME@"
#: The files of a kind that become reference programs.
_REFERENCE: Final = frozenset({"good", "broken", "mutants.toml", "verdicts.toml"})
_ABOUT: Final = "about.md"
#: Columns of a handout.
_WIDTH: Final = 120


def of_kind(name: str, kind: str) -> dict[str, bytes]:
    """The files of a new assignment, by path below its folder."""
    made, folder = KINDS[kind], _KINDS / kind
    files = {
        TABLE: _table(name, made).encode(),
        HANDOUT: _handout(name, made, (folder / _ABOUT).read_text()).encode(),
    }
    for path, data in files_below(folder).items():
        if path != _ABOUT:
            where = f"{REFERENCE}/{path}" if path.partition("/")[0] in _REFERENCE else path
            files[where] = data.replace(_PLACEHOLDER.encode(), name.encode())
    return files


def of_assignment(name: str, folder: Path, reference: Path | None) -> dict[str, bytes]:
    """The files of a copy of an assignment and its reference programs, under another name and title."""
    files = {path: data for path, data in files_below(folder).items() if path.partition("/")[0] != REFERENCE}
    table = files[TABLE].decode()
    files[TABLE] = re.sub(r"(?m)^title = .*$", lambda _: f'title = "{_title(name)}"', table, count=1).encode()
    if reference is not None:
        files |= {f"{REFERENCE}/{path}": data for path, data in files_below(reference).items()}
    return files


def write(files: dict[str, bytes], directory: Path, name: str) -> Path:
    """Write an assignment's files to a new folder of that name, all of them or none; it is returned.

    Raises:
        UsageError: the name can't be one, there is such a folder, or it can't be written.
    """
    folder = directory / name
    if not _NAME.fullmatch(name):
        message = f"{name!r} can't be the name of an assignment: small letters, digits and underscores only"
        raise UsageError(message)
    if folder.exists():
        message = f"{folder} exists already"
        raise UsageError(message)
    make_whole(folder, files)
    return folder


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _numbered(kind: Kind) -> Iterator[tuple[int, Section, list[tuple[str, str]]]]:
    """Each section with its number, and (requirement's number, check's name) for each of its checks."""
    for number, section in enumerate(kind.sections, 1):
        yield number, section, [(f"{number}.{place}", check) for place, check in enumerate(section.checks, 1)]


def _table(name: str, kind: Kind) -> str:
    roles = ", ".join(f'"{role}"' for role in kind.roles)
    lines = [
        f'title = "{_title(name)}"',
        f"roles = [{roles}]",
        f'transport = "{kind.transport}"',
        "",
        *kind.table.splitlines(),
        "# check = the handout's requirement; { requirement = ..., points = ..., needs = [...] } says more about one.",
        f"# `grader list {name}` shows all points; docs/behaviours.md has the checks that can be added.",
    ]
    part = ""
    for _, section, checks in _numbered(kind):
        if section.part != part:
            part = section.part
            lines.append(f"[checks.{part}]")
        lines.append(f"# {section.heading}")
        lines += [_row(requirement, check, own=f"{part}.{check}" not in USUAL) for requirement, check in checks]
    return "\n".join(lines) + "\n"


def _row(requirement: str, check: str, *, own: bool) -> str:
    if own:
        return f'{check} = {{ requirement = "{requirement}", points = 2, needs = ["answers"] }}'
    return f'{check} = "{requirement}"'


def _handout(name: str, kind: Kind, about: str) -> str:
    parts = [f"# {_title(name)}\n\n{about}"]
    for number, section, checks in _numbered(kind):
        rules = [
            _rule(requirement, kind.says.get(check) or USUAL[f"{section.part}.{check}"].requirement)
            for requirement, check in checks
        ]
        parts.append(f"## {number} {section.heading}\n\n" + "\n".join(rules) + "\n")
    return "\n".join(parts).replace(_PLACEHOLDER, name)


def _rule(number: str, words: str) -> str:
    return textwrap.fill(f"- **{number}** {words}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
