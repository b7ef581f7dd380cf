"""What a behaviour needs of an assignment's protocol, and whether the assignment gives it.  Pure; nothing is imported.

A check names the functions of `protocol.py` that it calls (`says`), and what else must hold (`needs`, rows of `NEEDS`).
An assignment that lists a check and does not give what it needs is refused before anything runs, by name.  The rows are
read from the checks' sources, where they are written; by a pattern, since parsing takes longer than a grading should
wait, and a test compares what it finds with the rows themselves.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from grader.catalogue import MODULES, part_of_module
from grader.model import Part, Transport

_CHECKS = Path(__file__).resolve().parent.parent / "checks"
#: A check's row and its function; the words that the row has for a keyword; each of them.
_ROW = re.compile(rb"^@behaviour\($(.*?)^def test_(\w+)\(", re.MULTILINE | re.DOTALL)
_SAYS = re.compile(rb"^    says=\((.*?)\),?$", re.MULTILINE | re.DOTALL)
_NEEDS = re.compile(rb"^    needs=\((.*?)\),?$", re.MULTILINE | re.DOTALL)
_VISITS = re.compile(rb"^    visits=\((.*?)\),?$", re.MULTILINE | re.DOTALL)
_WORD = re.compile(rb'"(\w+)"')

Connections = Literal["persistent", "one_request"]
Replies = Literal["in_order", "in_any_order"]


class Given(NamedTuple):
    """What an assignment gives: the names in its `protocol.py` (None: they can't be told), and what its server does."""

    names: frozenset[str] | None
    connection: Connections
    replies: Replies = "in_order"

    @property
    def acts_by_itself(self) -> bool:
        """Whether its client makes visits, and nothing is typed into it, as far as can be told."""
        return self.names is not None and "visit" in self.names

    def has(self, *names: str) -> bool:
        """Whether one of these is in `protocol.py`, as far as can be told."""
        return self.names is None or not self.names.isdisjoint(names)


class Need(NamedTuple):
    """`asks`: what it is, in the list of behaviours.  `words`: what is lacking, behind "needs".

    `functions`: those of `protocol.py` that are used for it if they are there.
    """

    asks: str
    words: str
    met: Callable[[Given], bool]
    functions: tuple[str, ...] = ()


NEEDS: Final[Mapping[str, Need]] = {
    "persistent": Need(
        "several requests on one connection",
        'several requests on one connection, but the server has connection = "one_request"',
        lambda given: given.connection == "persistent",
    ),
    "pipelined": Need(
        "`pipelined`, if it has a `dialogue`",
        "requests that can be sent before others are answered, but protocol.py has a dialogue and no pipelined",
        lambda given: given.names is None or given.has("pipelined") or not given.has("dialogue"),
        ("pipelined",),
    ),
    "in_order": Need(
        "replies in the order of their requests",
        'replies in the order of their requests, but the server has replies = "in_any_order"',
        lambda given: given.replies == "in_order",
    ),
    "much": Need(
        "`large` or `sized`",
        "messages of any size, but protocol.py has neither large nor sized",
        lambda given: given.has("large", "sized"),
        ("large", "sized"),
    ),
    # Whether these two are met shows only when the functions are asked (`protocol/needed.py`).
    "much_back": Need("`large`, or replies of `sized` that are long, too", "", lambda _: True),
    "both_long": Need("replies of `sized` that are long, too", "", lambda _: True),
    "ending": Need(
        "`closing`, or one request per connection",
        "a reply after which the server closes the connection, but protocol.py has no closing",
        lambda given: given.connection == "one_request" or given.has("closing"),
        ("closing",),
    ),
}


class Wanted(NamedTuple):
    """What one check needs: functions of `protocol.py`, and rows of `NEEDS`.

    `visits`: the functions where the client acts by itself; None: then it can't be played.  Without `says` it is
    played with such a client alone.
    """

    says: tuple[str, ...]
    needs: tuple[str, ...]
    visits: tuple[str, ...] | None = None

    def lacking(self, given: Given, part: Part = "server") -> Iterator[str]:
        """What of it an assignment does not give, each as what follows "needs".  `part`: whom the check is about."""
        says: tuple[str, ...] | None = self.says
        if given.acts_by_itself and part != "server":
            says = self.visits if self.says else ()
        if says is None:
            yield "a client that is typed into, but protocol.py has visit"
            return
        if self.visits and not self.says and not given.has("visit"):
            yield "a client that acts by itself, but protocol.py has no visit"
            return
        yield from (f"{name}, which protocol.py does not have" for name in says if not given.has(name))
        yield from (NEEDS[need].words for need in self.needs if not NEEDS[need].met(given))


def wanted(parts: Iterable[Part], transport: Transport, files: Mapping[str, bytes]) -> dict[str, Wanted]:
    """What each check of these parts needs, by id: the catalogue's, and those in an assignment's files."""
    known: dict[str, Wanted] = {}
    for part in parts:
        for module in MODULES[part, transport]:
            known.update(_of_catalogue(module, part))
    for name, source in files.items():
        if name.startswith("test_"):
            known.update(_rows(source, part_of_module(Path(name).stem)))
    return known


@cache
def _of_catalogue(module: str, part: Part) -> dict[str, Wanted]:
    return dict(_rows((_CHECKS / f"{module}.py").read_bytes(), part))


def _rows(source: bytes, part: Part) -> Iterator[tuple[str, Wanted]]:
    for row, name in _ROW.findall(source):
        visits = _words(_VISITS, row) or None
        yield f"{part}.{name.decode()}", Wanted(_words(_SAYS, row), _words(_NEEDS, row), visits)


def _words(keyword: re.Pattern[bytes], row: bytes) -> tuple[str, ...]:
    found = keyword.search(row)
    return tuple(word.decode() for word in _WORD.findall(found[1])) if found else ()


@cache  # it is asked for the same file several times while an assignment is read
def names_in(source: bytes) -> frozenset[str] | None:
    """The names that a Python file's top level binds; None: it can't be told, or no function is written or imported."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return None
    names = {name for node in body for name in _bound(node)}
    plain = all(isinstance(node, _PLAIN) for node in body) and any(isinstance(node, _GIVING) for node in body)
    return frozenset(names) if plain and "*" not in names else None


#: Statements whose names can be read off.
_PLAIN: Final = (
    *(ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr),
)
#: ... and those that give functions.
_GIVING: Final = (ast.FunctionDef, ast.ImportFrom)


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
