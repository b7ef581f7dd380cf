"""Start commands that a Python project declares: `[project.scripts]` of a `pyproject.toml`, and the older forms of it.

Installing the project would make a command that imports a module and calls a function there.  Nothing is installed
here, so the same is done by hand.  It is done only where it makes a difference: a module that starts by itself is
started like any other, and one outside of the declared package is not what the declaration is about.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from grader.assignment.starting import ARGUMENTS
from grader.languages.recipe import Recipe, literal
from grader.languages.scripts import only_defines
from grader.languages.sources import Sources, folder_of, is_aside, is_below, joined
from grader.model import Role
from grader.roles import OTHER_ROLE, belongs_to, is_called

#: Where the packages of a project are, seen from its manifest.
_ROOTS: Final = ("", "src", "lib")
#: Where manifests have their tables of commands: the standard's (PEP 621), and Poetry's.
_TABLES: Final = (("project", "scripts"), ("tool", "poetry", "scripts"))
#: A module and what is called in it, each a name with dots.
_NAME: Final = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_TARGET: Final = re.compile(rf"\s*({_NAME})\s*:\s*({_NAME})\s*(?:\[.*)?")
#: A command in a `setup.cfg` or `setup.py`: a line, or a text.
_OLDER: Final = re.compile(rf"([\w.-]{{1,80}})[ \t]*=[ \t]*({_NAME}[ \t]*:[ \t]*{_NAME})[ \t]*(?=[\"'\n\[]|$)")
_CONSOLE: Final = "console_scripts"


class _Entry(NamedTuple):
    """A command: its name in its project's folder, the module and what is called, the file, and where imports begin."""

    name: str
    module: str
    calls: str
    file: str
    root: str

    def says(self, role: Role, names: Collection[str]) -> bool:
        """Whether its name, or else what it starts, is for that role and not for the other."""
        if is_called(self.name, names) or belongs_to(self.name, role):
            return True
        what = self.calls.replace(".", "/")
        return not belongs_to(self.name, OTHER_ROLE[role]) and (
            belongs_to(what, role) or (belongs_to(self.file, role) and not belongs_to(what, OTHER_ROLE[role]))
        )


def started(sources: Sources, role: Role, winners: list[str], names: Collection[str] = ()) -> Recipe | None:
    """How a declared command starts the role's program; None if there is none, or if the program starts by itself.

    `winners`: the sources that may be the program.  `names`: those that the assignment gives it.
    """
    entries = [*_entries(sources)]
    own = [entry for entry in entries if entry.says(role, names)]
    if not own and len(entries) == 1:
        own = [entry for entry in entries if winners == [entry.file]]
    entry = next(iter(own), None)
    if entry is None or (len(winners) == 1 and _starts_by_itself(sources, winners[0], entry)):
        return None
    first = entry.calls.partition(".")[0]
    words = (
        f"import sys; sys.argv[0] = {PurePosixPath(entry.name).name!r}; "
        f"from {entry.module} import {first}; sys.exit({entry.calls}())"
    )
    where = ("env", literal(f"PYTHONPATH={entry.root}")) if entry.root else ()
    run = (*where, "python3", "-c", words, *ARGUMENTS[role])
    return Recipe("Python", entry.file, (), run, function=entry.calls)


def _starts_by_itself(sources: Sources, name: str, entry: _Entry) -> bool:
    """Whether a source does something when it is run, or has nothing to do with the command's package."""
    if not is_below(name, joined(entry.root, entry.module.partition(".")[0])) and name != entry.file:
        return True
    return PurePosixPath(name).stem == "__main__" or not only_defines(sources.text(name))


def _entries(sources: Sources) -> Iterator[_Entry]:
    """The commands whose modules were handed in."""
    for manifest in sources.files:
        if is_aside(manifest):
            continue
        place = folder_of(manifest)
        for name, target in _declared(PurePosixPath(manifest).name, sources, manifest):
            found = _TARGET.fullmatch(target)
            if found is None:
                continue
            module, calls = found.groups()
            path = module.replace(".", "/")
            for root in (joined(place, root).rstrip("/") for root in _ROOTS):
                for file in (joined(root, f"{path}.py"), joined(root, f"{path}/__init__.py")):
                    if file in sources.files:
                        yield _Entry(joined(place, name), module, calls, file, root)


def _declared(base: str, sources: Sources, manifest: str) -> Iterator[tuple[str, str]]:
    """The names of a manifest's commands, each with what it says to call."""
    if base == "pyproject.toml":
        try:
            project: object = tomllib.loads(sources.text(manifest))
        except (ValueError, RecursionError):
            return  # nobody would install it either; its programs are looked for as if it were not there
        for keys in _TABLES:
            table = project
            for key in keys:
                table = table.get(key) if isinstance(table, dict) else None
            for name, target in table.items() if isinstance(table, dict) else ():
                if isinstance(target, str) and re.fullmatch(r"[\w.-]{1,80}", name):
                    yield name, target
    elif base in {"setup.cfg", "setup.py"}:
        _, console, declared = sources.text(manifest).partition(_CONSOLE)
        if console:
            yield from _OLDER.findall(declared)
