"""Where an assignment's table and its handout contradict themselves or each other: every mistake, with its line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from grader.assignment import starting, visibility
from grader.assignment.starting import PLACEHOLDERS
from grader.assignment.table import HANDOUT, TABLE, Source, line_of, numbers_in
from grader.assignment.values import Assignment, CheckSpec, ClientSpec, Flaw
from grader.assignment.visibility import Hidden
from grader.catalogue import needs
from grader.catalogue.usual import USUAL, checks_over
from grader.limits import MOST_TYPED_BYTES
from grader.model import PARTS, ROLES, Role, parts_of

#: A placeholder's name that can be read in a line of arguments.
_PORT_NAME = re.compile(r"[a-z][a-z0-9_]*")
#: The table of hidden checks, as an author knows it.
HIDDEN = f"{visibility.FOLDER}/{visibility.TABLE}"
#: Files that a program has open besides its clients' sockets.
_OWN_FILES = 32
#: What the messages are; only the driver imports it.
PROTOCOL = "protocol.py"


def disagreements(asked: Assignment, source: Source) -> Iterator[Flaw]:
    """All of them."""
    for number in _twice(numbers_in(source.handout)):
        yield _in_handout(source, number, f"requirement {number} appears twice in the handout")
    yield from (Flaw(TABLE, fault, source.line("roles")) for fault in _faults_of_roles(asked))
    for role in asked.roles:
        for key, what in _faults_of_program(asked, role):
            yield Flaw(TABLE, f"[{role}] {what}", source.line(role, key))
    for spec in asked.checks:
        yield from (_in_table(source, spec, what) for what in _faults_of_check(asked, source, spec))
    yield from (_in_table(source, spec, what) for spec, what in _needs_not_given(asked))
    yield from (Flaw(TABLE, fault, source.line("limits", "open_files")) for fault in _limits_too_small(asked))
    for key, what in _faults_of_visibility(asked):
        yield Flaw(TABLE, f"[visibility] {what}", source.line("visibility", key))
    if source.hidden:
        yield from (Flaw(HIDDEN, what) for what in _faults_of_hidden(source, source.hidden))
    named = {spec.requirement for spec in asked.checks} | {*asked.visibility.elsewhere}
    for number in asked.requirements if source.own_handout else ():
        if number not in named:
            yield _in_handout(source, number, f"requirement {number} of the handout has no check")


def _needs_not_given(asked: Assignment) -> Iterator[tuple[CheckSpec, str]]:
    """The checks that can't be played with this protocol, or this kind of connections, and why."""
    given = _given_by(asked)
    known = needs.wanted(parts_of(asked.roles), asked.transport, asked.files)
    for spec in asked.checks:
        for lacking in known[spec.id].lacking(given, spec.part) if spec.id in known else ():
            yield spec, f"check {spec.id} needs {lacking}"


def _given_by(asked: Assignment) -> needs.Given:
    source = asked.files.get(PROTOCOL)
    return needs.Given(
        needs.names_in(source) if source is not None else None, asked.server.connection, asked.server.replies
    )


def _in_table(source: Source, spec: CheckSpec, what: str) -> Flaw:
    if source.hidden and spec.id in source.hidden.ids:
        return Flaw(HIDDEN, what, line_of(source.hidden.text, ("checks", *spec.id.split(".", 1))))
    return Flaw(TABLE, what, source.line("checks", *spec.id.split(".", 1)))


def _in_handout(source: Source, number: str, what: str) -> Flaw:
    lines = source.handout.splitlines() if source.own_handout else []
    found = [at for at, line in enumerate(lines, 1) if f"**{number}**" in line]
    return Flaw(HANDOUT, what, found[-1] if found else None)


def _faults_of_roles(asked: Assignment) -> Iterator[str]:
    """Where the roles and the client's table contradict each other."""
    if not asked.roles or _twice(asked.roles):
        yield "roles must name a server, a client, or each once"
    if "client" in asked.roles and asked.client is None:
        yield "roles asks for a client, but there is no table [client]"
    if "client" not in asked.roles and asked.client is not None:
        yield "there is a table [client], but roles does not ask for a client"
    if asked.client is not None and asked.client.silent == "waits" and asked.client.tries > 1:
        yield 'a client that has to try again must have silent = "gives_up"'


def _faults_of_program(asked: Assignment, role: Role) -> Iterator[tuple[str, str]]:
    """Each key of its table that can't be as it is, and why."""
    spec = asked.starting(role)
    visits = isinstance(spec, ClientSpec) and _given_by(asked).has("visit")
    yield from starting.faults_of(spec, spec.places(role) if visits or role == "server" else PLACEHOLDERS[role])
    if role == "server":
        yield from _faults_of_ports(asked)
    for key in asked.starting(role).places_of(["files"]) if not asked.beside else ():
        yield key, f"{key} has {{files}}, but there is nothing in files/"


