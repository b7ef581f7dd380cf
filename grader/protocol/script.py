"""What is said: exchanges, what an assignment tells about its messages, and cutting them into pieces.  Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial
from typing import Any, Protocol

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
    """What an assignment's `protocol.py` says of its client, as checks ask it (`Seeded`).

    `typed` is needed always, all others where a check says so.  What is promised here holds for every seed.
    """

    def typed(self, number: int) -> Entry:
        """A short, plain line, different for every number from 0.

        No `shown` stands in another's, and none of the lines is the one that ends the client.
        """

    def typed_awkward(self) -> tuple[Entry, ...]:
        """Lines in UTF-8 that trip a client: characters of several bytes, white space at the ends, an empty line.

        No `shown` stands in another's, but for an empty one, and none of the lines is the one that ends the client.
        """

    def typed_sized(self, size_bytes: int) -> Entry:
        """One whose reply has this many bytes, give or take 64, and in which a piece that is lost or moved shows.

        So no 64 bytes of what is shown come twice.
        """

    def leaving(self) -> Entry:
        """The line that ends the client; `request` is empty where it is not sent."""

    def unasked(self) -> Entry:
        """What the server says by itself: `reply` is sent, `shown` must be shown; nothing is typed.

        It stands in the `shown` of no line of `typed`.
        """


class StreamProtocol(Protocol):
    """What an assignment's `protocol.py` says of its messages over TCP, as checks ask it (`Seeded`).

    A check says which functions it needs (`says` in `@behaviour`); `exchange` is needed always, all others only where
    such a check is listed.  What is promised here holds for every seed.
    """

    def exchange(self, number: int) -> Exchange:
        """A short, plain exchange, different for every number from 0.

        It is right whatever came before it.  Its request has two bytes or more, is not complete before its last one,
        and does not have the request of `closing` in it.  The more two exchanges differ the more is found by them: in
        the beginnings of their requests, in their replies, and in length, a shorter one behind a longer one.
        """

    def greeting(self) -> bytes:
        """What the server says first to each client, before it is asked for anything.  Optional always."""

    def awkward(self) -> tuple[Exchange, ...]:
        """Exchanges whose bytes trip text handling: a NUL with something behind it, bytes that are not UTF-8."""

    def surprise(self) -> Exchange:
        """An exchange of random bytes."""

    def sized(self, size_bytes: int) -> Exchange:
        """One whose request has this many bytes, or up to 64 fewer, and in which a piece that is lost or moved shows.

        So no 64 bytes of it come twice.
        """

    def longest(self) -> Exchange:
        """The longest that the handout requires a server to answer, if it names a limit.  Optional always."""

    def closing(self) -> Exchange:
        """The one after whose reply the server closes the connection; no other message is one."""

    def unterminated(self) -> Exchange:
        """A last message without its end, and what must be answered when the client's end follows it."""

    def text(self) -> tuple[Exchange, ...]:
        """Messages in UTF-8 with characters of two, three and four bytes; each can be cut inside one."""

    def invalid_text(self) -> tuple[bytes, ...]:
        """Messages that are not UTF-8; what is answered, if anything, is not looked at."""

    def line_endings(self) -> tuple[Exchange, ...]:
        """The same message with all the ends that the handout allows."""

    def numbers(self) -> tuple[Exchange, ...]:
        """Numbers that become others when their bytes are swapped, or their sign is lost."""

    def hostile_lengths(self) -> tuple[bytes, ...]:
        """Starts of messages that announce a length which can't be true."""


class DatagramProtocol(Protocol):
    """What an assignment's `protocol.py` says of its messages over UDP, as checks ask it (`Seeded`).

    A request and a reply are one datagram each.  What is promised here holds for every seed.
    """

    #: The longest request that has a right answer.
    LARGEST_BYTES: int

    def exchange(self, number: int) -> Exchange:
        """A short, plain exchange, different for every number from 0; as in `StreamProtocol`."""

    def sized(self, size_bytes: int) -> Exchange:
        """One whose request has exactly this many bytes, and in which a piece that is lost or moved shows."""

    def awkward(self) -> tuple[Exchange, ...]:
        """Exchanges whose bytes trip text handling: a NUL with something behind it, bytes that are not UTF-8."""

    def empty(self) -> Exchange:
        """The empty datagram and its answer."""

    def oversized(self) -> tuple[bytes, ...]:
        """Datagrams that have no right answer because of their size, though UDP carries them."""

    def garbage(self) -> tuple[bytes, ...]:
        """Datagrams that are no proper message; what is answered, if anything, is not looked at."""


class Seeded:
    """An assignment's messages in one run: each function of its `protocol.py`, asked as checks ask it.

    The author's functions take one argument more, the last: a source of randomness.  It is made of the run's seed, the
    function's name and the other arguments, so that the same call says the same, whatever was asked before, and
    `--only` plays a check with the inputs that it had in the whole grading.  What is no function is what it is.
    """

    def __init__(self, protocol: object, seed: int) -> None:
        self._protocol = protocol
        self._seed = seed
        self._said: dict[tuple[object, ...], object] = {}

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._protocol, name)
        return partial(self._say, name, member) if callable(member) else member

    def _say(self, name: str, function: Callable[..., object], *arguments: object) -> object:
        asked = (name, *arguments)
        if asked not in self._said:
            source = random.Random(f"{self._seed} {name} {arguments}")  # noqa: S311 — repeatable, not secret
            self._said[asked] = function(*arguments, source)
        return self._said[asked]


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
