"""Finding a submission's program: which file it is, how it is built, and how it is started.

What the submission's `grader.toml` says wins; then a Makefile that makes the role; then the usual names; then the
only source there is.  Nothing is guessed between two files that are equally likely: the error names both and shows
the lines of a `grader.toml` that decides.  Only names and Makefiles are looked at: what a program means, and whether
it compiles, is found out by running it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Final, Literal

from grader.errors import UsageError
from grader.families import BASE, families_of_words
from grader.submission import CONFIG_NAME, Config, Start, Submission, shown

Role = Literal["server", "client"]

#: What a program is given, by role; {host} and {port} are filled in when it is started.
ARGUMENTS: Final[dict[Role, tuple[str, ...]]] = {"server": ("{port}",), "client": ("{host}", "{port}")}
OTHER_ROLE: Final[dict[Role, Role]] = {"server": "client", "client": "server"}

#: Suffix (in lower case) -> language, for those that can be run ...
RUNNABLE: Final = {".py": "Python", ".c": "C"}
#: ... and for those that are known well enough to say that they can't.
NOT_YET: Final = {
    ".java": "Java",
    ".go": "Go",
    ".rs": "Rust",
    ".js": "JavaScript",
    ".mjs": "JavaScript",
    ".ts": "TypeScript",
    ".cpp": "C++",
    ".cc": "C++",
    ".cxx": "C++",
    ".cs": "C#",
    ".rb": "Ruby",
}
LANGUAGES: Final = {**RUNNABLE, **NOT_YET}

#: Words around the role in usual names, which are compared without case, "_", "-" and spaces: `TCP_Server.py`.
USUAL_WORDS: Final = ("", "tcp", "udp", "echo")
#: In the order in which GNU make looks for them.
MAKEFILES: Final = ("GNUmakefile", "makefile", "Makefile")

#: Never the program: what packaging and test tools want beside it.
_SIDE_FILES: Final = re.compile(r"(.*/)?(__init__|setup|conftest|test_[^/]*|[^/]*_test)\.\w+", re.IGNORECASE)
#: A number that may be a port, as it stands in a source: not a part of a name, a fraction or an address.
_NUMBER: Final = re.compile(r"(?<![\w.])[0-9](?:_?[0-9]){0,6}(?!\w|\.[0-9])")
_PORTS: Final = range(1, 65536)
_MOST_PORTS: Final = 64
#: Sources that students write are tens of kilobytes.
_SOURCE_BYTES: Final = 1 << 20
#: A Makefile that makes one program is a few kilobytes.
_MAKEFILE_BYTES: Final = 256 * 1024
_LISTED_FILES: Final = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build and start a program.

    `language`: as named in messages.  `program`: the file or target it comes from.  `build`: argvs, run one after the
    other in the work folder; empty when nothing has to be built.  `run`: argv with {host} and {port} in it, and
    {message} where a client takes it as an argument.  `asks`: what a client asks for at its prompts before the first
    message, if the submission says so.  `ports`: numbers in a client's source that may be a port of its own, each once,
    in order of appearance.  `families`: what building and running it needs, by name (`grader.families`).
    """

    language: str
    program: str
    build: tuple[tuple[str, ...], ...]
    run: tuple[str, ...]
    asks: tuple[Literal["host", "port"], ...] | None = None
    ports: tuple[int, ...] = ()
    families: frozenset[str] = frozenset({BASE})


class NoProgramError(UsageError):
    """No program of that role was found."""


def recipe(submission: Submission, role: Role) -> Recipe:
    """How the submission's server or client is built and started.

    Raises NoProgramError when there is none, and UsageError when there are several or its language can't be run.
    """
    found = _found(submission, role)
    return found if role == "server" else replace(found, ports=_ports_in(submission, found))


