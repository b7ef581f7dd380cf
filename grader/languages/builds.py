"""Build systems: make, CMake and cargo, or an assignment's own command.

What they make is found afterwards, among new files that can be executed.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from grader.assignment.starting import ARGUMENTS, Starting
from grader.families import BASE, families_of_words
from grader.languages import makefiles
from grader.languages.recipe import Argv, Recipe, unused
from grader.languages.scripts import odd_lines
from grader.languages.sources import Sources, folder_of, is_below, joined
from grader.languages.table import language_in
from grader.model import Role
from grader.roles import belongs_to, in_folder_of
from grader.submission import shown

_ADD_EXECUTABLE: Final = re.compile(r"\badd_executable\s*\(\s*([\w.+${}-]+)([^)]{0,9999})\)", re.IGNORECASE)
_PROJECT: Final = re.compile(r"\bproject\s*\(\s*\"?([\w.+-]+)", re.IGNORECASE)
_WORD: Final = re.compile(r"[\w./+-]+")


def built(sources: Sources, role: Role, winners: list[str], names: tuple[str, ...] = ()) -> Recipe | None:
    """How a build system makes the role's program; None if there is none, or if it doesn't decide.

    `winners`: the sources that may be the program.  With none, a Makefile counts if it has a target for the role, or
    if there is no other source at all.  `names`: those that the assignment gives the program.
    """
    for system in (_by_cargo, _by_cmake, partial(_by_make, names=names)):
        recipe = system(sources, role, winners)
        if recipe is not None:
            return replace(recipe, named=names)
    return None


def as_asked(sources: Sources, role: Role, winners: list[str], asked: Starting) -> Recipe:
    """How the assignment's own command makes the program, whatever else there is.  `winners`: the likely sources."""
    words = [word for line in asked.build_command for word in _WORD.findall(line)]
    makefile = next((name for name in makefiles.MAKEFILES if name in sources.files and "make" in words), "")
    rows = [(name, language) for name in winners if (language := language_in(sources, name)) is not None]
    needed = (language.recipe(sources, role, name).families for name, language in rows)
    families = families_of_words([*words, *makefiles.words(sources.text(makefile) if makefile else "")])
    # As for every Makefile: what was built elsewhere must not count as up to date.
    stale = bool(makefile) and any(_may_be_stale(sources, "", name) for name in (role, *asked.names))
    build: Argv = (*(("env", "MAKEFLAGS=B") if stale else ()), *asked.build_command)
    names = {language.name for _, language in rows}
    made = _made(
        role,
        (build,),
        language=names.pop() if len(names) == 1 else "its own command",
        likely=_likely(winners),
        families=families.union(*needed),
    )
    program = winners[0] if len(winners) == 1 else makefile or (*asked.names, role)[0]
    return replace(made, program=program, named=asked.names)


def _places(sources: Sources, role: Role, winners: list[str], names: tuple[str, ...]) -> Iterator[str]:
    """The folders that have one of these files, the likeliest first: the root, the role's, those around a winner."""
    folders = {folder_of(name) for name in sources.files if PurePosixPath(name).name in names}
    around = [str(parent) for name in winners for parent in PurePosixPath(name).parents]
    own = sorted(folder for folder in folders if belongs_to(folder, role) or in_folder_of(f"{folder}/x", role))
    for folder in dict.fromkeys(("", *own, *("" if place == "." else place for place in around))):
        if folder in folders:
            yield folder


def _likely(winners: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(PurePosixPath(name).stem for name in winners))


def _written_in(sources: Sources, winners: list[str]) -> set[str]:
    return {language.name for name in winners if (language := language_in(sources, name)) is not None}


def _by_cargo(sources: Sources, role: Role, winners: list[str]) -> Recipe | None:
    if "Rust" not in _written_in(sources, winners):
        return None
    for place in _places(sources, role, winners, ("Cargo.toml",)):
        manifest = joined(place, "Cargo.toml")
        manifests = [name for name in sources.files if is_below(name, place) and name.endswith("Cargo.toml")]
        build: tuple[Argv, ...] = (("cargo", "build", "--offline", "--manifest-path", manifest),)
        newer = [name for name in manifests if _NEWER_EDITION.search(sources.text(name))]
        if newer:
            build = (("sh", "-c", _LOWER_EDITION, "sh", manifest, *newer), *build)
        if not any(_wants_libraries(sources.text(name)) for name in manifests):
            # It pins nothing then, and an older cargo can't read a newer one's file.
            build = (("rm", "-f", joined(place, "Cargo.lock")), *build)
        likely = (*_likely(winners), *_crate_programs(sources.text(manifest), place, winners))
        made = _made(role, build, language="cargo", likely=likely, families=frozenset({BASE, "rust"}))
        return replace(made, program=winners[0])
    return None


