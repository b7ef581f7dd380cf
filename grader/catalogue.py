"""What the checks say of themselves, read from their sources: for lists and documents.  Nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from grader.assignment import Assignment, parts_of
from grader.checks import MODULES, part_of_module
from grader.model import Part

_CHECKS = Path(__file__).resolve().parent / "checks"


def titles_of(assignment: Assignment) -> dict[str, str]:
    """The title of each check that an assignment asks for, by id."""
    known: dict[str, str] = {}
    for part in parts_of(assignment.roles):
        for module in MODULES[part, assignment.transport]:
            known.update(_titles((_CHECKS / f"{module}.py").read_bytes(), part))
    for name, source in assignment.files.items():
        if name.startswith("test_"):
            known.update(_titles(source, part_of_module(Path(name).stem)))
    return {spec.id: known.get(spec.id, spec.id) for spec in assignment.checks}


def _titles(source: bytes, part: Part) -> Iterator[tuple[str, str]]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            docstring = ast.get_docstring(node) or node.name
            yield f"{part}.{node.name.removeprefix('test_')}", docstring.splitlines()[0]
