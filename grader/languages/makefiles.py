"""Which targets a Makefile has, judging by names.  None of it is executed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Final, NamedTuple

#: In the order that GNU make looks for them.
MAKEFILES: Final = ("GNUmakefile", "makefile", "Makefile")
#: A Makefile for one program has a few kilobytes.
_MOST_CHARS: Final = 256 * 1024
_LONGEST_LINE: Final = 4000


#: A command that starts a program: one in the folder, or one that an interpreter reads.
_STARTS: Final = re.compile(
    r"\t[@\-+ \t]*(?:cd\s+[\w./-]+\s*(?:&&|;)\s*)?(?:\./(?!configure)(?![\w./-]*\.sh\b)|python[\d.]*\s|node\s|java\s)"
)


#: A line that says something to people alone.
_PRINTS: Final = re.compile(r"\s*(?:#|[@\-+]*\s*(?:echo|printf)\b)")
_WORD: Final = re.compile(r"[\w./+-]+")
_RULE: Final = re.compile(r"[^\t #:=][^#:=]*:(?![:=])")
_INDENTED: Final = re.compile(r" +[@\-+]?[\w.$/][^=:]*$")


class Rule(NamedTuple):
    """One rule: its targets and prerequisites, as words, and its commands, each with its tab."""

    targets: tuple[str, ...]
    prerequisites: tuple[str, ...]
    commands: list[str]


def rules(text: str) -> list[Rule]:
    """The rules of a Makefile, in order."""
    found: list[Rule] = []
    for line in _lines(text):
        rule = re.match(r"([^\t#:=][^#:=]*)::?(?!=)([^#;|=]*)", line)
        if rule:
            targets, prerequisites = (
                tuple(word.removeprefix("./") for word in words.split()) for words in rule.groups()
            )
            found.append(Rule(targets, prerequisites, []))
        elif found and line.startswith("\t"):
            found[-1].commands.append(line)
    return found


#: Targets that nobody builds with.
_NO_BUILD: Final = frozenset({"clean", "distclean", "help", "run", "start", "test", "tests", "install", "zip", "dist"})
_BUILDS: Final = ("all", "build", "compile")


def building_target(text: str) -> str | None:
    """The target that makes everything; None if that is the first one, make's own default."""
    plain = [target for rule in rules(text) for target in rule.targets if not re.match(r"\.|.*[%$]", target)]
    if not plain or not (plain[0] in _NO_BUILD or starts_something(text, plain[0])):
        return None
    others = [target for target in plain if target not in _NO_BUILD and not starts_something(text, target)]
    return next((target for target in _BUILDS if target in others), next(iter(others), None))


def may_make(text: str, words: Collection[str]) -> bool:
    """Whether something it makes may have one of these words in its name: patterns and loops can have any."""
    return (
        any(word in text.lower() for word in words)
        or re.search(r"%|\*|\$\(wildcard|\$\(MAKE\)|\bmake\b", text) is not None
    )


def starts_something(text: str, target: str) -> bool:
    """Whether a target's own commands start a program, so that `make <target>` would never end.

    A command's first word is such a program if it is a file in the folder, or a prerequisite of the target.
    """
    return any(
        _STARTS.match(command) or _first_word(command) in rule.prerequisites
        for rule in rules(text)
        if target in rule.targets
        for command in rule.commands
    )


def _first_word(command: str) -> str:
    words = command.lstrip("\t @-+").split()
    return words[0].removeprefix("./") if words else ""


def made_from(text: str, stem: str) -> list[str]:
    """Names of what is made from a source with this stem, or from its object file, as far as the text shows."""
    found: list[str] = []
    for rule in rules(text):
        if any(PurePosixPath(word).stem == stem for word in rule.prerequisites):
            found += (target for target in rule.targets if target not in _BUILDS)
        for command in rule.commands:
            words = command.split()
            if any(PurePosixPath(word).stem == stem for word in words):
                found += [name for option, name in itertools.pairwise(words) if option == "-o"]
    return [PurePosixPath(name).name for name in found if "$" not in name and not name.endswith(".o")]


def words(text: str) -> list[str]:
    """The words of a Makefile that may be commands: not those of comments, and not what it prints."""
    return [word for line in _lines(text) if not _PRINTS.match(line) for word in _WORD.findall(line)]


def has_spaces_for_tabs(text: str) -> bool:
    """Whether a rule is followed by lines that look like its commands, but begin with spaces."""
    lines = _lines(text)
    return ".RECIPEPREFIX" not in text and any(
        _RULE.match(line) and _INDENTED.match(below) for line, below in itertools.pairwise(lines)
    )


def has_rules(text: str) -> bool:
    """Whether it has a rule that makes something: not only variables, `.PHONY` and the like."""
    return any(not target.startswith(".") and "%" not in target for rule in rules(text) for target in rule.targets)


def makes_target(text: str, target: str, files: Collection[str] = ()) -> bool:
    """Whether a Makefile's text has a rule for `target`: by its name, a variable that holds it, or a pattern.

    A pattern (`%: src/%.c`) makes it if its first prerequisite would be among `files`.
    """
    names = {target}
    for line in _lines(text):
        given = re.match(r"\s*(\w+)\s*[:?]{0,2}=(.*)", line)
        if given and target in {word.removeprefix("./") for word in given[2].split()}:
            names |= {f"$({given[1]})", f"${{{given[1]}}}"}
    found = rules(text)
    if any(not names.isdisjoint(rule.targets) for rule in found):
        return True
    sources = (rule.prerequisites[:1] for rule in found if rule.targets == ("%",))
    return any(source.replace("%", target) in files for each in sources for source in each)


#: A variable that is given once and for all, and where it is used.
_GIVEN: Final = re.compile(r"[ ]*(?:export[ ]+)?(\w+)[ \t]*[:?]{0,2}=[ \t]*([^#\n]{0,200})")
_USE: Final = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\})")
#: How deep variables hold others in Makefiles that people write.
_ROUNDS: Final = 3


def _lines(text: str) -> list[str]:
    """The lines, with variables replaced by what they hold, if that is on one line and no function."""
    plain = text[:_MOST_CHARS].replace("\r\n", "\n").replace("\\\n", " ").split("\n")
    given = {found[1]: found[2].strip() for line in plain if (found := _GIVEN.match(line))}
    for _ in range(_ROUNDS):
        plain = [_filled(line, given) for line in plain]
    return plain


def _filled(line: str, given: dict[str, str]) -> str:
    if "$" not in line or len(line) > _LONGEST_LINE:
        return line
    return _USE.sub(lambda use: given.get(use[1] or use[2], use[0]), line)
