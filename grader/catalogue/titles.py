"""What the checks say about themselves, read from their sources for lists and documents; nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from grader.catalogue import MODULES, part_of_module
from grader.model import Part, Transport

_CHECKS = Path(__file__).resolve().parent.parent / "checks"


def titles_of(parts: Iterable[Part], transport: Transport, files: Mapping[str, bytes]) -> dict[str, str]:
    """The title of each check of these parts by id: the catalogue's, and those in an assignment's files."""
    known: dict[str, str] = {}
    for part in parts:
        for module in MODULES[part, transport]:
            known.update(_titles((_CHECKS / f"{module}.py").read_bytes(), part))
    for name, source in files.items():
        if name.startswith("test_"):
            known.update(_titles(source, part_of_module(Path(name).stem)))
    return known


def _titles(source: bytes, part: Part) -> Iterator[tuple[str, str]]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            docstring = ast.get_docstring(node) or node.name
            yield f"{part}.{node.name.removeprefix('test_')}", docstring.splitlines()[0]
