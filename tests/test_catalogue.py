"""What checks say of themselves: the same, whether they are read or imported, and complete."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from grader.assignment import load, names
from grader.catalogue import titles_of
from grader.checks import Behaviour, behaviour, behaviour_of, tcp_server, title_of
from grader.errors import Reason

ASSIGNMENT = load("tcp_uppercase")
CHECKS: dict[str, Callable[..., object]] = {
    f"server.{name.removeprefix('test_')}": check
    for name, check in vars(tcp_server).items()
    if name.startswith("test_")
}


@pytest.mark.parametrize("name", names())
def test_titles_read_from_sources_are_those_of_the_functions(name: str) -> None:
    titles = titles_of(load(name))
    assert list(titles) == [spec.id for spec in load(name).checks]
    assert {check: title for check, title in titles.items() if check in CHECKS} == {
        check: title_of(CHECKS[check]) for check in titles if check in CHECKS
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


def test_titles_are_different() -> None:
    titles = [title_of(check) for check in CHECKS.values()]
    assert len(titles) == len(set(titles)) > 10


@pytest.mark.parametrize("check", CHECKS)
def test_every_behaviour_has_its_row(check: str) -> None:
    row = behaviour_of(CHECKS[check])
    assert row is not None
    assert all((row.does, row.proves, row.catches, row.hint))
    assert row.hint.endswith((".", ")")), "a hint is a sentence"
    assert all(isinstance(reason, Reason) and hint for reason, hint in row.hints.items())


def test_every_behaviour_is_asked_for_by_an_assignment() -> None:
    assert set(CHECKS) <= {spec.id for name in names() for spec in load(name).checks}


def test_a_hint_is_chosen_by_reason() -> None:
    @behaviour(does="a", proves="b", catches="c", hint="Look.", hints={Reason.RESET: "Look there."})
    def check() -> None:
        """Is one"""

    row = behaviour_of(check)
    assert isinstance(row, Behaviour)
    assert (row.hint_for(Reason.RESET), row.hint_for(Reason.NO_REPLY)) == ("Look there.", "Look.")
    assert behaviour_of(lambda: None) is None
