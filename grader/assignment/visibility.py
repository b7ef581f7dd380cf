"""What students may see: checks that are hidden from them, in the table or in a folder that only the instructor has.

    [visibility]
    hidden = ["server.coalesced"]                    # a number and pass or fail, nothing else
    after_due_date = ["server.many_clients"]         # the same until then
    due = 2026-11-30T23:59:00+01:00
    elsewhere = ["3.4"]                              # requirements that only checks in the folder below test

Whoever has the assignment's folder can read these.  What nobody may read is in `hidden/` in that folder, or anywhere
else (`--hidden DIR`), and in no package for students: `hidden.toml` with `[checks.server]` and so on, as in
`assignment.toml`, the files of their own checks, and a `protocol.py` with their messages, which takes the place of the
other in their run (`visible_protocol` there).  All of its checks are hidden.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from grader.assignment.values import Flaw

#: In the assignment's folder: hidden checks, and programs with known verdicts.
FOLDER: Final = "hidden"
REFERENCE: Final = "reference"
#: What of an assignment's folder students never get.
KEPT_BACK: Final = frozenset({FOLDER, REFERENCE})
TABLE: Final = "hidden.toml"


@dataclass(frozen=True)
class Hidden:
    """A folder of hidden checks as it was read.  `checks`: by part and name.  `files`: its Python files, by name."""

    text: str
    checks: dict[str, dict[str, Any]]
    files: dict[str, bytes]

    @property
    def ids(self) -> frozenset[str]:
        """Of its checks."""
        return frozenset(f"{part}.{name}" for part, rows in self.checks.items() for name in rows)


class CannotReadHiddenError(Exception):
    """The folder can't be read."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw = flaw


def read(folder: Path) -> Hidden:
    """What is in a folder of hidden checks.

    Raises:
        CannotReadHiddenError: it can't be read, or its table is none.
    """
    name = f"{FOLDER}/{TABLE}"
    try:
        text = (folder / TABLE).read_text("utf-8")
        raw = tomllib.loads(text)
        files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.py"))}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CannotReadHiddenError(Flaw(name, str(error))) from error
    checks = raw.pop("checks", {})
    if raw or not isinstance(checks, dict) or not checks or not all(isinstance(rows, dict) for rows in checks.values()):
        what = "it must have tables such as [checks.server], and nothing else"
        raise CannotReadHiddenError(Flaw(name, what))
    return Hidden(text, checks, files)
