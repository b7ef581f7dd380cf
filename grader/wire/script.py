"""What is said: exchanges, what an assignment tells about its messages, and cutting them into pieces.  Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Protocol, cast

import msgspec


class Exchange(msgspec.Struct, frozen=True):
    """Bytes to send and the bytes that must come back, exactly.

    `heard`: what every other connected client must get of it (broadcast).
    """

    request: bytes
    reply: bytes
    heard: bytes = b""


class Entry(msgspec.Struct, frozen=True):
    """A line that is typed into a client, and what comes of it.

    `line`: without its end.  `request`: what the client must send, exactly.  `reply`: what the server answers.
    `shown`: what must stand in the client's output then, in UTF-8; more may stand around it.
    """

    line: bytes
    request: bytes
    reply: bytes
    shown: bytes


class Answer(Enum):
    """How a scripted server answers a request.  Nothing here is random."""

    WHOLE = "at once"
    TOGETHER = "at once, so that one read gets all of it"
    IN_BYTES = "byte by byte, each read before the next is sent"
    LATE = "when the client has come to rest"
    HALF_THEN_CLOSE = "its first half, then the end of the connection"
    HALF_THEN_RESET = "its first half, then a reset"
    CLOSE = "the end of the connection"
    RESET = "a reset"
    NOTHING = "not at all"
    TWICE = "twice"
    BEHIND_THE_NEXT = "after the next one"


class ClientProtocol(Protocol):
    """What an assignment's `protocol.py` says of its client.

    `typed` is needed always, all others where a check says so.
    """

    def typed(self, number: int) -> Entry:
        """A short, plain line, different for every number from 0; no `shown` stands in another's."""

    def typed_awkward(self) -> tuple[Entry, ...]:
        """Lines in UTF-8 that trip a client: characters of several bytes, white space at the ends, an empty line."""

    def typed_sized(self, size_bytes: int) -> Entry:
        """One whose reply has about this many bytes."""

    def leaving(self) -> Entry:
        """The line that ends the client; `request` is empty where it is not sent."""

    def unasked(self) -> Entry:
        """What the server says by itself: `reply` is sent, `shown` must be shown; nothing is typed."""


class StreamProtocol(Protocol):
    """What an assignment's `protocol.py` says of its messages over TCP.  A module with these functions is one.

    A check says which functions it needs (`says` in `@behaviour`); `exchange` is needed always, all others only where
    such a check is listed.
    """

    def exchange(self, number: int) -> Exchange:
        """A short, plain exchange, different for every number from 0."""

    def opening(self) -> Exchange:
        """What each client plays right after connecting: a greeting, a login.  Optional always."""

    def awkward(self) -> tuple[Exchange, ...]:
        """Fixed exchanges whose bytes trip text handling: NUL, high bytes, every byte value."""

    def surprise(self, source: random.Random) -> Exchange:
        """A random exchange; the same source state gives the same one."""

    def sized(self, size_bytes: int) -> Exchange:
        """One whose request has this many bytes, or as near as the format allows."""

    def closing(self) -> Exchange:
        """The one after whose reply the server closes the connection."""

    def unterminated(self) -> Exchange:
        """A last message without its end, and what must be answered when the client's end follows it."""

    def text(self) -> tuple[Exchange, ...]:
        """Messages in UTF-8 with characters of two, three and four bytes."""

    def invalid_text(self) -> tuple[bytes, ...]:
        """Messages that are not UTF-8; what is answered, if anything, is not looked at."""

    def line_endings(self) -> tuple[Exchange, ...]:
        """The same message with all the ends that the handout allows."""

    def numbers(self) -> tuple[Exchange, ...]:
        """Numbers that become others when their bytes are swapped, or their sign is lost."""

    def hostile_lengths(self) -> tuple[bytes, ...]:
        """Starts of messages that announce a length which can't be true."""


class DatagramProtocol(Protocol):
    """What an assignment's `protocol.py` says of its messages over UDP: a request and a reply are one datagram each."""

    #: The longest request that has a right answer.
    LARGEST_BYTES: int

    def exchange(self, number: int) -> Exchange:
        """A short, plain exchange, different for every number from 0."""

    def sized(self, size_bytes: int) -> Exchange:
        """One whose request has exactly this many bytes."""

    def awkward(self) -> tuple[Exchange, ...]:
        """Fixed exchanges whose bytes trip text handling: NUL, white space at the ends, every byte value."""

    def empty(self) -> Exchange:
        """The empty datagram and its answer."""

    def oversized(self) -> tuple[bytes, ...]:
        """Datagrams that have no right answer because of their size."""

    def garbage(self) -> tuple[bytes, ...]:
        """Datagrams that are no proper message; what is answered, if anything, is not looked at."""


