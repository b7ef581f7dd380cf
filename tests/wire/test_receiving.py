"""Replies that are recognised, awaited from real servers: each way in which one comes, or fails to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from grader.errors import Reason
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch
from grader.protocol.script import Exchange
from grader.wire.faults import FaultError
from tests.wire.stand import Stand

HELLO = b"hello\n"


@dataclass
class Line:
    """A line that begins in this way; what follows is captured."""

    start: bytes
    words: str = "a line 'HELLO <rest>'"
    ends: bool = False
    asked: int = 0
    decided: bool = False

    def begin(self) -> Line:
        self.decided = False
        return self

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — the protocol has it
        assert not self.decided, "asked again"
        self.asked += 1
        said = self._said(bytes(received))
        self.decided = not isinstance(said, Incomplete)
        return said

    def _said(self, received: bytes) -> Decision:
        for at, (came, wanted) in enumerate(zip(received, self.start, strict=False)):
            if came != wanted:
                return Mismatch(at, self.start[at:], "it must begin as the handout says")
        if (end := received.find(b"\n")) < 0:
            return Incomplete("the end of the line")
        return Complete(end + 1, {"rest": received[len(self.start) : end]}, ends=self.ends)


@dataclass
class Silence:
    """Nothing."""

    words: str = "nothing"

    def begin(self) -> Silence:
        return self

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — the protocol has it
        return Mismatch(0, "nothing") if received else Incomplete("", at_rest=Complete(0, {"silent": True}))


@dataclass
class ToTheEnd:
    """Everything until the server closes the connection."""

    words: str = "everything to the end"

    def begin(self) -> ToTheEnd:
        return self

    def match(self, received: bytearray, *, ended: bool) -> Decision:
        return Complete(len(received), {"all": bytes(received)}) if ended else Incomplete("the end")


def test_a_reply_is_recognised_and_what_follows_it_belongs_to_the_next(stand: Stand) -> None:
    with stand.client_of("lines") as client:
        client.send(b"one\ntwo\n")
        assert client.expect(Line(b"O")) == {"rest": b"NE"}
        assert client.expect(b"TWO\n") == {}
        assert not client.ends


def test_a_reply_that_ends_the_connection_says_so(stand: Stand) -> None:
    with stand.client_of("lines") as client:
        client.ask(Exchange(b"one\n", Line(b"O", ends=True)))
        assert client.ends


def test_it_is_asked_only_when_something_has_come(stand: Stand) -> None:
    reply = Line(b"HE")
    with stand.client_of("lines") as client:
        assert client.ask(Exchange(HELLO, reply)) == {"rest": b"LLO"}
    assert reply.asked == 1


def fault_of(stand: Stand, which: str, reply: Line | Silence | ToTheEnd, data: bytes = HELLO) -> FaultError:
    with stand.client_of(which) as client, pytest.raises(FaultError) as caught:
        client.ask(Exchange(data, reply))
    return caught.value


def told(fault: FaultError) -> Mapping[str, Any]:
    besides = {"doing", "at_s", "left_unread"}
    return {name: value for name, value in vars(fault).items() if value not in {"", None} and name not in besides}


def test_a_different_reply_is_told_with_the_place_and_what_was_expected_there(stand: Stand) -> None:
    assert told(fault_of(stand, "wrong", Line(b"hello"))) == {
        "reason": Reason.WRONG_REPLY,
        "what": "client A received a different reply: it must begin as the handout says",
        "expected": "a line 'HELLO <rest>'",
        "received": b"herro\n",
        "at": 2,
        "here": "'llo'",
    }


def test_part_of_a_reply_is_told_with_what_is_lacking(stand: Stand) -> None:
    fault = fault_of(stand, "echoes", Line(b"he"), b"hel")
    assert fault.what.startswith("client A did not receive its whole reply, and never will: the program is blocked")
    assert (fault.reason, fault.received, fault.lacking) == (Reason.INCOMPLETE_REPLY, b"hel", "the end of the line")


def test_no_reply_at_all_lacks_nothing_in_particular(stand: Stand) -> None:
    fault = fault_of(stand, "silent", Line(b"he"))
    assert (fault.reason, fault.expected, fault.received, fault.lacking) == (
        Reason.NO_REPLY,
        "a line 'HELLO <rest>'",
        b"",
        "",
    )


def test_silence_is_a_reply_when_the_program_rests(stand: Stand) -> None:
    with stand.client_of("silent") as client:
        assert client.ask(Exchange(HELLO, Silence())) == {"silent": True}


def test_something_is_not_silence(stand: Stand) -> None:
    assert fault_of(stand, "lines", Silence()).reason is Reason.WRONG_REPLY


def test_a_fin_completes_a_reply_that_runs_to_the_end(stand: Stand) -> None:
    with stand.client_of("lines") as client:
        client.send(HELLO)
        client.half_close()
        assert client.expect(ToTheEnd()) == {"all": b"HELLO\n"}


def test_a_reset_completes_no_reply(stand: Stand) -> None:
    fault = fault_of(stand, "resets", ToTheEnd())
    assert fault.reason is Reason.RESET


def test_of_several_replies_the_wrong_one_is_named(stand: Stand) -> None:
    exchanges = [Exchange(b"one\n", Line(b"O")), Exchange(b"two\n", b"TOW\n")]
    with stand.client_of("lines") as client:
        client.send(b"one\ntwo\n")
        with pytest.raises(FaultError, match=r"a different reply \(reply 2 of 2, to 'two\\n'\)$"):
            client.expect_each(exchanges)


@pytest.mark.parametrize(("which", "came"), [("greets", True), ("silent", False)])
def test_what_is_left_out_can_be_waited_for(stand: Stand, which: str, came: bool) -> None:
    with stand.client_of(which) as client:
        client.leave_out(b"something else\n")
        client.wait_left_out()
        assert (client.received_bytes > 0, client.leaves_out) == (came, not came)
        assert client.received == b""
