"""Scripted clients against real servers: what is proved of sending, and every way in which an answer fails to come."""

from __future__ import annotations

import re
import socket
import time

import msgspec
import pytest

from grader.errors import Reason
from grader.limits import REPLY_S
from grader.model import EventKind
from grader.protocol.reply import Complete, Decision, Incomplete
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.program import Program
from grader.wire.sending import Sender
from grader.wire.tcp import ScriptedClient
from grader.wire.transcript import Sending
from tests.wire.stand import Serving, Stand, wait_printed

HELLO = b"hello\n"
NO_MORE = "never will: the program is blocked and nothing will wake it"
SPINNING = re.compile(r"spinning \(([89][0-9]|100)% of a CPU\)")


def printed_after_end(program: Program) -> list[str]:
    """What a server of `lines` printed up to the end of a connection."""
    wait_printed(program, b"end\n")
    return program.stdout.data.decode().splitlines()


def program_of(client: ScriptedClient) -> Program:
    return client.program


def ask(client: ScriptedClient, data: bytes, reply: bytes) -> None:
    client.send(data)
    client.expect(reply)


def fault_of(client: ScriptedClient, data: bytes = HELLO, reply: bytes = b"HELLO\n") -> FaultError:
    """How asking ends."""
    with pytest.raises(FaultError) as caught:
        ask(client, data, reply)
    return caught.value


def test_each_byte_is_read_before_the_next_is_sent(stand: Stand) -> None:
    client = stand.client_of("lines")
    client.send(HELLO, pieces=1)
    client.expect(b"HELLO\n")
    client.close()
    assert printed_after_end(program_of(client)) == ["recv 1"] * 6 + ["end"]


def test_pieces_of_given_lengths_are_read_apart(stand: Stand) -> None:
    client = stand.client_of("lines")
    client.send(b"one\ntwo\nthree\n", pieces=(2, 7))
    client.expect(b"ONE\nTWO\nTHREE\n")
    client.close()
    assert printed_after_end(program_of(client)) == ["recv 2", "recv 7", "recv 5", "end"]
    (sent,) = (event for event in client.transcript.events if event.kind is EventKind.SENT)
    assert (sent.pieces, sent.data) == ((2, 7, 5), b"one\ntwo\nthree\n")


@pytest.mark.parametrize("size_bytes", [12, 16 * 1024, 16 * 1024 + 1, 100_000])
def test_what_is_to_be_read_at_once_is(stand: Stand, size_bytes: int) -> None:
    message = b"x" * (size_bytes - 2) + b"\ny"
    client = stand.client_of("lines")
    client.send_as_one_read(message)
    client.expect(b"X" * (size_bytes - 2) + b"\n")
    client.close()
    assert printed_after_end(program_of(client)) == [f"recv {size_bytes}", "end"]


def test_only_what_does_not_fit_a_segment_freezes_the_program(stand: Stand) -> None:
    client = stand.client_of("lines")
    client.send_as_one_read(b"x" * 16 * 1024)
    assert EventKind.FROZEN not in {event.kind for event in client.transcript.events}
    client.send_as_one_read(b"x" * 16 * 1024 + b"y")
    kinds = [event.kind for event in client.transcript.events]
    assert kinds.index(EventKind.FROZEN) < kinds.index(EventKind.THAWED)


def test_a_message_and_the_end_arrive_in_one_segment(stand: Stand) -> None:
    client = stand.client_of("lines")
    client.send_and_half_close(HELLO)
    client.expect(b"HELLO\n")
    client.expect_end()
    assert printed_after_end(program_of(client)) == ["recv 6", "end"]


OPTIONS = ("tiny_receive_buffer", "small_segments", "takes_clients_that_have_spoken")


@pytest.mark.parametrize("option", OPTIONS)
def test_no_option_of_its_sockets_keeps_messages_from_arriving_together(stand: Stand, option: str) -> None:
    serving = stand.serve("lines", option)
    for size_bytes in (12, 8000, 100_000):
        message = b"x" * (size_bytes - 2) + b"\ny"
        with stand.connect(serving) as client:
            client.send_as_one_read(message)
            client.expect(b"X" * (size_bytes - 2) + b"\n")
        told = [event.text for event in serving.program.transcript.events if event.kind is EventKind.KERNEL]
        words = f"[0-9]+ of {size_bytes} bytes arrived together: its receive buffer takes no more"
        fits = size_bytes == 12 or option != "tiny_receive_buffer"
        assert re.fullmatch(f"all {size_bytes} bytes arrived together" if fits else words, told[-1])


