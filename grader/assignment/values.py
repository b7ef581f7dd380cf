"""What an assignment is, once its folder has been read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self

import msgspec

from grader.assignment.starting import Starting, placeholders_in
from grader.limits import LEAST_WAIT_PART, TIMEOUT_S, SandboxLimits
from grader.model import Part, Requirement, Role, Transport, Visibility, part_of

_PROTOCOL: Final = "protocol.py"
#: What the assignment's own protocol is called beside that of its hidden checks.
_VISIBLE_PROTOCOL: Final = "visible_protocol.py"
#: A library's name as pip and npm have it, or several extras.
_NAME: Final = r"[A-Za-z0-9][\w.,-]*"


class CheckSpec(msgspec.Struct, frozen=True):
    """A check as an assignment asks for it: its id, points, the requirement's number, and the ids of its prerequisites.

    The prerequisites are checks of the same assignment.
    """

    id: str
    points: float
    requirement: str
    needs: tuple[str, ...] = ()
    visibility: Visibility = "visible"

    @property
    def part(self) -> Part:
        """Whose check it is."""
        return part_of(self.id)


_Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class ServerSpec(Starting, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the handout says about the server, besides how it is started.

    `default_port`: where clients expect it unless told otherwise (the lecture's 12000, if the handout names none).
    `port`: where it always listens, whatever it is told.  `ports`: several by name, with the numbers that clients
    expect (the server is given others); the first is what {port} means, and each has a placeholder of its name.
    `listen`: on every IPv4 address, or on loopback at least.  `clients`: how many it must hold at the same time
    (`many_clients`).  `backlog`: how many may wait while it is busy (`backlog_burst`).  `connection`: whether it stays
    open for more requests, or is closed by the server after each reply.  `replies`: whether requests that were sent
    together are answered in their order.  `silence_s`: for how long a client may say nothing, if the handout promises
    more than the time for a reply (`stays_open`).
    `input`: what is typed into it when it starts; Ctrl-D (U+0004) ends its input.  None: nobody types, and it doesn't
    end.  `output`: what its standard output is, where checks read it; its input is a terminal in any case.  None: a
    terminal, and nobody reads it.
    """

    default_port: _Port = 12_000
    port: _Port | None = None
    ports: dict[str, _Port] = {}  # noqa: RUF012 — each has its own (msgspec)
    listen: Literal["any", "loopback"] = "any"
    clients: Annotated[int, msgspec.Meta(ge=2, le=5000)] = 500
    backlog: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 16
    connection: Literal["persistent", "one_request"] = "persistent"
    replies: Literal["in_order", "in_any_order"] = "in_order"
    silence_s: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.0
    input: str | None = None
    output: Literal["terminal", "pipe"] | None = None

    def arguments_of(self, role: Role) -> tuple[str, ...]:
        """One that always listens on the same port is told nothing, unless the handout says so."""
        return () if self.arguments is None and self.port is not None else super().arguments_of(role)

    def places(self, role: Role) -> tuple[str, ...]:
        """Its ports have some of their own."""
        return (*super().places(role), *self.ports)

    @property
    def usual_port(self) -> int:
        """Where clients expect it."""
        return self.port or next(iter(self.ports.values()), self.default_port)

    @property
    def main_names(self) -> tuple[str, ...]:
        """The placeholders that mean the port that every check uses."""
        return ("port", *[*self.ports][:1])

    @property
    def further_names(self) -> tuple[str, ...]:
        """The names of its other ports."""
        return (*[*self.ports][1:],)

    @property
    def given(self) -> dict[str, tuple[str, ...]]:
        """What it is given, by key."""
        return {**super().given, "input": () if self.input is None else (self.input,)}


