"""What a scripted network makes of datagrams: each fate, which copy it is about, and that nothing else happens."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model import ROLES
from grader.protocol.network import Fate, Line, OnItsWay, Passing, changed, fates, on_its_way

LOST, TWICE, CHANGED, LATE, PASSED = Fate.LOST, Fate.TWICE, Fate.CHANGED, Fate.LATE, Fate.PASSED


def delivered(line: Line, *sent: bytes) -> list[tuple[bytes, ...]]:
    """What is delivered at each of these."""
    return [line.take(data)[1] for data in sent]


def to_server(**table: Fate | tuple[Fate, ...]) -> Line:
    return Line("server", fates(to_server={int(number[1:]): each for number, each in table.items()}))


def test_without_a_script_everything_passes() -> None:
    assert delivered(Line("server", fates()), b"a", b"", b"a") == [(b"a",), (b"",), (b"a",)]


@pytest.mark.parametrize(
    ("fate", "comes"),
    [(PASSED, (b"b",)), (LOST, ()), (TWICE, (b"b", b"b")), (CHANGED, (b"c",)), (LATE, ())],
)
def test_a_fate_is_that_of_the_first_copy(fate: Fate, comes: tuple[bytes, ...]) -> None:
    line = to_server(_1=fate)
    assert delivered(line, b"a", b"b", b"b", b"a") == [
        (b"a",),
        comes,
        (b"b",),
        (b"a", *((b"b",) if fate is LATE else ())),
    ]


def test_each_copy_may_have_its_own_fate() -> None:
    line = to_server(_0=(LOST, TWICE, LOST))
    assert delivered(line, *[b"a"] * 4) == [(), (b"a", b"a"), (), (b"a",)]


def test_what_is_held_back_comes_behind_the_next_other_one() -> None:
    line = to_server(_0=LATE, _2=LOST)
    assert delivered(line, b"a", b"a", b"b", b"c") == [(), (b"a",), (b"b", b"a"), ()]
    assert line.held == 0


def test_what_is_lost_releases_nothing() -> None:
    line = to_server(_0=LATE, _1=LOST)
    assert delivered(line, b"a", b"b", b"c") == [(), (), (b"c", b"a")]


def test_what_nothing_comes_behind_stays_held_back() -> None:
    line = to_server(_0=LATE)
    assert delivered(line, b"a", b"a") == [(), (b"a",)]
    assert line.held == 1


def test_each_direction_has_its_own_fates() -> None:
    script = fates(to_server={0: LOST}, to_client={1: LOST})
    assert [script(Passing("server", b"", number, 0)) for number in range(2)] == [LOST, PASSED]
    assert [script(Passing("client", b"", number, 0)) for number in range(2)] == [PASSED, LOST]


def test_a_script_is_told_what_passes() -> None:
    told: list[Passing] = []

    def script(passing: Passing) -> Fate:
        told.append(passing)
        return PASSED

    delivered(Line("client", script), b"a", b"b", b"a")
    assert told == [Passing("client", b"a", 0, 0), Passing("client", b"b", 1, 0), Passing("client", b"a", 0, 1)]


@given(st.binary(max_size=40))
def test_a_changed_datagram_differs_in_one_bit(data: bytes) -> None:
    other = changed(data)
    if data:
        assert len(other) == len(data)
        assert sum((a ^ b).bit_count() for a, b in zip(data, other, strict=True)) == 1
    else:
        assert len(other) == 1


@given(
    st.dictionaries(st.integers(0, 5), st.sampled_from(Fate) | st.lists(st.sampled_from(Fate), max_size=3), max_size=6),
    st.lists(st.binary(max_size=2), max_size=30),
)
def test_nothing_appears_or_vanishes_but_by_its_fate(table: dict[int, Fate | list[Fate]], sent: list[bytes]) -> None:
    line = Line("server", fates(to_server=table))
    came: Counter[bytes] = Counter()
    due: Counter[bytes] = Counter()
    for data in sent:
        fate, now = line.take(data)
        came.update(now)
        due.update({PASSED: [data], TWICE: [data] * 2, LATE: [data], CHANGED: [changed(data)], LOST: []}[fate])
    assert came.total() == due.total() - line.held
    assert came <= due


@given(
    st.builds(
        OnItsWay,
        st.sampled_from(ROLES),
        st.text(max_size=30),
        st.sampled_from(["", *(fate.value for fate in Fate)]),
    )
)
def test_what_a_transcript_says_of_a_datagram_can_be_read_again(on_way: OnItsWay) -> None:
    assert on_its_way(str(on_way)) == on_way


@pytest.mark.parametrize("text", ["", "1 held back for the server", "to the moon", "for the client"])
def test_other_words_say_nothing_of_a_datagram(text: str) -> None:
    assert on_its_way(text) is None
