"""What a scripted server says in a visit."""

from __future__ import annotations

from typing import Any

import pytest

from grader.protocol.reply import Values
from grader.protocol.visit import OtherServer, Says, Turn, own_words, said


@pytest.mark.parametrize(
    ("says", "parts"),
    [
        (b"", ()),
        (b"hello", (b"hello",)),
        ((b"one", b"two"), (b"one", b"two")),
        ((b"",), (b"",)),
        (lambda _: b"", ()),
        (lambda seen: seen["id"] + b"!", (b"7!",)),
        (lambda seen: (seen["first"], seen["id"]), (b"yes", b"7")),
    ],
)
def test_what_is_said_may_follow_from_all_that_was_heard(says: Says, parts: tuple[bytes, ...]) -> None:
    heard: list[Values] = [{"first": b"yes", "id": b"6"}, {}, {"id": b"7"}]
    assert said(Turn(b"", says), heard) == parts


@pytest.mark.parametrize("says", ["text", ("text",), 7, (b"right", None)])
def test_only_bytes_can_be_said(says: Any) -> None:
    with pytest.raises(TypeError, match="bytes"):
        said(Turn(b"", lambda _: says), ())


def test_another_servers_words_are_not_the_servers_own() -> None:
    parts = said(Turn(b"", (b"own", OtherServer("127.0.0.2", b"other"), b"words")), ())
    assert len(parts) == 3
    assert own_words(parts) == b"ownwords"