class ClientSpec(Starting, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the handout says about the client, besides how it is started.

    `silent`: what it does when a reply never comes.  `tries`: how often it sends a request in all before it gives up.
    `timeout_s`: how long it waits each time, over UDP.
    """

    silent: Literal["waits", "gives_up"] = "waits"
    tries: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    timeout_s: Annotated[float, msgspec.Meta(ge=0.4, le=10)] = TIMEOUT_S

    @property
    def least_wait_s(self) -> float:
        """One that waits less than this has not waited."""
        return self.timeout_s * LEAST_WAIT_PART

    @property
    def fills(self) -> tuple[str, ...]:
        """The placeholders in what it is given that each visit fills in, such as {file}."""
        usual = super().places("client")
        used = dict.fromkeys(
            place for words in self.given.values() for word in words for place in placeholders_in(word)
        )
        return tuple(place for place in used if place not in usual)

    def places(self, role: Role) -> tuple[str, ...]:
        """Its visits may fill in more."""
        return (*super().places(role), *self.fills)


class Libraries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What programs may use beyond their languages' own libraries, as each tool that installs it names it.

    `packages`: of Debian; `pip`, `npm`: with a version, if it matters (`twisted==22.4`, `ws@8`).  No word of them is an
    option or a command to the shell that passes them on.
    """

    packages: tuple[Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9+.-]+(=[\w.+:~-]+)?\Z")], ...] = ()
    pip: tuple[Annotated[str, msgspec.Meta(pattern=rf"^{_NAME}(\[{_NAME}\])?([=<>~!]=[\w.*+-]+)?\Z")], ...] = ()
    npm: tuple[Annotated[str, msgspec.Meta(pattern=rf"^(@{_NAME}/)?{_NAME}(@[\w.^~-]+)?\Z")], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.packages, *self.pip, *self.npm)

    def __bool__(self) -> bool:
        return bool(self.names)


class VisibilitySpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[visibility]`; a time without a zone is this machine's."""

    hidden: tuple[str, ...] = ()
    after_due_date: tuple[str, ...] = ()
    due: datetime | None = None
    elsewhere: tuple[str, ...] = ()

    def is_past(self, now: datetime) -> bool:
        """Whether the due date is over."""
        return self.due is not None and self.due.astimezone(UTC) <= now.astimezone(UTC)


class Flaw(msgspec.Struct, frozen=True):
    """A mistake in an assignment's folder, for its author to fix: which file, what, and the line if there is one."""

    file: str
    what: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}{f', line {self.line}' if self.line else ''}: {self.what}"


class Assignment(msgspec.Struct, frozen=True):
    """One assignment.

    `server`: what its server is like; clients expect it on that port.  `client`: None where no client is asked for.
    `checks`: each after those that it needs.  `files`: its Python files by name, which only the driver imports.
    `beside`: what is laid beside its programs, by path below `files/`.
    `extends`: the assignments that it is a variant of, the nearest first.  `image`: libraries that programs may use.
    `handout`: what its authors wrote, in Markdown.
    `hidden_files`: the Python files of hidden checks, which are there only while these are played.
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
    extends: tuple[str, ...] = ()
    image: Libraries = Libraries()
    handout: str = ""
    beside: dict[str, bytes] = {}
    visibility: VisibilitySpec = VisibilitySpec()
    hidden_files: dict[str, bytes] = {}

    @property
    def concealed(self) -> frozenset[str]:
        """The checks that not everybody may see at any time."""
        return frozenset(spec.id for spec in self.checks if spec.visibility != "visible")

    def shown_part(self) -> Self:
        """All that may be there while other checks than those are played."""
        checks = tuple(spec for spec in self.checks if spec.visibility == "visible")
        return msgspec.structs.replace(self, checks=checks, hidden_files={}, visibility=VisibilitySpec())

    def hidden_part(self) -> Self:
        """What is there while those are played: with the hidden checks' own messages, if they have any."""
        files = {**self.files, **self.hidden_files}
        if _PROTOCOL in self.hidden_files:
            files[_VISIBLE_PROTOCOL] = self.files[_PROTOCOL]
        return msgspec.structs.replace(self, files=files, hidden_files={})

    def starting(self, role: Role) -> Starting:
        """How its program of this role is started."""
        return self.server if role == "server" else self.client or ClientSpec()

    def spec(self, check_id: str) -> CheckSpec:
        """The check with this id (KeyError: the assignment does not ask for it)."""
        return next(spec for spec in self.checks if spec.id == check_id)

    def with_needed(self, chosen: frozenset[str]) -> frozenset[str]:
        """These checks and those that they depend on."""
        needed = {check for spec in self.checks if spec.id in chosen for check in spec.needs}
        return chosen if needed <= chosen else self.with_needed(chosen | needed)


def builds(role: Role) -> str:
    """The id of the check for building; no assignment lists it, since it is required of all."""
    return f"{role}.builds"


def handed_in(role: Role) -> str:
    """The id of the check that a program was handed in at all, if another one was; no assignment lists it either."""
    return f"{role}.handed_in"
