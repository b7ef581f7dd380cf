"""A name is known to mean nothing before a client is told it."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from grader.wire import names

UNKNOWN = "no such name, since it has blanks"


class NameServer:
    """A fake of getaddrinfo(3) that knows one name, and answers when it may."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()

    def look_up(self, name: str, _: None) -> list[tuple[Any, ...]]:
        """As socket.getaddrinfo does it."""
        self.may_answer.wait()
        if name != "localhost":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


def answering() -> names.LookUp:
    server = NameServer()
    server.may_answer.set()
    return server.look_up


BOTH = pytest.mark.parametrize("look_up", [socket.getaddrinfo, answering()], ids=["real", "fake"])


@BOTH
def test_a_name_that_stands_for_something_is_told_with_what(look_up: names.LookUp) -> None:
    why = names.must_be_unknown("localhost", look_up)
    assert why is not None
    before, _, addresses = why.partition(": ")
    assert before == "the name server of this network knows localhost"
    assert {"127.0.0.1", "::1"} & set(addresses.split(", "))


@BOTH
def test_a_name_that_can_not_be_one_is_unknown(look_up: names.LookUp) -> None:
    assert names.must_be_unknown(UNKNOWN, look_up) is None


def test_a_name_server_that_does_not_answer_is_not_waited_for() -> None:
    server = NameServer()
    why = names.must_be_unknown(UNKNOWN, server.look_up, within_s=0.01)
    server.may_answer.set()
    assert why is not None
    assert "within 0.01 s" in why
