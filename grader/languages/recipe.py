"""What a recipe is, and the parts that all recipes are made of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from grader.families import BASE, FAMILIES, closed

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build and start a program.

    `language`: as named in messages.  `program`: the file or target it comes from.  `build`: argvs, run one after the
    other in the work folder; empty when nothing has to be built.  `run`: argv with {host} and {port} in it, and
    {message} where a client takes it as an argument.  `asks`: what a client asks for at its prompts before the first
    message, if the submission says so.  `ports`: numbers in a client's source that may be a port of its own, each once,
    in order of appearance.  `families`: what building and running it needs, by name (`grader.families`).
    `finds`: None where `run` names the program; else it is what the build will have made, to be looked for among what
    is new and can be executed, in the place of run[0]; likely names for it.
    `named`: names that the assignment gives the program, which come before all others.  `arguments`: how many of run's
    last words are the assignment's; 0: it does not say which.
    `function`: what is called in the program's file; empty where the whole file is the program.
    `warnings`: sentences about what the student should know of it, whatever the checks say.
    """

    language: str
    program: str
    build: tuple[Argv, ...]
    run: Argv
    asks: tuple[Literal["host", "port"], ...] | None = None
    ports: tuple[int, ...] = ()
    families: frozenset[str] = frozenset({BASE})
    finds: tuple[str, ...] | None = None
    named: tuple[str, ...] = ()
    arguments: int = 0
    function: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def tools(self) -> tuple[str, ...]:
        """The commands that must be there: all of each family, but of the base only what the recipe itself uses."""
        needed = [command for name in sorted(closed(self.families) - {BASE}) for command in FAMILIES[name].commands]
        words = {word for argv in (*self.build, self.run) for word in argv[:1]}
        return (*needed, *(command for command in FAMILIES[BASE].commands if command in words))


def argument(name: str) -> str:
    """A file's name, so that no command takes it for an option."""
    return f"./{name}" if name.startswith("-") else name


def literal(word: str) -> str:
    """A word for a command template, with its braces escaped."""
    return word.replace("{", "{{").replace("}", "}}")


def unused(name: str, taken: Collection[str]) -> str:
    """A name for build output that nothing in the submission has."""
    while name in taken:
        name += "_program"
    return name
