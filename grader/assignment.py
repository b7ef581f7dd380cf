"""An assignment's folder as a value: what is asked, which checks, how many points, and the handout's requirements.

Every check names a requirement and every requirement has a check; a folder for which this does not hold is refused
here, before anything runs.  The assignment's Python files are never imported here: they run in the driver.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from grader.errors import AssignmentError, UsageError
from grader.limits import SandboxLimits
from grader.model import PARTS, Part, Requirement, Role, Transport, part_of, parts_of

_REQUIREMENT = re.compile(r"^- \*\*(\d+\.\d+)\*\* (.+?)(?=^\s*$|^- |^#|\Z)", re.MULTILINE | re.DOTALL)
#: Where a TOML file can't be read, as the error says.
_LINE = re.compile(r"\(at line (\d+)")
_CHECK_NUMBER = re.compile(r"\$\.checks\[(\d+)\]")
_MARKDOWN = re.compile(r"[`*]")
#: Files that a program has open besides its clients' sockets.
_OWN_FILES = 32


class CheckSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A check as an assignment asks for it: its id, points, the requirement's number, and the ids of its prerequisites.

    In the file, one prerequisite may stand without brackets.
    """

    id: str
    points: Annotated[float, msgspec.Meta(ge=0, le=1000)]
    requirement: str
    needs: str | tuple[str, ...] = ()

    @property
    def part(self) -> Part:
        """Whose check it is."""
        return part_of(self.id)

    @property
    def needed(self) -> tuple[str, ...]:
        """The ids of its prerequisites."""
        return (self.needs,) if isinstance(self.needs, str) else self.needs


class ServerSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the handout says of the server.

    `listen`: on every IPv4 address, or on loopback at least.  `clients`: how many at once it must hold
    (`many_clients`).  `backlog`: how many may wait while it is busy (`backlog_burst`).
    """

    default_port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    listen: Literal["any", "loopback"] = "any"
    clients: Annotated[int, msgspec.Meta(ge=2, le=5000)] = 500
    backlog: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 16


class ClientSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the handout says of the client.

    `silent`: what it does when a reply never comes.  `tries`: how often it sends a request in all before it gives up.
    """

    silent: Literal["waits", "gives_up"] = "waits"
    tries: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    roles: tuple[Role, ...]
    transport: Transport
    server: ServerSpec
    checks: tuple[CheckSpec, ...]
    client: ClientSpec | None = None
    limits: SandboxLimits = SandboxLimits()


class Flaw(msgspec.Struct, frozen=True):
    """A mistake in an assignment's folder, its author's to mend: which file, what, and the line where there is one.

    `mark`: what stands in that line, where its number is not known yet.
    """

    file: str
    what: str
    line: int | None = None
    mark: str = ""

    def __str__(self) -> str:
        return f"{self.file}{f', line {self.line}' if self.line else ''}: {self.what}"


class Assignment(msgspec.Struct, frozen=True):
    """One assignment.

    `server`: what its server is like; clients expect it on that port.  `client`: None where no client is asked for.
    `files`: its Python files by name, which only the driver imports.
    """

    name: str
    title: str
    roles: tuple[Role, ...]
    transport: Transport
    server: ServerSpec
    checks: tuple[CheckSpec, ...]
    requirements: dict[str, Requirement]
    limits: SandboxLimits
    files: dict[str, bytes]
    client: ClientSpec | None = None

    def spec(self, check_id: str) -> CheckSpec:
        """The check with this id (KeyError: the assignment does not ask for it)."""
        return next(spec for spec in self.checks if spec.id == check_id)

    def with_needed(self, chosen: frozenset[str]) -> frozenset[str]:
        """These checks and those that they need."""
        needed = {check for spec in self.checks if spec.id in chosen for check in spec.needed}
        return chosen if needed <= chosen else self.with_needed(chosen | needed)


def builds(role: Role) -> str:
    """The id of the check that stands for building; no assignment lists it, since it is asked of all."""
    return f"{role}.builds"


def handed_in(role: Role) -> str:
    """The id of the check that a program is there at all, where another one is; no assignment lists it either."""
    return f"{role}.handed_in"


def folders(extra: Path | None = None) -> Iterator[Path]:
    """Where assignments are looked for: the user's folder first, then ours (a checkout's or the installed ones)."""
    here = Path(__file__).resolve().parent
    for folder in (extra, here.parent / "assignments", here / "_data" / "assignments"):
        if folder is not None and folder.is_dir():
            yield folder


def names(extra: Path | None = None) -> list[str]:
    """All assignments that can be named."""
    return sorted({path.parent.name for folder in folders(extra) for path in folder.glob("*/assignment.toml")})


def load(name: str, extra: Path | None = None) -> Assignment:
    """The assignment of that name.

    Raises:
        UsageError: there is none.
        AssignmentError: its folder has a fault.
    """
    return _load(folder_of(name, extra))


def folder_of(name: str, extra: Path | None = None) -> Path:
    """The folder of the assignment of that name (UsageError: there is none)."""
    for folder in folders(extra):
        if (folder / name / "assignment.toml").is_file() and Path(name).name == name:
            return folder / name
    known = ", ".join(names(extra)) or "none"
    message = f"there is no assignment {name!r}; known: {known}"
    raise UsageError(message)


def _load(folder: Path) -> Assignment:
    asked, flaws = examine(folder)
    if asked is None or flaws:
        message = f"assignment {folder.name}: {flaws[0].what}"
        raise AssignmentError(message)
    return asked


