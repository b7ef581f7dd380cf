"""In which order checks are played, as an assignment lists them, but those that share a server first; whose fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.assignment import CheckSpec
from grader.driver.plugin import playing_order
from grader.driver.verdicts import verdict_without_play
from grader.errors import Reason
from grader.model import Outcome


def spec(name: str, *needs: str) -> CheckSpec:
    return CheckSpec(id=name, points=1, requirement="1.1", needs=needs)


@st.composite
def listed(draw: st.DrawFn) -> tuple[CheckSpec, ...]:
    """Checks of which each needs only earlier ones, as `assignment.load` sees to."""
    checks: list[CheckSpec] = []
    for number in range(draw(st.integers(1, 12))):
        earlier = [check.id for check in checks]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        checks.append(spec(f"c{number}", *needs))
    return tuple(checks)


@st.composite
def asked(draw: st.DrawFn) -> tuple[tuple[CheckSpec, ...], frozenset[str], frozenset[str]]:
    """(all checks, the chosen ones, those that share a server)."""
    checks = draw(listed())
    ids = st.sampled_from([check.id for check in checks])
    return checks, draw(st.frozensets(ids)), draw(st.frozensets(ids))


@given(asked())
def test_each_chosen_check_is_played_once_and_behind_what_it_needs(
    asked: tuple[tuple[CheckSpec, ...], frozenset[str], frozenset[str]],
) -> None:
    checks, chosen, sharing = asked
    order = playing_order(checks, chosen, sharing)
    assert sorted(order) == sorted(chosen)
    for check in checks:
        for needed in {*check.needs} & chosen if check.id in chosen else ():
            assert order.index(needed) < order.index(check.id)


@given(asked())
def test_all_that_can_share_a_server_come_first_and_nothing_else_changes_its_place(
    asked: tuple[tuple[CheckSpec, ...], frozenset[str], frozenset[str]],
) -> None:
    checks, chosen, sharing = asked
    by_id = {check.id: check for check in checks}

    def can_share(check_id: str) -> bool:
        needed = by_id[check_id].needs
        return check_id in sharing and all(can_share(other) for other in needed if other in chosen)

    order = playing_order(checks, chosen, sharing)
    kept = [check.id for check in checks if check.id in chosen]
    assert order == [check for check in kept if can_share(check)] + [check for check in kept if not can_share(check)]


def test_a_sharing_check_waits_for_one_that_does_not_share() -> None:
    checks = spec("a"), spec("alone"), spec("b", "alone"), spec("c", "a")
    everything = frozenset({"a", "alone", "b", "c"})
    assert playing_order(checks, everything, everything - {"alone"}) == ["a", "c", "alone", "b"]


@pytest.mark.parametrize("error", [AssertionError("ours"), KeyError("ours"), OSError(90, "ours")])
def test_what_no_file_of_the_authors_has_raised_is_our_fault(error: Exception) -> None:
    outcome, reason, message = verdict_without_play(error, Path("/assignment"))
    assert (outcome, reason) == (Outcome.ERROR, Reason.GRADER_ERROR)
    assert message == f"the grader itself failed: {error!r}"
