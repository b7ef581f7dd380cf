"""What checks say of themselves: the same, whether they are read or imported, and complete."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from grader import checks
from grader.assignment import load, names
from grader.catalogue import titles_of
from grader.checks import MODULES, Behaviour, behaviour, behaviour_of, title_of
from grader.errors import Reason
from grader.wire.script import DatagramProtocol, StreamProtocol

ASSIGNMENT = load("tcp_uppercase")
Check = Callable[..., object]


def checks_of(role: str, transport: str) -> Iterator[tuple[str, Check]]:
    """(id, check) for each check of a role over a transport, as the driver finds them."""
    for module in MODULES[role, transport]:
        for name, check in vars(importlib.import_module(f"grader.checks.{module}")).items():
            if name.startswith("test_"):
                yield f"{role}.{name.removeprefix('test_')}", check


CATALOGUE = {transport: dict(checks_of(role, transport)) for role, transport in MODULES}
EVERY = [
    pytest.param(check, id=f"{transport}-{name}")
    for transport in CATALOGUE
    for name, check in CATALOGUE[transport].items()
]


@pytest.mark.parametrize("name", names())
def test_titles_read_from_sources_are_those_of_the_functions(name: str) -> None:
    asked = load(name)
    titles, known = titles_of(asked), CATALOGUE[asked.transport]
    assert list(titles) == [spec.id for spec in asked.checks]
    assert {check: title for check, title in titles.items() if check in known} == {
        check: title_of(known[check]) for check in titles if check in known
    }
    assert not [check for check, title in titles.items() if title == check], "without a title"


def test_an_assignments_own_checks_have_titles_without_being_imported() -> None:
    source = (
        b'raise SystemExit\n\ndef test_own(server):\n    """Is ours\n\n    and more."""\n\ndef test_bare(server): ...\n'
    )
    specs = [msgspec.structs.replace(ASSIGNMENT.checks[0], id=f"server.{name}") for name in ("own", "bare", "missing")]
    own = msgspec.structs.replace(ASSIGNMENT, checks=tuple(specs), files={"test_own.py": source, "other.py": b"("})
    assert titles_of(own) == {
        "server.own": "Is ours",
        "server.bare": "test_bare",
        "server.missing": "server.missing",
    }


@pytest.mark.parametrize(("role", "transport"), MODULES)
def test_no_two_checks_of_a_role_have_one_id_or_one_title(role: str, transport: str) -> None:
    found = list(checks_of(role, transport))
    assert len(found) == len({check_id for check_id, _ in found}) == len({title_of(check) for _, check in found}) > 10


def test_no_module_of_checks_is_forgotten() -> None:
    written = {
        path.stem for path in Path(checks.__file__).parent.glob("[!_]*.py") if b"\ndef test_" in path.read_bytes()
    }
    assert written == {module for modules in MODULES.values() for module in modules}


@pytest.mark.parametrize("check", EVERY)
def test_every_behaviour_has_its_row(check: Check) -> None:
    row = behaviour_of(check)
    assert row is not None
    assert all((row.does, row.proves, row.catches, row.hint))
    assert row.hint.endswith((".", ")")), "a hint is a sentence"
    assert all(isinstance(reason, Reason) and hint for reason, hint in row.hints.items())


@pytest.mark.parametrize("check", EVERY)
def test_every_behaviour_says_only_what_a_protocol_has(check: Check) -> None:
    row = behaviour_of(check)
    assert row is not None
    assert set(row.says) <= {*vars(StreamProtocol), *vars(DatagramProtocol), *DatagramProtocol.__annotations__}


@pytest.mark.parametrize("transport", CATALOGUE)
def test_every_behaviour_is_asked_for_by_an_assignment(transport: str) -> None:
    ours = [asked for asked in map(load, names()) if asked.transport == transport]
    assert set(CATALOGUE[transport]) <= {spec.id for asked in ours for spec in asked.checks}


@pytest.mark.parametrize("name", names())
def test_our_protocols_say_what_their_checks_need(name: str) -> None:
    asked = load(name)
    protocol: dict[str, object] = {"__name__": "protocol"}
    exec(asked.files["protocol.py"], protocol)  # noqa: S102 (ours, and the driver imports it too)
    needed = {
        said
        for spec in asked.checks
        if (check := CATALOGUE[asked.transport].get(spec.id)) and (row := behaviour_of(check))
        for said in row.says
    }
    assert needed <= set(protocol)


def test_a_hint_is_chosen_by_reason() -> None:
    @behaviour(does="a", proves="b", catches="c", hint="Look.", hints={Reason.RESET: "Look there."})
    def check() -> None:
        """Is one"""

    row = behaviour_of(check)
    assert isinstance(row, Behaviour)
    assert (row.hint_for(Reason.RESET), row.hint_for(Reason.NO_REPLY)) == ("Look there.", "Look.")
    assert behaviour_of(lambda: None) is None
