"""Finding a submission's program: which file it is, how it is built, and how it is started.

The submission's `grader.toml` wins; then the command with which the assignment builds, or a build system that makes the
role's program (`builds`); then a command that a Python project declares, if its module doesn't start by itself
(`entry_points`); then the source that names and contents point to (`programs`), by its language's row (`table`).  The
names that an assignment gives a program come before all others, and its arguments replace the usual ones.  Nothing is
guessed between two files that are equally likely: the error names both and shows the `grader.toml` line that decides.
Only names and texts are looked at: what a program means, and whether it compiles, is found out by running it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from grader.assignment.starting import ARGUMENTS, Starting, placeholders_in
from grader.errors import UsageError
from grader.families import FAMILIES, STANDALONE, closed, families_of_words, larger_image
from grader.languages import builds, entry_points, programs
from grader.languages.contents import chosen_by, role_by_text, wants_its_own_folder
from grader.languages.jvm import with_bounded_heap
from grader.languages.recipe import Recipe, argument, literal
from grader.languages.scripts import odd_lines, words_of_files
from grader.languages.sources import Sources, folder_of, in_utf_16, is_side_file
from grader.languages.table import is_language, language_in, language_name
from grader.model import Role, Transport
from grader.roles import OTHER_ROLE, belongs_to, role_named
from grader.submission import CONFIG_NAME, SOURCE_SUFFIXES, Config, Start, Submission, line_of, shown

#: A number in a source that may be a port: not part of a name, a fraction or an address.
_NUMBER: Final = re.compile(r"(?<![\w.])[0-9](?:_?[0-9]){0,6}(?!\w|\.[0-9])")
_PORTS: Final = range(1, 65536)
_MOST_PORTS: Final = 64
_LISTED_FILES: Final = 5
_NOTHING: Final = Starting()


class NoProgramError(UsageError):
    """No program for that role was found."""


def recipe(
    submission: Submission, role: Role, asked: Starting = _NOTHING, transport: Transport | None = None
) -> Recipe:
    """How the submission's server or client is built and started.

    `asked`: what the assignment says about that.  `transport`: what its programs speak, if that is known.

    Raises NoProgramError when there is none, and UsageError when there are several or its language can't be run.
    """
    return _recipe(Sources(submission, transport), role, asked)


def recipes(
    submission: Submission,
    roles: Iterable[Role],
    asked: Mapping[Role, Starting] = MappingProxyType({}),
    transport: Transport | None = None,
) -> tuple[dict[Role, Recipe], dict[Role, str]]:
    """The programs found for these roles, and for each other role a sentence that says why there is none.

    `asked`: what the assignment says about how they are started.  `transport`: what its programs speak.

    Raises UsageError when it is not clear which program is meant, or when its language can't be run.
    """
    sources = Sources(submission, transport)
    asked_for = (*roles,)
    found: dict[Role, Recipe] = {}
    lacking: dict[Role, str] = {}
    for role in asked_for:
        try:
            found[role] = _recipe(sources, role, asked.get(role, _NOTHING))
        except NoProgramError as error:
            lacking[role] = str(error)
    if _is_taken_twice(submission, found):
        found = _shared_out(sources, found, asked)
        for role in asked_for:
            if role not in found:
                lacking[role] = _none_found(sources, role, asked.get(role, _NOTHING).names)
    return found, lacking


def lacking(made: Recipe, role: Role, tools: Iterable[str], *, in_images: bool) -> str:
    """Why a program can't be built or started here and what helps, as the end of a sentence.

    `tools`: the commands that are not there.  `in_images`: whether programs run in containers.
    """
    tools = tuple(tools)
    families = [family for family in map(FAMILIES.get, sorted(closed(made.families))) if family is not None]
    wanted = [family for family in families if not set(tools).isdisjoint(family.commands)]
    packages = sorted({package for family in wanted for package in family.packages})
    where = "the sandbox's image" if in_images else "this machine"
    words = f"{where} has no {_listed([*tools], 'and no')}, which the {role} ({made.language}) needs"
    notes = [family.note for family in wanted if family.note]
    if in_images:
        return f"{words} (add it to the image that --image names, or leave out --image)"
    if STANDALONE and packages:
        return f"{words} ({larger_image(family.name for family in wanted)})"
    return f"{words} ({' '.join(notes) or 'apt-get install ' + ' '.join(packages)})"


def written_in(submission: Submission, made: Recipe) -> str:
    """The language of a program's sources: of the file that it comes from, or of all; empty if there are several."""
    own = language_name(made.program) or (made.language if is_language(made.language) else "")
    if own:
        return own
    found = {language for name in submission.files if (language := language_name(name)) and not is_side_file(name)}
    return found.pop() if len(found) == 1 else ""


