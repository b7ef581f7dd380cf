"""The same build once more, with the sanitizers of gcc or clang: whatever it runs finds compilers that add them.

The first command makes a folder of scripts named like compilers, each of which calls the real one; the others run with
that folder first in their PATH, so that a Makefile, CMake or a build command need not know of it; the last command
removes it, since a program that is looked for is one that the build has made.  A Makefile that names a compiler by its
whole path builds as usual, and a build that fails with sanitizers says nothing.  Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from grader.languages.recipe import Recipe, unused
from grader.languages.table import language_name
from grader.submission import Submission

COMPILERS: Final = ("cc", "gcc", "c++", "g++", "clang", "clang++")
#: What is undefined and yet does the same on every machine that grades is left out: reading a number where it lies in a
#: buffer (alignment), and building one from bytes (`byte << 24`).  Neither ever corrupts a reply.
FLAGS: Final = ("-fsanitize=address,undefined", "-fno-sanitize=alignment,shift", "-fno-omit-frame-pointer", "-g")
#: Arguments: the folder, the flags, the compilers.
_MAKE_SCRIPTS: Final = """\
mkdir "$0" && flags=$1 && shift && for name; do
  real=$(command -v "$name") || continue
  printf '#!/bin/sh\\nexec %s %s "$@"\\n' "$real" "$flags" > "$0/$name" && chmod +x "$0/$name"
done"""
_WITH_SCRIPTS: Final = 'PATH="$PWD/$0:$PATH" && export PATH && exec "$@"'
_COMPILED: Final = frozenset({"C", "C++"})
#: Recipes of tools that call a compiler for whatever they find.
_BY_TOOLS: Final = frozenset({"make", "CMake"})


def sanitized(submission: Submission, made: Recipe, language: str) -> Recipe | None:
    """The recipe with such a build; None if nothing of C or C++ is built.  `language`: of the program's sources."""
    compiles = language in _COMPILED or (made.language in _BY_TOOLS and _has_sources(submission))
    if not (made.build and compiles):
        return None
    scripts = unused(".sanitizing", {*submission.files, *submission.folders})
    return replace(
        made,
        build=(
            ("sh", "-c", _MAKE_SCRIPTS, scripts, " ".join(FLAGS), *COMPILERS),
            *(("sh", "-c", _WITH_SCRIPTS, scripts, *argv) for argv in made.build),
            ("rm", "-r", scripts),
        ),
    )


def _has_sources(submission: Submission) -> bool:
    return any(language_name(name) in _COMPILED for name in submission.files)
