"""Which source is a role's program: by words for the role in names and folders, then by what the sources say.

Nothing is guessed between two files that are equally likely: all that are left are returned.  The rules, each of which
only decides if the ones before it left several: a name that the assignment gives it, if it can be started; a usual
name; a file or folder name that mentions the role; any file that doesn't mention the other role; those with a main
function; those that no other source includes or imports; those that a README or a start script starts; those that
aren't called old, or an earlier version; those whose text is a program of that role and transport; of several names
that the assignment gives, the one that it says first.  Programs for the other transport never count beside one that
isn't, nor does a file that only defines what another one imports and uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from grader.languages.contents import role_by_text, transport_by_text
from grader.languages.scripts import only_defines
from grader.languages.sources import Sources, folder_of, is_aside, is_old, is_side_file, joined, newest
from grader.languages.table import PYTHON, SHELL, language_in, language_of
from grader.model import Role, Transport
from grader.roles import OTHER_ROLE, belongs_to, is_called, is_usual, plain, role_spoken_of, tiers

Rule = Callable[[str], bool]

#: What main programs are often called, whatever they do.
_MAIN_NAMES: Final = frozenset({"main", "app", "run", "index", "program", "start"})
#: What comes before the role in a start script's name.
_STARTS: Final = ("", "run", "start", "launch", "go")
#: Words of a command line that start what follows.
_COMMAND: Final = re.compile(r"(?:\b(?:python[\d.]*|node|ruby|perl|java|go|bash|sh|npx|ts-node)[^\S\n]|\./)")
#: Text up to the end of a command in backticks, or to the end of the line.
_PIECE: Final = re.compile(r"[^`]*`[^`]*`|[^`]+")
#: Words in names that say what a program speaks.
_SPEAKS: Final[dict[Transport, tuple[str, ...]]] = {"tcp": ("tcp",), "udp": ("udp", "dgram", "datagram")}
_README: Final = re.compile(r"(?:readme|anleitung|howto|usage|notes|report)(?:\.\w+)?", re.IGNORECASE)


def candidates(sources: Sources, role: Role, given_away: Collection[str], given: Collection[str] = ()) -> list[str]:
    """The sources that are equally likely to be the role's program; usually one; none if there is none.

    `given_away`: files that are the other program's, as the submission says.  `given`: names that the assignment gives
    the program.
    """
    every = [
        name
        for name in sources.files
        if language_in(sources, name) and not is_side_file(name) and name not in given_away
    ]
    if len(sources.files) == 1 and not any(is_usual(name, OTHER_ROLE[role]) for name in every):
        return every  # handed in alone: it is the program, whatever its name
    programs = [name for name in every if language_in(sources, name) is not SHELL]
    meant = [name for name in programs if not is_aside(name)] or programs
    same = [name for name in meant if not _speaks_another(sources, name)]
    meant = same if any(belongs_to(name, role) for name in same) else meant
    helpers = _helpers(sources, role, meant)
    meant = [name for name in meant if name not in helpers]
    mains = [name for name in meant if _has_main(sources, name)]
    # A `Mailbox.java` may be what a mailbox is in the program, and not the program.
    started = [name for name in every if name not in helpers and _has_main(sources, name)]
    found = (
        _first(_given(given), started)
        or _first(_named(role, ("",)), mains)
        or _first(_scripts(role), [name for name in every if language_in(sources, name) is SHELL])
        or _first(_named(role, ("near", "rest")), mains)
        or _first(_given(given), every)
        or _first(_named(role, ("", "near")), meant)
        or ([] if mains else _first(_named(role, ("rest",)), meant))
    )
    return _narrowed(sources, role, found, given)


def _speaks_another(sources: Sources, name: str) -> bool:
    """Whether a path says that a program is for another transport than the assignment's."""
    if sources.transport is None:
        return False
    said = {transport for transport, words in _SPEAKS.items() if any(word in plain(name) for word in words)}
    return bool(said) and sources.transport not in said


def _first(rules: Iterable[Rule], names: list[str]) -> list[str]:
    """The names kept by the first rule that keeps any."""
    return next((found for rule in rules if (found := [name for name in names if rule(name)])), [])


def _given(names: Collection[str]) -> list[Rule]:
    """Rules for the names that an assignment gives, root before subfolders."""
    return [place(lambda name: is_called(name, names)) for place in (_in_root, _below)]


def _named(role: Role, kinds: tuple[str, ...]) -> list[Rule]:
    """Rules for names, root before subfolders."""
    usual, clear, near, folder = tiers(role)

    def not_the_others(name: str) -> bool:
        return not belongs_to(name, OTHER_ROLE[role])

    def is_main(name: str) -> bool:
        return not_the_others(name) and plain(PurePosixPath(name).stem) in _MAIN_NAMES

    rules: list[Rule] = []
    if "" in kinds:
        rules += [_in_root(usual)]
    if "near" in kinds:
        rules += [_in_root(clear), _in_root(near), _in_root(is_main)]
        rules += [_below(usual), _below(clear), _below(near), _below(folder)]
    if "rest" in kinds:
        rules += [_in_root(not_the_others), _below(not_the_others)]
    return rules


def _in_root(rule: Rule) -> Rule:
    return lambda name: "/" not in name and rule(name)


def _below(rule: Rule) -> Rule:
    return lambda name: "/" in name and rule(name)


def _scripts(role: Role) -> list[Rule]:
    """A start script counts only in the root, with a name that says so: `server.sh`, `run_server.sh`."""

    def starts(name: str) -> bool:
        stem = plain(PurePosixPath(name).stem)
        return stem in {f"{word}{role}" for word in _STARTS} | {f"{role}{word}" for word in _STARTS}

    return [_in_root(starts)]


