"""Random material for messages: it is what it says, for every seed, and comes from the given source alone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.protocol import inputs

SEEDS = st.integers(0, 2**64)


def source(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 — repeatable, not secret


@given(SEEDS, st.integers(0, 4))
def test_words_are_plain_ascii_and_end_in_a_code(seed: int, count: int) -> None:
    said = inputs.random_words(source(seed), count)
    assert re.fullmatch(rf"([a-z]{{4}} ){{{count}}}[b-z][b-z2-9]{{5}}[b-z]", said)
    assert not re.search("[aeiou01l]", said.rpartition(" ")[2])


@given(SEEDS, st.integers(0, 1000))
def test_a_line_has_its_number_at_its_end_and_trips_upper_case(seed: int, number: int) -> None:
    line = inputs.numbered_line(number, source(seed))
    assert line.endswith(f" {number}")
    assert line.strip() == line
    assert line not in {line.upper(), line.lower().capitalize().upper()}


@given(SEEDS)
def test_of_three_lines_the_second_is_longest_and_has_a_capital(seed: int) -> None:
    first, second, third = (inputs.numbered_line(number, source(seed)) for number in range(3))
    assert second[0].isupper()
    assert len(second) >= len(first) + 8
    assert len(second) >= len(third) + 8


@given(SEEDS, st.integers(0, 100_000))
def test_letters_are_as_many_as_asked_for(seed: int, size_bytes: int) -> None:
    letters = inputs.random_letters(source(seed), size_bytes)
    assert len(letters) == size_bytes
    assert letters.decode().isalnum() or not size_bytes


@given(SEEDS)
def test_characters_have_two_three_and_four_bytes_and_change_in_upper_case(seed: int) -> None:
    characters = inputs.random_characters(source(seed))
    assert [len(character.encode()) for character in characters] == [2, 3, 4]
    assert characters.upper() != characters


@given(SEEDS)
def test_what_is_not_utf8_stays_so_with_ascii_around_it(seed: int) -> None:
    data = inputs.not_utf8(source(seed))
    in_latin1, _, in_nothing = data.partition(b", ")
    for part in (in_latin1, in_nothing):
        with pytest.raises(UnicodeDecodeError):
            part.decode()
    assert in_latin1.decode("latin-1").upper().encode("latin-1") != in_latin1.upper()


@given(SEEDS)
def test_blanks_are_white_space(seed: int) -> None:
    blanks = inputs.random_blanks(source(seed))
    assert blanks.isspace()
    assert b"\n" in blanks


@given(SEEDS, st.binary(max_size=8).map(lambda without: without.replace(b"\0", b"")))
def test_every_byte_is_there_once_and_a_nul_is_the_first(seed: int, without: bytes) -> None:
    values = inputs.every_byte(source(seed), without)
    assert sorted(values) == sorted(set(range(256)) - set(without))
    assert values[0] == 0


@pytest.mark.parametrize(
    "make",
    [
        inputs.random_words,
        lambda rng: inputs.numbered_line(1, rng),
        lambda rng: inputs.random_letters(rng, 99),
        inputs.every_byte,
    ],
)
def test_a_thousand_seeds_make_a_thousand_things_and_each_the_same_again(
    make: Callable[[random.Random], object],
) -> None:
    made = [make(source(seed)) for seed in range(1000)]
    assert len(set(made)) == 1000
    assert made == [make(source(seed)) for seed in range(1000)]
