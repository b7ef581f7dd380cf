"""Cutting messages into pieces, and what is wrong with a protocol of clients."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.wire.script import Entry, faults_of, pieces_of

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


RIGHT = Entry(b"hello", b"hello\n", b"HELLO\n", b"HELLO")
NOT_SENT = Entry(b"quit", b"", b"", b"")


def faults(**functions: object) -> list[str]:
    """What is wrong with a client's functions, beside a right server's."""
    protocol = SimpleNamespace(**{name: (lambda *_, given=given: given) for name, given in functions.items()})
    return [fault for fault in faults_of(protocol, functions) if not fault.startswith("protocol.py has no exchange")]


def test_right_entries_have_no_faults() -> None:
    assert faults(typed=RIGHT, typed_awkward=(RIGHT,), typed_sized=RIGHT, leaving=NOT_SENT, unasked=RIGHT) == []


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("typed", "hello"),
        ("typed", NOT_SENT),  # it shows nothing
        ("typed", Entry(b"two\nlines", b"", b"", b"shown")),
        ("typed", Entry(b"hello", b"", b"", "HELLO")),  # type: ignore[arg-type]
        ("typed_awkward", ()),
        ("typed_awkward", RIGHT),
        ("typed_awkward", (RIGHT, None)),
        ("typed_sized", NOT_SENT),
        ("leaving", b"quit"),
        ("unasked", None),
    ],
)
def test_an_authors_mistake_in_an_entry_is_told(name: str, given: object) -> None:
    (fault,) = faults(**{name: given})
    assert fault.startswith(f"{name} of protocol.py must give ")


def test_a_function_that_is_missing_or_raises_is_told() -> None:
    assert list(faults_of(SimpleNamespace(exchange=lambda _: None), ("typed",)))[-1] == "protocol.py has no typed"

    def typed(_: int) -> Entry:
        raise KeyError("no such line")

    assert list(faults_of(SimpleNamespace(typed=typed), ("typed",)))[-1] == (
        "typed of protocol.py raises KeyError('no such line')"
    )
