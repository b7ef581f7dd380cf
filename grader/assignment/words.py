"""What an assignment says about starting its programs, in words for its author."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from grader.assignment.starting import PLACEHOLDER, Starting
from grader.assignment.values import ServerSpec
from grader.model import Role

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def in_words(starting: Starting, role: Role) -> str:
    """How a program is built and started, in a sentence or two."""
    build = shlex.join(starting.build) if isinstance(starting.build, tuple) else starting.build
    built = f"is built by `{build}` and " if build else ""
    named = " or ".join(starting.names) or role
    command = f"{named} {as_typed(starting.arguments_of(role))}".rstrip()
    variables = as_typed((), starting.environment)
    return f"The {role} {built}is started as `{f'{variables} {command}'.lstrip()}`.{_besides(starting)}"


def as_typed(argv: Iterable[str], environment: Mapping[str, str] = _NONE) -> str:
    """A command as one would type it in a shell, its placeholders in capitals: `./server PORT`."""
    variables = (f"{name}={_shown(value)}" for name, value in environment.items())
    return " ".join([*variables, *map(_shown, argv)])


def _shown(word: str) -> str:
    return shlex.quote(PLACEHOLDER.sub(lambda place: place[1].upper() if place[1] else place[0][0], word))


def _besides(starting: Starting) -> str:
    if not isinstance(starting, ServerSpec):
        return ""
    sentences = {
        f"It listens on port {starting.port}.": starting.port is not None,
        f"{json.dumps(starting.input, ensure_ascii=False)} is typed into it.": bool(starting.input),
        "Its standard output is a pipe.": starting.output == "pipe",
    }
    return "".join(f" {sentence}" for sentence, holds in sentences.items() if holds)
