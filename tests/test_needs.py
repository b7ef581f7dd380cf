"""What checks need of a protocol: read from their sources as it is written in their rows, and refused where lacking."""

from __future__ import annotations

import importlib

import pytest

from grader import catalogue
from grader.catalogue.needs import NEEDS, Given, Wanted, names_in, wanted
from grader.model import Part, Transport

PERSISTENT = Given(frozenset({"exchange"}), "persistent")


@pytest.mark.parametrize(("part", "transport"), catalogue.MODULES)
def test_what_is_read_from_the_sources_is_what_the_rows_say(part: Part, transport: Transport) -> None:
    rows = {
        f"{part}.{name.removeprefix('test_')}": row
        for module in catalogue.MODULES[part, transport]
        for name, check in vars(importlib.import_module(f"grader.checks.{module}")).items()
        if name.startswith("test_") and (row := catalogue.behaviour_of(check)) is not None
    }
    assert wanted((part,), transport, {}) == {
        check: Wanted(row.says, row.needs, row.visits) for check, row in rows.items()
    }
    assert {need for row in rows.values() for need in row.needs} <= NEEDS.keys()


def test_an_assignments_own_checks_are_read_too() -> None:
    row = b'@behaviour(\n    does="x",\n    says=("opcodes", "sized"),\n    needs=("persistent",),\n)\n'
    own = row + b"def test_own(connect):\n    ...\n"
    assert wanted((), "tcp", {"test_own.py": own}) == {"server.own": Wanted(("opcodes", "sized"), ("persistent",))}


@pytest.mark.parametrize(
    ("need", "names", "connection", "met"),
    [
        ("persistent", {"exchange"}, "persistent", True),
        ("persistent", {"exchange"}, "one_request", False),
        ("pipelined", {"exchange"}, "persistent", True),
        ("pipelined", {"exchange", "dialogue"}, "persistent", False),
        ("pipelined", {"exchange", "dialogue", "pipelined"}, "persistent", True),
        ("much", {"exchange"}, "persistent", False),
        ("much", {"large"}, "persistent", True),
        ("much", {"sized"}, "persistent", True),
        ("ending", {"exchange"}, "persistent", False),
        ("ending", {"closing"}, "persistent", True),
        ("ending", {"exchange"}, "one_request", True),
    ],
)
def test_what_gives_it(need: str, names: set[str], connection: str, met: bool) -> None:
    given = Given(frozenset(names), "one_request" if connection == "one_request" else "persistent")
    assert NEEDS[need].met(given) is met
    assert list(Wanted((), (need,)).lacking(given)) == ([] if met else [NEEDS[need].words])


def test_a_function_that_is_lacking_is_named() -> None:
    assert list(Wanted(("sized",), ()).lacking(PERSISTENT)) == ["sized, which protocol.py does not have"]


def test_for_a_client_that_acts_by_itself_other_functions_are_needed() -> None:
    visiting = Given(frozenset({"visit"}), "persistent")
    both = Wanted(("typed",), (), ("visit", "visit_sized"))
    assert list(both.lacking(visiting, "client")) == ["visit_sized, which protocol.py does not have"]
    assert list(both.lacking(visiting, "server")) == ["typed, which protocol.py does not have"]
    typed = Wanted(("typed",), ())
    assert list(typed.lacking(visiting, "pair")) == ["a client that is typed into, but protocol.py has visit"]
    assert list(Wanted((), ()).lacking(visiting, "client")) == []
    own = Wanted((), (), ("visit",))
    lacking = "a client that acts by itself, but protocol.py has no visit"
    assert list(own.lacking(Given(frozenset({"typed"}), "persistent"), "client")) == [lacking]
    assert list(own.lacking(Given(None, "persistent"), "client")) == list(own.lacking(visiting, "client")) == []


def test_names_that_cannot_be_told_refuse_nothing() -> None:
    unknown = Given(None, "persistent")
    assert not any(list(Wanted(("sized",), (need,)).lacking(unknown)) for need in NEEDS)
    assert names_in(b"from other import *\ndef exchange(n, rng): ...\n") is None
    assert names_in(b"if True:\n    def exchange(n, rng): ...\n") is None
    assert names_in(b"1 +") is None
    assert names_in(b"# nothing\n") is None
    assert names_in(b"import random\n") is None


def test_names_are_what_the_top_level_binds() -> None:
    source = b"import a.b\nfrom c import d as e, f\ng: int = 1\n(h, i) = 1, 2\n"
    defined = b"def exchange(n, rng):\n    x = 1\nclass K: ...\n"
    assert names_in(b"from messages import exchange, sized\n") == frozenset({"exchange", "sized"})
    assert names_in(source + defined) == frozenset({"a", "e", "f", "g", "h", "i", "exchange", "K"})
