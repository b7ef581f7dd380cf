"""Exact bytes as a reply: decided at the first byte that differs, or at the last, in whatever pieces they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grader.protocol.exactly import Exactly, as_reply
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch


def decided(reply: Exactly, received: bytes, pieces: int) -> Decision:
    """The first decision, or the last word, when so much has come at a time."""
    matching, so_far = reply.begin(), bytearray()
    said: Decision = Incomplete("everything")
    for at in range(0, len(received), pieces):
        so_far += received[at : at + pieces]
        said = matching.match(so_far, ended=False)
        if not isinstance(said, Incomplete):
            return said
    return said


@given(data=st.binary(min_size=1, max_size=40), more=st.binary(max_size=5), pieces=st.integers(1, 50))
def test_these_bytes_are_the_reply_and_what_follows_is_not(data: bytes, more: bytes, pieces: int) -> None:
    assert decided(Exactly(data), data + more, pieces) == Complete(len(data))


@given(data=st.binary(min_size=1, max_size=40), at=st.integers(0, 39), pieces=st.integers(1, 50))
def test_the_first_byte_that_differs_decides(data: bytes, at: int, pieces: int) -> None:
    at = min(at, len(data) - 1)
    wrong = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    assert decided(Exactly(data), wrong, pieces) == Mismatch(at, data[at:])


@given(data=st.binary(min_size=2, max_size=40), pieces=st.integers(1, 50))
def test_what_is_lacking_is_counted(data: bytes, pieces: int) -> None:
    size = len(data)
    assert decided(Exactly(data), data[:-1], pieces) == Incomplete(f"the last 1 of {size} bytes", 1)


def test_plain_bytes_mean_exactly_these() -> None:
    assert as_reply(b"OK\n") == Exactly(b"OK\n")
    assert as_reply(Exactly(b"OK\n")) == Exactly(b"OK\n")
    assert Exactly(b"OK\n").words == "'OK\\n'"
