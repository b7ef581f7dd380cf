"""Cutting messages into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.wire.script import pieces_of

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
