"""Events, what is kept of their bytes, and two byte strings side by side."""

from __future__ import annotations

import ast
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.limits import EVENT_LEAST_BYTES, EVENT_SHOWN_BYTES, TRANSCRIPT_BYTES, TRANSCRIPT_FULL
from grader.model import Event, EventKind
from grader.wire.transcript import (
    WINDOW_COLUMNS,
    Transcript,
    compared,
    cut,
    first_difference,
    shortened,
    shown,
    side_by_side,
    with_data,
)

LABEL = len("expected: ")
# Few different bytes, so that long common beginnings are common; those that need escapes among them.
LIKELY = st.binary(max_size=200) | st.text("ab\n\r'\\\x00é", max_size=200).map(str.encode)


def literal(text: str) -> bytes:
    """What a quoted window shows, its ellipses taken off."""
    value = ast.literal_eval(f"b{text.removeprefix('…').removesuffix('…')}")
    assert isinstance(value, bytes)
    return value


def common_length(left: bytes, right: bytes) -> int:
    """The longest beginning that both have, looked for from its end."""
    return next(length for length in range(len(left), -1, -1) if right.startswith(left[:length]))


@given(st.binary(max_size=300), st.integers(0, 200))
def test_what_is_cut_keeps_head_and_tail_and_says_what_is_gone(data: bytes, kept: int) -> None:
    left, omitted, head = cut(data, kept)
    assert len(left) == min(len(data), kept)
    assert len(left) + omitted == len(data)
    if omitted:
        assert data[:head] == left[:head]
        assert data[head + omitted :] == left[head:]
        assert abs(head - (len(left) - head)) <= 1
    else:
        assert (left, head) == (data, 0)


@given(st.binary())
def test_shown_bytes_are_printable_and_can_be_read_back(data: bytes) -> None:
    text = shown(data)
    assert text.isascii()
    assert text.isprintable()
    assert literal(text) == data


@given(LIKELY, LIKELY)
def test_the_first_difference_ends_the_common_beginning(left: bytes, right: bytes) -> None:
    assert first_difference(left, right) == common_length(left, right)


@given(LIKELY, LIKELY, LIKELY)
def test_the_caret_stands_under_the_first_difference(common: bytes, left: bytes, right: bytes) -> None:
    expected, received = common + left, common + right
    first, second, marker = side_by_side(expected, received)
    at = common_length(expected, received)
    caret = marker.index("^")
    assert marker == " " * caret + "^"
    assert first[LABEL:caret] == second[LABEL:caret]
    before = literal(first[LABEL:caret] + "'")
    assert expected[:at].endswith(before)
    assert (before == expected[:at]) == ("…" not in first[:caret])
    assert (first[caret:] == second[caret:]) == (expected == received)


@given(LIKELY, LIKELY, LIKELY, st.integers(8, 100))
def test_both_windows_show_what_there_is(common: bytes, left: bytes, right: bytes, columns: int) -> None:
    expected, received = common + left, common + right
    at = first_difference(expected, received)
    first, second, marker = side_by_side(expected, received, columns)
    caret = marker.index("^")
    for line, label, data in ((first, "expected: ", expected), (second, "received: ", received)):
        text = line.removeprefix(label)
        assert len(text.strip("…")) <= columns + 2
        before, behind = literal(line[LABEL:caret] + "'"), literal("'" + line[caret:])
        assert data[:at].endswith(before)
        assert data[at:].startswith(behind)
        assert text.startswith("…") == (len(before) < at)
        assert text.endswith("…") == (at + len(behind) < len(data))
        assert behind or at == len(data), "the byte that differs is shown"
        assert text.isprintable()


def test_a_window_fits_a_report_of_eighty_columns() -> None:
    lines = side_by_side(b"\x00" * 100, b"\x00" * 50 + b"\x01" * 50)
    assert max(map(len, lines)) <= len("expected: …''…") + WINDOW_COLUMNS <= 75


def test_side_by_side_golden() -> None:
    assert side_by_side(b"HELLO\n", b"HELlO\n") == [
        "expected: 'HELLO\\n'",
        "received: 'HELlO\\n'",
        "              ^",
    ]
    assert side_by_side(b"A\n", b"A\nB\n") == [
        "expected: 'A\\n'",
        "received: 'A\\nB\\n'",
        "              ^",
    ]
    assert side_by_side(b"x" * 100 + b"y", b"x" * 100 + b"'") == [
        f"expected: …'{'x' * 58}y'",
        f"received: …'{'x' * 58}\\''",
        " " * 70 + "^",
    ]


class Clock:
    """Tells the times it was given."""

    def __init__(self, *times: float) -> None:
        self._times = iter(times)

    def __call__(self) -> float:
        return next(self._times)