def examine(folder: Path) -> tuple[Assignment | None, list[Flaw]]:
    """What a folder asks for, as far as it can be read (None: not at all), and every mistake in its table and handout.

    Its Python files are read, and not looked at.
    """
    flaws = []
    file, handout, files = None, "", {}
    try:
        file = msgspec.toml.decode((folder / "assignment.toml").read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        flaws.append(Flaw("assignment.toml", str(error), _line_of(str(error), folder / "assignment.toml")))
    try:
        handout = (folder / "handout.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        flaws.append(Flaw("handout.md", str(error)))
    try:
        files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.py"))}
    except OSError as error:
        flaws.append(Flaw(Path(str(error.filename)).name, str(error)))
    if file is None:
        return None, flaws
    requirements = parse_requirements(handout)
    if handout:
        flaws += _disagreements(file, requirements, [number for number, _ in _REQUIREMENT.findall(handout)])
    return _made(folder.name, file, requirements, files), flaws


def _line_of(error: str, table: Path) -> int | None:
    """Where a table can't be read, as far as its error says: a line, or the number of a check."""
    if at := _LINE.search(error):
        return int(at[1])
    if number := _CHECK_NUMBER.search(error):
        lines = table.read_text(encoding="utf-8").splitlines()
        starts = [line for line, text in enumerate(lines, 1) if text.strip() == "[[checks]]"]
        return next(iter(starts[int(number[1]) :]), None)
    return None


def _made(name: str, file: _File, requirements: dict[str, Requirement], files: dict[str, bytes]) -> Assignment:
    return Assignment(
        name=name,
        title=file.title,
        roles=file.roles,
        transport=file.transport,
        server=file.server,
        checks=file.checks,
        requirements=requirements,
        limits=file.limits,
        files=files,
        client=file.client,
    )


def parse_requirements(handout: str) -> dict[str, Requirement]:
    """The numbered requirements of a handout, by number: list items `- **1.1** text`, without their markup."""
    return {
        number: Requirement(number=number, text=" ".join(_MARKDOWN.sub("", text).split()))
        for number, text in _REQUIREMENT.findall(handout)
    }


def _disagreements(file: _File, requirements: dict[str, Requirement], numbers: list[str]) -> Iterator[Flaw]:
    """Where the table and the handout don't fit themselves or each other."""
    for number in _twice(numbers):
        yield _in_handout(number, f"requirement {number} stands twice in the handout")
    for check in _twice([spec.id for spec in file.checks]):
        yield _in_table(check, f"check {check} stands twice")
    yield from (Flaw("assignment.toml", fault, mark="roles") for fault in _faults_of_roles(file))
    yield from _faults_of_parts(file)
    yield from (Flaw("assignment.toml", fault, mark="open_files") for fault in _limits_too_small(file))
    for spec in file.checks:
        if spec.requirement not in requirements:
            what = f"check {spec.id} names requirement {spec.requirement}, which the handout does not have"
            yield _in_table(spec.id, what)
    for check, needed in _needing_later(file.checks):
        yield _in_table(check, f"check {check} needs {needed}, which is not before it")
    for number in requirements:
        if number not in {spec.requirement for spec in file.checks}:
            yield _in_handout(number, f"requirement {number} of the handout has no check")


def _in_table(check: str, what: str) -> Flaw:
    return Flaw("assignment.toml", what, mark=f'"{check}"')


def _in_handout(number: str, what: str) -> Flaw:
    return Flaw("handout.md", what, mark=f"**{number}**")


def _faults_of_roles(file: _File) -> Iterator[str]:
    """Where the roles and the client's table do not fit each other."""
    if not file.roles or _twice([*file.roles]):
        yield "roles must name a server, a client, or each once"
    if "client" in file.roles and file.client is None:
        yield "roles asks for a client, but there is no table [client]"
    if "client" not in file.roles and file.client is not None:
        yield "there is a table [client], but roles does not ask for a client"
    if file.client is not None and file.client.silent == "waits" and file.client.tries > 1:
        yield 'a client that is to try again must have silent = "gives_up"'


def _faults_of_parts(file: _File) -> Iterator[Flaw]:
    """Checks of a program that is not asked for, or that need a check of another program."""
    for spec in file.checks:
        part = spec.id.partition(".")[0]
        if part not in PARTS:
            yield _in_table(spec.id, f"check {spec.id} must begin with server., client. or pair.")
        elif part not in parts_of(file.roles):
            who = "a server and a client" if part == "pair" else f"a {part}"
            yield _in_table(spec.id, f"check {spec.id} needs {who}, which roles does not ask for")
        elif part != "pair":
            others = [needed for needed in spec.needed if needed.partition(".")[0] != part]
            what = "check {} needs {}, a check of another program"
            yield from (_in_table(spec.id, what.format(spec.id, needed)) for needed in others)


def _limits_too_small(file: _File) -> Iterator[str]:
    """A right program must be able to do what is asked within the limits."""
    clients = file.server.clients if "server.many_clients" in {spec.id for spec in file.checks} else 0
    if file.limits.open_files < clients + _OWN_FILES:
        yield f"{clients} clients need {clients + _OWN_FILES} open_files, but [limits] allows {file.limits.open_files}"


def _twice(words: list[str]) -> list[str]:
    return [word for word, count in Counter(words).items() if count > 1]


def _needing_later(checks: tuple[CheckSpec, ...]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for spec in checks:
        yield from ((spec.id, needed) for needed in spec.needed if needed not in seen)
        seen.add(spec.id)
