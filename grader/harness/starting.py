"""What a program is started with: its command's words and its variables, placeholders filled in.  Pure.

The assignment says how its programs are started, and a submission may say otherwise; by the time a command is here,
that is decided (`languages`), and only what is not known before a start is left open: ports, and where things are.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from grader.assignment.starting import placeholders_in
from grader.job import Command

_PLACES: Final = re.compile(r"\{\{|\}\}|\{\w+\}")
_BRACES: Final = {"{{": "{", "}}": "}"}
#: What a program finds where its place says nothing else ...
_USUAL_ENVIRONMENT: Final = {
    "HOME": "/tmp",  # noqa: S108 — a tmpfs
    "LANG": "C.UTF-8",
    # environ(7): what every login sets, and few ask whether it did.
    "USER": "student",
    "LOGNAME": "student",
}
#: ... and what every one finds.
_OUR_ENVIRONMENT: Final = {
    "TERM": "dumb",
    # What was freed would be kept for long (256 MB), as if the program had kept it; and its search for leaks at the end
    # looks into the program by ptrace(2), which is refused here: it would end in a complaint and a status of its own.
    "ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=0",
    "LSAN_OPTIONS": "detect_leaks=0",
}


def environment(place: Mapping[str, str]) -> dict[str, str]:
    """What every program finds in its environment.  `place`: the variables of where it runs, PATH among them."""
    return {**_USUAL_ENVIRONMENT, **place, **_OUR_ENVIRONMENT}


NO_VARIABLES: Final[Mapping[str, str]] = {}


class Start(NamedTuple):
    """A program's argv, and the variables that it finds besides those of every program."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]

    def __str__(self) -> str:
        """As one would type it in a shell."""
        variables = (f"{name}={shlex.quote(value)}" for name, value in self.environment.items())
        return " ".join([*variables, shlex.join(self.argv)])


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


def with_arguments(command: Command, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The command with other arguments than usual; a submission's own command loses the words with placeholders."""
    if command.arguments:
        return (*command.run[: -command.arguments], *arguments)
    return (*(word for word in command.run if not placeholders_in(word)), *arguments)


def with_port(
    command: Command,
    variables: Mapping[str, str],
    words: tuple[str, ...],
    filling: Mapping[str, str],
    main: Collection[str] = ("port",),
) -> Start:
    """The program with these words where its port belongs: in an argument, in a variable, or as further arguments.

    With none, it is started without any argument that the assignment gives it, or else without its port; a variable
    that holds the port is missing then.  `main`: the placeholders that mean that port.
    """
    given = {**filling, **dict.fromkeys(main, " ".join(words))}

    def tells(word: str) -> bool:
        return not set(main).isdisjoint(placeholders_in(word))

    environment = {name: filled(value, given) for name, value in variables.items() if words or not tells(value)}
    run = command.run
    if not words and command.arguments:
        run = run[: -command.arguments]
    places = {f"{{{name}}}" for name in main}
    argv = [part for word in run for part in (words if word in places else (filled(word, given),))]
    nowhere = not any(map(tells, (*command.run, *variables.values())))
    return Start((*argv, *(words if nowhere else ())), environment)