def test_events_stand_in_order_with_their_time() -> None:
    transcript = Transcript(Clock(100.0, 100.0015, 102.0))
    transcript.add(EventKind.CONNECTED, "client A", "to port 1")
    transcript.add(EventKind.SENT, "client A", data=b"abc", ends=(("::1", 1), ("::1", 2)))
    first, second = transcript.events
    assert (first.at_ms, first.kind, first.who, first.text) == (1.5, EventKind.CONNECTED, "client A", "to port 1")
    assert (second.at_ms, second.data, second.size_bytes, second.ends) == (2000.0, b"abc", 3, (("::1", 1), ("::1", 2)))


def test_the_verdict_stands_where_it_became_known() -> None:
    times = iter([10.0, 10.001, 10.005])
    transcript = Transcript(lambda: next(times))
    transcript.add(EventKind.CONNECTED, "client A")
    transcript.add(EventKind.CLOSED, "client A")
    events = transcript.with_verdict(10.003, "it never answers")
    assert [event.kind for event in events] == [EventKind.CONNECTED, EventKind.VERDICT, EventKind.CLOSED]
    assert (events[1].at_ms, events[1].text) == (3.0, "it never answers")


@given(common=st.binary(max_size=200), left=st.binary(max_size=100), right=st.binary(max_size=100))
def test_what_is_compared_is_around_the_first_difference(common: bytes, left: bytes, right: bytes) -> None:
    expected, received = common + left, common + right
    made = compared(expected, received)
    at = first_difference(expected, received)
    assert made.at_bytes + made.difference == at
    for whole, part in ((expected, made.expected), (received, made.received)):
        assert whole[made.at_bytes :].startswith(part)
        assert part[made.difference : made.difference + 8] == whole[at : at + 8]


def test_elapsed_time_is_since_the_beginning() -> None:
    assert Transcript(Clock(5.0, 7.5)).elapsed_s() == 2.5


#: So much of an event is kept here.
KEPT_BYTES = 400


@pytest.mark.parametrize("kind", [EventKind.RECEIVED, EventKind.SENT])
def test_a_long_event_keeps_its_true_length(kind: EventKind) -> None:
    transcript = Transcript(Clock(0, 0), event_bytes=KEPT_BYTES)
    transcript.add(kind, "client A", data=b"a" * 5000 + b"z" * 5000)
    (event,) = transcript.events
    assert (event.size_bytes, event.omitted_bytes, event.head_bytes) == (10_000, 10_000 - KEPT_BYTES, KEPT_BYTES // 2)
    assert event.data == b"a" * 200 + b"z" * 200


def test_an_affordable_event_is_complete_and_all_together_are_bounded() -> None:
    transcript = Transcript(lambda: 0.0)
    for _ in range(9):
        transcript.add(EventKind.SENT, "client A", data=b"x" * 65_536)
    kept = [len(event.data) for event in transcript.events]
    assert kept == [65_536] * 8 + [EVENT_SHOWN_BYTES]
    assert sum(kept) <= TRANSCRIPT_BYTES + EVENT_SHOWN_BYTES


@given(st.binary(max_size=300), st.integers(1, 300), st.integers(1, 300))
def test_what_is_shortened_twice_is_what_is_shortened_once(data: bytes, first: int, second: int) -> None:
    event = with_data(Event(at_ms=0, kind=EventKind.SENT, who="client A"), data, max(first, second))
    assert shortened(event, min(first, second)) == with_data(event, data, min(first, second))


def received(*chunks: bytes, text: str = "") -> tuple[Event, ...]:
    transcript = Transcript(lambda: 0.0, event_bytes=KEPT_BYTES)
    for chunk in chunks:
        transcript.add(EventKind.RECEIVED, "client A", text, chunk)
    return transcript.events


#: Lengths around what is kept, of bytes that tell their place.
LONG = st.integers(0, 3 * KEPT_BYTES).map(lambda size: bytes(at * at % 251 for at in range(size)))


@given(LONG, st.lists(st.integers(0, 3 * KEPT_BYTES), max_size=8))
def test_what_is_received_in_parts_is_one_event_like_the_whole(data: bytes, places: list[int]) -> None:
    cuts = sorted({0, len(data), *(place for place in places if place < len(data))})
    parts = [data[start:end] for start, end in pairwise(cuts)] or [b""]
    assert received(*parts) == received(data)


@given(st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=6))
def test_only_what_one_client_received_with_nothing_in_between_is_joined(chunks: list[bytes]) -> None:
    transcript = Transcript(lambda: 0.0)
    for chunk in chunks:
        transcript.add(EventKind.RECEIVED, "client A", data=chunk)
        transcript.add(EventKind.RECEIVED, "client B", data=chunk)
    assert [(event.who, event.data) for event in transcript.events] == [
        (who, chunk) for chunk in chunks for who in ("client A", "client B")
    ]


def test_what_is_printed_on_one_stream_with_nothing_in_between_is_joined() -> None:
    transcript = Transcript(lambda: 0.0)
    for stream in ("standard output", "standard output", "standard error"):
        transcript.add(EventKind.OUTPUT, "program", stream, b"a")
    assert [(event.text, event.data) for event in transcript.events] == [
        ("standard output", b"aa"),
        ("standard error", b"a"),
    ]


