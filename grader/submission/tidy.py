"""Removes what platforms, packers and tools add to a submission.  Pure: files in, files out.

A library's `server.py` must not compete with the student's, and what a build made is built again; but nothing is
removed that a student may have written: a folder goes only if a file in it, or beside it, shows what it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from grader.submission.tree import VENV, VENV_WORDS, File, Tree

#: Folders of build output, by the files beside them that show it.
_BUILT: Final[Mapping[str, frozenset[str]]] = {
    "target": frozenset({"Cargo.toml", "pom.xml"}),
    "build": frozenset({"CMakeLists.txt", "build.gradle", "build.gradle.kts"}),
    "cmake-build-debug": frozenset({"CMakeLists.txt"}),
}
#: What Canvas (`doejane_LATE_12345_6789012_server.py`, a number behind the name when handed in again) and Blackboard
#: (`hw1_jdoe_attempt_2026-11-30-12-00-00_server.py`) make of a file's name.
_PLATFORM_NAMES: Final = (
    re.compile(r"[^_/]+(?:_LATE)?_\d{2,}_\d{2,}_(?P<name>[^/]+?)(?:-\d{1,2})?(?P<suffix>\.\w+)?"),
    re.compile(r"[^/]+_attempt_\d{4}(?:-\d{2}){5}_(?P<name>[^/]+?)(?P<suffix>\.\w+)?"),
)


def without_tools(tree: Tree) -> None:
    """Leave out virtual environments, whatever they are called, and build output, each with a note."""
    for folder in sorted(tree.folders):
        if f"{folder}/{VENV}" in tree.files:
            tree.drop_folder(folder, VENV_WORDS)
    for folder in sorted(tree.folders):
        path = PurePosixPath(folder)
        beside = {str(path.parent / name) for name in _BUILT.get(path.name, ())}
        if not beside.isdisjoint(tree.files):
            tree.drop_folder(folder, "it is build output, which will be built again")


def stripped(files: dict[str, File], folders: set[str]) -> tuple[dict[str, File], set[str]]:
    """Without the outer folders that contain everything else, as in `submission/hw1/server.py`.

    Only files count: some packers keep empty folders, some don't.  A Python package keeps its folder, since its own
    imports need the name.  Removes the files from the argument, so that their bytes are held only once.
    """
    prefix = os.path.commonpath([str(PurePosixPath(name).parent) for name in files]) if files else ""
    while prefix not in {"", "."} and _is_package(files, prefix):
        prefix = str(PurePosixPath(prefix).parent)
    if prefix in {"", "."}:
        return files, folders
    cut = len(prefix) + 1
    inner_files = {name[cut:]: files.pop(name) for name in tuple(files)}
    return inner_files, {name[cut:] for name in folders if name.startswith(f"{prefix}/")}


def _is_package(files: Mapping[str, File], folder: str) -> bool:
    """Whether the Python files in a folder import each other by its name, or relative to it."""
    own = re.escape(PurePosixPath(folder).name.encode())
    wanted = re.compile(rb"^[ \t]*(?:from[ \t]+(?:\.|" + own + rb"\b)|import[ \t]+" + own + rb"\.)", re.MULTILINE)
    inside = (name for name in files if name.endswith(".py") and name.startswith(f"{folder}/"))
    return any(wanted.search(files[name].data) for name in inside)


def renamed(files: dict[str, File]) -> dict[str, File]:
    """With the names that files had before a platform prefixed them with who handed them in, and when."""
    plain: dict[str, File] = {}
    for name, file in files.items():
        new = _own_name(name)
        plain[name if new in files or new in plain else new] = file
    return plain


def _own_name(name: str) -> str:
    for pattern in _PLATFORM_NAMES:
        if found := pattern.fullmatch(name):
            return f"{found['name']}{found['suffix'] or ''}"
    return name
