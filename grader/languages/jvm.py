"""Java and Kotlin: compiled into a folder or an archive of classes, then started by the class that has `main`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from grader.assignment.starting import ARGUMENTS
from grader.families import BASE
from grader.languages.recipe import Argv, Recipe, argument, literal, unused
from grader.languages.sources import Sources, folder_of, is_side_file
from grader.model import Role
from grader.roles import OTHER_ROLE, belongs_to
from grader.submission import shown

JAVA_SUFFIXES: Final = (".java",)
KOTLIN_SUFFIXES: Final = (".kt",)
MAIN_IN_JAVA: Final = re.compile(
    r"\b(?:public\s+(?:final\s+)?static|static\s+(?:final\s+)?public)\s+(?:final\s+|synchronized\s+)?void\s+main\s*\("
)
MAIN_IN_KOTLIN: Final = re.compile(r"^[^\S\n]*(?:suspend[^\S\n]+)?fun[^\S\n]+main[^\S\n]*\(", re.MULTILINE)
_PACKAGE: Final = re.compile(r"^[^\S\n]*package[^\S\n]+([\w.]+)", re.MULTILINE)
_CLASS: Final = re.compile(r"\b(?:class|enum|record|interface)\s+(\w+)")
_JVM_NAME: Final = re.compile(r'@file\s*:\s*JvmName\s*\(\s*"(\w+)"')
_INSIDE: Final = re.compile(r"^[^\S\n]*object[^\S\n]+(\w+)", re.MULTILINE)
#: On the command line, since the JVM prints a line on stderr if an environment variable sets options.  A quarter of
#: the machine's memory would be its heap otherwise; the collector and the compiler with the fewest threads of their
#: own; and no file in /tmp for each start (JDK tools look at it).
_HEAP: Final = "-Xmx256m"
#: Its size at first, which is a share of the machine's memory otherwise: a heap must have been full once before what a
#: program keeps can be told from what nobody has collected yet.
_SMALL_AT_FIRST: Final = "-Xms16m"
#: How options begin that say how large the heap may become.
_BOUNDS: Final = ("-Xmx", "-mx", "-XX:MaxHeapSize=", "-XX:MaxRAM", "@")
_JAVA: Final[Argv] = ("java", _HEAP, _SMALL_AT_FIRST, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
_JAVAC: Final[Argv] = ("javac", "-J-Xmx256m", "-nowarn", "-g")
#: What every compiler since 1.4 compiles for unless told otherwise, or newer.  The one before that, which Debian has,
#: compiles for Java 6, and refuses to call what has been in Java's interfaces since 8 (`Path.of`, `List.of`).
_FOR_JAVA_8: Final[Argv] = ("-jvm-target", "1.8")
#: Files that list a project's libraries, none of which can be fetched.
_PROJECTS: Final = {"pom.xml": "Maven", "build.gradle": "Gradle", "build.gradle.kts": "Gradle"}
_DEPENDENCY: Final = re.compile(r"<dependency>|^[^\S\n]*(?:implementation|api|compile)\b", re.MULTILINE)


def java(sources: Sources, role: Role, name: str) -> Recipe:
    """A Java program: all files of its source folder except the other program's.

    If one of those is needed after all, or one from another source folder, the compiler finds it.
    """
    output = unused(f"{role}-classes", sources.taken)
    roots = {file: _root(file, sources.text(file)) for file in sources.with_suffix(JAVA_SUFFIXES)}
    own_root = roots[name]
    files = [file for file, root in roots.items() if root == own_root and _is_part(sources, file, name, role)]
    tests = {root for root in roots.values() if "test" in PurePosixPath(root).parts}
    paths = ":".join(dict.fromkeys((own_root or ".", *(root or "." for root in roots.values() if root not in tests))))
    jars = [file for file in sources.with_suffix((".jar",)) if _is_library(sources, file)]
    classes = ":".join((output, *jars))
    build: Argv = (*_JAVAC, "-encoding", _encoding(sources), "-d", output, "-sourcepath", paths)
    if jars:
        build = (*build, "-cp", ":".join(jars))
    package = _package(sources.text(name))
    start = f"{package}.{_main_class(name, sources.text(name))}".lstrip(".")
    return Recipe(
        language="Java",
        program=name,
        build=((*build, *map(argument, files)),),
        run=(*_JAVA, "-cp", literal(classes), start, *ARGUMENTS[role]),
        families=frozenset({BASE, "jvm"}),
        warnings=(*_libraries_wanted(sources), *_marked(sources, files)),
    )


def _is_library(sources: Sources, jar: str) -> bool:
    """Whether programs may use it: not what only starts a build, and not the stand-in of one that was not uploaded."""
    return sources.head(jar, 2) == b"PK" and not PurePosixPath(jar).stem.endswith("-wrapper")


def _encoding(sources: Sources) -> str:
    """What the sources are written in: compilers on Windows took its own code page for granted until Java 18."""
    for file in sources.with_suffix(JAVA_SUFFIXES):
        try:
            sources.head(file).decode()
        except UnicodeDecodeError:
            return "windows-1252"
    return "UTF-8"


def _marked(sources: Sources, files: list[str]) -> Iterator[str]:
    for file in files:
        if sources.head(file, 3) == b"\xef\xbb\xbf":
            yield f"{shown(file)} begins with a byte order mark, which javac refuses: save it as UTF-8 without one"


def with_bounded_heap(run: Argv) -> Argv:
    """A start command of the student's own, with our bound of the heap if it starts a JVM without one.

    In a heap of a quarter of the machine's memory nothing is collected before the program has its limit of memory.
    """
    if PurePosixPath(run[0]).name != "java" or any(word.startswith(_BOUNDS) for word in run[1:]):
        return run
    return (run[0], _HEAP, *run[1:])


def _is_part(sources: Sources, file: str, name: str, role: Role) -> bool:
    """Whether a file of the same source folder is certainly compiled with a program."""
    if file == name:
        return True
    if is_side_file(file) or PurePosixPath(file).stem.endswith(("Test", "Tests")):
        return False
    return not (belongs_to(file, OTHER_ROLE[role]) and MAIN_IN_JAVA.search(sources.text(file)))


def _root(name: str, text: str) -> str:
    """The folder where a file's package begins; the file's own folder, if the package doesn't match its path.

    The first folders of a package may be missing: those around everything that was handed in are left out.
    """
    folder, package = folder_of(name), _package(text).replace(".", "/")
    if package and (folder == package or folder.endswith(f"/{package}")):
        return folder[: len(folder) - len(package)].rstrip("/")
    return "" if package.endswith(f"/{folder}") else folder


def _package(text: str) -> str:
    found = _PACKAGE.search(text)
    return found[1] if found else ""


def _main_class(name: str, text: str) -> str:
    """The class that contains `main`: the one named like the file, or else the last class before it."""
    stem = PurePosixPath(name).stem
    classes = {found[1]: found.start() for found in _CLASS.finditer(text)}
    start = MAIN_IN_JAVA.search(text)
    before = [one for one, at in classes.items() if start is None or at < start.start()]
    return stem if stem in classes or not before else before[-1]


def _libraries_wanted(sources: Sources) -> tuple[str, ...]:
    """Warnings about a project's libraries, which can't be fetched: the sandbox has no network."""
    return tuple(
        f"{name!r} lists libraries: {_PROJECTS[PurePosixPath(name).name]} is not run, since there is no network, and "
        "the sources are compiled without them"
        for name in sources.files
        if PurePosixPath(name).name in _PROJECTS and _DEPENDENCY.search(sources.text(name))
    )


def kotlin(sources: Sources, role: Role, name: str) -> Recipe:
    """A Kotlin program, with the files that have no main function of their own."""
    output = unused(f"{role}.jar", sources.taken)
    helpers = [
        file
        for file in sources.with_suffix(KOTLIN_SUFFIXES)
        if file != name
        and not MAIN_IN_KOTLIN.search(sources.text(file))
        and not is_side_file(file)
        and "test" not in PurePosixPath(file).parts
        and not belongs_to(file, OTHER_ROLE[role])
    ]
    text = sources.text(name)
    start = f"{_package(text)}.{_kotlin_class(name, text)}".lstrip(".")
    build: Argv = ("kotlinc", *_FOR_JAVA_8, *map(argument, (name, *helpers)), "-include-runtime", "-d", output)
    return Recipe(
        language="Kotlin",
        program=name,
        build=(build,),
        run=(*_JAVA, "-cp", output, start, *ARGUMENTS[role]),
        families=frozenset({BASE, "jvm", "kotlin"}),
        warnings=_libraries_wanted(sources),
    )


def _kotlin_class(name: str, text: str) -> str:
    """The class that kotlinc makes of a file's own functions, or the object that contains `main`."""
    start = MAIN_IN_KOTLIN.search(text)
    inside = [found[1] for found in _INSIDE.finditer(text) if start and found.start() < start.start()]
    if inside and start and start[0][:1].isspace():
        return inside[-1]
    renamed = _JVM_NAME.search(text)
    stem = re.sub(r"\W", "_", PurePosixPath(name).stem)
    return renamed[1] if renamed else f"{stem[:1].upper()}{stem[1:]}Kt"
