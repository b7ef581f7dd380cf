"""Languages that are compiled to machine code, without a build system: C, C++, Rust and Go.

The program's own file is built with the helpers that belong to it: those without a main function whose headers are
included, except those that belong to the other program by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from grader.assignment.starting import ARGUMENTS
from grader.families import BASE
from grader.languages.recipe import Argv, Recipe, argument, unused
from grader.languages.sources import Sources, folder_of, is_aside, is_hidden, is_side_file, joined
from grader.model import Role
from grader.roles import OTHER_ROLE, belongs_to

C_SUFFIXES: Final = (".c",)
CPP_SUFFIXES: Final = (".cpp", ".cc", ".cxx", ".c++")
_HEADERS: Final = (".h", ".hpp", ".hh", ".hxx")
#: C and C++ define it, with anything before it; a prototype ends in ";".
MAIN_IN_C: Final = re.compile(
    r"^[^\S\n]*(?:[\w:]+[^\S\n]+){0,3}main[^\S\n]*\([^;{)]{0,300}\)"
    r"(?:\s|//[^\n]{0,300}|/\*[^*]{0,300}\*/|noexcept|->|int|try){0,99}\{",
    re.MULTILINE,
)
MAIN_IN_GO: Final = re.compile(r"^func[^\S\n]+main[^\S\n]*\([^\S\n]*\)", re.MULTILINE)
MAIN_IN_RUST: Final = re.compile(r"^[^\S\n]*(?:pub[^\S\n]+)?(?:async[^\S\n]+)?fn[^\S\n]+main[^\S\n]*\(", re.MULTILINE)
_NEWER_MODULE: Final = re.compile(r"^(?:go[^\S\n]+\d+\.\d+\.|toolchain[^\S\n])", re.MULTILINE)
_INCLUDE: Final = re.compile(r'^[^\S\n]*#[^\S\n]*include[^\S\n]*["<]([^">\n]+)[">]', re.MULTILINE)
#: Headers that only Windows has.
_WINSOCK: Final = re.compile(
    r"^[^\S\n]*#[^\S\n]*include[^\S\n]*[\"<](?:winsock2?|windows|ws2tcpip)\.h[\">]", re.MULTILINE | re.IGNORECASE
)
#: What the compilers are given: all warnings, since a student reads them; an optimisation that keeps lines; what a
#: stack trace needs.
_C: Final[Argv] = ("cc", "-Wall", "-O1", "-g")
_CPP_OPTIONS: Final[Argv] = ("-Wall", "-O1", "-g")
#: What only C++20 has, and students use: its headers, and parts of older ones.
_CPP_20: Final = re.compile(
    r"^[^\S\n]*#[^\S\n]*include[^\S\n]*<(?:barrier|bit|compare|concepts|coroutine|format|latch|numbers|ranges|semaphore"
    r"|source_location|span|stop_token|syncstream)>|\bstd::(?:jthread|ranges|span)\b|\.(?:starts_with|ends_with)\("
    r"|\bco_(?:await|return|yield)\b",
    re.MULTILINE,
)
#: After the sources, for what they use: threads, and C's separate mathematics library.
_LIBRARIES: Final[Argv] = ("-pthread", "-lm")


def c(sources: Sources, role: Role, name: str) -> Recipe:
    """A C program."""
    build = (*_C, *_rest(sources, C_SUFFIXES, role, name))
    return _compiled("C", build, sources, role, name)


def cpp(sources: Sources, role: Role, name: str) -> Recipe:
    """A C++ program; its C files are compiled as C++ too."""
    newer = any(_CPP_20.search(sources.text(file)) for file in sources.with_suffix((*CPP_SUFFIXES, *_HEADERS)))
    standard = "-std=c++20" if newer else "-std=c++17"
    build = ("g++", standard, *_CPP_OPTIONS, *_rest(sources, (*CPP_SUFFIXES, *C_SUFFIXES), role, name))
    return _compiled("C++", build, sources, role, name)


def _rest(sources: Sources, suffixes: tuple[str, ...], role: Role, name: str) -> Argv:
    """A compiler's arguments besides its options: where to write, header folders, sources, libraries."""
    files = [name, *_helpers(sources, suffixes, role, name)]
    folders = sorted({folder_of(header) for header in sources.with_suffix(_HEADERS)})
    own = {folder_of(file) for file in files}
    includes = [f"-I{folder or '.'}" for folder in folders if len(own) > 1 or folder not in own]
    return ("-o", unused(role, sources.taken), *includes, *map(argument, files), *_LIBRARIES)


def _compiled(language: str, build: Argv, sources: Sources, role: Role, name: str) -> Recipe:
    run = (f"./{unused(role, sources.taken)}", *ARGUMENTS[role])
    return Recipe(language, name, (build,), run, warnings=tuple(_windows_only(sources, name)))


