"""Messages in words: what an author says of bytes that a program may have chosen."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.limits import DESCRIBED_CHARACTERS
from grader.model import Event, EventKind
from grader.protocol.describing import described, describer, fault_of


def protocol(describe: object) -> SimpleNamespace:
    return SimpleNamespace(describe=describe)


def sent(data: bytes, omitted_bytes: int = 0) -> Event:
    return Event(at_ms=1, kind=EventKind.SENT, who="client A", data=data, size_bytes=3, omitted_bytes=omitted_bytes)


@given(st.text())
def test_words_are_one_line_that_a_terminal_can_show(words: str) -> None:
    line = describer(protocol(lambda _: words))(b"x")
    assert len(line) <= DESCRIBED_CHARACTERS
    assert not {unicodedata.category(char) for char in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize("said", [lambda message: message[7], lambda _: None, lambda _: b"bytes", "no function"])
def test_an_author_who_can_not_say_it_costs_nobody_anything(said: object) -> None:
    assert describer(protocol(said))(b"x") == ""


def test_without_a_function_there_are_no_words() -> None:
    assert describer(SimpleNamespace())(b"x") == ""
    assert fault_of(SimpleNamespace(), (b"x",)) is None


def test_whole_messages_are_described_and_nothing_else() -> None:
    describe = describer(protocol(lambda message: f"{len(message)} bytes"))
    whole, cut = sent(b"abc"), sent(b"abc", omitted_bytes=9)
    printed = Event(at_ms=2, kind=EventKind.OUTPUT, who="program", data=b"abc")
    assert [event.means for event in described((whole, cut, printed), describe)] == ["3 bytes", "", ""]


def test_its_author_is_told_what_it_can_not_say() -> None:
    assert "raises IndexError" in str(fault_of(protocol(lambda message: str(message[0])), (b"x", b"")))
    assert "must give a str" in str(fault_of(protocol(lambda _: None), (b"x",)))
