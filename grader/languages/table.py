"""The languages, one row each: everything that other modules need to know about one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from grader.languages import jvm, native, scripts
from grader.languages.recipe import Recipe
from grader.languages.sources import Sources, is_hidden
from grader.model import Role


@dataclass(frozen=True, slots=True)
class Language:
    """What is known about a language.

    `suffixes`: in lower case.  `recipe`: how its programs are built and started.  `main`: what a main program's file
    has and a helper lacks.  `always`: whether every program has it; else it only decides between several.
    `imports`: words of a line that names other files, which are therefore helpers.  `by_make`: whether students build
    it with make, so that a Makefile beside it is what counts.
    """

    name: str
    suffixes: tuple[str, ...]
    recipe: Callable[[Sources, Role, str], Recipe]
    main: re.Pattern[str] | None = None
    always: bool = False
    imports: re.Pattern[str] | None = None
    by_make: bool = False


_JS_IMPORTS: Final = re.compile(r"(?:\bfrom|\bimport|\brequire[^\S\n]*\()[^\S\n]*[\"'`](\.[^\"'`\n]*)[\"'`]")
_RUBY_IMPORTS: Final = re.compile(
    r"^[^\S\n]*(?:require_relative|require|load)[^\S\n]*\(?[\"']([^\"'\n]+)[\"']", re.MULTILINE
)
_PERL_IMPORTS: Final = re.compile(r"^[^\S\n]*(?:use|require|do)[^\S\n]+[\"']?([\w:./]+)", re.MULTILINE)

PYTHON: Final = Language(
    "Python", (".py", ".pyw"), scripts.python, scripts.PYTHON_GUARD, imports=scripts.PYTHON_IMPORTS
)
LANGUAGES: Final = (
    PYTHON,
    Language("C", native.C_SUFFIXES, native.c, native.MAIN_IN_C, always=True, by_make=True),
    Language("C++", native.CPP_SUFFIXES, native.cpp, native.MAIN_IN_C, always=True, by_make=True),
    Language("Java", jvm.JAVA_SUFFIXES, jvm.java, jvm.MAIN_IN_JAVA, always=True),
    Language("Kotlin", jvm.KOTLIN_SUFFIXES, jvm.kotlin, jvm.MAIN_IN_KOTLIN, always=True),
    Language("Go", (".go",), native.go, native.MAIN_IN_GO, always=True),
    Language("Rust", (".rs",), native.rust, native.MAIN_IN_RUST, always=True),
    Language(
        "JavaScript", (".js", ".mjs", ".cjs"), scripts.javascript, scripts.MODULES, always=True, imports=_JS_IMPORTS
    ),
    Language("TypeScript", (".ts", ".mts"), scripts.typescript, scripts.MODULES, always=True, imports=_JS_IMPORTS),
    Language("Ruby", (".rb",), scripts.ruby, imports=_RUBY_IMPORTS),
    Language("Perl", (".pl",), scripts.perl, imports=_PERL_IMPORTS),
)
#: A script is the program only if its name says what it starts: many submissions have scripts that do other things.
SHELL: Final = Language("shell", (".sh", ".bash"), scripts.shell)
#: Known well enough to say that they can't be started as they are.
_OTHERS: Final = {
    ".cs": "C#",
    ".clj": "Clojure",
    ".dart": "Dart",
    ".erl": "Erlang",
    ".ex": "Elixir",
    ".exs": "Elixir",
    ".fs": "F#",
    ".groovy": "Groovy",
    ".hs": "Haskell",
    ".jl": "Julia",
    ".lua": "Lua",
    ".ml": "OCaml",
    ".nim": "Nim",
    ".pas": "Pascal",
    ".php": "PHP",
    ".scala": "Scala",
    ".swift": "Swift",
    ".vb": "Visual Basic",
    ".zig": "Zig",
}
#: Whose first line names their interpreter need no suffix.
_INTERPRETER: Final = re.compile(
    r"#![^\S\n]*(?:[^\s]*/)?(?:env[^\S\n]+(?:-S[^\S\n]+)?)?(?:[^\s]*/)?([a-z]+)[\d.]*(?=\s|$)"
)
_FIRST_LINE_BYTES: Final = 256
_INTERPRETERS: Final = {
    "python": "Python",
    "node": "JavaScript",
    "nodejs": "JavaScript",
    "ruby": "Ruby",
    "perl": "Perl",
    "sh": "shell",
    "bash": "shell",
    "dash": "shell",
}

_BY_NAME: Final = {language.name: language for language in (*LANGUAGES, SHELL)}
_BY_SUFFIX: Final = {suffix: language for language in (*LANGUAGES, SHELL) for suffix in language.suffixes}


def language_of(name: str) -> Language | None:
    """The language of a source by its name; None if it is not a source."""
    return None if is_hidden(name) else _BY_SUFFIX.get(PurePosixPath(name).suffix.lower())


def language_in(sources: Sources, name: str) -> Language | None:
    """The language of a file by its name, or of a script without a suffix by its first line."""
    if PurePosixPath(name).suffix or is_hidden(name):
        return language_of(name)
    first = sources.head(name, _FIRST_LINE_BYTES).decode("utf-8", "replace")
    found = _INTERPRETER.match(first)
    return _BY_NAME.get(_INTERPRETERS.get(found[1], "")) if found else None


def is_language(name: str) -> bool:
    """Whether it is the name of a language, and not of a tool that builds programs in several."""
    return name in _BY_NAME


def language_name(name: str) -> str:
    """As named in messages; empty if unknown."""
    found = language_of(name)
    if found is not None:
        return found.name
    return "" if is_hidden(name) else _OTHERS.get(PurePosixPath(name).suffix.lower(), "")