@pytest.mark.parametrize("option", OPTIONS)
def test_no_option_of_its_sockets_keeps_a_message_and_the_end_apart(stand: Stand, option: str) -> None:
    client = stand.client_of("lines", option)
    client.send_and_half_close(b"x" * 500 + b"\n")
    client.expect(b"X" * 500 + b"\n")
    client.expect_end()
    assert printed_after_end(program_of(client)) == ["recv 501", "end"]


def test_one_byte_now_and_then_is_no_reply(stand: Stand) -> None:
    client = stand.client_of("trickles")
    began = time.monotonic()
    client.send(b"hello you\n")
    part = r"client A did not receive its whole reply \([1-4] of 10 bytes\), and the time allowed is up"
    with pytest.raises(FaultError, match=part):
        client.expect(b"HELLO YOU\n")
    assert time.monotonic() - began < 2 * REPLY_S


@pytest.mark.alone
def test_all_pieces_of_a_message_are_read_in_a_time_for_all_of_them(stand: Stand) -> None:
    client = stand.client_of("sips")
    began = time.monotonic()
    with pytest.raises(FaultError, match="1 byte from client A left unread") as caught:
        client.send(b"hello you\n", pieces=1)
    assert caught.value.reason is Reason.NOT_READ
    assert time.monotonic() - began < 3 * REPLY_S


def test_a_server_that_looks_ten_times_a_second_reads_as_many_pieces(stand: Stand) -> None:
    client = stand.client_of("looks_now_and_then")
    program = client.program
    program.limits = msgspec.structs.replace(program.limits, reply_s=0.3)
    client.send(b"hello you\n", pieces=1)
    client.expect(b"hello you\n")


class Torn(Sender):
    """Sends over a network that cuts everything after the first byte."""

    def push(self, data: bytes, sending: Sending, flags: int = 0) -> None:
        super().push(data[:1], sending)
        super().push(data[1:], sending, flags)


class LateEnd(Sender):
    """Sends by a kernel that sends bytes immediately, so that a FIN comes in a segment of its own."""

    def push(self, data: bytes, sending: Sending, _: int = 0) -> None:
        super().push(data, sending)


def client_with(sender: type[Sender], stand: Stand, serving: Serving) -> ScriptedClient:
    client = stand.connect(serving)
    client._sender = sender(client, client._receiver)
    return client


class TooLate(Sender):
    """Sends, and looks when the program has closed the connection."""

    def push(self, data: bytes, sending: Sending, flags: int = 0) -> None:
        super().push(data, sending, flags)
        stream = self._stream
        stream.program.wait(lambda: stream.is_closed() or None)


def test_a_program_may_have_answered_and_closed_before_we_look(stand: Stand) -> None:
    serving = stand.serve("answers_what_came_and_leaves")
    with client_with(TooLate, stand, serving) as client:
        client.send_as_one_read(HELLO)
        client.expect(b"HELLO\n")
        client.expect_end()


def test_a_program_that_closed_without_an_answer_is_at_fault(stand: Stand) -> None:
    serving = stand.serve("closes")
    with client_with(TooLate, stand, serving) as client, pytest.raises(FaultError, match="while its message was"):
        client.send_as_one_read(HELLO)


def test_bytes_that_did_not_arrive_together_are_not_claimed_to(stand: Stand) -> None:
    serving = stand.serve("lines")
    with (
        client_with(Torn, stand, serving) as client,
        pytest.raises(UnprovedError, match="the messages did not arrive together"),
    ):
        client.send_as_one_read(HELLO)


@pytest.mark.parametrize("kind", [Torn, LateEnd])
def test_an_end_that_did_not_arrive_with_the_bytes_is_not_claimed_to(stand: Stand, kind: type[Sender]) -> None:
    serving = stand.serve("lines")
    with (
        client_with(kind, stand, serving) as client,
        serving.program.frozen(),  # else it may have closed its side before we look
        pytest.raises(UnprovedError, match="the message and the FIN did not arrive together"),
    ):
        client.send_and_half_close(HELLO)


def test_an_end_that_arrived_with_the_bytes_is(stand: Stand) -> None:
    client = stand.client_of("lines")
    with program_of(client).frozen():
        client.send_and_half_close(HELLO)
        row = client.row()
        assert row is not None
        assert row.receive_queue == len(HELLO) + 1


