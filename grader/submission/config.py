"""A submission's own `grader.toml`: which assignment it is for, and how its programs are built and started."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, Literal

import msgspec

from grader.errors import UsageError
from grader.limits import MAX_CONFIG_BYTES
from grader.submission.names import shown

CONFIG_NAME: Final = "grader.toml"


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to build and start one role's program, according to `grader.toml`.

    `run`: argv with placeholders to be filled in; which there are depends on the assignment (`languages`).
    `asks`: what a client asks for at its prompts before the first message, in order (None: not said).
    """

    run: tuple[str, ...]
    build: str | tuple[str, ...] | None = None
    asks: tuple[Literal["host", "port"], ...] | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A submission's `grader.toml`."""

    assignment: str | None = None
    server: Start | None = None
    client: Start | None = None


def parse_config(data: bytes) -> Config:
    """A submission's `grader.toml`.  Raises UsageError that names the key and its line."""
    if len(data) > MAX_CONFIG_BYTES:
        raise UsageError(f"{CONFIG_NAME} is larger than {MAX_CONFIG_BYTES // 1024} kB")
    try:
        # Windows editors put a byte order mark in front.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{CONFIG_NAME} line {line}: not UTF-8 text") from error
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{CONFIG_NAME} is not valid TOML: {shown(str(error))[1:-1]}") from error
    for key, fault in _faults(values):
        line_number = line_of(text, key)
        where = f"{CONFIG_NAME} line {line_number}" if line_number else CONFIG_NAME
        raise UsageError(f"{where}: key {_quoted(key)} {fault}")
    return msgspec.convert(values, Config)


def _quoted(key: tuple[str, ...]) -> str:
    """A key as it appears in a message: in double quotes, whatever it contains."""
    return f'"{shown(".".join(key))[1:-1]}"'


def _faults(values: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each wrong key and what is wrong with it."""
    tables = {"server": _start_faults, "client": _start_faults}
    for key, value in values.items():
        if key in tables:
            yield from tables[key](key, value)
        elif key == "assignment":
            yield from (((key,), fault) for fault in _assignment_fault(value))
        else:
            yield (key,), 'is unknown: the keys are "assignment", "server" and "client"'


_ASKED = ("host", "port")


def _start_faults(role: str, table: object) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(table, dict):
        yield (role,), f"must be a table, got {_type(table)}"
        return
    checks: dict[str, Callable[[object], Iterator[str]]] = {
        "run": partial(_words_fault, wanted="a list of strings"),
        "build": _build_fault,
    }
    if role == "client":
        checks["asks"] = _asks_fault
    for key, value in table.items():
        if key not in checks:
            yield (role, key), f"is unknown: the keys are {_in_quotes(checks)}"
        else:
            yield from (((role, key), fault) for fault in checks[key](value))
    if "run" not in table:
        yield (role,), 'needs a key "run", the list of words that start the program'


def _assignment_fault(value: object) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"must be a string, got {_type(value)}"
    elif not re.fullmatch(r"\w[\w.-]{0,99}", value):
        # It is looked up as a folder's name, and the submission must not choose which folder that is in.
        yield "must be an assignment's name: letters, digits, '_', '-' and '.'"


def _asks_fault(value: object) -> Iterator[str]:
    if not isinstance(value, list) or any(word not in _ASKED for word in value) or len({*value}) < len(value):
        yield f"must be a list of {_in_quotes(_ASKED)}, each at most once, in the order that the client asks for them"


def _in_quotes(words: Iterable[str]) -> str:
    return _listed([f'"{word}"' for word in words])


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _build_fault(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _words_fault([value], "a string")
    else:
        yield from _words_fault(value, "a string or a list of strings")


def _words_fault(value: object, wanted: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"must be {wanted}, got {_type(value)}"
        return
    wrong = [word for word in value if not isinstance(word, str)]
    if wrong:
        yield f"must be {wanted}, got {_type(wrong[0])} in it"
    elif not value or not value[0].strip():
        yield "must not be empty"
    elif any("\0" in word for word in value):
        yield "must not contain a NUL character"


def _type(value: object) -> str:
    names = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def line_of(text: str, key: tuple[str, ...]) -> int | None:
    """The line (from 1) where a key of a TOML text is given, else that of its table; None when neither is found."""
    table: tuple[str, ...] = ()
    table_line = None
    for number, line in enumerate(text.split("\n"), start=1):
        if header := re.match(r"\s*\[\[?([^\]]*)\]", line):
            table = _key_parts(header[1])
        elif "=" in line:
            full = (*table, *_key_parts(line.partition("=")[0]))
            if full == key:
                return number
            if table_line is None and full == key[:-1]:
                table_line = number
            continue
        if table == key:
            return number
        if table_line is None and table and table == key[: len(table)]:
            table_line = number
    return table_line


def _key_parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
