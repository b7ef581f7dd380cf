"""Families of languages: what a program needs where it is built and run, beyond what every sandbox has.

One row per family.  Images are made of the rows (`sandbox/images.py`), recipes name them (`languages`), and `doctor`
looks for their commands.  Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

#: The family that every sandbox has.
BASE: Final = "base"


@dataclass(frozen=True, slots=True)
class Family:
    """What belongs together in an image.

    `name`: as in `grader image build --family NAME`.  `title`: as in sentences.  `packages`: of Debian, which bring it.
    `commands`: what a program of it can't be built and run without.  `also`: other commands that come with it.
    `needs`: families that it contains.  `note`: in a sentence, what an instructor should know.
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
    Family("cmake", "CMake", ("cmake",), ("cmake",), also=("ctest",)),
    Family("jvm", "Java", ("default-jdk-headless",), ("javac", "java"), also=("jar",)),
    Family("kotlin", "Kotlin", ("kotlin",), ("kotlinc",), also=("kotlin",), needs=("jvm",)),
    Family("go", "Go", ("golang-go",), ("go",), also=("gofmt",)),
    Family("rust", "Rust", ("rustc", "cargo"), ("rustc", "cargo")),
    Family("node", "JavaScript", ("nodejs",), ("node",), also=("nodejs",)),
    # Of its own, since it is made of 370 packages more, which few programs need: theirs are laid into an image.
    Family("npm", "npm", ("npm",), ("npm",), also=("npx",), needs=("node",)),
    Family("typescript", "TypeScript", ("node-typescript",), ("tsc",), needs=("node",)),
    Family("ruby", "Ruby", ("ruby",), ("ruby",)),
    Family("dotnet", "C#", (), ("dotnet",), note="Debian has no .NET: name an image that has it, by --image."),
)
FAMILIES: Final[dict[str, Family]] = {family.name: family for family in _ROWS}

#: The family of each command that a family brings.
_OF_COMMAND: Final = {word: family.name for family in _ROWS for word in (*family.commands, *family.also)}


def families_of_words(words: Iterable[str]) -> frozenset[str]:
    """The families whose commands are among the words of a command line, `base` always.

    A word may be a path (`/usr/bin/java`); a line for a shell is given in its words.
    """
    found = (_OF_COMMAND.get(PurePosixPath(word).name) for word in words)
    return frozenset({BASE, *(family for family in found if family)})


def closed(families: Iterable[str]) -> frozenset[str]:
    """These families, what they contain, and `base`.

    Raises KeyError for a name that is none.
    """
    found = {BASE}
    waiting = [*families]
    while waiting:
        family = FAMILIES[waiting.pop()]
        found.add(family.name)
        waiting += (name for name in family.needs if name not in found)
    return frozenset(found)


def titles(families: Iterable[str]) -> str:
    """What these families are for, in words: the languages beyond those of `base`, or those of it."""
    named = [FAMILIES[name].title for name in FAMILIES if name in {*families} - {BASE}] or [FAMILIES[BASE].title]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