def test_more_than_the_reply_may_follow_it(stand: Stand) -> None:
    client = stand.client_of("twice")
    client.send(HELLO)
    client.expect(b"hel")
    client.expect(b"lo\nhello\n")


def test_a_wrong_reply(stand: Stand) -> None:
    fault = fault_of(stand.client_of("wrong"))
    assert (fault.reason, fault.expected, fault.received) == (Reason.WRONG_REPLY, b"HELLO\n", b"herro\n")
    assert str(fault) == "client A received a different reply"


def test_an_urgent_byte_is_a_byte_that_it_has_sent(stand: Stand) -> None:
    fault = fault_of(stand.client_of("answers_with_an_urgent_byte"))
    assert (fault.reason, (fault.received or b"")[:1]) == (Reason.WRONG_REPLY, b"!")


@pytest.mark.parametrize(
    ("which", "reason", "what", "received"),
    [
        (
            "silent",
            Reason.NO_REPLY,
            f"client A received no reply, and {NO_MORE}",
            b"",
        ),
        (
            "part",
            Reason.INCOMPLETE_REPLY,
            f"client A did not receive its whole reply (3 of 6 bytes), and {NO_MORE}",
            b"hel",
        ),
        ("never_accepts", Reason.NOT_ACCEPTED, "client A was never accepted", b""),
        ("closes", Reason.CLOSED_EARLY, "the program closed client A's connection instead of replying", b""),
        (
            "part_and_close",
            Reason.CLOSED_EARLY,
            "the program closed client A's connection before its reply was complete",
            b"hel",
        ),
        ("resets", Reason.RESET, "the program reset client A's connection instead of replying", b""),
        ("crashes", Reason.CRASHED, "the program exited while client A was connected", b""),
        ("breaks_memory", Reason.CRASHED, "the program exited while client A was connected", b""),
        ("exits", Reason.EXITED, "the program exited while client A was connected", b""),
    ],
)
def test_an_answer_that_does_not_come_is_known_before_the_deadline(
    stand: Stand, which: str, reason: Reason, what: str, received: bytes
) -> None:
    client = stand.client_of(which)
    began = time.monotonic()
    fault = fault_of(client, reply=b"hello\n")
    took_s = time.monotonic() - began
    assert (fault.reason, fault.what, fault.received) == (reason, what, received)
    assert took_s < REPLY_S / 2


@pytest.mark.parametrize(
    ("which", "doing"),
    [
        ("silent", "blocked in recv on client A's connection"),
        ("never_accepts", "blocked in pause; client A has 6 unread bytes and was never accepted"),
        ("closes", "blocked in accept, waiting for the next client"),
        ("crashes", "it exited with status 7"),
        ("breaks_memory", "it was ended by signal SIGSEGV, a bad memory access"),
    ],
)
def test_a_fault_tells_what_the_program_was_doing(stand: Stand, which: str, doing: str) -> None:
    assert fault_of(stand.client_of(which)).doing == doing


def test_the_wrong_client_is_served(stand: Stand) -> None:
    serving = stand.serve("lines")
    stand.connect(serving, "client A")
    fault = fault_of(stand.connect(serving, "client B"))
    assert fault.reason is Reason.NOT_ACCEPTED
    assert fault.doing == "blocked in recv on client A's connection; client B has 6 unread bytes and was never accepted"


def test_a_program_that_answers_on_its_own_clock_is_waited_for(stand: Stand) -> None:
    client = stand.client_of("takes_its_time")
    client.send(HELLO)
    client.expect(HELLO)


def test_a_program_that_runs_for_ever_has_its_deadline(stand: Stand) -> None:
    client = stand.client_of("spins")
    began = time.monotonic()
    fault = fault_of(client)
    assert fault.reason is Reason.NO_REPLY
    assert SPINNING.fullmatch(fault.doing)
    assert fault.what == "client A received no reply, and the time allowed is up"
    assert time.monotonic() - began >= REPLY_S


def test_bytes_that_are_never_read_are_the_programs_fault(stand: Stand) -> None:
    client = stand.client_of("reads_nothing")
    with pytest.raises(FaultError, match="3 bytes from client A left unread") as caught:
        client.send(HELLO, pieces=3)
    assert caught.value.reason is Reason.NOT_READ


