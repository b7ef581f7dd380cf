"""The classic mistakes behind failed checks, as code: what is often written and what is right, in Python and C.

The table is `mistakes.toml`; every check of the catalogue is in one row of it, and every row names reference programs
that make the mistake, so that a test can hold the table against their verdicts.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from typing import Final, Literal

import msgspec

Language = Literal["python", "c"]
#: As they are called, in the order in which they are shown.
LANGUAGES: Final[dict[Language, str]] = {"python": "Python", "c": "C"}


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two excerpts: the mistake, and what is right in its place."""

    wrong: str
    right: str


class Mistake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`checks`: ids of those that find it.  `programs`: reference programs that make it, as ASSIGNMENT/NAME."""

    title: str
    checks: tuple[str, ...]
    programs: tuple[str, ...]
    python: Code
    c: Code

    def code(self, language: Language) -> Code:
        """The excerpts in one language."""
        return self.python if language == "python" else self.c


@functools.cache
def table() -> Mapping[str, Mistake]:
    """All mistakes, by name."""
    text = resources.files("grader.catalogue").joinpath("mistakes.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Mistake])


def behind(check_id: str) -> Mistake | None:
    """The mistake that a check finds most often; None for one of an assignment's own."""
    return next((mistake for mistake in table().values() if check_id in mistake.checks), None)
