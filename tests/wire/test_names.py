"""A name is known to mean nothing before a client is told it."""

from __future__ import annotations

import socket
import threading

import pytest

from grader.wire import names


def test_a_name_that_stands_for_something_is_told_with_what() -> None:
    why = names.must_be_unknown("localhost")
    assert why is not None
    assert why.startswith("the name server of this network knows localhost: ")
    assert {"127.0.0.1", "::1"} & set(why.partition(": ")[2].split(", "))


def test_a_name_that_can_not_be_one_is_unknown() -> None:
    assert names.must_be_unknown("no such name, since it has blanks") is None


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def silent(*_: object) -> list[object]:
        answered.wait()
        return []

    monkeypatch.setattr(names, "LOOKUP_S", 0.01)
    monkeypatch.setattr(socket, "getaddrinfo", silent)
    why = names.must_be_unknown("no-such-host.invalid")
    answered.set()
    assert why is not None
    assert "does not answer within 0.01 s" in why
