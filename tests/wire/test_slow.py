"""Clients that read slowly, leave unread replies, or hear what others said, against real servers."""

from __future__ import annotations

import re

import pytest

from grader.errors import Reason
from grader.limits import REPLY_S
from grader.model import EventKind
from grader.protocol.script import Exchange
from grader.wire.faults import FaultError
from grader.wire.tcp import ScriptedClient
from grader.wire.waiting import NoProgressError, Why
from tests.wire.stand import Serving, Stand

HELLO = b"hello\n"
#: More than the buffers of both ends hold, and it tells its place.
MUCH = b"".join(b"%09d\n" % number for number in range(100_000))


def slow_client(stand: Stand, which: str) -> tuple[Serving, ScriptedClient]:
    serving = stand.serve(which)
    return serving, stand.connect(serving, slow=True)


def proof(client: ScriptedClient) -> str:
    """What the kernel said of the program when it rested."""
    return next(event.text for event in client.transcript.events if event.kind is EventKind.KERNEL)


@pytest.mark.parametrize(
    ("which", "doing"),
    [
        ("echoes", "blocked in send on client A's connection"),
        ("echoes_when_there_is_room", "blocked in poll"),
    ],
)
def test_a_slow_reader_makes_the_program_wait_and_gets_everything(stand: Stand, which: str, doing: str) -> None:
    _, client = slow_client(stand, which)
    client.send_without_reading(MUCH)
    assert client.received_bytes == 0
    assert re.match(r"[1-9][0-9]* bytes wait in its send queue, [0-9]+ in its receive queue; ", proof(client))
    assert doing in proof(client)
    row = client.row()
    assert row is not None
    assert row.send_queue > 0
    client.expect(MUCH)
    client.send(HELLO)
    client.expect(HELLO)


def test_more_than_fits_both_directions_is_sent_while_the_answer_is_read(stand: Stand) -> None:
    _, client = slow_client(stand, "echoes")
    client.send_without_reading(MUCH)
    assert 0 < client.sent_bytes < len(MUCH)
    client.expect(MUCH)
    assert client.sent_bytes == client.received_bytes == len(MUCH)


def test_what_is_lost_on_the_way_to_a_slow_reader_is_missed(stand: Stand) -> None:
    _, client = slow_client(stand, "keeps_only_what_went_at_once")
    client.send_without_reading(MUCH)
    with pytest.raises(FaultError) as caught:
        client.expect(MUCH)
    assert caught.value.reason in {Reason.WRONG_REPLY, Reason.INCOMPLETE_REPLY}


def test_who_reads_late_misses_what_was_thrown_away_after_a_while(stand: Stand) -> None:
    _, client = slow_client(stand, "waits_a_while_to_send")
    client.send_without_reading(MUCH[: 300 << 10])
    client.leave_unread_for_a_while()
    with pytest.raises(FaultError) as caught:
        client.expect(MUCH[: 300 << 10])
    assert caught.value.reason in {Reason.WRONG_REPLY, Reason.INCOMPLETE_REPLY}


def test_a_program_that_gives_up_on_a_slow_reader_has_closed_too_early(stand: Stand) -> None:
    _, client = slow_client(stand, "closes_when_it_cannot_send")
    with pytest.raises(FaultError) as caught:
        client.send_without_reading(MUCH)
    assert caught.value.reason in {Reason.RESET, Reason.CLOSED_EARLY}
    assert caught.value.what.endswith("client A's connection while its replies were not read")


def test_a_program_that_dies_meanwhile_has_crashed(stand: Stand) -> None:
    _, client = slow_client(stand, "crashes")
    with pytest.raises(FaultError, match="the program exited while client A was connected") as caught:
        client.send_without_reading(MUCH)
    assert caught.value.reason is Reason.CRASHED


def test_a_program_that_has_nothing_to_send_has_not_answered(stand: Stand) -> None:
    _, client = slow_client(stand, "silent")
    with pytest.raises(FaultError, match="it read the 1000000 bytes that client A sent, and has nothing") as caught:
        client.send_without_reading(MUCH)
    assert caught.value.reason is Reason.NO_REPLY
    assert caught.value.doing == "blocked in recv on client A's connection"


def test_a_program_that_never_rests_has_its_deadline_and_then_the_client_reads(stand: Stand) -> None:
    _, client = slow_client(stand, "spins_when_it_cannot_send")
    client.send_without_reading(MUCH)
    assert re.match(r"[1-9][0-9]* bytes wait in its send queue, .*; (running|spinning .*)", proof(client))
    with pytest.raises(FaultError) as caught:
        client.expect(MUCH)
    assert caught.value.reason in {Reason.WRONG_REPLY, Reason.INCOMPLETE_REPLY}


