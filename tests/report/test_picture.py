"""The sequence diagram of a transcript: who has a line, what is an arrow, what was unread, what is folded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grader.model import Event, EventKind
from grader.report.picture import FIRST_STEPS, LAST_STEPS, MOST_LANES, WIDTH, Drawing, Picture, Step, picture
from tests.report.examples import FRAGMENTS, events_strategy


def sent(who: str, data: bytes, *pieces: int, at_ms: float = 1) -> Event:
    return Event(at_ms=at_ms, kind=EventKind.SENT, who=who, data=data, size_bytes=len(data), pieces=pieces)


def drawn(*events: Event, most_steps: int = 100) -> Picture:
    found = picture(events, most_steps)
    assert found is not None
    return found


def names(made: Picture) -> list[str]:
    return [lane.name for lane in made.first.lanes]


def arrows(drawing: Drawing) -> list[tuple[str, str, str]]:
    """From whom, to whom, the words."""
    name = {lane.x: lane.name for lane in drawing.lanes}
    return [
        (name[step.start], name[step.end], " ".join(step.label))
        for step in drawing.steps
        if step.start is not None and step.end is not None
    ]


def test_each_piece_is_an_arrow_and_the_unread_one_is_marked() -> None:
    made = drawn(*FRAGMENTS.evidence)
    assert names(made) == ["client A", "program"]
    assert arrows(made.first) == [
        ("client A", "program", "connects"),
        ("client A", "program", "'he'  piece 1 of 2"),
        ("client A", "program", r"'llo\n'  piece 2 of 2"),
        ("program", "client A", "'HE'"),
        ("program", "client A", "RST (reset by the other side)"),
    ]
    marked = [step.label for step in made.first.steps if "unread" in step.styles]
    assert marked == [(r"'llo\n'  piece 2 of 2",)]  # the verdict says that 4 bytes are


def test_what_comes_after_the_verdict_is_marked_so() -> None:
    steps = drawn(*FRAGMENTS.evidence).first.steps
    (verdict,) = (number for number, step in enumerate(steps) if step.is_verdict)
    assert [number for number, step in enumerate(steps) if "after" in step.styles] == [verdict + 1]


def test_a_client_stands_between_its_keyboard_and_the_server() -> None:
    made = drawn(
        Event(at_ms=1, kind=EventKind.TYPED, who="the keyboard", data=b"x\n"),
        Event(at_ms=2, kind=EventKind.CONNECTED, who="program", text="to 127.0.0.1 port 5"),
        Event(at_ms=3, kind=EventKind.RECEIVED, who="the server", data=b"x\n"),
        Event(at_ms=4, kind=EventKind.CLOSED, who="the server"),
    )
    assert names(made) == ["the keyboard", "program", "the server"]
    assert [(start, end) for start, end, _ in arrows(made.first)] == [
        ("the keyboard", "program"),
        ("program", "the server"),
        ("program", "the server"),
        ("the server", "program"),
    ]


def test_two_programs_have_a_line_each() -> None:
    made = drawn(
        Event(at_ms=0, kind=EventKind.LISTENING, who="your server", text="on 0.0.0.0 port 5"),
        Event(at_ms=0, kind=EventKind.STARTED, who="your client", text="x"),
        Event(at_ms=1, kind=EventKind.TYPED, who="the keyboard", data=b"x\n"),
    )
    assert names(made) == ["the keyboard", "your client", "your server"]


def test_what_a_network_does_with_datagrams_is_drawn_from_the_one_who_sent_them() -> None:
    def through(kind: EventKind, text: str) -> Event:
        return Event(at_ms=2, kind=kind, who="the network", text=text, data=b"x", size_bytes=1, means="DATA 1")

    made = drawn(
        Event(at_ms=1, kind=EventKind.STARTED, who="your server", text="./server 5"),
        Event(at_ms=1, kind=EventKind.STARTED, who="your client", text="./client 5"),
        through(EventKind.RECEIVED, "for the server; lost"),
        through(EventKind.RECEIVED, "for the server: DATA 1; passed on"),
        through(EventKind.SENT, "to the server: DATA 1"),
        through(EventKind.RECEIVED, "for the client; passed on twice"),
    )
    assert names(made) == ["your client", "the network", "your server"]
    assert arrows(made.first) == [
        ("your client", "the network", "lost: DATA 1: 'x'"),
        ("your client", "the network", "DATA 1: 'x'"),
        ("the network", "your server", "DATA 1: 'x'"),
        ("your server", "the network", "passed on twice: DATA 1: 'x'"),
    ]
    assert [number for number, step in enumerate(made.first.steps) if "rst" in step.styles] == [2]


def test_of_many_clients_the_last_ones_have_lines_of_their_own() -> None:
    made = drawn(*(sent(f"client {number}", b"x") for number in range(20)))
    assert len(made.first.lanes) == MOST_LANES
    assert set(names(made)) == {"client 19", "client 18", "others", "program"}


def test_of_many_pieces_the_first_and_the_last_are_drawn() -> None:
    labels = [" ".join(step.label) for step in drawn(sent("client A", b"abcdefghijkl", *[1] * 12)).first.steps]
    assert labels[0].startswith("'a'")
    assert "6 pieces more" in labels[-2]
    assert labels[-1] == "'l'  piece 12 of 12"


def test_a_long_one_is_folded_in_its_middle_and_says_what_it_leaves_out() -> None:
    events = [sent("client A", b"%d" % number) for number in range(100)]
    made = drawn(*events, most_steps=40)
    assert made.middle is not None
    assert made.last is not None
    sizes = [len(part.steps) for part in (made.first, made.middle, made.last)]
    assert sizes == [FIRST_STEPS, 40 - FIRST_STEPS - LAST_STEPS, LAST_STEPS]
    assert sum(sizes) + made.left_out == 100
    assert drawn(*events[: FIRST_STEPS + LAST_STEPS]).last is None


def test_where_nobody_talks_nothing_is_drawn() -> None:
    assert picture([Event(at_ms=0, kind=EventKind.STARTED, who="program", text="x")], 100) is None
    assert picture([], 100) is None


@given(events=st.lists(events_strategy, max_size=60))
def test_everything_stays_inside_and_nothing_overlaps(events: list[Event]) -> None:
    made = picture(events, 40)
    if made is None:
        return
    for part in filter(None, (made.first, made.middle, made.last)):
        assert all(0 < lane.x < WIDTH for lane in part.lanes)
        places = {lane.x for lane in part.lanes}
        assert all(place in places for step in part.steps for place in (step.start, step.end) if place is not None)
        edges = [edge for step in part.steps for edge in (step.y, *lines_of(step), step.y + step.height)]
        assert edges == sorted(edges)
        assert edges[-1] <= part.height
        assert all(len(line) <= 46 for step in part.steps for line in step.label)


def lines_of(step: Step) -> list[int]:
    return [y for y, _ in step.lines]