#: What `cargo new` writes since Rust 1.85.  An older cargo refuses it, whatever the program uses of it.
_NEWER_EDITION: Final = re.compile(r"^edition[^\S\n]*=[^\S\n]*[\"']2024[\"']", re.MULTILINE)
#: Reading the first manifest fails where cargo is older: then the others get the edition that it knows.
_LOWER_EDITION: Final = (
    'first="$1"; shift; cargo metadata --offline --no-deps --format-version 1 --manifest-path "$first" '
    """>/dev/null 2>&1 || sed -i -E 's/^(edition *= *.)2024/\\12021/' "$@\""""
)
_TABLES_OF_LIBRARIES: Final = ("dependencies", "build-dependencies", "dev-dependencies")


def _wants_libraries(manifest: str) -> bool:
    """Whether a `Cargo.toml` names libraries other than crates of the submission's own."""
    try:
        crate = tomllib.loads(manifest)
    except (ValueError, RecursionError):
        return False  # cargo says what is wrong with it
    workspace = crate.get("workspace")
    tables = [crate, *([workspace] if isinstance(workspace, dict) else []), *_tables(crate.get("target"))]
    wanted = (one for table in tables for key in _TABLES_OF_LIBRARIES for one in _values(table.get(key)))
    return any(not (isinstance(one, dict) and ("path" in one or one.get("workspace") is True)) for one in wanted)


def _values(value: object) -> list[object]:
    return [*value.values()] if isinstance(value, dict) else []


def _tables(value: object) -> list[dict[str, object]]:
    return [one for one in _values(value) if isinstance(one, dict)]


def _crate_programs(manifest: str, place: str, winners: list[str]) -> tuple[str, ...]:
    """The names that a `Cargo.toml` gives what is made from the winners; its own if it says nothing of them."""
    try:
        crate = tomllib.loads(manifest)
    except (ValueError, RecursionError):
        return ()  # cargo says what is wrong with it
    programs = [program for program in _list(crate.get("bin")) if isinstance(program, dict)]
    own = [program for program in programs if joined(place, str(program.get("path", ""))) in winners]
    package = crate.get("package")
    tables = own or [*programs, *([package] if isinstance(package, dict) else [])]
    return tuple(name for table in tables if isinstance(name := table.get("name"), str))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _cmake_programs(sources: Sources, lists: list[str], winners: list[str]) -> Iterator[str]:
    """The names of the programs for which a `CMakeLists.txt` names a winner: by its path, or else by its name."""
    found = [
        (name.replace("${PROJECT_NAME}", project), joined(folder_of(file), word))
        for file in lists
        for project in [next(iter(_PROJECT.findall(sources.text(file))), "")]
        for name, words in _ADD_EXECUTABLE.findall(sources.text(file))
        for word in _WORD.findall(words)
    ]
    exact = [name for name, source in found if posixpath.normpath(source) in winners]
    last = {PurePosixPath(name).name for name in winners}
    yield from exact or [name for name, source in found if PurePosixPath(source).name in last]


#: A development environment writes the version of its own CMake.  An older one reads it all the same if it is only the
#: newest version whose behaviour is wanted (cmake_minimum_required, since CMake 3.12).
_NEWER_CMAKE: Final = re.compile(
    r"\bcmake_minimum_required\s*\(\s*VERSION\s+(?:3\.(?:1[3-9]|[2-9]\d)|4)", re.IGNORECASE
)
_READABLE: Final = r"s/\b(cmake_minimum_required *\( *VERSION +)([34](\.[0-9]+)*)( *\)| +FATAL_ERROR)/\13.12...\2\4/I"