def _faults_of_ports(asked: Assignment) -> Iterator[tuple[str, str]]:
    """Where it can't be that the server listens where it is told to."""
    server = asked.server
    if server.port is not None and server.ports:
        yield "port", "port is for a server that always listens there, ports is for one that is told where to listen"
    for name in server.ports:
        if not _PORT_NAME.fullmatch(name) or name in {*PLACEHOLDERS["server"], *PLACEHOLDERS["client"]}:
            yield "ports", f"ports has the name {name!r}: use a word of small letters that is no other placeholder"
    for number in _twice(map(str, server.ports.values())):
        yield "ports", f"ports has {number} twice"
    if len((server.input or "").encode()) > MOST_TYPED_BYTES:
        yield "input", f"input is longer than {MOST_TYPED_BYTES} bytes, which is all that a terminal keeps"
    told = server.arguments is not None or bool(server.ports)
    for names in (server.main_names, *((name,) for name in server.further_names)):
        if told and server.port is None and not server.places_of(names):
            yield "arguments", f"neither arguments nor environment nor input tells the server its {{{names[-1]}}}"
    if (
        "server.bad_arguments_reported" in {spec.id for spec in asked.checks}
        and told
        and not server.places_of(server.main_names)
    ):
        yield "arguments", "check server.bad_arguments_reported needs a server that is told its port"


def _faults_of_check(asked: Assignment, source: Source, spec: CheckSpec) -> Iterator[str]:
    part = spec.id.partition(".")[0]
    if part not in PARTS:
        yield f"[checks.{part}] must be [checks.server], [checks.client] or [checks.pair]"
        return
    if spec.id not in checks_over(asked.transport) | source.own_checks:
        yield f"there is no check {spec.id}{f' over {asked.transport.upper()}' if spec.id in USUAL else ''}"
    if spec.requirement not in asked.requirements:
        yield f"check {spec.id} names requirement {spec.requirement}, which the handout does not have"
    if part not in parts_of(asked.roles):
        who = "a server and a client" if part == "pair" else f"a {part}"
        yield f"check {spec.id} needs {who}, which roles does not ask for"
        return
    yield from _faults_of_needs(asked, spec)


def _faults_of_needs(asked: Assignment, spec: CheckSpec) -> Iterator[str]:
    order = [other.id for other in asked.checks]
    for needed in spec.needs:
        if needed not in order:
            yield f"check {spec.id} depends on {needed}, which is not among the checks"
        elif order.index(needed) >= order.index(spec.id):
            yield f"check {spec.id} depends on {needed}, which depends on it in turn"
        elif spec.part in ROLES and needed.partition(".")[0] != spec.part:
            yield f"check {spec.id} depends on {needed}, a check of another program"


def _faults_of_visibility(asked: Assignment) -> Iterator[tuple[str, str]]:
    """What is wrong with who may see what, each with the key."""
    said, listed = asked.visibility, {spec.id: spec for spec in asked.checks}
    for key, ids in (("hidden", said.hidden), ("after_due_date", said.after_due_date)):
        yield from (
            (key, f"{key} names {check}, which is not among the checks") for check in ids if check not in listed
        )
    for check in {*said.hidden} & {*said.after_due_date}:
        yield "hidden", f"{check} is in hidden and in after_due_date"
    if said.after_due_date and said.due is None:
        yield "after_due_date", "after_due_date needs a due date: due = 2026-11-30T23:59:00"
    for number in said.elsewhere:
        if number not in asked.requirements:
            yield "elsewhere", f"elsewhere names requirement {number}, which the handout does not have"
    for spec in asked.checks if asked.concealed else ():
        for needed in spec.needs:
            if spec.visibility == "visible" and needed in asked.concealed:
                yield "hidden", f"{spec.id} can be seen, but depends on {needed}, which can't"


def _faults_of_hidden(source: Source, hidden: Hidden) -> Iterator[str]:
    """Where hidden checks and the assignment have something of the same name."""
    for part, rows in hidden.checks.items():
        for name in rows:
            if any(name in older.raw.get("checks", {}).get(part, {}) for older in source.lineage):
                yield f"{part}.{name} is in {TABLE} as well: one of them must go"
    for name in hidden.files.keys() & source.files.keys() - {"protocol.py"}:
        yield f"{name} is there twice, hidden and visible: give one of them another name"


def _limits_too_small(asked: Assignment) -> Iterator[str]:
    """A correct program must be able to do what is asked within the limits."""
    clients = asked.server.clients if "server.many_clients" in {spec.id for spec in asked.checks} else 0
    if asked.limits.open_files < clients + _OWN_FILES:
        yield f"{clients} clients need {clients + _OWN_FILES} open_files, but [limits] allows {asked.limits.open_files}"


def _twice(words: Iterable[str]) -> list[str]:
    return [word for word, count in Counter(words).items() if count > 1]
