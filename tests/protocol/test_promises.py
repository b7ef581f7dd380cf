"""What is wrong with an author's functions: each mistake is told in a sentence, and nothing else is."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Generator
from types import SimpleNamespace

import pytest

from grader.protocol.form import form
from grader.protocol.judged import judged
from grader.protocol.promises import PROMISES, faults_of, optional
from grader.protocol.reply import Complete, Decision, Values
from grader.protocol.script import ClientProtocol, DatagramProtocol, Entry, Exchange, StreamProtocol
from grader.protocol.shapes import CONSTANTS, FORMS
from grader.protocol.visit import Turn, Visit, VisitProtocol

RIGHT = Entry(b"hello", b"hello\n", b"HELLO\n", b"HELLO")
SAYS_HELLO = Turn(b"hello\n", b"HELLO\n")
NOT_SENT = Entry(b"quit", b"", b"", b"")
#: Behind the name of a function that keeps its promises.
NO_FAULT: list[str] = []


def entry(text: str) -> Entry:
    line = text.encode()
    return Entry(line, line + b"\n", line + b"\n", line)


def letters(size_bytes: int, rng: random.Random) -> bytes:
    return bytes(rng.choices(b"abcdefgh", k=size_bytes - 1)) + b"\n"


def iter_of(*exchanges: Exchange) -> Generator[Exchange, Values, None]:
    yield from exchanges


def exchange_of(request: bytes) -> Exchange:
    return Exchange(request, request)


#: One function of each name that is right.
GOOD: dict[str, object] = {
    "exchange": lambda number, rng: exchange_of(b"%d %d\n" % (number, rng.getrandbits(32))),
    "dialogue": lambda number, rng: iter_of(exchange_of(b"%d\n" % number), exchange_of(b"%d\n" % rng.getrandbits(32))),
    "pipelined": lambda count, _: tuple(exchange_of(b"%d\n" % number) for number in range(count)),
    "large": lambda size_bytes, rng: Exchange(b"%d\n" % size_bytes, letters(size_bytes, rng)),
    "unfinished": lambda _: Exchange(b"hel", b""),
    "greeting": lambda _: b"Welcome\n",
    "opening": lambda number, _: exchange_of(b"hello %d\n" % number),
    "awkward": lambda _: (exchange_of(b"a\0b\xff\n"),),
    "surprise": lambda rng: exchange_of(letters(80, rng)),
    "sized": lambda size_bytes, rng: exchange_of(letters(size_bytes, rng)),
    "longest": lambda rng: exchange_of(letters(3000, rng)),
    "closing": lambda _: exchange_of(b"close\n"),
    "unterminated": lambda _: exchange_of(b"bye"),
    "text": lambda _: (exchange_of("ß\n".encode()), exchange_of("€ 🐍\n".encode())),
    "invalid_text": lambda _: (b"\xff\n", b"\xe9\n"),
    "line_endings": lambda _: (exchange_of(b"a\n"), exchange_of(b"a\r\n")),
    "numbers": lambda _: (exchange_of(b"\0\0\0\1"),),
    "hostile_lengths": lambda _: (b"\xff\xff\xff\xff",),
    "empty": lambda _: Exchange(b"", b"OK"),
    "oversized": lambda _: (b"x" * 30_001,),
    "garbage": lambda _: (b"\xff",),
    "LARGEST_BYTES": 30_000,
    "typed": lambda number, _: entry(f"line {number}"),
    "typed_awkward": lambda _: (entry("straße"), entry("  spaces  "), entry("")),
    "typed_sized": lambda size_bytes, rng: entry(letters(size_bytes, rng)[:-1].decode()),
    "leaving": lambda _: NOT_SENT,
    "unasked": lambda _: Entry(b"", b"", b"hear\n", b"hear"),
    "visit": lambda number, rng: Visit((Turn(b"%d\n" % number, letters(9, rng)),)),
    "visit_sized": lambda size_bytes, rng: Visit((Turn(b"?\n", letters(size_bytes, rng)),)),
    "visit_in_turns": lambda _: Visit((Turn(b"one\n", b"1\n"), Turn(b"two\n", b"2\n"))),
}
#: `sized` of the two transports promises different things, so this one is asked without the constant of UDP.
STREAM = {name: member for name, member in GOOD.items() if name not in {"LARGEST_BYTES", "oversized"}}


def faults(name: str, member: object, **others: object) -> list[str]:
    """What is wrong with one function, beside right ones."""
    return list(faults_of(SimpleNamespace(**{**STREAM, **others, name: member}), (name,)))


def always(given: object) -> Callable[..., object]:
    """A function of the right parameters that gives this."""
    return lambda *_: given


def test_right_functions_have_no_faults() -> None:
    assert list(faults_of(SimpleNamespace(**STREAM), STREAM)) == NO_FAULT
    assert list(faults_of(SimpleNamespace(**GOOD), ("LARGEST_BYTES", "oversized", "exchange"))) == NO_FAULT


def test_every_function_that_a_check_may_ask_for_has_its_form() -> None:
    views = (StreamProtocol, DatagramProtocol, ClientProtocol, VisitProtocol)
    asked = {name for view in views for name in (*vars(view), *view.__annotations__) if not name.startswith("_")}
    assert {*FORMS, *CONSTANTS} == asked
    assert set(PROMISES) <= asked


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("exchange", Exchange(b"a", b"a")),
        ("exchange", Exchange(b"hello", "HELLO")),  # type: ignore[arg-type]
        ("dialogue", iter_of()),
        ("dialogue", (exchange_of(b"hello"),)),
        ("typed", "hello"),
        ("typed", NOT_SENT),  # it shows nothing
        ("typed", Entry(b"two\nlines", b"", b"", b"shown")),
        ("typed", Entry(b"hello", b"", b"", "HELLO")),  # type: ignore[arg-type]
        ("typed_awkward", ()),
        ("typed_awkward", RIGHT),
        ("typed_awkward", (RIGHT, None)),
        ("typed_sized", NOT_SENT),
        ("leaving", b"quit"),
        ("unasked", None),
        ("invalid_text", [b"\xff"]),
        ("visit", Visit(())),
        ("visit", Turn(b"hello\n", b"HELLO\n")),
        ("visit", Visit((Turn("hello\n"),))),  # type: ignore[arg-type]
        ("visit", Visit((Turn(b"hello\n", "HELLO\n"),))),  # type: ignore[arg-type]
        ("visit", Visit((SAYS_HELLO,), fill={"id": 7})),  # type: ignore[dict-item]
        ("visit", Visit((SAYS_HELLO,), files={"in": "text"})),  # type: ignore[dict-item]
        ("visit_sized", Visit((SAYS_HELLO,), shown="HELLO")),  # type: ignore[arg-type]
        ("visit_in_turns", Visit((SAYS_HELLO,), written={"out": 7})),  # type: ignore[dict-item]
        ("LARGEST_BYTES", 70_000),
    ],
)
def test_an_authors_mistake_in_a_form_is_told(name: str, given: object) -> None:
    (fault,) = faults(name, given if name == "LARGEST_BYTES" else always(given))
    assert fault.startswith(f"{name} of protocol.py must give ")


#: For every promise of every function, one that breaks it, and no other before it.
BROKEN: dict[str, tuple[object, ...]] = {
    "opening": (lambda *_: exchange_of(b"hello\n"),),
    "exchange": (
        lambda number, _: exchange_of(b"%d\n" % (number % 7)),
        lambda number, _: exchange_of(b"%d close\n" % number),
    ),
    "awkward": (
        always((exchange_of(b"a\0b\n"),)),
        always((exchange_of(b"\xff\0\n"),)),
        always((exchange_of(b"\xff\0b close\n"),)),
    ),
    "sized": (
        lambda size_bytes, rng: exchange_of(letters(size_bytes // 2, rng)),
        lambda size_bytes, _: exchange_of(b"x" * size_bytes),
    ),
    "pipelined": (lambda count, _: (exchange_of(b"one\n"),) * (count - 1),),
    "large": (
        lambda size_bytes, rng: Exchange(b"%d\n" % size_bytes, letters(size_bytes - 1, rng)),
        lambda size_bytes, rng: Exchange(letters(size_bytes, rng), letters(size_bytes, rng)),
    ),
    "unterminated": (always(exchange_of(b"")),),
    "text": (
        always((exchange_of(b"\xff"),)),
        always((exchange_of("ß€🐍".encode()), exchange_of(b"plain"))),
        always((exchange_of("ß€".encode()),)),
    ),
    "invalid_text": (always((b"\xff", b"plain")),),
    "line_endings": (always((exchange_of(b"a\n"), exchange_of(b"a\n"))),),
    "hostile_lengths": (always((b"",)),),
    "empty": (always(exchange_of(b" ")),),
    "oversized": (always((b"x" * 65_508,)),),
    "garbage": (always((b"plain",)),),
    "typed": (
        lambda number, _: entry("line" * (number + 1)),
        lambda number, _: entry(("quit", "one", "two")[number]),
    ),
    "typed_awkward": (
        always((Entry(b"\xff", b"", b"", "ß".encode()),)),
        always((entry("plain"),)),
        always((entry("ß"), entry("line 1 and more"))),
        always((entry("ß"), entry("quit"))),
    ),
    "typed_sized": (
        lambda size_bytes, rng: entry(letters(size_bytes // 2, rng)[:-1].decode()),
        lambda size_bytes, _: entry("x" * (size_bytes - 1)),
    ),
    "leaving": (always(entry("two\nlines")),),
    "unasked": (always(Entry(b"", b"", b"line\n", b"line")),),
    "visit": (
        lambda number, _: Visit((Turn(b"%d\n" % (number % 2), b"HELLO\n"),)),
        lambda number, _: Visit((Turn(b"%d\n" % number, b"!" * number),)),
    ),
    "visit_sized": (always(Visit((SAYS_HELLO,))),),
    "visit_in_turns": (always(Visit((SAYS_HELLO,))),),
}


def test_every_promise_has_a_function_that_breaks_it() -> None:
    assert {name: len(each) for name, each in BROKEN.items()} == {name: len(each) for name, each in PROMISES.items()}


@pytest.mark.parametrize(
    ("name", "which"), [(name, which) for name, each in PROMISES.items() for which in range(len(each))]
)
def test_a_broken_promise_is_told_with_its_seed(name: str, which: int) -> None:
    words = PROMISES[name][which].words
    assert faults(name, BROKEN[name][which]) == [
        f"{name} of protocol.py must give {words}, but with seed 1 it does not"
    ]


def test_a_promise_that_holds_for_the_first_seed_only_is_found_by_the_next() -> None:
    def typed(number: int, rng: random.Random) -> Entry:
        told_apart = rng.getrandbits(64) in first
        return entry(f"line {number}" if told_apart else "line")

    first = {random.Random(f"5  typed ({number},)").getrandbits(64) for number in range(3)}  # noqa: S311
    (fault,) = faults_of(SimpleNamespace(typed=typed), ("typed",), seed=5)
    assert fault.endswith("but with seed 6 it does not")


def test_datagrams_have_exactly_the_size_that_was_asked_for() -> None:
    def sized(size_bytes: int, rng: random.Random) -> Exchange:
        return exchange_of(letters(size_bytes - 1, rng))

    assert faults("sized", sized) == NO_FAULT
    assert faults("sized", sized, LARGEST_BYTES=2000)


@pytest.mark.parametrize(
    ("name", "member", "signature"),
    [
        ("exchange", lambda _: None, "exchange(number, rng)"),
        ("awkward", lambda: (), "awkward(rng)"),
        ("sized", lambda a, b, c: None, "sized(size_bytes, rng)"),
        ("leaving", NOT_SENT, "leaving(rng)"),
    ],
)
def test_a_wrong_signature_is_told_in_one_sentence(name: str, member: object, signature: str) -> None:
    assert faults(name, member) == [
        f"{name} of protocol.py must be a function {signature}, where rng is the run's random source"
    ]


def test_a_recogniser_is_the_same_if_its_words_are() -> None:
    assert faults("unterminated", lambda _: Exchange(b"hello", judged(lambda data: None, "a time"))) == []
    turns = itertools.count()
    assert faults("unterminated", lambda _: Exchange(b"hello", form(b"%d {n}" % next(turns)))) != []


def test_randomness_of_its_own_is_told() -> None:
    turns = itertools.count()
    assert faults("unterminated", lambda _: exchange_of(b"%d" % next(turns))) == [
        "unterminated of protocol.py gives something different for the same seed: it must draw from rng alone"
    ]


def test_a_function_that_is_missing_or_raises_is_told() -> None:
    assert list(faults_of(SimpleNamespace(), ("typed",))) == ["protocol.py has no typed"]

    def typed(_: int, __: random.Random) -> Entry:
        raise KeyError("no such line")

    assert faults("typed", typed) == ["typed of protocol.py raises KeyError('no such line')"]


class Anything:
    """A reply that is recognised, and equal to no other."""

    words = "anything"

    def begin(self) -> Anything:
        return self

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — the protocol has it
        return Complete(len(received))


def test_of_visits_the_recognisers_words_are_compared_and_functions_are_trusted() -> None:
    def visit(number: int, _: random.Random) -> Visit:
        return Visit((Turn(judged(lambda data: None, f"request {number}"), lambda seen: b""),), shown=Anything())

    assert faults("visit", visit) == NO_FAULT
    assert faults("visit_in_turns", always(Visit((SAYS_HELLO, Turn(b"", lambda seen: b"")))))


def test_requests_may_be_the_same_where_replies_are_recognised() -> None:
    assert faults("exchange", lambda _, __: Exchange(b"TIME\n", Anything())) == []


def test_a_greeting_is_tried_though_nobody_asks_for_it() -> None:
    protocol = SimpleNamespace(greeting=always(None), exchange=always(None))
    assert optional(protocol) == ("greeting",)
    assert list(faults_of(protocol, optional(protocol))) == [
        "greeting of protocol.py must give bytes, at least one, or a reply, not 'None'"
    ]


def test_the_longest_message_is_made_twice_and_not_for_each_seed() -> None:
    made: list[bytes] = []

    def longest(rng: random.Random) -> Exchange:
        made.append(letters(3000, rng))
        return exchange_of(made[-1])

    assert faults("longest", longest) == []
    assert len(made) == 2