_IN_PARTS = {EventKind.RECEIVED, EventKind.OUTPUT}


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind not in _IN_PARTS])
def test_other_events_in_a_row_stay_apart(kind: EventKind) -> None:
    transcript = Transcript(lambda: 0.0)
    transcript.add(kind, "client A", data=b"a")
    transcript.add(kind, "client A", data=b"b")
    transcript.add(EventKind.RECEIVED, "client A", data=b"c")
    transcript.add(kind, "client A", data=b"d")
    assert [event.data for event in transcript.events] == [b"a", b"b", b"c", b"d"]


def test_what_has_words_of_its_own_is_not_joined() -> None:
    assert [event.data for event in received(b"a", b"b", text="an odd one")] == [b"a", b"b"]


def test_a_joined_event_has_the_time_of_its_first_part() -> None:
    transcript = Transcript(Clock(0, 1, 2))
    transcript.add(EventKind.RECEIVED, "client A", data=b"a")
    transcript.add(EventKind.RECEIVED, "client A", data=b"b")
    (event,) = transcript.events
    assert (event.at_ms, event.data) == (1000.0, b"ab")


NOTES = st.lists(st.text(max_size=3), max_size=6)


@given(NOTES, NOTES, NOTES)
def test_rewinding_forgets_exactly_what_came_after_the_mark(
    before: list[str], between: list[str], after: list[str]
) -> None:
    transcript = Transcript(lambda: 0.0)

    def note(words: list[str]) -> None:
        for word in words:
            transcript.add(EventKind.NOTE, "grader", word)

    note(before)
    mark = transcript.mark()
    note(between)
    transcript.rewind(mark)
    assert [event.text for event in transcript.events] == before
    note(after)
    transcript.rewind(mark)
    transcript.rewind(mark)
    note(after)
    assert [event.text for event in transcript.events] == before + after


def test_events_handed_out_do_not_change() -> None:
    transcript = Transcript(Clock(0, 0, 0))
    transcript.add(EventKind.NOTE, "grader", "one")
    before = transcript.events
    transcript.add(EventKind.NOTE, "grader", "two")
    assert [event.text for event in before] == ["one"]


def test_of_a_message_stands_there_what_has_gone() -> None:
    transcript = Transcript(Clock(0, 1, 2, 3, 4, 5))
    never = transcript.sending("client A", b"never")
    message = transcript.sending("client A", b"in pieces", "so")
    transcript.add(EventKind.RECEIVED, "client A", data=b"I")
    message.went(1, apart=True)
    message.went(3, apart=True)
    message.went(2)
    assert never.event(99) is None
    assert [(event.kind, event.data, event.pieces) for event in transcript.events] == [
        (EventKind.SENT, b"in pie", (1, 5)),
        (EventKind.RECEIVED, b"I", ()),
    ]
    sent = transcript.events[0]
    assert (sent.at_ms, sent.who, sent.text, sent.size_bytes) == (2000.0, "client A", "so", 6)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=9))
def test_a_message_that_has_gone_is_kept_like_any_other_event(lengths: list[int]) -> None:
    data = bytes(at * at % 251 for at in range(sum(lengths)))
    transcript = Transcript(lambda: 0.0, event_bytes=KEPT_BYTES)
    message = transcript.sending("client A", data)
    for length in lengths:
        message.went(length, apart=True)
    transcript.add(EventKind.SENT, "client A", data=data)
    sent, whole = transcript.events
    apart = tuple(lengths) if len(lengths) > 1 else ()
    assert sent == msgspec.structs.replace(whole, pieces=apart, times_ms=(0.0,) * len(apart))


@given(st.lists(st.tuples(st.sampled_from([EventKind.RECEIVED, EventKind.NOTE]), st.integers(0, 9000)), max_size=60))
def test_of_a_flood_little_more_is_kept_than_of_a_long_conversation(came: list[tuple[EventKind, int]]) -> None:
    whole = 8 << 10
    transcript = Transcript(lambda: 0.0, event_bytes=8 << 10, whole_bytes=whole)
    for number, (kind, size) in enumerate(came):
        transcript.add(kind, "the network", f"datagram {number}", bytes(size))
    told = transcript.events
    assert [event.size_bytes for event in told] == [size for _, size in came]
    assert [len(event.data) + event.omitted_bytes for event in told] == [size for _, size in came]
    most = TRANSCRIPT_FULL * whole + EVENT_SHOWN_BYTES + EVENT_LEAST_BYTES * len(came)
    assert sum(len(event.data) for event in told) <= most


def test_what_was_rewound_takes_no_room() -> None:
    transcript = Transcript(lambda: 0.0, event_bytes=1000, whole_bytes=1000)
    mark = transcript.mark()
    for _ in range(100):
        transcript.rewind(mark)
        transcript.add(EventKind.NOTE, "grader", "again", bytes(1000))
    assert [len(event.data) for event in transcript.events] == [1000]