@pytest.mark.parametrize("how", ["peeks_for_more_by_its_count", "peeks_for_more_by_a_low_water_mark"])
def test_who_sleeps_in_a_look_has_seen_what_is_there(stand: Stand, how: str) -> None:
    client = stand.client_of(how)
    client.send(HELLO + b"you", pieces=1)
    client.expect(b"HELLO\n")
    assert not program_of(client).stops.peeks, "it was not stopped for that"


def test_who_looks_again_and_again_is_caught_looking(stand: Stand) -> None:
    client = stand.client_of("peeks_again_and_again")
    client.send(HELLO, pieces=1)
    client.expect(b"HELLO\n")
    assert program_of(client).stops.peeks


def test_who_crashes_while_it_is_looked_at_has_crashed_by_itself(stand: Stand) -> None:
    client = stand.client_of("crashes_before_it_reads_on")
    with pytest.raises(FaultError) as caught:
        client.send(HELLO, pieces=1)
    assert caught.value.reason is Reason.CRASHED


def test_who_is_busy_elsewhere_has_not_looked(stand: Stand) -> None:
    client = stand.client_of("spins")
    with pytest.raises(FaultError, match="1 byte from client A left unread") as caught:
        client.send(HELLO, pieces=1)
    assert caught.value.reason is Reason.NOT_READ
    assert not program_of(client).stops.peeks


def test_a_gate_at_an_unaccepted_connection_says_so(stand: Stand) -> None:
    client = stand.client_of("never_accepts")
    with pytest.raises(FaultError, match="client A was never accepted") as caught:
        client.send(HELLO, pieces=1)
    assert caught.value.reason is Reason.NOT_ACCEPTED


def test_a_program_that_stops_reading_stops_our_sending(stand: Stand) -> None:
    client = stand.client_of("reads_nothing")
    with pytest.raises(FaultError, match=r"the program stopped reading after [0-9]+ bytes") as caught:
        client.send(b"x" * (32 << 20))
    assert caught.value.reason is Reason.NOT_READ


def test_a_long_message_is_sent_whole(stand: Stand) -> None:
    message = b"x" * (8 << 20)
    client = stand.client_of("lines")
    client.send(message + b"\n")
    client.expect(message.upper() + b"\n")


def test_sending_to_a_connection_that_was_closed(stand: Stand) -> None:
    client = stand.client_of("closes_at_once")
    client.expect_end()
    client.send(HELLO)  # answered by a RST
    with pytest.raises(FaultError) as caught:
        client.send(HELLO)
    assert caught.value.reason is Reason.CLOSED_EARLY
    assert caught.value.what == "the program closed client A's connection while its message was being sent"


@pytest.mark.parametrize("size_bytes", [6, 100_000])
def test_a_server_that_has_closed_already_is_at_fault_whatever_is_sent(stand: Stand, size_bytes: int) -> None:
    client = stand.client_of("closes_at_once")
    program_of(client).wait_still()

    def ask_at_once() -> None:
        client.send_as_one_read(b"x" * size_bytes)
        client.expect(b"X")

    with pytest.raises(FaultError) as caught:
        ask_at_once()
    assert caught.value.reason in {Reason.CLOSED_EARLY, Reason.RESET}


def test_what_was_sent_and_what_came_before_the_program_left_is_told(stand: Stand) -> None:
    client = stand.client_of("answers_what_came_and_leaves")
    with pytest.raises(FaultError) as caught:
        client.send(HELLO, pieces=1)
    assert caught.value.received == b"H"
    sent, came = (event for event in client.transcript.events if event.data)
    assert (sent.kind, came.kind, came.data) == (EventKind.SENT, EventKind.RECEIVED, b"H")
    # It has read the first byte before it closes, and the next may be on its way by then: if that has arrived, unread,
    # the kernel sends a reset in place of an end.
    assert sent.data in {HELLO[:1], HELLO[:2]}
    was_reset = sent.data == HELLO[:2] and caught.value.reason is Reason.RESET
    did = "reset" if was_reset else "closed"
    assert caught.value.reason is (Reason.RESET if was_reset else Reason.CLOSED_EARLY)
    assert caught.value.what == f"the program {did} client A's connection while its message was being sent"


