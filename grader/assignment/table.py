"""`assignment.toml` and the files beside it, and what a variant takes from the assignment that it extends.

    [checks.server]
    answers = "2.1"                                       # a check and its requirement; the rest is the catalogue's
    coalesced = { requirement = "3.2", points = 3 }       # ... but for what this assignment says otherwise
    is_polite = { requirement = "4.1", points = 1, needs = ["answers"] }       # a check of its own: all of it

A variant (`extends = "tcp_echo"`) has what its parent has, except what it says itself: a table's entries one by one,
points in `[points.server]`, and without the checks in `drop` and those of a role that it does not ask for.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self

import msgspec

from grader.assignment import beside
from grader.assignment.values import Assignment, CheckSpec, ClientSpec, Flaw, Libraries, ServerSpec, VisibilitySpec
from grader.assignment.visibility import Hidden
from grader.catalogue import part_of_module
from grader.catalogue.usual import USUAL, prerequisites
from grader.errors import UsageError
from grader.limits import SandboxLimits
from grader.model import PARTS, Requirement, Role, Transport, parts_of

TABLE: Final = "assignment.toml"
HANDOUT: Final = "handout.md"

_REQUIREMENT = re.compile(r"^- \*\*(\d+\.\d+)\*\* (.+?)(?=^\s*$|^- |^#|\Z)", re.MULTILINE | re.DOTALL)
_MARKDOWN = re.compile(r"[`*]")
#: Where a table can't be read, as the errors of two libraries say it.
_AT_LINE = re.compile(r"\(at line (\d+)")
_AT_PATH = re.compile(r"`\$\.([^`]+)`$")
_OWN_CHECK = re.compile(rb"^def test_(\w+)\(", re.MULTILINE)
#: What a variant says itself, and takes from nobody.
_OF_VARIANTS = frozenset({"extends", "points", "drop"})

_Points = Annotated[float, msgspec.Meta(ge=0, le=1000)]
_Raw = dict[str, Any]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an assignment says about a check; what it does not say is the catalogue's.

    `needs`: names of checks of the same program, or ids.
    """

    requirement: str
    points: _Points | None = None
    needs: tuple[str, ...] | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    roles: tuple[Role, ...]
    transport: Transport
    checks: dict[str, dict[str, str | _Row]]
    server: ServerSpec = ServerSpec()
    client: ClientSpec | None = None
    limits: SandboxLimits = SandboxLimits()
    image: Libraries = Libraries()
    visibility: VisibilitySpec = VisibilitySpec()


class _Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    drop: tuple[str, ...] = ()
    points: dict[str, dict[str, _Points]] = {}


class CannotReadError(Exception):
    """A folder can't be read at all."""

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__(*flaws)
        self.flaws = flaws


