"""Cutting messages into pieces, and an author's functions as checks ask them."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.protocol.script import Exchange, Seeded, pieces_of

LENGTHS = st.lists(st.integers(1, 50), max_size=10)


@given(st.binary(), st.none() | st.integers(1, 50) | LENGTHS | LENGTHS.map(tuple) | LENGTHS.map(iter))
def test_pieces_join_to_the_message_and_none_is_empty(data: bytes, pieces: object) -> None:
    cut = pieces_of(data, pieces)  # type: ignore[arg-type]  # hypothesis can't say which
    assert b"".join(cut) == data
    assert all(cut)


@given(st.binary(min_size=1), st.integers(1, 50))
def test_pieces_of_one_length_have_it_but_the_last(data: bytes, length: int) -> None:
    *others, last = pieces_of(data, length)
    assert all(len(piece) == length for piece in others)
    assert 1 <= len(last) <= length


@given(st.binary(), LENGTHS)
def test_given_lengths_come_first_and_the_rest_is_one_piece(data: bytes, lengths: list[int]) -> None:
    wanted = [length for place, length in enumerate(lengths) if sum(lengths[: place + 1]) <= len(data)]
    cut = pieces_of(data, lengths)
    assert [len(piece) for piece in cut[: len(wanted)]] == wanted
    assert len(cut) <= len(wanted) + 1


def test_without_a_length_there_is_one_piece() -> None:
    assert pieces_of(b"abc", None) == [b"abc"]
    assert pieces_of(b"", None) == []
    assert pieces_of(b"abc", ()) == [b"abc"]


@pytest.mark.parametrize("pieces", [0, -1, [0], [1, -2], [3, 0]])
def test_a_piece_without_bytes_is_refused(pieces: int | list[int]) -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        pieces_of(b"abc", pieces)


def exchange(number: int, rng: random.Random) -> Exchange:
    return Exchange(b"%d %d" % (number, rng.getrandbits(64)), b"")


def closing(rng: random.Random) -> Exchange:
    return Exchange(b"%d" % rng.getrandbits(64), b"")


PROTOCOL = SimpleNamespace(exchange=exchange, closing=closing, LARGEST_BYTES=77)


@given(st.integers(), st.lists(st.integers(0, 9)))
def test_the_same_call_says_the_same_whatever_was_asked_before(seed: int, numbers: list[int]) -> None:
    asked, other = Seeded(PROTOCOL, seed), Seeded(PROTOCOL, seed)
    for number in numbers:
        asked.exchange(number)
        asked.closing()
    assert asked.exchange(3) == other.exchange(3)
    assert asked.closing() == other.closing()


@given(st.integers(), st.integers())
def test_another_seed_number_or_function_says_something_else(one: int, other: int) -> None:
    said = {Seeded(PROTOCOL, seed).exchange(number).request for seed in (one, other) for number in (0, 1)}
    assert len(said) == 2 * len({one, other})
    run = Seeded(PROTOCOL, one)
    assert run.closing().request not in run.exchange(0).request


def test_each_check_has_inputs_of_its_own() -> None:
    said = {Seeded(PROTOCOL, 1, check).exchange(0).request for check in ("test_answers", "test_burst", "test_burst")}
    assert len(said) == 2


def test_what_is_no_function_or_is_not_there_stays_so() -> None:
    run = Seeded(PROTOCOL, 1)
    assert run.LARGEST_BYTES == 77
    assert hasattr(run, "closing")
    assert not hasattr(run, "greeting")