def test_who_drops_what_comes_until_the_end_bears_more(stand: Stand) -> None:
    client = stand.client_of("answers_and_waits_for_the_end")
    client.send(HELLO)
    client.send_when_it_rests(b"x" * 40, 10)
    client.expect(HELLO)
    client.expect_end()
    (sent,) = (event for event in client.transcript.events if event.kind is EventKind.SENT and event.text)
    assert (sent.data, sent.pieces) == (b"x" * 40, (10,) * 4)


@pytest.mark.parametrize(
    "which", ["answers_and_reads_what_waits", "answers_and_reads_twice", "answers_and_reads_no_more"]
)
def test_who_closes_before_the_end_may_cost_its_client_the_reply(stand: Stand, which: str) -> None:
    client = stand.client_of(which)
    client.send(HELLO)
    with pytest.raises(FaultError, match="when more arrived than it read") as caught:
        client.send_when_it_rests(b"x" * 40, 10)
    assert caught.value.reason is Reason.RESET


def test_connecting_to_nothing_is_refused(stand: Stand) -> None:
    serving = stand.serve("exits")
    client = stand.connect(serving)
    client.send(HELLO)
    client.expect_end()
    serving.program.wait_end()
    with pytest.raises(
        FaultError, match=r"^the program exited: client B could not connect to port \d+: ECONNREFUSED"
    ) as caught:
        stand.connect(serving, "client B")
    assert caught.value.reason is Reason.EXITED, "the cause, not the symptom"


def test_silence_is_proved_by_stillness(stand: Stand) -> None:
    client = stand.client_of("lines")
    client.send(b"hel")
    began = time.monotonic()
    client.expect_nothing(Reason.EARLY_REPLY, "answered too early")
    assert time.monotonic() - began < REPLY_S / 2
    assert client.transcript.events[-1].text == "is still: blocked in recv on client A's connection"


def test_what_comes_where_nothing_may_is_reported(stand: Stand) -> None:
    client = stand.client_of("greets")
    with pytest.raises(FaultError, match="greeted") as caught:
        client.expect_nothing(Reason.EXTRA_REPLY, "greeted")
    assert (caught.value.reason, caught.value.received) == (Reason.EXTRA_REPLY, b"hi\n")


@pytest.mark.parametrize(("which", "reason"), [("closes", Reason.CLOSED_EARLY), ("crashes", Reason.CRASHED)])
def test_an_end_where_nothing_may_come_is_reported(stand: Stand, which: str, reason: Reason) -> None:
    client = stand.client_of(which)
    client.send(HELLO)
    with pytest.raises(FaultError) as caught:
        client.expect_nothing(Reason.EXTRA_REPLY, "said something")
    assert caught.value.reason is reason


class _Slow:
    """A reply up to a line's end, of which each piece is looked at for so long that the program rests meanwhile."""

    words, examples = "a line", ()

    def begin(self) -> _Slow:
        return self

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — a FIN changes nothing
        until = time.monotonic() + 0.02
        while time.monotonic() < until:
            pass
        return Complete(len(received)) if received.endswith(b"\n") else Incomplete("its end", 1)


def test_what_waits_to_be_read_by_us_has_come(stand: Stand) -> None:
    client = stand.client_of("answers_at_length")
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # all of it fits
    client.send(HELLO)
    client.expect(_Slow())


def test_a_program_is_silent_whose_own_timer_runs_out_too_late(stand: Stand) -> None:
    client = stand.client_of("polls")
    client.send(HELLO)
    began = time.monotonic()
    client.expect_nothing(Reason.EXTRA_REPLY, "said something")
    assert time.monotonic() - began < REPLY_S
    assert client.transcript.events[-1].text.startswith("will sleep for longer than the time allowed for a reply: ")


def test_a_timer_that_runs_out_while_a_client_may_be_silent_is_waited_for(stand: Stand) -> None:
    client = stand.client_of("hangs_up_later")
    client.send(HELLO)
    client.expect_nothing(Reason.EXTRA_REPLY, "said something", REPLY_S + 0.1)
    with pytest.raises(FaultError, match="closed client A's connection too early"):
        client.expect_nothing(Reason.EXTRA_REPLY, "said something", REPLY_S + 2)


def test_a_busy_program_is_silent_when_it_had_the_time_of_a_reply(stand: Stand) -> None:
    client = stand.client_of("spins")
    client.send(HELLO)
    began = time.monotonic()
    client.expect_nothing(Reason.EXTRA_REPLY, "said something")
    assert time.monotonic() - began >= REPLY_S
    before, _, doing = client.transcript.events[-1].text.partition(": ")
    assert before == "has had the time allowed for a reply"
    assert SPINNING.fullmatch(doing)


