"""What a resolver must not take for its answer: whatever anybody sends it, until the answer comes."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from messages import (
    HEADER_BYTES,
    IS_ANSWER,
    RECURSION_AVAILABLE,
    RECURSION_DESIRED,
    Record,
    question,
)
from msgspec.structs import replace
from protocol import address_of, answer, asks, host_name, resolved

from grader import Turn, UdpClients, Values, Visit, behaviour

_FLAGS = IS_ANSWER | RECURSION_DESIRED | RECURSION_AVAILABLE


def ignoring(rng: random.Random, *noise: Callable[[Values, list[Record]], bytes]) -> Visit:
    """Before the answer comes something else, made from what was heard and from records that must not be printed."""
    name = host_name(rng)
    wrong, right = ([Record(name, "A", address)] for address in ("192.0.2.255", address_of(rng)))
    visit: Visit = resolved(name, "A", right)

    def says(seen: Values) -> tuple[bytes, ...]:
        return (*(make(seen, wrong) for make in noise), answer(seen, right))

    return replace(visit, turns=(Turn(asks(name, "A"), says),))


def _with_id(change: int) -> Callable[[Values, list[Record]], bytes]:
    def make(seen: Values, wrong: list[Record]) -> bytes:
        return bytes(answer({**seen, "id": (int.from_bytes(seen["id"]) ^ change).to_bytes(2)}, wrong))

    return make


@behaviour(
    does="before the answer come answers to the same question with another address and other ids, which differ in one "
    "byte and in both",
    proves="they have arrived at its socket before the answer",
    catches="an id that is not compared, or in part",
    hint="Keep the id of your query, and go on waiting if an answer has another.",
)
def test_other_ids(udp_clients: UdpClients, rng: random.Random) -> None:
    """Ignores answers with another id"""
    udp_clients.play(ignoring(rng, *map(_with_id, (0xFFFF, 0x0100, 0x0001))))


def _about(question_bytes: bytes) -> Callable[[Values, list[Record]], bytes]:
    def make(seen: Values, wrong: list[Record]) -> bytes:
        asked = question_bytes or seen["question"][:-4] + b"\0\x1c\0\1"
        return bytes(answer({**seen, "question": asked}, wrong))

    return make


@behaviour(
    does="before the answer come answers with its id, but with another name, another type, another class, or no "
    "question",
    proves="they have arrived at its socket before the answer",
    catches="only the id is compared, or only the name and the type",
    hint="An answer has the question of its query: compare name, type and class; go on waiting if they differ.",
)
def test_other_questions(udp_clients: UdpClients, rng: random.Random) -> None:
    """Ignores answers to other questions"""
    other_name, other_type = _about(question(host_name(rng), 1)), _about(b"")
    udp_clients.play(ignoring(rng, other_name, other_type, _in_another_class, lambda seen, _: _without_question(seen)))


def _in_another_class(seen: Values, wrong: list[Record]) -> bytes:
    return bytes(answer({**seen, "question": seen["question"][:-2] + b"\0\3"}, wrong))


def _without_question(seen: Values) -> bytes:
    record = b"\0" + struct.pack("!HHIH4s", 1, 1, 60, 4, b"\xc0\0\2\xff")
    return bytes(seen["id"]) + struct.pack("!5H", _FLAGS, 0, 1, 0, 0) + record


@behaviour(
    does="before the answer come an empty datagram, a few bytes, words, a header that is cut short, and a query with "
    "its id and an answer in it",
    proves="they have arrived at its socket before the answer",
    catches="an exception where the datagram is taken apart, QR not looked at",
    hint="Look at a datagram's length before you take it apart, and at the bit QR; go on waiting if it is no answer.",
)
def test_no_answers(udp_clients: UdpClients, rng: random.Random) -> None:
    """Ignores what is not an answer"""
    udp_clients.play(
        ignoring(
            rng,
            lambda *_: b"",
            lambda seen, _: seen["id"],
            lambda *_: b"hello, is anybody there?",
            lambda seen, wrong: answer(seen, wrong)[: HEADER_BYTES - 1],
            lambda seen, wrong: answer(seen, wrong)[:HEADER_BYTES],
            lambda seen, wrong: answer(seen, wrong, flags=RECURSION_DESIRED),
        )
    )


#: Names that never end: a pointer to itself, two that point to each other, one back to its own label, one out of the
#: message; each as a function of where it is.
_ENDLESS: tuple[Callable[[int], bytes], ...] = (
    lambda at: struct.pack("!H", 0xC000 | at),
    lambda at: struct.pack("!HH", 0xC000 | (at + 2), 0xC000 | at),
    lambda at: b"\3www" + struct.pack("!H", 0xC000 | at),
    lambda _: b"\xff\xff",
    lambda _: b"\x3fwww",
)


def _named(endless: Callable[[int], bytes]) -> Callable[[Values, list[Record]], bytes]:
    def make(seen: Values, _: list[Record]) -> bytes:
        begin = bytes(seen["id"]) + struct.pack("!5H", _FLAGS, 1, 1, 0, 0) + bytes(seen["question"])
        return begin + endless(len(begin)) + struct.pack("!HHIH4s", 1, 1, 60, 4, b"\xc0\0\2\xff")

    return make


@behaviour(
    does="before the answer come answers with a name that never ends: its pointer points to itself, two pointers point "
    "to each other, a pointer points back to its own name, out of the message, a label is longer than the message",
    proves="they have arrived at its socket before the answer",
    catches="an endless loop, memory that grows without end, a crash behind the end of the buffer",
    hint="Count the pointers of a name: more than 127 can't be right. Check each place that you read from against the "
    "length of the datagram.",
)
def test_hostile_pointers(udp_clients: UdpClients, rng: random.Random) -> None:
    """Survives names that never end"""
    udp_clients.play(ignoring(rng, *map(_named, _ENDLESS)))


def _counting(seen: Values, wrong: list[Record]) -> bytes:
    whole = bytes(answer(seen, wrong))
    return whole[:6] + b"\0\2" + whole[8:]


@behaviour(
    does="before the answer come answers that are cut short in a record, that count a record too many, whose "
    "RDLENGTH goes beyond their end, and whose address has five bytes",
    proves="they have arrived at its socket before the answer",
    catches="counts and lengths believed, bytes read behind the end of the datagram",
    hint="Before you read something, look whether the datagram has so many bytes. An A record has four bytes, an AAAA "
    "record sixteen.",
)
def test_cut_short(udp_clients: UdpClients, rng: random.Random) -> None:
    """Ignores answers that are cut short"""
    udp_clients.play(
        ignoring(
            rng,
            lambda seen, wrong: answer(seen, wrong)[:-1],
            lambda seen, wrong: answer(seen, wrong)[:-9],
            _counting,
            lambda seen, wrong: answer(seen, wrong)[:-6] + b"\1\x90\xc0\0\2\xff",
            lambda seen, wrong: answer(seen, wrong)[:-6] + b"\0\5\xc0\0\2\xff\7",
        )
    )
