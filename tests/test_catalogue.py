"""What checks say of themselves: the same, whether they are read or imported, and complete."""

from __future__ import annotations

import graphlib
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import catalogue, checks
from grader.assignment import load, names
from grader.catalogue import (
    BUILD_WITH_SANITIZERS,
    MODULES,
    READ_NOTHING,
    READ_WORDS,
    START_BY_HAND,
    Behaviour,
    behaviour,
    behaviour_of,
    part_of_module,
    title_of,
)
from grader.catalogue.usual import OPENERS, USUAL, checks_over, prerequisites
from grader.errors import Reason
from grader.flow import titles as titles_of
from grader.model import PARTS, Part, Transport, part_of
from grader.protocol.script import ClientProtocol, DatagramProtocol, StreamProtocol
from grader.protocol.visit import VisitProtocol
from tests.authored import protocol_of

ASSIGNMENT = load("tcp_uppercase")
#: Those that are shipped, and those that only the tests have.
OF_TESTS = Path(__file__).parent / "assignments"
ALL = [*map(load, names()), *(load(name, OF_TESTS) for name in names(OF_TESTS))]
Check = Callable[..., object]


TRANSPORTS: tuple[Transport, ...] = ("tcp", "udp")


def checks_of(part: Part, transport: Transport) -> Iterator[tuple[str, Check]]:
    """(id, check) for each check of a part over a transport, as the driver finds them."""
    for module in MODULES[part, transport]:
        for name, check in vars(importlib.import_module(f"grader.checks.{module}")).items():
            if name.startswith("test_"):
                yield f"{part}.{name.removeprefix('test_')}", check


CATALOGUE = {
    transport: {check_id: check for part in PARTS for check_id, check in checks_of(part, transport)}
    for transport in TRANSPORTS
}
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
    specs.append(msgspec.structs.replace(ASSIGNMENT.checks[0], id="client.own"))
    files = {"test_own.py": source, "test_client_own.py": source.replace(b"Is ours", b"Is theirs"), "other.py": b"("}
    own = msgspec.structs.replace(ASSIGNMENT, checks=tuple(specs), files=files)
    assert titles_of(own) == {
        "server.own": "Is ours",
        "server.bare": "test_bare",
        "server.missing": "server.missing",
        "client.own": "Is theirs",
    }


@pytest.mark.parametrize(("part", "transport"), MODULES)
def test_no_two_checks_of_a_part_have_one_id_or_one_title(part: Part, transport: Transport) -> None:
    found = list(checks_of(part, transport))
    assert len(found) == len({check_id for check_id, _ in found}) == len({title_of(check) for _, check in found})
    assert part != "server" or len(found) > 10


def test_no_module_of_checks_is_forgotten() -> None:
    folder = Path(checks.__file__).parent
    written = {path.stem for path in folder.glob("[!_]*.py") if b"\ndef test_" in path.read_bytes()}
    listed = {module for modules in MODULES.values() for module in modules}
    assert written <= listed <= {path.stem for path in folder.glob("*.py")}


@pytest.mark.parametrize(("part", "transport"), MODULES)
def test_a_module_of_the_catalogue_is_of_one_part(part: Part, transport: Transport) -> None:
    assert {part_of_module(f"grader.checks.{module}") for module in MODULES[part, transport]} == {part}


@pytest.mark.parametrize(
    ("module", "part"),
    [
        ("test_own", "server"),
        ("test_server", "server"),
        ("test_client", "client"),
        ("test_client_menu", "client"),
        ("test_pair_talk", "pair"),
        ("test_my_client", "server"),
    ],
)
def test_the_name_of_an_own_file_says_whose_checks_it_has(module: str, part: Part) -> None:
    assert part_of_module(module) == part


@pytest.mark.parametrize("check", EVERY)
def test_every_behaviour_has_its_row(check: Check) -> None:
    row = behaviour_of(check)
    assert row is not None
    assert all((row.does, row.proves, row.catches, row.hint))
    for reason in (*row.hints, *catalogue.COMMON_HINTS, Reason.UNUSABLE):
        for language in ("", "Python", "C", "C++", "Java", "Kotlin", "Go", "Rust", "JavaScript"):
            hint = row.hint_for(reason, language)
            assert hint.endswith((".", ")", "?")), "a hint is sentences"
            assert not re.search(r"[{}]| [:.,;]|::|:\.|[a-z]\.[A-Z][a-z]|\( | \)", hint), (language, hint)
    assert all(isinstance(reason, Reason) and hint for reason, hint in row.hints.items())


@pytest.mark.parametrize("check", EVERY)
def test_every_behaviour_says_only_what_a_protocol_has(check: Check) -> None:
    row = behaviour_of(check)
    assert row is not None
    protocols = (StreamProtocol, DatagramProtocol, ClientProtocol, VisitProtocol)
    assert {*row.says, *(row.visits or ())} <= {
        name for each in protocols for name in (*vars(each), *each.__annotations__)
    }


