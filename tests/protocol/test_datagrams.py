"""Replies that are one datagram each: a whole one, none at all, and which of several is which."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.protocol.datagrams import decide_datagram, pair, silence
from grader.protocol.form import form
from grader.protocol.judged import judged
from grader.protocol.nothing import nothing
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch, Reply

TIME = form(b"{t:[0-9]+}", ending=b"")


@pytest.mark.parametrize(
    ("reply", "datagram", "decision"),
    [
        (b"ok", b"ok", Complete(2)),
        (b"ok", b"ok!", Mismatch(2, "the end of the datagram", "the datagram has 1 byte more")),
        (b"ok", b"o", Incomplete("the last 1 of 2 bytes", 1)),
        (b"", b"", Complete(0)),
        (form(b"ok"), b"ok\n", Complete(3, {"line": b"ok"})),
        (form(b"ok"), b"ok\nok\n", Mismatch(3, "the end of the datagram", "the datagram has 3 bytes more")),
        (TIME, b"12", Complete(2, {"t": b"12", "line": b"12"})),
        (judged(lambda data: None if data else "it is empty", "something"), b"", Mismatch(None, "", "it is empty")),
        (nothing, b"", Incomplete("nothing", at_rest=Complete(0))),
        (nothing, b"x", Mismatch(0, "", "nothing may come back")),
    ],
)
def test_a_datagram_is_a_reply_as_a_whole(reply: bytes | Reply, datagram: bytes, decision: Decision) -> None:
    assert decide_datagram(reply, datagram) == decision


def test_no_datagram_and_an_empty_one_are_two_things() -> None:
    assert silence(nothing) == Complete(0)
    assert [silence(reply) for reply in (b"", b"ok", TIME, form(b"{:a*}", ending=b""))] == [None] * 4


@given(st.lists(st.integers(0, 7), max_size=6), st.lists(st.integers(0, 7), max_size=6))
def test_as_many_as_possible_have_a_datagram_of_their_own(replies: list[int], datagrams: list[int]) -> None:
    # A reply is a set of the bits that it accepts, a datagram one bit: every pattern of what fits what.
    awaited = [accepting(bits) for bits in replies]
    came = [bytes([number % 3]) for number in datagrams]
    found = pair(awaited, came)
    taken = [number for number in found if number is not None]
    assert len(set(taken)) == len(taken)
    assert all(number is None or bits >> came[number][0] & 1 for bits, number in zip(replies, found, strict=True))
    assert len(taken) == most(replies, [data[0] for data in came])


def accepting(bits: int) -> Reply:
    return judged(lambda data: None if bits >> data[0] & 1 else "not it", "it")


def most(replies: list[int], datagrams: list[int]) -> int:
    """How many can have one, by trying every order of the datagrams."""
    places = [*datagrams, *[9] * len(replies)]
    orders = set(itertools.permutations(places[: max(len(replies), len(datagrams))], len(replies)))
    return max((sum(bits >> bit & 1 for bits, bit in zip(replies, order, strict=True)) for order in orders), default=0)


def test_a_reply_gives_up_its_datagram_where_another_needs_it() -> None:
    digit, one = form(b"{d:[0-9]}", ending=b""), b"1"
    assert pair([digit, one], [b"1", b"2"]) == [1, 0]
    assert pair([digit, digit, one], [b"1", b"2", b"3"]) in ([1, 2, 0], [2, 1, 0])
    assert pair([one, one], [b"1", b"2"]) in ([0, None], [None, 0])
