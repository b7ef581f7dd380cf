"""Families of languages: what a program needs to be built and run, besides what every sandbox has.

One row per family.  Images are made from the rows (`sandbox/images.py`), recipes name them (`languages`), and `doctor`
looks for their commands.  Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

#: The family that every sandbox has.
BASE: Final = "base"


@dataclass(frozen=True, slots=True)
class Family:
    """What belongs together in an image.

    `name`: as in `grader image build --family NAME`.  `title`: as in sentences.  `packages`: Debian's for it.
    `commands`: what its programs can't be built and run without.  `also`: other commands that come with it.
    `needs`: families that it contains.  `note`: a sentence that an instructor should know.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    commands: tuple[str, ...]
    also: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    note: str = ""


_ROWS: Final = (
    Family(BASE, "Python, C and C++", ("gcc", "g++", "libc6-dev", "make"), ("python3", "cc", "c++", "make")),
    # Students on macOS name it in their Makefiles.
    Family("clang", "clang", ("clang",), ("clang", "clang++")),
    Family("cmake", "CMake", ("cmake",), ("cmake",), also=("ctest",)),
    Family("jvm", "Java", ("default-jdk-headless",), ("javac", "java"), also=("jar",)),
    Family("kotlin", "Kotlin", ("kotlin",), ("kotlinc",), also=("kotlin",), needs=("jvm",)),
    Family("go", "Go", ("golang-go",), ("go",), also=("gofmt",)),
    Family("rust", "Rust", ("rustc", "cargo"), ("rustc", "cargo")),
    Family("node", "JavaScript", ("nodejs",), ("node",), also=("nodejs",)),
    # Separate, since it adds 370 packages that few programs need: an assignment's own are part of its image.
    Family("npm", "npm", ("npm",), ("npm",), also=("npx",), needs=("node",)),
    Family("typescript", "TypeScript", ("node-typescript",), ("tsc",), needs=("node",)),
    Family("ruby", "Ruby", ("ruby",), ("ruby",)),
    # Every Debian has a perl, which lacks most of Perl's own modules: Time::HiRes, threads, JSON::PP.
    Family("perl", "Perl", ("perl",), ("perl",)),
    Family("dotnet", "C#", (), ("dotnet",), note="Debian has no .NET: use --image to name an image that has it."),
)
FAMILIES: Final[dict[str, Family]] = {family.name: family for family in _ROWS}

#: Whether this is the image with everything, where nobody can install anything (`/opt/grader/host` in the Dockerfile).
STANDALONE: Final = Path(__file__).is_relative_to("/opt/grader/host")

#: The family of each command that a family provides.
_OF_COMMAND: Final = {word: family.name for family in _ROWS for word in (*family.commands, *family.also)}


def families_of_words(words: Iterable[str]) -> frozenset[str]:
    """The families whose commands are among the words of a command line, `base` always.

    A word may be a path (`/usr/bin/java`); a shell command is given as its words.
    """
    found = (_OF_COMMAND.get(PurePosixPath(word).name) for word in words)
    return frozenset({BASE, *(family for family in found if family)})


def closed(families: Iterable[str]) -> frozenset[str]:
    """These families, what they contain, and `base`.

    Raises KeyError for an unknown name.
    """
    found = {BASE}
    waiting = [*families]
    while waiting:
        family = FAMILIES[waiting.pop()]
        found.add(family.name)
        waiting += (name for name in family.needs if name not in found)
    return frozenset(found)


def larger_image(families: Iterable[str]) -> str:
    """What to do in the image with everything if it lacks these families."""
    words = " ".join(f"--family {name}" for name in sorted({*families} - {BASE}))
    return f"use an image that has it: grader image build --grader {words}"


def titles(families: Iterable[str]) -> str:
    """What these families are for, in words: the languages besides those of `base`, or else those of `base`."""
    named = [FAMILIES[name].title for name in FAMILIES if name in {*families} - {BASE}] or [FAMILIES[BASE].title]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