def _has_main(sources: Sources, name: str) -> bool:
    """Whether a file can be started; an empty one tells us nothing."""
    language = language_in(sources, name)
    if language is None or language.main is None or not language.always:
        return True
    text = sources.text(name)
    return not text.strip() or language.main.search(text) is not None


# where several are left


def _narrowed(sources: Sources, role: Role, found: list[str], given: Collection[str]) -> list[str]:
    # The handout's own name comes last: a `server.c` may be part of an `ftpd.c`, whatever the handout asks for.
    def as_given(names: list[str]) -> list[str]:
        return _first((partial(is_called, given=(each,)) for each in given), names)

    rules: tuple[Callable[[list[str]], list[str]], ...] = (
        lambda names: _not_taken_in(sources, names),
        lambda names: _started(sources, role, names),
        lambda names: [name for name in names if not is_old(name)],
        newest,
        lambda names: [name for name in names if sources.transport in (transport_by_text(sources.text(name)), None)],
        lambda names: [name for name in names if role_by_text(sources.text(name)) == role],
        lambda names: _guarded(sources, names),
        lambda names: [name for name in names if plain(PurePosixPath(name).stem) in _MAIN_NAMES],
        as_given,
    )
    for rule in rules:
        if len(found) > 1:
            found = rule(found) or found
    return found


def _helpers(sources: Sources, role: Role, names: list[str]) -> set[str]:
    """Those that do nothing by themselves and that another one imports: `from server import serve; serve()`."""
    idle = {name for name in names if language_of(name) is PYTHON and only_defines(sources.text(name))}
    if not idle:
        return idle
    users = {name for name in names if name not in idle and not belongs_to(name, OTHER_ROLE[role])}
    taken = _taken_in(sources)
    return {name for name in idle if not users.isdisjoint(taken.get(PurePosixPath(name).stem, ()))}


def defined_for(sources: Sources, name: str) -> list[str]:
    """The Python files that only define what this one imports and uses."""
    taken = _taken_in(sources)
    return [
        file
        for file in sources.files
        if language_of(file) is PYTHON
        and only_defines(sources.text(file))
        and name in taken.get(PurePosixPath(file).stem, ())
    ]


def _not_taken_in(sources: Sources, names: list[str]) -> list[str]:
    """Those that no other source imports: `from settings import PORT` makes `settings.py` a helper."""
    taken = _taken_in(sources)
    return [name for name in names if not taken.get(PurePosixPath(name).stem, set()) - {name}]


def _taken_in(sources: Sources) -> dict[str, set[str]]:
    """The words of lines that import something, each with the files that have it there."""
    taken: dict[str, set[str]] = {}
    for name in sources.files:
        language = language_of(name)
        if language is not None and language.imports is not None:
            for found in language.imports.finditer(sources.text(name)):
                words = (word for group in found.groups() if group for word in re.split(r"[\s,./:]+", group))
                for word in words:
                    taken.setdefault(word, set()).add(name)
    return taken


def _guarded(sources: Sources, names: list[str]) -> list[str]:
    """Those with the marks of a main program, in languages where not every program has them."""

    def guarded(name: str) -> bool:
        language = language_of(name)
        return language is not None and language.main is not None and bool(language.main.search(sources.text(name)))

    return [name for name in names if guarded(name)]


def _started(sources: Sources, role: Role, names: list[str]) -> list[str]:
    """Those that a README, a start script or `package.json` starts; in words about the role, if there are any."""
    commands = [*_commands(sources)]
    for wanted in ([words for about, words in commands if about == role], [words for _, words in commands]):
        found = [name for name in names if any(_names(words, name) for words in wanted)]
        if found:
            return found
    return []


def _commands(sources: Sources) -> Iterable[tuple[Role | None, str]]:
    """Words that start something, each with the role that they are about."""
    for name in sources.files:
        base = PurePosixPath(name).name
        if _README.fullmatch(base) or language_of(name) is SHELL:
            yield from _told(sources.text(name))
        elif base == "package.json":
            for key, words in _package_starts(sources.text(name)):
                yield role_spoken_of(key) or role_spoken_of(words), joined(folder_of(name), words)


def _told(text: str) -> Iterable[tuple[Role | None, str]]:
    """Commands in a text for people: each is about the role in the words before it, else in the last that name one.

    "Start the server with `python3 a.py` and the client with `python3 b.py`" are two; so are "Server:" and "Client:"
    with a command below each.
    """
    role: Role | None = None
    for line in text.split("\n"):
        for words in _PIECE.findall(line):
            role = role_spoken_of(words) or role
            if _COMMAND.search(words):
                yield role, words


def _package_starts(text: str) -> Iterable[tuple[str, str]]:
    """What a `package.json` says to start, each with its key."""
    try:
        package = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(package, dict):
        return
    scripts = package.get("scripts")
    for key, words in (scripts if isinstance(scripts, dict) else {}).items():
        if isinstance(words, str):
            yield key, words
    commands = package.get("bin")
    for key, words in (*(commands.items() if isinstance(commands, dict) else ()), ("main", package.get("main"))):
        if isinstance(words, str):
            yield key, words.removeprefix("./")


def _names(line: str, name: str) -> bool:
    """Whether a line names a file: by its path, by its last part, or as a module."""
    path = PurePosixPath(name)
    spellings = (name, path.name, str(path.with_suffix("")).replace("/", "."))
    return any(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", line) for word in spellings)