@pytest.mark.parametrize("transport", CATALOGUE)
def test_every_behaviour_is_asked_for_by_an_assignment(transport: Transport) -> None:
    ours = [asked for asked in ALL if asked.transport == transport]
    assert set(CATALOGUE[transport]) <= {spec.id for asked in ours for spec in asked.checks}


@pytest.mark.parametrize("name", names())
def test_our_protocols_say_what_their_checks_need(name: str) -> None:
    asked = load(name)
    protocol = protocol_of(name)
    needed = {
        said
        for spec in asked.checks
        if (check := CATALOGUE[asked.transport].get(spec.id)) and (row := behaviour_of(check))
        for said in (row.visits or () if "visit" in protocol and spec.part == "client" else row.says)
    }
    assert needed <= set(protocol)


def test_a_hint_is_chosen_by_reason() -> None:
    @behaviour(does="a", proves="b", catches="c", hint="Look.", hints={Reason.RESET: "Look there."})
    def check() -> None:
        """Is one"""

    row = behaviour_of(check)
    assert isinstance(row, Behaviour)
    assert (row.hint_for(Reason.RESET), row.hint_for(Reason.NO_REPLY)) == ("Look there.", "Look.")
    assert row.hint_for(Reason.CRASHED, "Python").startswith("Look. Read what it printed (above)")
    assert row.hint_for(Reason.CRASHED, "Python", READ_WORDS) == "Look. Read what it printed (above)."
    assert row.hint_for(Reason.CRASHED, "Python", READ_NOTHING) == "Look."
    by_hand = replace(row, hint=START_BY_HAND)
    assert by_hand.hint_for(Reason.CRASHED, "Python", READ_WORDS) == "Read what it printed (above)."
    assert by_hand.hint_for(Reason.CRASHED, "Python", READ_NOTHING) == START_BY_HAND
    assert row.hint_for(Reason.CRASHED, "C", READ_NOTHING) == f"Look. {BUILD_WITH_SANITIZERS}"
    assert behaviour_of(lambda: None) is None


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("", "recv returns nothing. Then recvfrom or sendto."),
        ("Python", "recv returns nothing (b''). Then recvfrom or sendto."),
        ("C++", "recv returns nothing (0). Then recvfrom or sendto."),
        ("Java", "read returns nothing (-1). Then receive or send."),
        ("Kotlin", "read returns nothing (-1). Then receive or send."),
        ("Go", "Read returns nothing (io.EOF). Then ReadFrom or WriteTo."),
        ("Rust", "read returns nothing (0). Then recv_from or send_to."),
    ],
)
def test_a_hint_calls_functions_as_the_language_does(language: str, said: str) -> None:
    assert catalogue.fitting(f"{catalogue.RECV_GIVES_NOTHING}. Then recvfrom or sendto.", language) == said


def test_what_a_hint_says_for_a_language_may_have_braces_in_it() -> None:
    hint = "Compare all of it{Python: : re.fullmatch(r'[a-z]{1,16}', name)}{Java: : matches(\"[a-z]{1,16}\")}."
    assert catalogue.fitting(hint, "Python") == "Compare all of it: re.fullmatch(r'[a-z]{1,16}', name)."
    assert catalogue.fitting(hint, "C") == "Compare all of it."


def test_what_is_usual_is_said_of_every_check_of_the_catalogue() -> None:
    for transport in TRANSPORTS:
        assert checks_over(transport) == CATALOGUE[transport].keys()
    assert USUAL.keys() == CATALOGUE["tcp"].keys() | CATALOGUE["udp"].keys()


def test_what_a_check_usually_needs_is_there_and_of_the_same_program_and_in_no_circle() -> None:
    for check, usual in USUAL.items():
        assert {*usual.needs} <= USUAL.keys(), check
        assert {part_of(needed) for needed in usual.needs} <= {part_of(check)}, check
        # Whether a program can be reached is a fact, and not the verdict on where; but see unknown_host_reported.
        assert OPENERS.isdisjoint(usual.needs) or check == "client.unknown_host_reported", check
    assert [*graphlib.TopologicalSorter({check: usual.needs for check, usual in USUAL.items()}).static_order()]


@given(st.frozensets(st.sampled_from(sorted(USUAL))))
def test_prerequisites_are_listed_and_none_is_lost(listed: frozenset[str]) -> None:
    for check in USUAL:
        needed = prerequisites(check, listed)
        assert {*needed} <= listed
        for usual in USUAL[check].needs:
            assert usual in needed or {*prerequisites(usual, listed)} <= {*needed}