def test_the_end_must_come_as_such(stand: Stand) -> None:
    still_open = stand.client_of("keeps_it_open")
    still_open.half_close()
    with pytest.raises(FaultError, match="the program does not close client A's connection") as caught:
        still_open.expect_end()
    assert caught.value.reason is Reason.NOT_CLOSED
    assert caught.value.doing == "blocked in pause; client A has closed its side, and the program keeps its own open"


def test_a_reset_is_no_end_but_an_end_or_reset(stand: Stand) -> None:
    serving = stand.serve("resets")
    client = stand.connect(serving)
    client.send(HELLO)
    with pytest.raises(FaultError, match="reset client A's connection instead of closing it") as caught:
        client.expect_end()
    assert caught.value.reason is Reason.RESET
    tolerant = stand.connect(serving)
    tolerant.send(HELLO)
    tolerant.expect_end_or_reset()


def test_bytes_before_the_end_are_too_many(stand: Stand) -> None:
    client = stand.client_of("twice")
    client.send(HELLO)
    client.expect(HELLO)
    with pytest.raises(FaultError) as caught:
        client.expect_end()
    assert (caught.value.reason, caught.value.received) == (Reason.EXTRA_REPLY, HELLO)


@pytest.mark.parametrize("leave", [ScriptedClient.close, ScriptedClient.reset])
def test_a_client_that_leaves_is_gone(stand: Stand, leave: object) -> None:
    client = stand.client_of("silent")
    program = program_of(client)
    client.send(HELLO, pieces=6)
    assert client.established()
    assert not client.gone()
    assert callable(leave)
    leave(client)
    program.wait(lambda: True if client.gone() or not client.established() else None)
    assert program.talks.open == ()


def test_closing_twice_is_closing_once(stand: Stand) -> None:
    with stand.client_of("silent") as client:
        client.close()
    assert [event.kind for event in client.transcript.events].count(EventKind.CLOSED) == 1


def test_the_transcript_tells_the_conversation_in_order(stand: Stand) -> None:
    client = stand.client_of("twice")
    client.send(HELLO)
    client.expect(HELLO + HELLO)
    client.expect_end()
    client.close()
    told = [(event.kind, event.data) for event in client.transcript.events if event.who == "client A"]
    assert told == [
        (EventKind.CONNECTED, b""),
        (EventKind.SENT, HELLO),
        (EventKind.RECEIVED, HELLO + HELLO),
        (EventKind.PEER_CLOSED, b""),
        (EventKind.CLOSED, b""),
    ]
    times = [event.at_ms for event in client.transcript.events]
    assert times == sorted(times)


@pytest.mark.parametrize("which", ["never_accepts", "never_accepts_but_on_ipv6"])
def test_a_full_accept_queue_is_the_programs_fault(stand: Stand, which: str) -> None:
    serving: Serving = stand.serve(which)

    def fill_the_queue() -> None:
        for number in range(200):  # what create_server asks for is at most 128
            stand.connect(serving, f"client {number}")

    with pytest.raises(FaultError, match="could not connect") as caught:
        fill_the_queue()
    assert caught.value.reason is Reason.NOT_ACCEPTED


@pytest.mark.parametrize(("reset", "status"), [(False, -13), (True, 9)])
def test_who_leaves_by_fin_or_reset_leaves_other_errors_behind(stand: Stand, reset: bool, status: int) -> None:
    client = stand.client_of("dies_piece_by_piece")
    client.send_and_leave(b"x" * 16 * 1024, reset=reset)  # SIGPIPE, or ConnectionResetError
    assert program_of(client).wait_end().status == status


def test_who_takes_leave_has_taken_all_that_was_said(stand: Stand) -> None:
    client = stand.client_of("tells_how_its_client_left")
    client.send(HELLO)
    client.take_leave()
    program_of(client).wait_still()
    assert program_of(client).stdout.data.split() == [b"left", b"taken"]


def test_who_leaves_by_fin_while_it_sends_brings_about_a_sigpipe(stand: Stand) -> None:
    serving = stand.serve("dies_of_a_reset")
    client = stand.connect(serving, slow=True)
    client.send_without_reading(b"x" * 96 * 1024)
    client.half_close()
    client.leave_unread()
    assert serving.program.wait_end().status == -13
