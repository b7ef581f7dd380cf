"""What a program is started with: its command's words and its variables, placeholders filled in.  Pure.

The assignment says how its programs are started, and a submission may say otherwise; by the time a command is here,
that is decided (`languages`), and only what is not known before a start is left open: ports, and where things are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from grader.assignment.starting import placeholders_in
from grader.job import Command

_PLACES: Final = re.compile(r"\{\{|\}\}|\{\w+\}")
_BRACES: Final = {"{{": "{", "}}": "}"}


class Start(NamedTuple):
    """A program's argv, and the variables that it finds besides those of every program."""

    argv: tuple[str, ...]
    environment: dict[str, str]


def filled(word: str, filling: Mapping[str, str]) -> str:
    """A word with its placeholders filled in, those that `filling` names.

    A brace that belongs to a name is doubled (`languages/recipe.py`); any other brace is the student's own.
    """
    return _PLACES.sub(lambda place: _BRACES.get(place[0]) or filling.get(place[0][1:-1], place[0]), word)


def as_usual(run: tuple[str, ...], variables: Mapping[str, str], filling: Mapping[str, str]) -> Start:
    """The program as it is meant to be started.  `variables`: the assignment's, by name."""
    return Start(
        tuple(filled(word, filling) for word in run),
        {name: filled(value, filling) for name, value in variables.items()},
    )


def with_port(
    command: Command, variables: Mapping[str, str], words: tuple[str, ...], filling: Mapping[str, str]
) -> Start:
    """The program with these words where its port belongs: in an argument, in a variable, or as further arguments.

    With none, it is started without any argument that the assignment gives it, or else without its port; a variable
    that holds the port is missing then.
    """
    given = {**filling, "port": " ".join(words)}
    environment = {
        name: filled(value, given) for name, value in variables.items() if words or "port" not in placeholders_in(value)
    }
    run = command.run
    if not words and command.arguments:
        run = run[: -command.arguments]
    argv = [part for word in run for part in (words if word == "{port}" else (filled(word, given),))]
    nowhere = not any("port" in placeholders_in(word) for word in (*command.run, *variables.values()))
    return Start((*argv, *(words if nowhere else ())), environment)