def recipes(submission: Submission, roles: Iterable[Role]) -> tuple[dict[Role, Recipe], dict[Role, str]]:
    """The programs of these roles that are there, and in a sentence each why the others are not.

    Raises UsageError when it is not clear which program is meant, or when its language can't be run.
    """
    found: dict[Role, Recipe] = {}
    lacking: dict[Role, str] = {}
    for role in roles:
        try:
            found[role] = recipe(submission, role)
        except NoProgramError as error:
            lacking[role] = str(error)
    spare = _taken_twice(submission, found)
    if spare is not None:
        del found[spare]
        lacking[spare] = _none_found(submission, spare)
    return found, lacking


def written_in(submission: Submission, made: Recipe) -> str:
    """The language of a program's sources: of the file that it comes from, or of all; empty: there are several."""
    own = _language(made.program)
    if own:
        return own
    found = {language for name in submission.files if (language := _language(name)) and not _SIDE_FILES.fullmatch(name)}
    return found.pop() if len(found) == 1 else ""


def _taken_twice(submission: Submission, found: dict[Role, Recipe]) -> Role | None:
    """The role that must do without a file that was found for both: the other one than its name speaks of, or the last.

    Only who writes it down in `grader.toml` hands in one program for both.
    """
    shared = {made.program for made in found.values()}
    if len(shared) == len(found) or any(_configured(submission.config, role) for role in found):
        return None
    named = role_named(shared.pop())
    return OTHER_ROLE[named] if named else [*found][-1]


def role_named(name: str) -> Role | None:
    """The role that a file's name speaks of; None when it speaks of none or of both."""
    return next((role for role in OTHER_ROLE if _belongs_to(name, role)), None)


def _found(submission: Submission, role: Role) -> Recipe:
    start = _configured(submission.config, role)
    if start is not None:
        return _from_config(submission, start)
    winners = _candidates(submission, role)
    if _makes(submission, role, winners):
        return _from_makefile(submission, role)
    if not winners:
        raise NoProgramError(_none_found(submission, role))
    if len(winners) > 1:
        raise UsageError(_several_found(submission, role, winners))
    if _language(winners[0]) not in RUNNABLE.values():
        raise UsageError(
            f"the {role} {shown(winners[0])} is written in {_language(winners[0])}, which the grader can't run yet: "
            f"it runs {_listed(sorted(set(RUNNABLE.values())), 'and')}"
        )
    return _from_source(submission, role, winners[0])


def _configured(config: Config | None, role: Role) -> Start | None:
    if config is None:
        return None
    return {"server": config.server, "client": config.client}[role]


# which file


def _candidates(submission: Submission, role: Role) -> list[str]:
    """The files that are equally likely to be the role's program; most of the time one, none when there is none."""
    other = OTHER_ROLE[role]
    given_away = _configured_files(submission, _configured(submission.config, other))
    sources = [
        name
        for name in submission.files
        if _language(name) and not _SIDE_FILES.fullmatch(name) and name not in given_away
    ]
    if len(submission.files) == 1 and not any(_is_usual(name, other) for name in sources):
        return sources  # handed in alone: it is meant, whatever words are in its name
    tiers: tuple[Callable[[str], bool], ...] = (
        lambda name: _is_usual(name, role),
        lambda name: _is_near(name, role),
        lambda name: _in_folder_of(name, role) and not _belongs_to(name, other),
        lambda name: _is_runnable(name) and not _belongs_to(name, other),
    )
    for in_subfolder in (False, True):
        for tier in tiers:
            found = [name for name in sources if ("/" in name) == in_subfolder and tier(name)]
            if found:
                return found
    # A page's script beside a server is no rival, but it is what to name when there is nothing else.
    return [name for name in sources if not _belongs_to(name, other)]


def _language(name: str) -> str | None:
    path = PurePosixPath(name)
    return None if path.name.startswith(".") else LANGUAGES.get(path.suffix.lower())


def _is_runnable(name: str) -> bool:
    return _language(name) in RUNNABLE.values()


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]", "", text).lower()


