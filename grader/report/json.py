"""`report.json`, the source of truth: the model as msgspec writes it, bytes as base64.

`decode` reads it back as the same `Report`.  The one exception: a lone surrogate (an undecodable file name) can't be in
JSON, so it is written as its escape.  Everything is printable ASCII, and what a CI system would take for a command is
written with JSON escapes, so that a report can safely go to a terminal or a log.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from grader.errors import UsageError
from grader.model import SCHEMA, Report
from grader.report.safe import ANYWHERE

#: What is written as an escape: all but printable ASCII, and one character of each CI command.  Other commands must
#: be at the beginning of a line, where no string is here.
_ESCAPED: Final = re.compile("|".join([r"[^\n\x20-\x7e]", *ANYWHERE.values()]))


def render(report: Report) -> bytes:
    """`report` as indented JSON with a final newline."""
    return formatted(report)


def formatted(value: object) -> bytes:
    """Any value of the model, likewise."""
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_with_visible_surrogates(value))
    indented = msgspec.json.format(encoded, indent=2).decode()
    return _ESCAPED.sub(_as_json_escapes, indented).encode() + b"\n"


def decode(content: bytes) -> Report:
    """Read what `render` wrote.  Raises UsageError if it is something else."""
    try:
        report = msgspec.json.decode(content, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"this is not a grader report: {error}") from error
    if report.schema != SCHEMA:
        raise UsageError(
            f"this report has schema {report.schema!r}, but this version of the grader reads only {SCHEMA!r}"
        )
    return report


def _as_json_escapes(match: re.Match[str]) -> str:
    r"""A character of a string as JSON has it: `\u` and four digits for each of its UTF-16 units."""
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _with_visible_surrogates(value: Any) -> Any:
    """The same value with the lone surrogates in its strings escaped, at every level."""
    if isinstance(value, msgspec.Struct):
        changed = {name: _with_visible_surrogates(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **changed)
    if isinstance(value, dict):
        return {name: _with_visible_surrogates(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_with_visible_surrogates(item) for item in value)
    if type(value) is str:
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value
