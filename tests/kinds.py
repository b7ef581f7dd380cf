"""Which assignment proves which check with which kind of protocol: a table, from what is written down.  No play.

A check is proved with a kind where an assignment of that kind lists it, has a right program, and a wrong one whose
verdict says that it fails it; `grader verify` and the suite play them.  It is refused where no assignment of the kind
gives what it needs: `lint` says so by name.  What is neither is open, and a test says that nothing is.

Which kinds an assignment is of is seen by looking at what its `protocol.py` gives; nobody lists it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

import click

from grader import assignment, verify
from grader.assignment import Assignment
from grader.catalogue.needs import Given, names_in, wanted
from grader.driver.author import lay_out
from grader.errors import UsageError
from grader.model import Part, Transport, part_of
from grader.protocol.form import Form
from grader.protocol.http import Http
from grader.protocol.judged import Judged
from grader.protocol.script import Seeded
from tests.test_dialogues_played import FAILS
from tests.test_published import FOLDER, VERDICTS

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "kinds.md"
_SEED: Final = 1


class Subject(NamedTuple):
    """An assignment, as far as the table asks.

    `reply`: the type of what its server's first exchange must get; None: it has no server.  `fails`: by wrong program
    the ids of the checks that it fails.  `right`: the roles for which there is a right program.
    """

    asked: Assignment
    given: Given
    reply: type | None
    fails: Mapping[str, frozenset[str]]
    right: frozenset[str]

    def proves(self, check: str) -> bool:
        """Whether a right program passes and a wrong one fails it."""
        roles = {"server", "client"} if (part := part_of(check)) == "pair" else {part}
        has_right = bool(self.right & {"both"}) or roles <= self.right
        return has_right and any(check in failed for failed in self.fails.values())


class Kind(NamedTuple):
    """A column.  `title`: over it; `words`: what it is, for the page; `holds`: whether an assignment is of it."""

    title: str
    words: str
    holds: Callable[[Subject], bool]


class Table(NamedTuple):
    """The kinds of a part's checks over a transport."""

    title: str
    part: Part
    transport: Transport
    kinds: tuple[Kind, ...]


class Cell(NamedTuple):
    """`proved`: the assignments that prove the check with the kind; `refused`: what it needs that none of them has."""

    proved: tuple[str, ...] = ()
    refused: str = ""

    @property
    def words(self) -> str:
        """For the page."""
        if self.proved:
            return f"`{self.proved[0]}`"
        needed = f"`{self.refused}`" if self.refused.isidentifier() else self.refused
        return f"refused: needs {needed}" if self.refused else "**open**"


def _replies(of: type) -> Callable[[Subject], bool]:
    return lambda subject: subject.reply is not None and issubclass(subject.reply, of)


def _types(subject: Subject) -> bool:
    return not subject.given.acts_by_itself


def _visits(subject: Subject) -> bool:
    return subject.given.acts_by_itself


_TYPED: Final = Kind("typed", "lines are typed into the client", _types)
_VISITS: Final = Kind("visits", "the client acts by itself", _visits)
TABLES: Final = (
    Table(
        "Servers over TCP",
        "server",
        "tcp",
        (
            Kind("exact bytes", "the reply is plain bytes", _replies(bytes)),
            Kind("a line with fields", "the reply is a `form`: part of it is open, such as a time", _replies(Form)),
            Kind("HTTP", "the reply is HTTP", _replies(Http)),
            Kind(
                "a dialogue",
                "what is right depends on what was answered before",
                lambda subject: subject.given.has("dialogue"),
            ),
            Kind(
                "one request",
                "the server closes the connection after each reply",
                lambda subject: subject.given.connection == "one_request",
            ),
        ),
    ),
    Table(
        "Servers over UDP",
        "server",
        "udp",
        (
            Kind("exact bytes", "the reply is plain bytes", _replies(bytes)),
            Kind("judged", "a function says whether the reply is right", _replies(Judged)),
        ),
    ),
    Table("Clients over TCP", "client", "tcp", (_TYPED, _VISITS)),
    Table("Clients over UDP", "client", "udp", (_TYPED, _VISITS)),
    Table("Server and client together, over TCP", "pair", "tcp", (_TYPED, _VISITS)),
    Table("Server and client together, over UDP", "pair", "udp", (_TYPED, _VISITS)),
)


def subjects() -> Iterator[Subject]:
    """The assignments that are shipped, then those that only the tests have."""
    shipped = assignment.names()
    for name in shipped:
        yield _subject(name, None)
    for path in sorted(FOLDER.glob("*/assignment.toml")):
        if path.parent.name not in shipped:
            yield _subject(path.parent.name, FOLDER)


def _subject(name: str, extra: Path | None) -> Subject:
    asked = assignment.load(name, extra)
    fails = _fails(asked, extra)
    right = frozenset(role for role, failed in fails.values() if not failed)
    with _protocol(asked) as protocol:
        reply = type(Seeded(protocol, _SEED).exchange(0).reply) if "server" in asked.roles else None
    return Subject(
        asked,
        Given(names_in(asked.files["protocol.py"]), asked.server.connection, asked.server.replies),
        reply,
        {program: failed for program, (_, failed) in fails.items() if failed},
        right,
    )