def _is_usual(name: str, role: Role) -> bool:
    stem = _plain(PurePosixPath(name).stem)
    return any(stem in {word + role, role + word} for word in USUAL_WORDS)


def _is_near(name: str, role: Role) -> bool:
    return role in _plain(PurePosixPath(name).stem)


def _in_folder_of(name: str, role: Role) -> bool:
    return any(role in _plain(part) for part in PurePosixPath(name).parent.parts)


def _belongs_to(name: str, role: Role) -> bool:
    """Whether a name says that this is the role's program and not the other's."""
    other = OTHER_ROLE[role]
    if _is_near(name, role) or _is_near(name, other):
        return not _is_near(name, other)
    return _in_folder_of(name, role) and not _in_folder_of(name, other)


# how it is built and started


def _from_config(submission: Submission, start: Start) -> Recipe:
    files = _configured_files(submission, start)
    program = files[0] if files else start.run[0]
    return Recipe(
        language=_language(program) or "its own command",
        program=program,
        build=_configured_build(start.build),
        run=start.run,
        asks=start.asks,
        families=families_of_words(_words(start)),
    )


def _configured_files(submission: Submission, start: Start | None) -> list[str]:
    """The submission's own files that a command line names."""
    words = start.run if start is not None else ()
    return [name for word in words if (name := word.removeprefix("./")) in submission.files]


def _configured_build(build: str | tuple[str, ...] | None) -> tuple[tuple[str, ...], ...]:
    if build is None:
        return ()
    return (("sh", "-c", build),) if isinstance(build, str) else (build,)


def _words(start: Start) -> Iterable[str]:
    """The words of the commands in a `grader.toml`; those of a line for a shell as far as they can be told apart."""
    build = start.build if start.build is not None else ()
    lines = (build,) if isinstance(build, str) else build
    return (word for line in (*lines, *start.run) for word in re.split(r"[\s;&|()]+", line))


def _from_makefile(submission: Submission, role: Role) -> Recipe:
    # Every file of a snapshot has the same time, so make would take a program or an object file that was handed in,
    # built on who knows what machine, for up to date.
    stale = any(name == role or name.endswith((".o", ".a")) for name in submission.files)
    argv = ("make", "-B", role) if stale else ("make", role)
    return Recipe(language="make", program=role, build=(argv,), run=(f"./{role}", *ARGUMENTS[role]))


def _from_source(submission: Submission, role: Role, name: str) -> Recipe:
    recipes = {"Python": _from_python, "C": _from_c}
    return recipes[LANGUAGES[PurePosixPath(name).suffix.lower()]](submission, role, name)


def _from_python(_submission: Submission, role: Role, name: str) -> Recipe:
    return Recipe(
        language="Python", program=name, build=(), run=("python3", _literal(_argument(name)), *ARGUMENTS[role])
    )


def _from_c(submission: Submission, role: Role, name: str) -> Recipe:
    taken = {*submission.files, *submission.folders}
    output: str = role
    while output in taken:
        output += "_program"
    argv = ("cc", "-Wall", "-O1", "-g", "-o", output, _argument(name), "-pthread")
    return Recipe(language="C", program=name, build=(argv,), run=(f"./{output}", *ARGUMENTS[role]))


def _argument(name: str) -> str:
    """A file's name that no command takes for an option."""
    return f"./{name}" if name.startswith("-") else name


def _literal(word: str) -> str:
    """A word of a command template in which no brace is a placeholder's."""
    return word.replace("{", "{{").replace("}", "}}")


# ports in a client's source


