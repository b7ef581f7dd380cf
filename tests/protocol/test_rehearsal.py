"""Recognisers and dialogues that are tried without a program: what is wrong with them is told, and nothing else is."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.protocol.exactly import examples_of
from grader.protocol.form import form
from grader.protocol.frame import frame
from grader.protocol.http import http
from grader.protocol.judged import judged
from grader.protocol.laws import decide
from grader.protocol.nothing import nothing
from grader.protocol.rehearsal import fault_of, faults_of
from grader.protocol.reply import Complete, Reply
from grader.protocol.script import Exchange, Seeded
from grader.protocol.until import until
from grader.protocol.visit import Turn, Visit

FIELDS = st.sampled_from([b"{n:[1-9][0-9]*}", b"{x}", b"{:[ ;].*}", b"{a:[ab]{2,3}}", b"text", b"\\", b"{{"])
READY_MADE: list[Reply] = [
    until(b"\r\n.\r\n"),
    frame("!I"),
    frame(">H", counts_itself=True),
    http(200, body=b"content"),
    http((404, 400), strict=True),
    http(204),
    http(200, headers={"Content-Type": form(b"text/html{:.*}", ending=b""), "Set-Cookie": nothing}, body=until(b"x")),
    http(200, headers={"Content-Length": b"7"}, body=b"content", head=True),
]


@given(st.lists(FIELDS, min_size=1, max_size=5, unique=True).map(b"".join))
def test_a_form_takes_its_own_examples(template: bytes) -> None:
    assert fault_of(form(template, b"or {y:[a-f]+}", ending=(b"\n", b"\r\n"))) is None


@pytest.mark.parametrize("reply", READY_MADE, ids=lambda reply: reply.words)
def test_ready_made_recognisers_take_their_own_examples(reply: Reply) -> None:
    (example,) = examples_of(reply)
    assert isinstance(decide(reply, example, [], end=True).decision, Complete)
    assert fault_of(reply) is None


def test_nothing_has_no_example_and_no_fault() -> None:
    assert examples_of(nothing) == ()
    assert fault_of(nothing) is None


def clock(data: bytes) -> str | None:
    hours, minutes = data.split(b":")
    return None if int(hours) < 24 and int(minutes) < 60 else "that is no time of day"


def careful(data: bytes) -> str | None:
    try:
        return clock(data)
    except ValueError:
        return "that is no time"


def numbered(data: bytes) -> str | None:
    found = re.fullmatch(rb"NUMBER (\d+)", data)
    return None if found and int(found[1]) else "that is no number"


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (judged(clock, "a time"), "raises ValueError("),
        (judged(numbered, "a number"), None),
        (judged(numbered, "a number", examples=[b"NUMBER 7"]), "raises ValueError("),
        (judged(careful, "a time", examples=[b"12:00"], wrong=[b"24:00"]), None),
        (
            judged(careful, "a time", examples=[b"12:00", b"12.00"]),
            "does not take its own example '12.00': that is no time",
        ),
        (judged(careful, "a time", wrong=[b"12:00"]), "takes '12:00', which is an example of what is wrong"),
        (frame("!H", judge=careful, examples=[b"12:00"], wrong=[b"25:00"]), None),
        (frame("!H", judge=careful, examples=[b"25:00"]), "does not take its own example"),
        (frame("!H", judge=clock), "raises ValueError("),
        (http(200, body=judged(clock, "a time")), "raises ValueError("),
    ],
)
def test_what_is_wrong_with_a_judge_is_told(reply: Reply, fault: str | None) -> None:
    found = fault_of(reply)
    assert (found is None) if fault is None else (found is not None and found.startswith(fault)), found


Turns = Generator[Exchange, dict[str, Any], None]


def found_in(**functions: Callable[..., object]) -> dict[str, str]:
    return dict(faults_of(Seeded(SimpleNamespace(**functions), 1)))


def guesses(number: int, rng: random.Random) -> Turns:
    low, high = 1, 100
    while low <= high:
        guess = rng.randint(low, high)
        seen = yield Exchange(b"%d GUESS %d\n" % (number, guess), form(b"HIGH", b"LOW", b"OK {tries:[0-9]+}"))
        if seen["line"].startswith(b"OK"):
            return
        low, high = (low, guess - 1) if seen["line"] == b"HIGH" else (guess + 1, high)


def test_a_dialogue_that_copes_with_each_answer_has_no_fault() -> None:
    assert found_in(dialogue=guesses) == {}


def test_a_dialogue_that_is_not_prepared_for_an_answer_is_told_which() -> None:
    def dialogue(number: int, _: random.Random) -> Turns:
        for count in range(3):
            seen = yield Exchange(b"%d %d\n" % (number, count), form(b"OK {n:[0-9]+}", b"BUSY"))
            assert int(seen["n"]) >= 0

    assert found_in(dialogue=dialogue) == {"dialogue": "raises KeyError('n') when 'BUSY\\n' comes"}


def test_dialogues_that_share_something_are_told_apart_from_those_that_do_not() -> None:
    said = []

    def dialogue(number: int, _: random.Random) -> Turns:
        said.append(number)
        yield Exchange(b"%d COUNT\n" % number, b"%d\n" % len(said))

    (fault,) = found_in(dialogue=dialogue).values()
    assert fault.startswith("says something else in dialogue 0 after dialogue 1: '0 COUNT\\n', which expects '3")


def test_what_two_dialogues_draw_from_one_place_in_turns_is_seen_in_lockstep() -> None:
    shared = {"last": -1}

    def dialogue(number: int, _: random.Random) -> Turns:
        shared["last"] = number
        for count in range(2):
            yield Exchange(b"%d %d\n" % (number, count), b"%d\n" % shared["last"])

    (fault,) = found_in(dialogue=dialogue).values()
    assert "beside dialogue" in fault


def test_a_dialogue_yields_exchanges() -> None:
    def dialogue(_: int, __: random.Random) -> Any:
        yield Exchange(b"a\n", b"b\n")
        yield b"c\n"

    assert found_in(dialogue=dialogue) == {"dialogue": "must yield exchanges, and yields b'c\\n' when 'b\\n' comes"}


def test_an_endless_dialogue_is_not_followed_for_ever() -> None:
    def dialogue(number: int, _: random.Random) -> Turns:
        while True:
            yield Exchange(b"%d AGAIN\n" % number, b"OK\n")

    assert found_in(dialogue=dialogue) == {}


def test_replies_of_exchanges_greetings_and_visits_are_tried() -> None:
    reply = judged(clock, "a time")

    def visit(_: int, __: random.Random) -> Visit:
        return Visit((Turn(b"TIME", b"12:00"),), shown=reply)

    found = found_in(exchange=lambda *_: Exchange(b"TIME", reply), greeting=lambda _: reply, visit=visit)
    assert [fault.partition(" raises ")[0] for fault in found.values()] == [
        "gives a reply that",
        "gives a recogniser that",
        "has a `shown` that",
    ]


def test_an_answer_that_can_not_be_computed_is_told() -> None:
    def visit(_: int, __: random.Random) -> Visit:
        return Visit((Turn(form(b"ID {id:[0-9]+}"), lambda seen: seen["name"]),))

    assert found_in(visit=visit) == {"visit": "has a turn whose `says` raises KeyError('name') when 'ID 0\\n' has come"}