def _fails(asked: Assignment, extra: Path | None) -> dict[str, tuple[str, frozenset[str]]]:
    """(its role, the checks that it fails) for each program whose verdict is written down."""
    found = dict(_played(asked)) if extra else {}
    try:
        folder = verify.reference_folder(asked, assignment.folder_of(asked.name, extra))
    except UsageError:
        return found
    verdicts = verify.load_references(folder, asked).verdicts
    return found | {program: (expected.role, frozenset(expected.fails)) for program, expected in verdicts.items()}


def _played(asked: Assignment) -> Iterator[tuple[str, tuple[str, frozenset[str]]]]:
    """Of programs that the suite plays whole: there, a check that isn't passed may be one that is skipped."""
    (role,) = asked.roles
    for (name, program), ids in (VERDICTS | FAILS).items():
        if name == asked.name:
            lost = {f"{role}.{check}" for check in ids}
            yield program, (role, frozenset(check for check in lost if lost.isdisjoint(asked.spec(check).needs)))


@contextmanager
def _protocol(asked: Assignment) -> Iterator[ModuleType]:
    """Its `protocol.py`, imported with its neighbours, which are forgotten afterwards."""
    with tempfile.TemporaryDirectory(prefix="grader-kinds-") as name:
        folder = Path(name)
        lay_out(asked, folder)
        spec = importlib.util.spec_from_file_location(f"protocol_of_{asked.name}", folder / "protocol.py")
        assert spec is not None
        assert spec.loader is not None
        protocol = importlib.util.module_from_spec(spec)
        sys.path.insert(0, name)
        try:
            spec.loader.exec_module(protocol)
            yield protocol
        finally:
            sys.path.remove(name)
            ours = [key for key, module in sys.modules.items() if str(getattr(module, "__file__", "")).startswith(name)]
            for key in ours:
                del sys.modules[key]


def cell(check: str, kind: Kind, table: Table, ours: list[Subject]) -> Cell:
    """What is known of a check with a kind."""
    there = of_kind(kind, table, ours)
    proved = tuple(subject.asked.name for subject in there if subject.proves(check))
    if proved:
        return Cell(proved)
    needs = wanted((table.part,), table.transport, {})[check]
    lacking = [next(needs.lacking(subject.given, table.part), "") for subject in there]
    return Cell(refused=lacking[0].partition(",")[0] if lacking and all(lacking) else "")


def of_kind(kind: Kind, table: Table, ours: list[Subject]) -> list[Subject]:
    """The assignments of a kind, those that prove most of its checks first, and then those that are of fewest kinds.

    So the page changes little when an assignment comes.
    """
    checks = wanted((table.part,), table.transport, {})
    return sorted(
        (subject for subject in _asking(table, ours) if kind.holds(subject)),
        key=lambda subject: (
            -sum(map(subject.proves, checks)),
            sum(other.holds(subject) for other in table.kinds),
        ),
    )


def _asking(table: Table, ours: list[Subject]) -> list[Subject]:
    """Those with the table's programs; what is said to both together depends on the client."""
    role = "client" if table.part == "pair" else table.part
    return [subject for subject in ours if subject.asked.transport == table.transport and role in subject.asked.roles]


def rows(table: Table, ours: list[Subject]) -> Iterator[tuple[str, list[Cell]]]:
    """(check, its cells), in the catalogue's order."""
    for check in wanted((table.part,), table.transport, {}):
        yield check, [cell(check, kind, table, ours) for kind in table.kinds]


def page(ours: list[Subject]) -> str:
    """`docs/kinds.md`."""
    lines = [
        "# Which check works with which kind of protocol",
        "",
        "Each check of the catalogue works with every kind of protocol that gives it what it needs. A cell names an",
        "assignment of the kind whose right programs pass the check, and of whose wrong programs one fails it: the",
        "tests and `make verify` play them. Where a kind can't give what a check needs, `grader lint` refuses it, and",
        "the cell says what is needed. Names that are not in the README are those of assignments in",
        "`tests/assignments/`. `tests/kinds.py` makes this page from what is written down there.",
    ]
    for table in TABLES:
        lines += ["", f"## {table.title}", ""]
        lines += [f"- **{kind.title}**: {kind.words}." for kind in table.kinds]
        lines += [
            "",
            f"| check | {' | '.join(kind.title for kind in table.kinds)} |",
            "|---" * (1 + len(table.kinds)) + "|",
        ]
        for check, cells in rows(table, ours):
            lines += [f"| `{check.partition('.')[2]}` | {' | '.join(each.words for each in cells)} |"]
    return "\n".join([*lines, ""])


def verified() -> list[str]:
    """The assignments of the tests that have reference programs, which `make verify` plays."""
    found = []
    for path in sorted(FOLDER.glob("*/assignment.toml")):
        asked = assignment.load(path.parent.name, FOLDER)
        with contextlib.suppress(UsageError):
            verify.reference_folder(asked, path.parent)
            found.append(asked.name)
    return found


if __name__ == "__main__":
    click.echo("\n".join(verified()))