def _ports_in(submission: Submission, made: Recipe) -> tuple[int, ...]:
    """Numbers that may be a port: in the program's source and in headers; in all sources when none is named."""
    sources = [name for name in submission.files if _language(name)]
    headers = [name for name in submission.files if PurePosixPath(name).suffix.lower() == ".h"]
    named = [made.program] if made.program in sources else sources
    texts = (submission.read(name, _SOURCE_BYTES).decode("utf-8", "replace") for name in (*named, *headers))
    numbers = (int(number[0]) for text in texts for number in _NUMBER.finditer(text))
    return tuple(islice(dict.fromkeys(number for number in numbers if number in _PORTS), _MOST_PORTS))


# Makefiles


def _makes(submission: Submission, role: Role, winners: list[str]) -> bool:
    """Whether `make <role>` makes the role's program.

    Where only Python was found, a target of that name starts the program: building it would never end.
    """
    names = [name for name in MAKEFILES if name in submission.files]
    if not names or role in submission.folders or {_language(name) for name in winners} == {"Python"}:
        return False
    text = submission.read(names[0], _MAKEFILE_BYTES).decode("utf-8", "replace")
    # make has a rule of its own for a program with one C file.
    return f"{role}.c" in submission.files or makes_target(text, role, submission.files)


def makes_target(text: str, target: str, files: Collection[str] = ()) -> bool:
    """Whether a Makefile's text has a rule for `target`: by its name, a variable that holds it, or a pattern.

    A pattern (`%: src/%.c`) makes it if the first thing that it would be made from is among `files`.
    """
    lines = text.replace("\r\n", "\n").replace("\\\n", " ").split("\n")
    names = {target}
    for line in lines:
        given = re.match(r"\s*(\w+)\s*[:?]{0,2}=(.*)", line)
        if given and target in {word.removeprefix("./") for word in given[2].split()}:
            names |= {f"$({given[1]})", f"${{{given[1]}}}"}
    rules = [rule for line in lines if (rule := re.match(r"([^\t#:=][^#:=]*)::?(?!=)([^#;|=]*)", line))]
    if any(word.removeprefix("./") in names for rule in rules for word in rule[1].split()):
        return True
    sources = (rule[2].split()[:1] for rule in rules if rule[1].strip() == "%")
    return any(source.replace("%", target).removeprefix("./") in files for each in sources for source in each)


# what to say when it is not clear


def _none_found(submission: Submission, role: Role) -> str:
    other = OTHER_ROLE[role]
    others = [name for name in submission.files if _language(name) and _belongs_to(name, other)]
    if others:
        return f"this submission has a {other} ({shown(others[0])}) but no {role}"
    wanted = [f"{role}.py", f"tcp_{role}.c", f"a Makefile that makes {role!r}"]
    return (
        f"no {role} was found: looked for {_listed(wanted, 'or')} and names like them, and found only "
        f"{_listed([shown(name) for name in submission.files], 'and')}"
    )


def _several_found(submission: Submission, role: Role, names: list[str]) -> str:
    example = next((name for name in names if _is_runnable(name)), None)
    lines = [f"[{role}]", *_config_lines(_from_source(submission, role, example))] if example else [f"[{role}]"]
    return (
        f"{_listed([shown(name) for name in names], 'and')} could each be the {role}: say which one it is in a file "
        f"{CONFIG_NAME}, for example with the lines {_listed(lines, 'and')}"
    )


def _config_lines(made: Recipe) -> Iterable[str]:
    """The lines of a `grader.toml` that stand for a recipe."""
    yield from (f"build = {_toml_list(argv)}" for argv in made.build)
    yield f"run = {_toml_list(made.run)}"


def _toml_list(words: tuple[str, ...]) -> str:
    """A list of strings, which TOML writes as JSON does, without control characters."""
    readable = json.dumps(words, ensure_ascii=False)
    return readable if readable.isprintable() else json.dumps(words)


def _listed(words: list[str], last: str) -> str:
    kept = words[:_LISTED_FILES]
    if len(words) > len(kept):
        kept.append(f"{len(words) - len(kept)} more")
    return f"{', '.join(kept[:-1])} {last} {kept[-1]}" if len(kept) > 1 else "".join(kept)