def _by_cmake(sources: Sources, role: Role, winners: list[str]) -> Recipe | None:
    if not _written_in(sources, winners) & {"C", "C++"}:
        return None
    for place in _places(sources, role, winners, ("CMakeLists.txt",)):
        output = unused("cmake-build", sources.taken)
        lists = [name for name in sources.files if is_below(name, place) and name.endswith("CMakeLists.txt")]
        newer = [name for name in lists if _NEWER_CMAKE.search(sources.text(name))]
        build: tuple[Argv, ...] = (("cmake", "-S", place or ".", "-B", output), ("cmake", "--build", output))
        if newer:
            build = (("sed", "-i", "-E", _READABLE, *newer), *build)
        # Two programs may each have their `main.cpp`: what CMake calls them says more.
        likely = tuple(dict.fromkeys(_cmake_programs(sources, lists, winners))) or _likely(winners)
        made = _made(role, build, language="CMake", likely=likely, families=frozenset({BASE, "cmake"}))
        return replace(made, program=winners[0])
    return None


def _by_make(sources: Sources, role: Role, winners: list[str], names: tuple[str, ...]) -> Recipe | None:
    languages = [language_in(sources, name) for name in winners]
    if winners and not any(language is not None and language.by_make for language in languages):
        return None  # a target of a Makefile beside Python starts the program: building it would never end
    for place in _places(sources, role, winners, makefiles.MAKEFILES):
        present = sources.in_folder(place)
        makefile = joined(place, next(name for name in makefiles.MAKEFILES if name in present))
        text = sources.text(makefile)
        own_target = next((name for name in (*names, role) if _has_target(sources, place, text, name)), None)
        if not (winners or own_target or _is_all_there_is(sources, role)):
            continue
        stems = [PurePosixPath(name).stem.lower() for name in winners]
        if not (own_target or (makefiles.has_rules(text) and makefiles.may_make(text, (*names, role, *stems)))):
            continue
        return _from_make(sources, role, winners, makefile, own_target or makefiles.building_target(text))
    return None


def _has_target(sources: Sources, place: str, text: str, target: str) -> bool:
    """Whether `make <target>` makes it: by a rule, or by make's built-in rule for a program with a single C file."""
    below = {name.removeprefix(f"{place}/") for name in sources.files} if place else {*sources.files}
    if makefiles.makes_target(text, target, below):
        return not makefiles.starts_something(text, target)
    alone = len(sources.with_suffix((".c",), place)) == 1
    return alone and f"{target}.c" in below and not makefiles.has_rules(text)


def _is_all_there_is(sources: Sources, role: Role) -> bool:
    return not any(language_in(sources, name) and not belongs_to(name, role) for name in sources.files)


def _from_make(sources: Sources, role: Role, winners: list[str], makefile: str, target: str | None) -> Recipe:
    place, text = folder_of(makefile), sources.text(makefile)
    # Every file of a snapshot has the same time, so make would consider what was built elsewhere up to date.
    always: Argv = ("-B",) if _may_be_stale(sources, place, role) else ()
    where: Argv = ("-C", place) if place else ()
    build: Argv = ("make", *always, *where, *((target,) if target else ()))
    families = families_of_words(makefiles.words(text))
    stems = _likely(winners)
    names = dict.fromkeys((*stems, *(name for stem in stems for name in makefiles.made_from(text, stem))))
    made = _made(role, (build,), language="make", likely=tuple(names), families=families)
    return replace(made, warnings=(*odd_lines(sources, makefile, "make"), *_spaces(makefile, text)))


def _spaces(makefile: str, text: str) -> Iterator[str]:
    if makefiles.has_spaces_for_tabs(text):
        yield f"commands in {shown(makefile)} are indented with spaces, and make accepts only a tab there"


def _may_be_stale(sources: Sources, place: str, target: str) -> bool:
    return (
        bool(sources.compiled)
        or joined(place, target) in sources.taken
        or any(name.endswith((".o", ".a")) for name in sources.files)
    )


def _made(
    role: Role, build: tuple[Argv, ...], *, language: str, likely: tuple[str, ...], families: frozenset[str]
) -> Recipe:
    """The recipe of a program that is looked for once it is built."""
    run = (f"./{role}", *ARGUMENTS[role])
    return Recipe(language, role, build, run, families=families, finds=likely)
