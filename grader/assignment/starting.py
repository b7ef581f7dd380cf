"""What an assignment says about how its programs are named, built and started, and where that contradicts itself.

Nothing of it has to be said: then a program is found by usual names, built as its language is, and given the usual
arguments.  What a submission's own `grader.toml` says wins over all of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from grader.model import Role

#: What may be filled in where a program is started, by role.
PLACEHOLDERS: Final[Mapping[Role, tuple[str, ...]]] = {
    "server": ("port", "files"),
    "client": ("host", "port", "message", "files"),
}
#: What a program is given unless the assignment says otherwise, by role.
ARGUMENTS: Final[Mapping[Role, tuple[str, ...]]] = {"server": ("{port}",), "client": ("{host}", "{port}")}
#: What an author may have meant by a placeholder: a word in single braces (doubled ones stand for themselves).
_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{(\w+)\}")
#: A file's name, so that it is neither a path nor an option; a variable's, as every shell takes it (environ(7)).
_NAME: Final = re.compile(r"[A-Za-z0-9_][\w.+-]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Starting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a program is named, built and started, as the handout says.

    `program`: the name that students give it, or several: `server` stands for server.py, Server.java and for what a
    Makefile makes under that name.  `build`: the command that makes it, for a shell or as words; the program is then
    looked for among what it has made.  `arguments`: what it is given instead of the usual {port} or {host} {port}.
    `environment`: variables that it finds besides the usual ones.  Words of both may hold placeholders.
    """

    program: str | tuple[str, ...] = ()
    build: str | tuple[str, ...] = ()
    arguments: tuple[str, ...] | None = None
    environment: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names that students give it; none if the handout doesn't say."""
        return (self.program,) if isinstance(self.program, str) else self.program

    @property
    def build_command(self) -> tuple[str, ...]:
        """Its build as an argv; empty if the handout doesn't say."""
        return ("sh", "-c", self.build) if isinstance(self.build, str) else self.build


def faults_of(starting: Starting, role: Role) -> Iterator[tuple[str, str]]:
    """Each key that can't be as it is, and why."""
    for name in starting.names:
        if not _NAME.fullmatch(name):
            yield "program", f"program must be a file's name, without its folder: {name!r} is not"
    for variable in starting.environment:
        if not _VARIABLE.fullmatch(variable):
            yield "environment", f"environment has {variable!r}, which can't be the name of a variable"
    if isinstance(starting.build, str) and (not starting.build or starting.build != starting.build.strip()):
        yield "build", "build must be a command, without white space around it"
    for key, words in _words_of(starting).items():
        if any("\0" in word for word in words):
            yield key, f"{key} has a NUL character, which no word of a command can hold"
    yield from _faults_of_placeholders(starting, role)


def _words_of(starting: Starting) -> dict[str, tuple[str, ...]]:
    """The words that reach the program or its build, by key."""
    return {
        "build": starting.build_command,
        "arguments": starting.arguments or (),
        "environment": tuple(starting.environment.values()),
    }


def _places_of(starting: Starting) -> dict[str, list[str]]:
    """The names of the placeholders in what a program is given, by key."""
    filled = {key: words for key, words in _words_of(starting).items() if key != "build"}
    return {key: [place for word in words for place in placeholders_in(word)] for key, words in filled.items()}


def using(starting: Starting, place: str) -> Iterator[str]:
    """The keys that use a placeholder."""
    return (key for key, found in _places_of(starting).items() if place in found)


def _faults_of_placeholders(starting: Starting, role: Role) -> Iterator[tuple[str, str]]:
    places = _places_of(starting)
    for key, found in places.items():
        for place in dict.fromkeys(found):
            if place not in PLACEHOLDERS[role]:
                known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS[role])
                yield key, f"{key} has the unknown placeholder {{{place}}} (known: {known})"
    if role == "server" and starting.arguments is not None and not any("port" in found for found in places.values()):
        yield "arguments", "neither arguments nor environment tells the server its {port}"


def placeholders_in(word: str) -> list[str]:
    """The names of the placeholders in a word."""
    return [place[1] for place in _PLACEHOLDER.finditer(word) if place[1]]


def in_words(starting: Starting, role: Role) -> str:
    """How a program is built and started, in a sentence for its author."""
    build = shlex.join(starting.build) if isinstance(starting.build, tuple) else starting.build
    built = f"is built by `{build}` and " if build else ""
    return f"The {role} {built}is started as `{_command_line(starting, role)}`."


def _command_line(starting: Starting, role: Role) -> str:
    """As in a shell, placeholders in capitals: `server PORT`."""
    arguments = ARGUMENTS[role] if starting.arguments is None else starting.arguments
    variables = [f"{name}={_shown(value)}" for name, value in starting.environment.items()]
    return " ".join([*variables, " or ".join(starting.names) or role, *map(_shown, arguments)])


def _shown(word: str) -> str:
    return shlex.quote(_PLACEHOLDER.sub(lambda place: place[1].upper() if place[1] else place[0][0], word))