def _recipe(sources: Sources, role: Role, asked: Starting) -> Recipe:
    start = _configured(sources.submission.config, role)
    if start is None:
        found = _with_arguments(_found(sources, role, asked), role, asked)
    else:
        _refuse_placeholders(sources, role, start, asked.places(role))
        found = _from_config(sources, start)
    return found if role == "server" else replace(found, ports=_ports_in(sources, found))


def _with_arguments(made: Recipe, role: Role, asked: Starting) -> Recipe:
    """The recipe with the assignment's arguments in place of the usual ones, with which every recipe ends."""
    arguments = asked.arguments_of(role)
    if asked.arguments is None and arguments == ARGUMENTS[role]:
        return made
    return replace(made, run=(*made.run[: -len(ARGUMENTS[role])], *arguments), arguments=len(arguments))


def _is_taken_twice(submission: Submission, found: dict[Role, Recipe]) -> bool:
    """Whether one program was found for both; where that is right a `grader.toml` says so."""
    shared = {(made.program, made.function) for made in found.values()}
    return len(shared) < len(found) and not any(_configured(submission.config, role) for role in found)


def _shared_out(sources: Sources, found: dict[Role, Recipe], asked: Mapping[Role, Starting]) -> dict[Role, Recipe]:
    """What becomes of one program that was found for both roles.

    A role whose name is on another one takes that.  One that is told by its first argument which role it plays stays
    for both.  Else it is for the role that its name or its text suggests, or the first.
    """
    shared = next(iter(found.values())).program
    helpers = programs.defined_for(sources, shared)
    others = {
        role: other
        for role in found
        if (other := _other(sources, role, shared, asked.get(role, _NOTHING))) and other.program not in helpers
    }
    if others:
        return {**found, **others}
    text = "\n".join(sources.text(name) for name in (shared, *helpers) if name in sources.files)
    choices = {role: chosen_by(text, role) for role in found}
    if choices and all(choices.values()):
        return {role: _told(made, choices[role], asked.get(role, _NOTHING), role) for role, made in found.items()}
    named = role_named(shared) or (role_by_text(sources.text(shared)) if shared in sources.files else None)
    role = named if named in found else next(iter(found))
    return {role: found[role]}


def _other(sources: Sources, role: Role, shared: str, asked: Starting) -> Recipe | None:
    """A role's program if the one that was found for both were not there: one whose name or text says so."""
    try:
        found = _with_arguments(_found(sources, role, asked, without=(shared,)), role, asked)
    except NoProgramError:
        return None
    says = role_by_text(sources.text(found.program)) if found.program in sources.files else None
    return found if belongs_to(found.program, role) or says == role else None


def _told(made: Recipe, word: str, asked: Starting, role: Role) -> Recipe:
    """The recipe with a word before the arguments."""
    count = len(asked.arguments_of(role))
    at = len(made.run) - count
    return replace(made, run=(*made.run[:at], word, *made.run[at:]))


def _found(sources: Sources, role: Role, asked: Starting, without: tuple[str, ...] = ()) -> Recipe:
    submission = sources.submission
    given_away = _configured_files(submission, _configured(submission.config, OTHER_ROLE[role]))
    winners = programs.candidates(sources, role, (*given_away, *without), asked.names)
    if asked.build_command:
        return builds.as_asked(sources, role, winners, asked)
    built = builds.built(sources, role, winners, asked.names)
    made = built or entry_points.started(sources, role, winners, asked.names)
    if made is not None:
        return made
    if not winners:
        _refuse_other_languages(submission, role)
        raise NoProgramError(_none_found(sources, role, asked.names))
    if len(winners) > 1:
        raise UsageError(_several_found(sources, role, winners, asked))
    return _from_source(sources, role, winners[0])


