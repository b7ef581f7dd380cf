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

from grader.roles import role_named, role_spoken_of
from grader.submission.tree import SOURCE_SUFFIXES, VENV, VENV_WORDS, File, Tree

BUILT_WORDS: Final = "it is build output, which will be built again"
#: Folders of build output, by the files beside them that show it.
_BUILT: Final[Mapping[str, frozenset[str]]] = {
    "target": frozenset({"Cargo.toml", "pom.xml"}),
    "build": frozenset(
        {"CMakeLists.txt", "build.gradle", "build.gradle.kts", "setup.py", "setup.cfg", "pyproject.toml"}
    ),
    "cmake-build-debug": frozenset({"CMakeLists.txt"}),
    "cmake-build-release": frozenset({"CMakeLists.txt"}),
}
#: A file in a folder that shows what the whole folder is.
_TELLING: Final[Mapping[str, str]] = {
    VENV: VENV_WORDS,
    "conda-meta/history": VENV_WORDS,
    "CMakeCache.txt": BUILT_WORDS,
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
        for file, why in _TELLING.items():
            if f"{folder}/{file}" in tree.files and f"{folder}/CMakeLists.txt" not in tree.files:
                tree.drop_folder(folder, why)
    for folder in sorted(tree.folders):
        path = PurePosixPath(folder)
        beside = {str(path.parent / name) for name in _BUILT.get(path.name, ())}
        if not beside.isdisjoint(tree.files):
            tree.drop_folder(folder, BUILT_WORDS)


def stripped(files: dict[str, File], folders: set[str]) -> tuple[dict[str, File], set[str]]:
    """Without the outer folders that contain everything else, as in `submission/hw1/server.py`.

    Only files count: some packers keep empty folders, some don't.  A Python package keeps its folder, since its own
    imports need the name, and so does the only thing that says which program it is: `client/main.py`.  A folder whose
    Makefile puts programs beside it stays, too.  Removes the files from the argument, so that their bytes are held only
    once.
    """
    prefix = os.path.commonpath([str(PurePosixPath(name).parent) for name in files]) if files else ""
    keeps = (_is_package, _tells_the_role, _builds_outside)
    while prefix not in {"", "."} and any(keep(files, prefix) for keep in keeps):
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


def _tells_the_role(files: Mapping[str, File], folder: str) -> bool:
    """Whether a folder is named after a role, and nothing in it is."""
    inside = (name.removeprefix(f"{folder}/") for name in files)
    return role_named(f"{PurePosixPath(folder).name}/x") is not None and not any(map(role_spoken_of, inside))


def _builds_outside(files: Mapping[str, File], folder: str) -> bool:
    """Whether what builds or starts programs in a folder goes to the one around it: `gcc -o ../bin/server`."""
    own = (PurePosixPath(name) for name in files if str(PurePosixPath(name).parent) == folder)
    return any(_BUILDS.fullmatch(path.name) and b"../" in files[str(path)].data for path in own)


def renamed(files: dict[str, File]) -> dict[str, File]:
    """With the names that files had before a platform prefixed them with who handed them in, and when.

    So has `server.py.txt` the name that its author meant, if nothing else has it.

    A suffix in capitals, from a system that doesn't distinguish them, becomes the one that compilers know, unless a
    file that builds or starts programs has it.
    """
    plain: dict[str, File] = {}
    for name, file in files.items():
        new = _own_name(name)
        plain[name if new in files or new in plain else new] = file
    capital = [name for name in plain if _with_plain_suffix(name, plain[name]) != name]
    if capital:
        told = b"\n".join(file.data for name, file in plain.items() if _BUILDS.fullmatch(PurePosixPath(name).name))
        for name in capital:
            new = _with_plain_suffix(name, plain[name])
            if new not in plain and PurePosixPath(name).suffix.encode() not in told:
                plain[new] = plain.pop(name)
    return plain


#: Files that say how programs are built and started.
_BUILDS: Final = re.compile(
    r"(?:gnu)?makefile|cmakelists\.txt|grader\.toml|package\.json|.*\.(?:mk|sh|bash)", re.IGNORECASE
)
#: C++ under the suffix that is also C's in capitals.
_CPP: Final = re.compile(
    rb"\bstd::|\busing\s+namespace\b|#\s*include\s*<(?:iostream|string|vector|thread)>|\btemplate\s*<"
)


def _with_plain_suffix(name: str, file: File) -> str:
    suffix = PurePosixPath(name).suffix
    if suffix == suffix.lower() or suffix.lower() not in SOURCE_SUFFIXES:
        return name
    plain = ".cpp" if suffix == ".C" and _CPP.search(file.data) else suffix.lower()
    return f"{name.removesuffix(suffix)}{plain}"


def _own_name(name: str) -> str:
    for pattern in _PLATFORM_NAMES:
        if found := pattern.fullmatch(name):
            return without_txt(f"{found['name']}{found['suffix'] or ''}")
    return without_txt(name)


def without_txt(name: str) -> str:
    """A source's or Makefile's name without the `.txt` that an editor or a platform has put behind it."""
    path = PurePosixPath(name)
    is_known = PurePosixPath(path.stem).suffix.lower() in SOURCE_SUFFIXES or path.stem.lower() == "makefile"
    return name[: -len(path.suffix)] if path.suffix.lower() == ".txt" and is_known else name
