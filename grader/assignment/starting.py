"""What an assignment says about how its programs are named, built and started, and where that contradicts itself.

Nothing of it has to be said: then a program is found by usual names, built as its language is, and given the usual
arguments.  What a submission's own `grader.toml` says wins over all of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from grader.model import Role

#: What may be filled in where a program is started, by role.
PLACEHOLDERS: Final[Mapping[Role, tuple[str, ...]]] = {
    "server": ("host", "port", "files"),
    "client": ("host", "port", "message", "files"),
}
#: What a program is given unless the assignment says otherwise, by role.
ARGUMENTS: Final[Mapping[Role, tuple[str, ...]]] = {"server": ("{port}",), "client": ("{host}", "{port}")}
#: What an author may have meant by a placeholder: a word in single braces; doubled ones stand for themselves.
PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{(\w+)\}")
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

    def arguments_of(self, role: Role) -> tuple[str, ...]:
        """What it is given: these, or the usual ones."""
        return ARGUMENTS[role] if self.arguments is None else self.arguments

    def places(self, role: Role) -> tuple[str, ...]:
        """The placeholders that there are where it is started."""
        return PLACEHOLDERS[role]

    @property
    def given(self) -> dict[str, tuple[str, ...]]:
        """What the program is given, by key; the words may hold placeholders."""
        return {"arguments": self.arguments or (), "environment": tuple(self.environment.values())}

    def places_of(self, names: Collection[str]) -> list[str]:
        """The keys that use any of these placeholders."""
        return [
            key
            for key, words in self.given.items()
            if any(place in names for word in words for place in placeholders_in(word))
        ]

    @property
    def build_command(self) -> tuple[str, ...]:
        """Its build as an argv; empty if the handout doesn't say."""
        return ("sh", "-c", self.build) if isinstance(self.build, str) else self.build


def faults_of(starting: Starting, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each key that can't be as it is, and why.  `known`: the placeholders that there are."""
    for name in starting.names:
        if not _NAME.fullmatch(name):
            yield "program", f"program must be a file's name, without its folder: {name!r} is not"
    if isinstance(starting.build, str) and (not starting.build or starting.build != starting.build.strip()):
        yield "build", "build must be a command, without white space around it"
    for variable in starting.environment:
        if not _VARIABLE.fullmatch(variable):
            yield "environment", f"environment has {variable!r}, which can't be the name of a variable"
    yield from _faults_of_words(starting, known)


def _faults_of_words(starting: Starting, known: Collection[str]) -> Iterator[tuple[str, str]]:
    for key, words in {"build": starting.build_command, **starting.given}.items():
        if any("\0" in word for word in words):
            yield key, f"{key} has a NUL character, which no word of a command can hold"
    names = ", ".join(f"{{{name}}}" for name in known)
    for key, words in starting.given.items():
        for place in dict.fromkeys(place for word in words for place in placeholders_in(word)):
            if place not in known:
                yield key, f"{key} has the unknown placeholder {{{place}}} (known: {names})"


def placeholders_in(word: str) -> list[str]:
    """The names of the placeholders in a word."""
    return [place[1] for place in PLACEHOLDER.finditer(word) if place[1]]