def _configured(config: Config | None, role: Role) -> Start | None:
    if config is None:
        return None
    return {"server": config.server, "client": config.client}[role]


def _from_source(sources: Sources, role: Role, name: str) -> Recipe:
    language = language_in(sources, name)
    if language is None:
        message = f"{name} is not a source file"
        raise ValueError(message)
    made = _where_its_files_are(sources, language.recipe(sources, role, name), name)
    return replace(made, warnings=(*made.warnings, *in_utf_16(sources, name)))


#: Suffixes of files that sources name for compilers and interpreters, and that are found whatever the folder is.
_NOT_READ: Final = SOURCE_SUFFIXES | {".h", ".hpp", ".hh", ".hxx"}


def _where_its_files_are(sources: Sources, made: Recipe, name: str) -> Recipe:
    """The recipe, started in the program's own folder if that is where it looks for its files."""
    folder = folder_of(name)
    data = [file for file in sources.files if PurePosixPath(file).suffix.lower() not in _NOT_READ]
    if not folder or made.run[0] == "env" or not wants_its_own_folder(sources.text(name), folder, data):
        return made
    up = "../" * (folder.count("/") + 1)
    own, run = literal(argument(name)), []
    for before, word in zip(("", *made.run), made.run, strict=False):
        if word == own:
            run.append(literal(argument(PurePosixPath(name).name)))
        elif before == "-cp":
            run.append(":".join(f"{up}{path}" for path in word.split(":")))
        else:
            run.append(f"{up}{word.removeprefix('./')}" if word.startswith("./") else word)
    if run == [*made.run]:
        return made
    return replace(made, run=("env", "-C", literal(folder), *run))


def _refuse_other_languages(submission: Submission, role: Role) -> None:
    """Raised only if nothing else was found."""
    for name in submission.files:
        language = language_name(name)
        if language and not is_language(language) and not belongs_to(name, OTHER_ROLE[role]):
            where = "an image with .NET" if language == "C#" else f"an image that has {language}"
            message = (
                f"the {role} {shown(name)} is written in {language}: a {CONFIG_NAME} must say how to build and run it, "
                f"in {where}"
            )
            raise UsageError(message)


# as grader.toml says


def _from_config(sources: Sources, start: Start) -> Recipe:
    files = [name for name in _words_of(start.run) if name in sources.files]
    scripts = [name for name in files if sources.text(name).startswith("#!")]
    program = files[0] if files else start.run[0]
    return Recipe(
        language=language_name(program) or "its own command",
        program=program,
        build=_configured_build(start.build),
        run=with_bounded_heap(start.run),
        asks=start.asks,
        families=families_of_words((*_words(start), *words_of_files(sources, _words_of(_words(start))))),
        warnings=tuple(words for name in scripts for words in odd_lines(sources, name, "its interpreter")),
    )


def _refuse_placeholders(sources: Sources, role: Role, start: Start, known: tuple[str, ...]) -> None:
    """Raised for one that nobody would fill in: it is a misspelt one."""
    for place in (place for word in start.run for place in placeholders_in(word)):
        if place not in known:
            line = line_of(sources.text(CONFIG_NAME), (role, "run"))
            where = f"{CONFIG_NAME} line {line}" if line else CONFIG_NAME
            words = _listed([f"{{{name}}}" for name in known], "and")
            raise UsageError(f'{where}: key "{role}.run" has the unknown placeholder {{{place}}} (known: {words})')


def _configured_files(submission: Submission, start: Start | None) -> list[str]:
    """The submission's own files that appear in a role's commands."""
    words = _words_of(_words(start)) if start is not None else []
    return [name for name in words if name in submission.files]


def _words_of(words: Iterable[str]) -> list[str]:
    return [word.removeprefix("./") for word in words]


def _configured_build(build: str | tuple[str, ...] | None) -> tuple[tuple[str, ...], ...]:
    if build is None:
        return ()
    return (("sh", "-c", build),) if isinstance(build, str) else (build,)


def _words(start: Start) -> Iterable[str]:
    """The words of the commands in a `grader.toml`; those of a shell command as far as they can be told apart."""
    build = start.build if start.build is not None else ()
    lines = (build,) if isinstance(build, str) else build
    return (word for line in (*start.run, *lines) for word in (line, *re.split(r"[\s;&|()]+", line)))