@dataclass(frozen=True)
class Source:
    """A folder as it was read.

    `text`: its table.  `raw`: the same, decoded.  `handout`: its own or its parent's; `own_handout`: whether it is its
    own.  `files`: its Python files and its parent's, by name.  `own_files`: names of those that are its own.
    `beside`: what is below its folder `files/` and its parent's, by path.  `hidden`: its hidden checks, if any.
    """

    name: str
    text: str
    raw: _Raw
    handout: str
    own_handout: bool
    files: dict[str, bytes]
    own_files: frozenset[str]
    beside: dict[str, bytes]
    parent: Source | None = None
    hidden: Hidden | None = None

    @classmethod
    def read(cls, folder: Path, folder_of: Callable[[str], Path], seen: tuple[str, ...] = ()) -> Self:
        """Read a folder and those that it extends; `folder_of` finds them by name (UsageError: there is none).

        Raises:
            CannotReadError: a file is missing or can't be read, or a variant extends itself.
        """
        raw, text = _decoded(folder)
        parent = None
        if "extends" in raw:
            line = line_of(text, ("extends",))
            parent = cls._parent(str(raw["extends"]), (*seen, folder.name), folder_of, line)
        own_handout = parent is None or (folder / HANDOUT).exists()
        files = {path.name: _read(path) for path in sorted(folder.glob("*.py"))}
        return cls(
            name=folder.name,
            text=text,
            raw=raw,
            handout=_text(folder / HANDOUT) if own_handout else parent.handout if parent else "",
            own_handout=own_handout,
            files={**(parent.files if parent else {}), **files},
            own_files=frozenset(files),
            beside={**(parent.beside if parent else {}), **_beside(folder)},
            parent=parent,
        )

    @classmethod
    def _parent(cls, name: str, seen: tuple[str, ...], folder_of: Callable[[str], Path], line: int | None) -> Source:
        if name in seen:
            raise CannotReadError(Flaw(TABLE, f"extends goes in a circle: {' -> '.join((*seen, name))}", line))
        try:
            return cls.read(folder_of(name), folder_of, seen)
        except UsageError as error:
            raise CannotReadError(Flaw(TABLE, f"extends: {error}", line)) from error
        except CannotReadError as error:
            flaws = (Flaw(TABLE, f"extends {name}, which has a mistake: {flaw}", line) for flaw in error.flaws)
            raise CannotReadError(*flaws) from error

    @property
    def lineage(self) -> Iterator[Source]:
        """Itself and those that it extends, the nearest first."""
        yield self
        if self.parent:
            yield from self.parent.lineage

    @cached_property
    def own_checks(self) -> frozenset[str]:
        """The ids of the checks that its Python files have."""
        return frozenset(
            f"{part_of_module(Path(name).stem)}.{match[1].decode()}"
            for name, content in (*self.files.items(), *(self.hidden.files.items() if self.hidden else ()))
            if name.startswith("test_")
            for match in _OWN_CHECK.finditer(content)
        )

    def line(self, *path: str) -> int | None:
        """The line of its table that says this; None: its parent says it, or nobody."""
        return line_of(self.text, path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotReadError(Flaw(path.name, str(error))) from error


def _text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError as error:
        raise CannotReadError(Flaw(path.name, str(error))) from error


def _beside(folder: Path) -> dict[str, bytes]:
    try:
        return beside.read(folder / beside.FOLDER)
    except beside.CannotLayError as error:
        raise CannotReadError(error.flaw) from error


def _decoded(folder: Path) -> tuple[_Raw, str]:
    text = _text(folder / TABLE)
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        raise CannotReadError(Flaw(TABLE, str(error), int(at[1]) if at else None)) from error


def line_of(text: str, path: Collection[str]) -> int | None:
    """The line of a TOML text on which a key is, or the nearest table around it that has a line of its own."""
    header: tuple[str, ...] = ()
    lines: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if table := re.match(r"\s*\[([\w.]+)\]", line):
            header = tuple(table[1].split("."))
            lines.setdefault(header, number)
        elif key := re.match(r"\s*([\w.]+)\s*=", line):
            lines.setdefault((*header, *key[1].split(".")), number)
    whole = (*path,)
    found = (lines[whole[:length]] for length in range(len(whole), 0, -1) if whole[:length] in lines)
    return next(found, None)


def examined(source: Source) -> tuple[Assignment | None, list[Flaw]]:
    """What the folder asks for, as far as it can be read, and where its table is not as it should be."""
    raw, flaws = _merged(source)
    if source.hidden:
        raw = {**raw, "checks": _overlaid(raw.get("checks", {}), source.hidden.checks)}
    try:
        file = msgspec.convert(raw, type=_File, strict=True)
    except msgspec.ValidationError as error:
        at = _AT_PATH.search(str(error))
        path = at[1].replace("[...]", "").split(".") if at else []
        return None, [*flaws, Flaw(TABLE, str(error), source.line(*path))]
    return (
        Assignment(
            name=source.name,
            title=file.title,
            roles=file.roles,
            transport=file.transport,
            server=file.server,
            checks=tuple(_seen_by(spec, file.visibility, source.hidden) for spec in _in_order(_specs(file.checks))),
            requirements=requirements_of(source.handout),
            limits=file.limits,
            files=source.files,
            client=file.client,
            extends=tuple(older.name for older in source.lineage if older is not source),
            image=file.image,
            beside=source.beside,
            handout=source.handout,
            visibility=file.visibility,
            hidden_files=source.hidden.files if source.hidden else {},
        ),
        flaws,
    )


def _merged(source: Source) -> tuple[_Raw, list[Flaw]]:
    """A folder's table with everything that it takes from its parent, and what it can't take or change."""
    own = {key: value for key, value in source.raw.items() if key not in _OF_VARIANTS}
    if source.parent is None:
        stray = [key for key in source.raw if key in _OF_VARIANTS]
        return own, [Flaw(TABLE, f"{key} is for an assignment that extends another", source.line(key)) for key in stray]
    try:
        said = {key: value for key, value in source.raw.items() if key in {"points", "drop"}}
        variant = msgspec.convert(said, type=_Variant)
    except msgspec.ValidationError as error:
        return own, [Flaw(TABLE, str(error), source.line("points"))]
    raw, flaws = _merged(source.parent)
    raw = _overlaid(raw, own)
    checks = _without(raw["checks"], variant.drop, raw.get("roles", ()))
    known = {f"{part}.{name}" for part, rows in raw["checks"].items() for name in rows}
    flaws += [
        Flaw(TABLE, f"drop names {check}, which {source.parent.name} does not have", source.line("drop"))
        for check in variant.drop
        if check not in known
    ]
    for part, points in variant.points.items():
        for name, worth in points.items():
            if name in checks.get(part, {}):
                checks[part][name] = _worth(checks[part][name], worth)
            else:
                what = f"points names {part}.{name}, which is not among the checks"
                flaws.append(Flaw(TABLE, what, source.line("points", part, name)))
    if "client" in raw and "client" not in raw.get("roles", ()):
        del raw["client"]
    return {**raw, "checks": checks}, flaws


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> _Raw:
    """Tables entry by entry, everything else as a whole."""
    return {
        key: _overlaid(below.get(key, {}), above.get(key, {}))
        if isinstance(below.get(key), dict) and isinstance(above.get(key, {}), dict)
        else above.get(key, below.get(key))
        for key in {**below, **above}
    }


def _without(checks: Mapping[str, Mapping[str, Any]], drop: Collection[str], roles: Iterable[Any]) -> _Raw:
    parts = parts_of([role for role in roles if role in PARTS])
    return {
        part: {name: row for name, row in rows.items() if f"{part}.{name}" not in drop}
        for part, rows in checks.items()
        if part in parts or part not in PARTS
    }


def _worth(row: Any, points: float) -> Any:
    return {**row, "points": points} if isinstance(row, dict) else {"requirement": row, "points": points}


def _specs(checks: Mapping[str, Mapping[str, str | _Row]]) -> list[CheckSpec]:
    rows = {
        f"{part}.{name}": _Row(requirement=row) if isinstance(row, str) else row
        for part, named in checks.items()
        for name, row in named.items()
    }

    def needs_of(check: str) -> tuple[str, ...]:
        row = rows.get(check)
        if row is None or row.needs is None:
            return USUAL[check].needs if check in USUAL else ()
        part = check.partition(".")[0]
        return tuple(needed if "." in needed else f"{part}.{needed}" for needed in row.needs)

    def usual_points(check: str) -> float:
        return USUAL[check].points if check in USUAL else 1

    return [
        CheckSpec(
            id=check,
            points=usual_points(check) if row.points is None else row.points,
            requirement=row.requirement,
            # What an assignment names itself stays, so that a name that is not there is found.
            needs=prerequisites(check, rows, needs_of) if row.needs is None else needs_of(check),
        )
        for check, row in rows.items()
    ]


def _seen_by(spec: CheckSpec, said: VisibilitySpec, hidden: Hidden | None) -> CheckSpec:
    """A check with who may see it."""
    if spec.id in said.hidden or (hidden and spec.id in hidden.ids):
        return msgspec.structs.replace(spec, visibility="hidden")
    return msgspec.structs.replace(spec, visibility="after_due_date") if spec.id in said.after_due_date else spec


def _in_order(specs: list[CheckSpec]) -> list[CheckSpec]:
    """Each after those that it depends on, and otherwise as they are; those in a circle stay as they are, too."""
    order: dict[str, CheckSpec] = {}
    waiting = {spec.id: spec for spec in specs}
    while ready := next((spec for spec in waiting.values() if not waiting.keys() & {*spec.needs}), None):
        order[ready.id] = waiting.pop(ready.id)
    return [*order.values(), *waiting.values()]


def numbers_in(handout: str) -> list[str]:
    """The numbers of its requirements, as they come."""
    return [number for number, _ in _REQUIREMENT.findall(handout)]


def requirements_of(handout: str) -> dict[str, Requirement]:
    """The numbered requirements of a handout, by number: list items `- **1.1** text`, without their markup."""
    return {
        number: Requirement(number=number, text=" ".join(_MARKDOWN.sub("", text).split()))
        for number, text in _REQUIREMENT.findall(handout)
    }