def _helpers(sources: Sources, suffixes: tuple[str, ...], role: Role, name: str) -> list[str]:
    """The files that a program is linked from besides its own: those whose headers it includes, directly or not.

    If a header has no source with its name, what it declares may be in any: then all of them belong to it.  Those that
    define a function which the program uses and doesn't define belong to it without any header.
    """
    others = [
        file
        for file in sources.with_suffix(suffixes)
        if file != name
        and not MAIN_IN_C.search(sources.text(file))
        and not belongs_to(file, OTHER_ROLE[role])
        and not is_side_file(file)
        and not is_aside(file)
    ]
    if not others:
        return []
    headers = {PurePosixPath(header).name: header for header in sources.with_suffix(_HEADERS)}
    by_stem: dict[str, list[str]] = {}
    for file in others:
        by_stem.setdefault(PurePosixPath(file).stem, []).append(file)
    wanted: dict[str, None] = {}
    waiting, seen, homeless = [name], {name}, False
    while waiting:
        for included in _included(sources.text(waiting.pop())):
            header = headers.get(included)
            if header is None or header in seen:
                if included.endswith(suffixes):  # `#include "common.c"`: it is in the program already
                    by_stem.pop(PurePosixPath(included).stem, None)
                continue
            files = by_stem.get(PurePosixPath(included).stem, [])
            homeless |= not files
            seen.update((header, *files))
            waiting += (header, *files)
            wanted.update(dict.fromkeys(files))
    if homeless:
        wanted.update(dict.fromkeys(file for files in by_stem.values() for file in files))
    _add_definers(sources, name, wanted, [file for files in by_stem.values() for file in files])
    return [file for file in others if file in wanted]


#: A function's definition that other files can use, as far as a line tells; what looks like one in a function's body.
_DEFINED: Final = re.compile(
    r"^(?!static\b|else\b)[A-Za-z_][\w \t*&:]{0,80}?\b(\w{1,80})[ \t]*\([^;{}()]{0,300}\)\s*\{", re.MULTILINE
)
_USED: Final = re.compile(r"\b(\w{1,80})[ \t]*\(")


def _add_definers(sources: Sources, name: str, wanted: dict[str, None], others: list[str]) -> None:
    """Add those of the others that define what is used and not defined yet."""
    defined = {file: {*_DEFINED.findall(sources.text(file))} for file in (name, *wanted, *others)}
    waiting = [name, *wanted]
    have = set().union(*(defined[file] for file in waiting))
    while waiting:
        used = {*_USED.findall(sources.text(waiting.pop()))} - have
        for file in others:
            if file not in wanted and not used.isdisjoint(defined[file]):
                wanted[file] = None
                waiting.append(file)
                have |= defined[file]
                used -= have


def _included(text: str) -> Iterable[str]:
    return (PurePosixPath(name.replace("\\", "/")).name for name in _INCLUDE.findall(text))


def _windows_only(sources: Sources, name: str) -> Iterable[str]:
    if _WINSOCK.search(sources.text(name)) and "_WIN32" not in sources.text(name):
        yield f"{name!r} includes headers that only Windows has (Winsock): programs are built and graded on Linux"


def rust(sources: Sources, role: Role, name: str) -> Recipe:
    """A Rust program: one file and the modules that it names."""
    output = unused(role, sources.taken)
    build = ("rustc", "--edition", "2021", "-C", "opt-level=1", "-g", "-o", output, argument(name))
    return Recipe("Rust", name, (build,), (f"./{output}", *ARGUMENTS[role]), families=frozenset({BASE, "rust"}))


def go(sources: Sources, role: Role, name: str) -> Recipe:
    """A Go program: the files of its package, without other programs in the same folder.

    It is built in its module's folder, since import paths are relative to that.
    """
    folder, output = folder_of(name), unused(role, sources.taken)
    beside = [
        file
        for file in sources.in_folder(folder)
        if file.endswith(".go") and not file.endswith("_test.go") and not is_hidden(file)
    ]
    mains = [file for file in beside if MAIN_IN_GO.search(sources.text(joined(folder, file)))]
    module = _module_of(sources, folder)
    inside = folder.removeprefix(module or "").strip("/")
    if len(mains) > 1 or module is None:
        helpers = [file for file in beside if file not in mains]
        what = [joined(inside, file) for file in (PurePosixPath(name).name, *helpers)]
    else:
        what = [f"./{inside}" if inside else "."]
    up = "../" * (module.count("/") + 1) if module else ""
    build: Argv = ("go", "build", "-o", f"{up}{output}", *map(argument, what))
    mode = _module_mode(sources, module)
    if module or mode:
        build = ("env", *(("-C", module) if module else ()), *mode, *build)
    run = (f"./{output}", *ARGUMENTS[role])
    return Recipe("Go", name, (*_older_module(sources), build), run, families=frozenset({BASE, "go"}))


def _module_mode(sources: Sources, module: str | None) -> Argv:
    """What Go must be told where libraries are handed in, or several modules as a workspace: else nothing is asked."""
    if "go.work" in sources.taken:
        return ("GOFLAGS=-mod=readonly",)
    if module is not None and joined(module, "vendor/modules.txt") in sources.taken:
        return ("GOFLAGS=-mod=vendor",)
    return ()


def _older_module(sources: Sources) -> tuple[Argv, ...]:
    """What lets an older Go read a `go.mod` or `go.work`: the language's version in two numbers, and no toolchain."""
    manifests = [name for name in sources.files if PurePosixPath(name).name in {"go.mod", "go.work"}]
    newer = [name for name in manifests if _NEWER_MODULE.search(sources.text(name))]
    if not newer:
        return ()
    return (("sed", "-i", "-E", r"s/^(go +[0-9]+\.[0-9]+)\..*/\1/; /^toolchain /d", *newer),)


def _module_of(sources: Sources, folder: str) -> str | None:
    """The folder of the `go.mod` that applies to a folder; None if there is none."""
    for parent in (folder, *(str(path) for path in PurePosixPath(folder).parents)):
        place = "" if parent == "." else parent
        if joined(place, "go.mod") in sources.taken:
            return place
    return None
