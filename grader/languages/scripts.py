"""Languages whose source runs as it is: Python, JavaScript, Ruby, Perl, shell; and TypeScript, compiled to one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from grader.assignment.starting import ARGUMENTS
from grader.families import BASE, families_of_words
from grader.languages import makefiles
from grader.languages.recipe import Argv, Recipe, argument, literal, unused
from grader.languages.sources import Sources, folder_of, joined
from grader.model import Role
from grader.submission import shown

PYTHON_GUARD: Final = re.compile(r"^if[^\S\n]+__name__[^\S\n]*==", re.MULTILINE)
PYTHON_IMPORTS: Final = re.compile(
    r"^[^\S\n]*(?:from[^\S\n]+(\.*[\w.]*)[^\S\n]+import[^\S\n]+\(?([^\n)]*)|import[^\S\n]+([\w.]+(?:[^\S\n]*,[^\S\n]*[\w.]+)*))",
    re.MULTILINE,
)
#: What does something when a Python file is run, at the beginning of a line.
_ACTS: Final = re.compile(
    r"^(?:(?:while|for|with|try|if|match|async[^\S\n]+(?:for|with)|await|print|raise|del|exec)\b|[^\W\d][\w.]*[^\S\n]*\()",
    re.MULTILINE,
)
_DEFINES: Final = re.compile(r"^(?:async[^\S\n]+)?(?:def|class)\b", re.MULTILINE)
#: What a socket program can't do without, and a web page's script doesn't have.
MODULES: Final = re.compile(r"\brequire[^\S\n]*\(|^[^\S\n]*import\b|\bimport[^\S\n]*\(", re.MULTILINE)
#: A Python 2 statement that is a syntax error in Python 3.
_PYTHON_2: Final = re.compile(r"^[^\S\n]*print[^\S\n]+[\"'\w]", re.MULTILINE)


def python(sources: Sources, role: Role, name: str) -> Recipe:
    """A Python program: a script, or a module of a package if its imports require that."""
    return Recipe(
        language="Python",
        program=name,
        build=(),
        run=(*_python_start(sources, name), *ARGUMENTS[role]),
        warnings=tuple(_old_python(sources, name)),
    )


def _old_python(sources: Sources, name: str) -> Iterable[str]:
    if _PYTHON_2.search(sources.text(name)) and "print_function" not in sources.text(name):
        yield f"{shown(name)} looks like Python 2, which is not available: it is run with Python 3"


def only_defines(text: str) -> bool:
    """Whether a Python file certainly does nothing when it is run: it has functions or classes, and calls none."""
    return _DEFINES.search(text) is not None and _ACTS.search(text) is None


def _python_start(sources: Sources, name: str) -> Argv:
    folder, stem = folder_of(name), PurePosixPath(name).stem
    is_main = stem == "__main__"
    root = _module_root(sources, name) if folder and name.lower().endswith(".py") else None
    if root is None:
        return "python3", literal(argument((folder or ".") if is_main else name))
    inside = folder.removeprefix(root).strip("/") if root else folder
    parts = [*filter(None, inside.split("/")), *([] if is_main else [stem])]
    module = ".".join(parts)
    if root:
        return "env", literal(f"PYTHONPATH={root}"), "python3", "-m", module
    return "python3", "-m", module


def _module_root(sources: Sources, name: str) -> str | None:
    """The folder from which a file must be started as a module (`python3 -m server.main`); None: as a script.

    As a script it finds the modules beside it.  It finds modules of its own package, or of a folder above, only if it
    is itself started as a module, from there.
    """
    folder = folder_of(name)
    if not all(part.isidentifier() for part in PurePosixPath(name).with_suffix("").parts):
        return None
    beside = [joined(folder, file) for file in sources.in_folder(folder) if file.endswith(".py")]
    absolute, relative = _imports(sources.text(file) for file in beside)
    if any(_importable(sources, folder, first) for first in absolute):
        return None
    above = ["" if str(parent) == "." else str(parent) for parent in PurePosixPath(folder).parents]
    roots = [root for root in above if any(_importable(sources, root, first) for first in absolute)]
    if roots:
        return roots[0]
    return above[-1] if relative else None


def _imports(texts: Iterable[str]) -> tuple[set[str], bool]:
    """The first parts of the names that are imported, and whether any is relative to its own package."""
    first, relative = set(), False
    for text in texts:
        for found in PYTHON_IMPORTS.finditer(text):
            module, _, modules = found.groups()
            if module and module.startswith("."):
                relative = True
            names = [module] if module else (modules or "").split(",")
            first |= {name.strip().partition(".")[0] for name in names if name and not name.startswith(".")}
    return first, relative


def _importable(sources: Sources, folder: str, name: str) -> bool:
    """Whether a folder holds a module of that name: a file, or a folder with Python in it."""
    if joined(folder, f"{name}.py") in sources.taken:
        return True
    package = joined(folder, name)
    return any(file.startswith(f"{package}/") and file.endswith(".py") for file in sources.files)


def javascript(_sources: Sources, role: Role, name: str) -> Recipe:
    """A JavaScript program; node itself distinguishes modules and scripts, by the suffix and `package.json`."""
    run = ("node", literal(argument(name)), *ARGUMENTS[role])
    return Recipe("JavaScript", name, (), run, families=frozenset({BASE, "node"}))


def typescript(sources: Sources, role: Role, name: str) -> Recipe:
    """A TypeScript program, compiled to CommonJS, or to a module where it uses what only modules have.

    The compiler writes a program even if it reports errors, and it reports one for every library without types: so only
    the program counts, and the messages are shown.  The `package.json` beside the result says what it is, whatever the
    submission's own says about its sources.
    """
    output = unused(f"{role}-js", sources.taken)
    path = PurePosixPath(name)
    made = f"{output}/{path.with_suffix('.mjs' if path.suffix.lower() == '.mts' else '.js')}"
    kind, modules = _modules_of(sources, path)
    options = f"--target es2022 {modules} --esModuleInterop --skipLibCheck"
    mark = f'mkdir -p "$1" && echo \'{{"type": "{kind}"}}\' >"$1/package.json"'
    build = ("sh", "-c", f'{mark}; tsc {options} --rootDir . --outDir "$1" "$2"; test -e "$3"', "tsc", output)
    run = ("node", literal(made), *ARGUMENTS[role])
    return Recipe(
        "TypeScript", name, ((*build, argument(name), made),), run, families=frozenset({BASE, "node", "typescript"})
    )


#: What CommonJS doesn't have: `import.meta`, and waiting outside of functions.
_MODULES_ONLY: Final = re.compile(
    r"\bimport\.meta\b|^(?:(?:const|let|var)[^\S\n]+[^=\n]{1,80}=[^\S\n]*)?(?:for[^\S\n]+)?await\b", re.MULTILINE
)


def _modules_of(sources: Sources, path: PurePosixPath) -> tuple[str, str]:
    """What `package.json` calls the result, and what the compiler is told of modules."""
    if path.suffix.lower() == ".mts":
        return "module", "--module node16 --moduleResolution node16"
    if _MODULES_ONLY.search(sources.text(str(path))):
        return "module", "--module es2022 --moduleResolution node"
    return "commonjs", "--module commonjs --moduleResolution node"


def ruby(_sources: Sources, role: Role, name: str) -> Recipe:
    """A Ruby program."""
    run = ("ruby", literal(argument(name)), *ARGUMENTS[role])
    return Recipe("Ruby", name, (), run, families=frozenset({BASE, "ruby"}))


def perl(_sources: Sources, role: Role, name: str) -> Recipe:
    """A Perl program."""
    run = ("perl", literal(argument(name)), *ARGUMENTS[role])
    return Recipe("Perl", name, (), run, families=frozenset({BASE, "perl"}))


def shell(sources: Sources, role: Role, name: str) -> Recipe:
    """A script that starts the program, run by the shell that its first line names."""
    text = sources.text(name)
    first = text.partition("\n")[0]
    run = ("bash" if "bash" in first else "sh", literal(argument(name)), *ARGUMENTS[role])
    families = families_of_words(_commands(text))
    return Recipe("shell", name, (), run, families=families, warnings=tuple(odd_lines(sources, name, "the shell")))


#: Words before a command that are not yet the command.
_NOT_YET: Final = frozenset(
    {"exec", "nohup", "time", "command", "env", "sudo", "then", "do", "else", "if", "while", "until", "!", "{"}
)


def words_of_files(sources: Sources, words: Iterable[str]) -> Iterable[str]:
    """The commands in scripts and Makefiles that a command line uses: what they need must be there, too."""
    used = {*words}
    for name in sources.files:
        base = PurePosixPath(name).name
        if name in used and sources.head(name, 2) == b"#!":
            yield from _commands(sources.text(name))
        elif "make" in used and base in makefiles.MAKEFILES:
            yield from makefiles.words(sources.text(name))


def _commands(text: str) -> Iterable[str]:
    """The first word of each command of a script, as far as that can be told without a shell."""
    for line in text.split("\n"):
        for piece in re.split(r"[;&|()`]", line.partition("#")[0]):
            words = (word for word in piece.split() if word not in _NOT_YET and "=" not in word)
            yield from (word.strip("\"'") for _, word in zip(range(1), words, strict=False))


def odd_lines(sources: Sources, name: str, reader: str) -> Iterable[str]:
    """Warnings about what Windows editors add to a file and its reader takes for part of a word."""
    data = sources.head(name)
    if data.startswith(b"\xef\xbb\xbf"):
        yield (
            f"{shown(name)} begins with a byte order mark, which {reader} takes for part of the first word: "
            "save it as UTF-8 without one"
        )
    if b"\r\n" in data:
        yield (
            f"the lines of {shown(name)} end in CR LF, as on Windows, and {reader} takes the CR (carriage return) "
            "for part of the last word: save it with LF line endings"
        )
