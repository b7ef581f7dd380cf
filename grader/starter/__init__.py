"""A starter for students: what they unpack, or clone, on the first day of an assignment.

It has the handout, a program for each role that reads its arguments and says that it is not written yet, a page on how
to test it, and a file that has GitHub run the self-test.  All of it is made from the assignment, so that none of it can
contradict the handout: how the program is called and started, what its arguments are, which sections it has.

Pure but for `write`.  The texts are in `pages/`, the programs in `skeletons/`, one for each language of the table.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from grader.assignment import Assignment
from grader.assignment.starting import Starting, placeholders_in
from grader.errors import UsageError
from grader.families import BASE
from grader.model import Role
from grader.starter.table import LANGUAGES, RESERVED, Language
from grader.version import __version__

_HERE: Final = Path(__file__).resolve().parent
HANDOUT: Final = "handout.md"
CI: Final = ".github/workflows/self-test.yml"
#: What the image is called where it was built.
_USUAL_IMAGE: Final = "socket-grader"
_SECTION: Final = re.compile(r"(?m)^## (\d+) (.+)$")
#: What can be in a comment and a string of every language.
_NOT_PLAIN: Final = re.compile(r"[^\w\s.,:;()=/+'-]")
_FILES: Final = "{files}"
#: What a skeleton has only where there is a port to be read.
_PORTS: Final = re.compile(r"^@PORTS@\n(.*?)^@END@\n", re.MULTILINE | re.DOTALL)
_BUILT: Final = "\nWhoever gave you this has that image, or builds it: `grader image build --grader{family}`.\n"


class Wanted(NamedTuple):
    """What a starter is for.

    `shipped`: whether the assignment comes with the grader; else students need its folder, or an image that has it.
    `own_image`: the name by which students get the image with everything; if empty, its name where it was built.
    """

    asked: Assignment
    roles: tuple[Role, ...]
    language: str = "python"
    own_image: str = ""
    shipped: bool = True

    @property
    def image(self) -> str:
        """The image with everything that programs in this language need."""
        family = LANGUAGES[self.language].family
        return self.own_image or (f"{_USUAL_IMAGE}:{family}" if family != BASE else _USUAL_IMAGE)


class Parameter(NamedTuple):
    """Something that a program is told.  `source`: where it finds it, in its language."""

    name: str
    source: str
    is_port: bool


def files_of(wanted: Wanted) -> dict[str, bytes]:
    """The starter's files, by path."""
    asked, language = wanted.asked, LANGUAGES[wanted.language]
    stems = {role: _stem(asked.starting(role), role, language) for role in wanted.roles}
    texts = {HANDOUT: asked.handout}
    for role, stem in stems.items():
        texts[f"{stem}{language.ending}"] = program_of(asked, role, wanted.language)
    texts |= {name: make([*stems.values()]) for name, make in language.more.items()}
    if wanted.shipped or wanted.own_image:
        texts[CI] = _ci(wanted)
    texts["README.md"] = _readme(wanted, _rows(wanted, texts))
    ignored = dict.fromkeys(line.format(stem=stem) for stem in stems.values() for line in language.ignored)
    texts[".gitignore"] = "\n".join([*ignored, "report.*", ""])
    beside = {f"files/{path}": data for path, data in asked.beside.items()}
    return {**{path: text.encode() for path, text in texts.items()}, **beside}


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files below a folder, which may be there already (UsageError: one of them is, or can't be written)."""
    there = [path for path in files if os.path.lexists(folder / path)]
    if there:
        raise UsageError(f"{folder / there[0]} exists already; nothing was written")
    try:
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("xb") as file:
                file.write(data)
    except OSError as error:
        raise UsageError(f"can't write {folder}: {error.strerror or error}") from error


# The program


def program_of(asked: Assignment, role: Role, name: str) -> str:
    """A program in the language of that name."""
    language, starting = LANGUAGES[name], asked.starting(role)
    parameters = [*_parameters(asked, role, language)]
    stem, count = _stem(starting, role, language), len(starting.arguments_of(role))
    given = ((language.port if each.is_port else language.word).format(name=each.name) for each in parameters)
    passed = ((language.number if each.is_port else "{source}").format(source=each.source) for each in parameters)
    ports = [each.source for each in parameters if each.is_port]
    more = _more_names(asked, role)
    page = (_HERE / "skeletons" / f"{name}.txt").read_text(encoding="utf-8")
    return _filled(
        _PORTS.sub(r"\1" if ports else "", page),
        TITLE=_plain(asked.title),
        ROLE=role,
        FILE=f"{stem}{language.ending}",
        STEM=stem,
        RUN=language.run.format(stem=stem),
        USAGE=" ".join([*_names(asked, role), *([f"[{' '.join(more)}]"] if more else [])]),
        WRONG_COUNT=_wrong_count(language, count, len(more)),
        BAD="".join(language.bad.format(source=source) for source in ports),
        PARAMETERS=", ".join(given),
        CALL=", ".join(passed),
        SECTIONS=_to_do(sections(asked, role), language),
        UNUSED="\n".join(language.unused.format(name=each.name) for each in parameters),
        IMPORTS="import os" if any("os.environ" in source for source in ports) else "",
    )


def _parameters(asked: Assignment, role: Role, language: Language) -> Iterator[Parameter]:
    """What it is told by its command line, and the ports that are in its environment instead."""
    starting = asked.starting(role)
    ports = {"{port}", *(f"{{{name}}}" for name in asked.server.ports)}
    words = zip(_names(asked, role), starting.arguments_of(role), strict=True)
    told = [(name, word, language.argument, number) for number, (name, word) in enumerate(words)]
    told += [
        (_shown(word), word, language.variable.format(name=name), 0)
        for name, word in starting.environment.items()
        if word in ports
    ]
    names = set[str]()
    for shown, word, source, number in told:
        name = shown.lower()
        if (shown != word or placeholders_in(word)) and name.isidentifier() and name not in names:
            usable = f"{name}_" if name in RESERVED else name
            yield Parameter(usable, source.format(number=number, next=number + 1), is_port=word in ports)
            names.add(name)


def _names(asked: Assignment, role: Role) -> list[str]:
    """What the arguments are called: as in the handout, if it shows a call with as many words in capitals.

    An option (`--fast`) is nothing that a call in capitals has.
    """
    starting = asked.starting(role)
    words = starting.arguments_of(role)
    called = re.escape((starting.names or (role,))[0])
    found = re.search(rf"`{called}((?: [A-Z][A-Z0-9_]*){{{len(words)}}})`", asked.handout)
    if found and not any(word.startswith("-") for word in words):
        return found[1].split()
    return [_shown(word) for word in words]


def _more_names(asked: Assignment, role: Role) -> list[str]:
    """What may follow the arguments: another call in the handout that begins with them has that, too."""
    names, called = _names(asked, role), re.escape((asked.starting(role).names or (role,))[0])
    calls = [call.split() for call in re.findall(rf"`{called}((?: [A-Z][A-Z0-9_]*)+)`", asked.handout)]
    return max((call[len(names) :] for call in calls if call[: len(names)] == names), key=len, default=[])


def _wrong_count(language: Language, count: int, more: int) -> str:
    """The condition that there are neither so many words on the command line nor, if there may be, so many more."""
    counts = [count, count + more] if more else [count]
    each = [language.other_count.format(number=number, next=number + 1) for number in counts]
    return f"({language.both.join(each)})" if more else each[0]


def _shown(word: str) -> str:
    """A word of the command line as in a line of usage: {port} is PORT, and {files}/www is WWW."""
    if _FILES in word:
        return _plain(PurePosixPath(word.replace(_FILES, "files")).stem).upper()
    return _plain(re.sub(r"\{(\w+)\}", lambda place: place[1].upper(), word))


def _stem(starting: Starting, role: Role, language: Language) -> str:
    """A program's name without its ending."""
    name = (starting.names or (role,))[0]
    if not language.capitals:
        return name
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", name))


def _to_do(to_do: Iterable[tuple[str, str, float]], language: Language) -> str:
    lines = [f"Begin here.  These sections of {HANDOUT} say what is tested, in this order:"]
    lines += [f"  {number} {title}" for number, title, _ in to_do]
    return "\n".join(f"{language.comment}{line}" for line in lines)


# The pages


def sections(asked: Assignment, role: Role | None = None) -> Iterator[tuple[str, str, float]]:
    """The handout's sections with visible checks (of one role): number, title and points."""
    points: dict[str, float] = {}
    for spec in asked.checks:
        if spec.visibility == "visible" and role in {None, spec.part}:
            number = spec.requirement.partition(".")[0]
            points[number] = points.get(number, 0) + spec.points
    for number, title in _SECTION.findall(asked.handout):
        if number in points:
            yield number, _plain(title), points[number]


def _rows(wanted: Wanted, names: Collection[str]) -> list[tuple[str, str]]:
    """What there is, as (file, what it is)."""
    language = LANGUAGES[wanted.language]
    said = {HANDOUT: "what your programs must do; each requirement has a number"}
    for role in wanted.roles:
        file = f"{_stem(wanted.asked.starting(role), role, language)}{language.ending}"
        said[file] = f"the {role}, for you to write: it reads its arguments, and does nothing yet"
    said |= {"Makefile": "builds what you write, with warnings", CI: "has GitHub run the self-test after every push"}
    rows = [(file, words) for file, words in said.items() if file in names]
    return [*rows, ("files/", "what your programs are given in the tests")] if wanted.asked.beside else rows


def _readme(wanted: Wanted, rows: Iterable[tuple[str, str]]) -> str:
    asked, name = wanted.asked, wanted.asked.name
    path = name if wanted.shipped else f"PATH/TO/{name}"
    both = len(wanted.roles) > 1
    narrowed = "" if both or wanted.roles == asked.roles else f" --role {wanted.roles[0]}"
    family = LANGUAGES[wanted.language].family
    built = "" if wanted.own_image else _BUILT.format(family=f" --family {family}" if family != BASE else "")
    folder = "" if wanted.shipped else f"\n`PATH/TO/{name}` is the assignment's folder, which your course gives you.\n"
    return _filled(
        (_HERE / "pages" / "README.md").read_text(encoding="utf-8"),
        TITLE=_plain(asked.title),
        FILES="\n".join(f"| `{file}` | {words} |" for file, words in rows),
        IMAGE=wanted.image,
        NAME=name + narrowed,
        PATH=path + narrowed,
        HAVE_IMAGE=built,
        HAVE_FOLDER=folder,
        TOOLS=LANGUAGES[wanted.language].needs,
        ROLE_ROW="| `--role server` | test the server alone; `--role client` for the client |\n" if both else "",
        SECTIONS="\n".join(f"| {number} {title} | {points:g} |" for number, title, points in _asked_sections(wanted)),
    )


def _asked_sections(wanted: Wanted) -> Iterator[tuple[str, str, float]]:
    whole = wanted.roles == wanted.asked.roles
    return sections(wanted.asked, None if whole else wanted.roles[0])


def _ci(wanted: Wanted) -> str:
    asked = wanted.asked
    narrowed = "" if wanted.roles == asked.roles else f" --role {wanted.roles[0]}"
    check = f"check --assignment {asked.name}{narrowed}"
    if not wanted.own_image:
        steps = [
            "- uses: actions/setup-python@v5",
            "  with:",
            '    python-version: "3.12"',
            f"- run: pip install socket-grader=={__version__}",
            f"- run: grader {check} --sandbox local --html report.html",
        ]
    else:
        steps = [
            f'- run: docker run --rm --network none -v "${{PWD}}:/submission" {wanted.image} {check} --html report.html'
        ]
    page = (_HERE / "pages" / "self-test.yml").read_text(encoding="utf-8")
    return _filled(page, STEPS="\n".join(f"      {line}" for line in steps))


def _plain(text: str) -> str:
    return " ".join(_NOT_PLAIN.sub("", text).split())


def _filled(page: str, **places: str) -> str:
    """A page with its places filled; a line that has nothing but an empty place is left out."""
    for name, text in places.items():
        place = f"@{name}@"
        if not text:
            page = page.replace(f"\n{place}\n", "\n")
        page = page.replace(place, text)
    return page