def faults_of(protocol: object, functions: Iterable[str]) -> Iterator[str]:
    """What is wrong with a protocol's functions of these names, and with its opening if it has one, in words.

    Each is called once, so that its author hears of a mistake before a student's program runs.
    """
    named = ("opening",) if hasattr(protocol, "opening") else ()
    for name in dict.fromkeys((*functions, *named)):
        if not hasattr(protocol, name):
            yield f"protocol.py has no {name}"
            continue
        member = getattr(protocol, name)
        try:
            given = member(*_ARGUMENTS.get(name, ())) if callable(member) else member
        except Exception as error:  # noqa: BLE001 — whatever an author's function raises is told to its author
            yield f"{name} of protocol.py raises {error!r}"
            continue
        if not _FITS[name](given):
            yield f"{name} of protocol.py must give {_GIVES[_FITS[name]]}, not {str(given)[:60]!r}"
        elif name == "typed" and not _tells_apart([member(number) for number in range(_TOLD_APART)]):
            yield "typed of protocol.py must give lines of which none's shown stands in another's"


def _tells_apart(entries: list[Entry]) -> bool:
    """Whether a client that shows one entry's reply does not show another's by it."""
    return not any(one.shown in other.shown for one in entries for other in entries if one is not other)


def _is_exchange(given: object) -> bool:
    return isinstance(given, Exchange) and all(
        isinstance(part, bytes) for part in (given.request, given.reply, given.heard)
    )


def _is_message(given: object) -> bool:
    return _is_exchange(given) and len(cast("Exchange", given).request) > 1


def _are_exchanges(given: object) -> bool:
    return isinstance(given, tuple) and bool(given) and all(map(_is_exchange, given))


def _are_bytes(given: object) -> bool:
    return isinstance(given, tuple) and all(isinstance(part, bytes) for part in given)


def _is_size(given: object) -> bool:
    return isinstance(given, int) and 0 < given <= _MOST_UDP_BYTES


#: How many lines are typed in any check.
_TOLD_APART = 3
#: What a datagram over IPv4 carries at most (udp(7)).
_MOST_UDP_BYTES = 65_507
#: What each member is asked with when it is tried.
_ARGUMENTS: dict[str, tuple[object, ...]] = {
    "exchange": (0,),
    "sized": (4096,),
    "typed": (0,),
    "typed_sized": (4096,),
    "surprise": (random.Random(1),),  # noqa: S311 — repeatable, not secret
}


def _is_entry(given: object) -> bool:
    return isinstance(given, Entry) and all(
        isinstance(part, bytes) for part in (given.line, given.request, given.reply, given.shown)
    )


def _is_shown_entry(given: object) -> bool:
    return _is_entry(given) and bool(cast("Entry", given).shown) and b"\n" not in cast("Entry", given).line


def _are_entries(given: object) -> bool:
    return isinstance(given, tuple) and bool(given) and all(map(_is_entry, given))


_GIVES: dict[Callable[[object], bool], str] = {
    _is_exchange: "an Exchange of bytes",
    _is_message: "an Exchange whose request has two bytes or more",
    _are_exchanges: "a tuple of one Exchange or more",
    _are_bytes: "a tuple of bytes",
    _is_entry: "an Entry of bytes",
    _is_shown_entry: "an Entry of bytes, whose line has no line end and which shows something",
    _are_entries: "a tuple of one Entry or more",
    _is_size: f"a number from 1 to {_MOST_UDP_BYTES}",
}
_FITS: dict[str, Callable[[object], bool]] = {
    "exchange": _is_message,
    "opening": _is_exchange,
    "awkward": _are_exchanges,
    "surprise": _is_exchange,
    "sized": _is_message,
    "closing": _is_message,
    "unterminated": _is_exchange,
    "text": _are_exchanges,
    "invalid_text": _are_bytes,
    "line_endings": _are_exchanges,
    "numbers": _are_exchanges,
    "hostile_lengths": _are_bytes,
    "empty": _is_exchange,
    "oversized": _are_bytes,
    "garbage": _are_bytes,
    "LARGEST_BYTES": _is_size,
    "typed": _is_shown_entry,
    "typed_awkward": _are_entries,
    "typed_sized": _is_shown_entry,
    "leaving": _is_entry,
    "unasked": _is_entry,
}


def pieces_of(data: bytes, pieces: int | Iterable[int] | None) -> list[bytes]:
    """`data` cut into pieces of one length, or of the given lengths with the rest as the last; None: one piece.

    Joined, they are `data` again, and none is empty.

    Raises:
        ValueError: a length is below 1.
    """
    if pieces is None:
        return [data] if data else []
    if isinstance(pieces, int):
        if pieces < 1:
            raise ValueError("a piece has at least one byte")
        return [data[at : at + pieces] for at in range(0, len(data), pieces)]
    cut, at = [], 0
    for length in pieces:
        if length < 1:
            raise ValueError("a piece has at least one byte")
        cut.append(data[at : at + length])
        at += length
    cut.append(data[at:])
    return [piece for piece in cut if piece]
