"""Readers of a CI system's log, as their documentation and sources have it: which lines they would obey."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

#: System -> whether it takes this line for a command.
READERS: Final[dict[str, Callable[[str], object]]] = {
    "github": lambda line: line.strip().startswith("::"),
    "github of old": lambda line: "##[" in line,
    "azure": lambda line: re.search(r"##(vso)?\[", line, re.IGNORECASE),
    "teamcity": lambda line: "##teamcity[" in line,
    "gitlab": lambda line: re.search(r"section_(start|end):\d+:", line),
    "travis": lambda line: re.search(r"travis_(fold|time):", line),
    "buildkite": lambda line: re.match(r"\s*(---|\+\+\+|~~~|\^\^\^)(\s|$)", line),
}


def obeyed(printed: str) -> list[str]:
    """The lines that one of them would obey, each behind its name."""
    return [f"{name}: {line}" for line in printed.split("\n") for name, obeys in READERS.items() if obeys(line)]