# ports in a client's source


def _ports_in(sources: Sources, made: Recipe) -> tuple[int, ...]:
    """Numbers that may be a port: in the program's source and in headers; in all sources if no source is named."""
    names = [name for name in sources.files if language_name(name)]
    headers = [name for name in sources.files if PurePosixPath(name).suffix.lower() == ".h"]
    named = [made.program] if made.program in names else names
    texts = map(sources.text, (*named, *headers))
    numbers = (int(number[0]) for text in texts for number in _NUMBER.finditer(text))
    return tuple(islice(dict.fromkeys(number for number in numbers if number in _PORTS), _MOST_PORTS))


# what to say when it is not clear


#: Forms in which a program may be that can't be started, by suffix or by what its file holds, and what to do.
_NOTEBOOK: Final = (
    "is a Jupyter notebook, which can't be started like a program: export it as a script and hand that in"
)
_COMPILED: Final = "is a compiled program, and programs are built from their source: hand that in"
_CLASSES: Final = (".class", ".jar", ".pyc")


def _none_found(sources: Sources, role: Role, names: tuple[str, ...]) -> str:
    submission, other = sources.submission, OTHER_ROLE[role]
    unusable = next(_unusable(sources, role), "")
    if unusable:
        return f"no {role} was found: {unusable}"
    others = [name for name in submission.files if language_name(name) and belongs_to(name, other)]
    if others:
        return f"this submission has a {other} ({shown(others[0])}) but no {role}"
    likely = (
        [f"{role}.py", f"tcp_{role}.c"] if not names else [f"{name}.{end}" for name in names for end in ("py", "c")]
    )
    wanted = [*likely, f"a Makefile that makes {(*names, role)[0]!r}"]
    return (
        f"no {role} was found: looked for {_listed(wanted, 'or')} and similar names, but found only "
        f"{_listed([shown(name) for name in submission.files], 'and')}"
    )


def _unusable(sources: Sources, role: Role) -> Iterator[str]:
    """What was handed in for a role and can't be started, each with why."""
    for name in sources.files:
        if not belongs_to(name, OTHER_ROLE[role]):
            suffix = PurePosixPath(name).suffix.lower()
            if suffix == ".ipynb":
                yield f"{shown(name)} {_NOTEBOOK}"
            elif suffix in _CLASSES or (name in sources.compiled and suffix in ("", ".exe", ".out")):
                yield f"{shown(name)} {_COMPILED}"


def _several_found(sources: Sources, role: Role, names: list[str], asked: Starting) -> str:
    example = _with_arguments(_from_source(sources, role, names[0]), role, asked)
    return (
        f"{_listed([shown(name) for name in names], 'and')} could each be the {role}: say which one it is in a file "
        f"{CONFIG_NAME}, for example with this line:\n{config_line(role, example)}"
    )


def which_made(made: Recipe, role: Role, programs: Sequence[str]) -> str:
    """What to do when a build has made several programs and none is named after the role; nothing if it has not."""
    if not programs:
        return ""
    example = replace(made, run=(f"./{programs[0]}", *made.run[1:]))
    return (
        f"Name the program after the {role}, or say which one it is in a file {CONFIG_NAME}, for example with this "
        f"line:\n{config_line(role, example)}"
    )


def config_line(role: Role, made: Recipe) -> str:
    """The `grader.toml` line that is equivalent to a recipe."""
    parts = [f"run = {_toml(list(made.run))}"]
    if len(made.build) == 1:
        parts.insert(0, f"build = {_toml(list(made.build[0]))}")
    elif made.build:
        parts.insert(0, f"build = {_toml(' && '.join(map(shlex.join, made.build)))}")
    return f"{role} = {{ {', '.join(parts)} }}"


def _toml(value: str | list[str]) -> str:
    """A string or a list of strings, which TOML writes as JSON does, without control characters."""
    readable = json.dumps(value, ensure_ascii=False)
    return readable if readable.isprintable() else json.dumps(value)


def _listed(words: list[str], last: str) -> str:
    kept = words[:_LISTED_FILES]
    if len(words) > len(kept):
        kept.append(f"{len(words) - len(kept)} more")
    return f"{', '.join(kept[:-1])} {last} {kept[-1]}" if len(kept) > 1 else "".join(kept)