@pytest.mark.parametrize(("which", "status"), [("goes_on_after_a_reset", None), ("dies_of_a_reset", -13)])
def test_a_slow_reader_that_resets_is_known_to_have_arrived(stand: Stand, which: str, status: int | None) -> None:
    serving, client = slow_client(stand, which)
    client.send_without_reading(MUCH)
    client.reset()
    serving.program.wait_delivered()
    assert client.gone()
    serving.program.wait_still()
    ending = serving.program.ending()
    assert (ending.status if ending else None) in ({None} if status is None else {status, 9})
    if status is None:
        next_client = stand.connect(serving, "client B")
        next_client.send(HELLO)
        next_client.expect(HELLO)


def test_whoever_only_waits_for_a_slow_reader_is_still(stand: Stand) -> None:
    serving, client = slow_client(stand, "echoes")
    client.send_without_reading(MUCH)
    assert serving.program.wait_rest(REPLY_S)
    other = stand.connect(serving, "client B")
    with pytest.raises(FaultError, match="client B was never accepted") as caught:
        other.wait_accepted()
    assert caught.value.reason is Reason.NOT_ACCEPTED
    stop = caught.value.__context__
    assert isinstance(stop, NoProgressError)
    assert stop.why is Why.STILL
    assert "blocked in send on client A's connection" in caught.value.doing


# leaving


def test_a_client_that_leaves_a_reply_unread_resets(stand: Stand) -> None:
    serving = stand.serve("goes_on_after_a_reset")
    client = stand.connect(serving)
    client.send(HELLO)
    client.leave_unread()
    serving.program.wait_delivered()
    assert client.gone()
    last = client.transcript.events[-1]
    assert (last.kind, last.text) == (EventKind.RESET, "left without reading what had arrived")
    assert client.received_bytes == 0
    assert serving.program.talks.open == ()


def test_where_nothing_comes_nothing_is_left_unread(stand: Stand) -> None:
    client = stand.client_of("silent")
    client.send(HELLO)
    with pytest.raises(FaultError, match="client A received nothing, and never will: the program is blocked") as caught:
        client.leave_unread()
    assert caught.value.reason is Reason.NO_REPLY


# connecting, asking, hearing


@pytest.mark.parametrize("which", ["lines", "closes_at_once"])
def test_whoever_was_accepted_is_known_to_be(stand: Stand, which: str) -> None:
    stand.client_of(which).wait_accepted()


def test_whoever_is_never_accepted_is_known_to_be(stand: Stand) -> None:
    with pytest.raises(FaultError, match="client A was never accepted") as caught:
        stand.client_of("never_accepts").wait_accepted()
    assert caught.value.reason is Reason.NOT_ACCEPTED


def test_asking_is_sending_and_expecting(stand: Stand) -> None:
    client = stand.client_of("lines")
    client.ask(Exchange(HELLO, b"HELLO\n"))
    assert client.traffic() == (len(HELLO), len(HELLO))
    with pytest.raises(FaultError) as caught:
        client.ask(Exchange(HELLO, HELLO))
    assert caught.value.reason is Reason.WRONG_REPLY


def test_everybody_else_has_to_hear_what_is_said_to_all(stand: Stand) -> None:
    serving = stand.serve("room")
    first, second, third = (stand.connect(serving, f"client {name}") for name in "ABC")
    for client in (first, second, third):
        client.wait_accepted()  # who comes later hears nothing of what was said before
    said = Exchange(HELLO, b"HELLO\n", b"HELLO\n")
    first.ask(said)
    third.ask(said)
    assert [client.received_bytes for client in (first, second, third)] == [12, 12, 12]
    second.close()
    serving.program.wait_delivered()
    first.ask(said)
    assert [client.received_bytes for client in (first, third)] == [18, 18]


def test_who_does_not_hear_it_is_named(stand: Stand) -> None:
    serving = stand.serve("room")
    first, second = (stand.connect(serving, f"client {name}") for name in "AB")
    second.wait_accepted()
    with pytest.raises(FaultError) as caught:
        first.ask(Exchange(HELLO, b"HELLO\n", b"HELLO\n!"))
    assert (caught.value.reason, caught.value.received) == (Reason.NOT_HEARD, b"HELLO\n")
    assert caught.value.what.startswith("client B did not receive what client A had said to everyone")


def test_a_slow_reader_is_not_asked_what_it_heard(stand: Stand) -> None:
    serving = stand.serve("room")
    first = stand.connect(serving)
    slow = stand.connect(serving, "client B", slow=True)
    slow.wait_accepted()
    first.ask(Exchange(HELLO, b"HELLO\n", b"HELLO\n"))
    assert slow.received_bytes == 0
    slow.expect(b"HELLO\n")
