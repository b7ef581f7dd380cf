"""A client's part in a dialogue: turn by turn, with a new connection where the next request can't go on the old one."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import pytest

from grader.errors import Reason
from grader.harness.part import Part, in_lockstep
from grader.harness.stage import Stage
from grader.limits import DIALOGUE_EXCHANGES
from grader.protocol.dialogues import Dialogue, in_turn
from grader.protocol.reply import Complete, Decision, Incomplete, Values
from grader.protocol.script import Exchange
from grader.wire.faults import FaultError
from grader.wire.tcp import ScriptedClient
from tests.harness.conftest import MakeStage

ONE, TWO = Exchange(b"one\n", b"ONE\n"), Exchange(b"two\n", b"TWO\n")


@dataclass
class Line:
    """A line, captured."""

    ends: bool = False
    words: str = "a line"

    def begin(self) -> Line:
        return self

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — the protocol has it
        end = received.find(b"\n") + 1
        return Complete(end, {"line": bytes(received[:end])}, ends=self.ends) if end else Incomplete("its end")


def endless() -> Generator[Exchange, Values, None]:
    while True:
        yield ONE


class Connections(list[ScriptedClient]):
    """Those that a part has opened."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def __call__(self) -> ScriptedClient:
        self.append(self._stage.connect(self._stage.shared()))
        return self[-1]


@pytest.fixture
def connect(make_stage: MakeStage) -> Connections:
    return Connections(make_stage("right"))


def test_what_was_captured_is_told_to_the_dialogue(connect: Connections) -> None:
    def told() -> Generator[Exchange, Values, None]:
        seen = yield Exchange(b"one\n", Line())
        yield Exchange(b"and %b" % seen["line"], b"AND ONE\n")

    with Part(connect, Dialogue(told()), one_request=False) as part:
        part.play()
        assert part.due is None
    assert len(connect) == 1


def test_replies_that_never_end_a_dialogue_are_the_programs_fault(connect: Connections) -> None:
    with Part(connect, Dialogue(endless(), has_state=True), one_request=False) as part:
        with pytest.raises(FaultError) as caught:
            part.play()
        assert caught.value.reason is Reason.WRONG_REPLY
        assert caught.value.what.startswith(f"client A asked {DIALOGUE_EXCHANGES} times, and the replies never bring")
        assert caught.value.answered == "client A"


@pytest.mark.parametrize(("one_request", "ends"), [(False, False), (True, False), (False, True)])
def test_another_connection_follows_where_the_first_one_ends(
    connect: Connections, one_request: bool, ends: bool
) -> None:
    with Part(connect, in_turn([Exchange(b"one\n", Line(ends=ends)), TWO]), one_request=one_request) as part:
        part.play()
    assert [client.sent_bytes for client in connect] == ([4, 4] if one_request or ends else [8])
    assert not any(client.is_open for client in connect)


def test_a_connection_on_which_nothing_was_heard_is_kept(connect: Connections) -> None:
    with Part(connect, in_turn([ONE, TWO]), one_request=True) as part:
        part.reach()
        part.turn()
        part.hear()
        part.reach()
        part.reach()
        part.play()
    assert [client.sent_bytes for client in connect] == [4, 4]


def test_in_lockstep_each_hears_its_reply_before_the_next_step(connect: Connections) -> None:
    sent: list[tuple[str, bytes]] = []

    def noted(client: ScriptedClient, request: bytes) -> None:
        sent.append((client.name, request))
        client.send(request)

    parts = [Part(connect, in_turn(exchanges), one_request=False) for exchanges in ([ONE, TWO], [TWO])]
    first, second = (part.client.name for part in parts)
    in_lockstep(parts, noted)
    assert sent == [(first, b"one\n"), (second, b"two\n"), (first, b"two\n")]


@pytest.mark.parametrize("has_state", [False, True])
def test_a_wrong_reply_in_a_dialogue_with_state_names_whose_it_was(connect: Connections, has_state: bool) -> None:
    dialogue = Dialogue(in_turn([ONE, Exchange(b"two\n", b"THREE\n")]).turns, has_state)
    with Part(connect, dialogue, one_request=False) as part, pytest.raises(FaultError) as caught:
        part.play()
    assert (caught.value.reason, caught.value.answered) == (Reason.WRONG_REPLY, part.client.name if has_state else "")


def test_what_comes_from_a_list_inside_a_dialogue_is_told_nothing(connect: Connections) -> None:
    def inner() -> Generator[Exchange, Values, Values]:
        yield from [ONE, TWO]
        return (yield Exchange(b"three\n", Line()))

    def outer() -> Generator[Exchange, Values, None]:
        seen = yield from inner()
        yield Exchange(b"and %b" % seen["line"], b"AND THREE\n")

    with Part(connect, Dialogue(outer(), has_state=True), one_request=False) as part:
        part.play()
        assert part.due is None
        assert part.client.sent_bytes == len(b"one\ntwo\nthree\nand THREE\n")
