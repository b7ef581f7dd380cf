"""What is said: exchanges, what an assignment says about its messages, and cutting them into pieces.  Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable
from enum import Enum
from functools import partial
from typing import Any, Protocol

import msgspec

from grader.protocol.reply import Reply, Values


class Exchange(msgspec.Struct, frozen=True):
    """Bytes to send and what must come back: exactly these bytes, or what a `Reply` recognises.

    `heard`: what every other connected client must hear of it (broadcast).
    """

    request: bytes
    reply: bytes | Reply
    heard: bytes = b""


class Entry(msgspec.Struct, frozen=True):
    """A line that is typed into a client, and what follows from it.

    `line`: without its line ending.  `request`: what the client must send, exactly.  `reply`: what the server sends
    back.  `shown`: what must then be in the client's output, in UTF-8, among whatever else it prints.
    """

    line: bytes
    request: bytes
    reply: bytes
    shown: bytes


class Answer(Enum):
    """How a scripted server replies to a request.  Nothing here is random."""

    WHOLE = "immediately"
    TOGETHER = "immediately, so that one read returns all of it"
    IN_BYTES = "byte by byte, each read before the next is sent"
    LATE = "when the client has come to rest"
    HALF_THEN_CLOSE = "its first half, then a FIN"
    HALF_THEN_RESET = "its first half, then a reset"
    CLOSE = "a FIN"
    RESET = "a reset"
    NOTHING = "not at all"
    TWICE = "twice"
    BEHIND_THE_NEXT = "after the next one"
    BEFORE_THE_NEXT = "when the next request has come, before that one is answered"
    DELAYED = "after a quarter of the time that the client waits"
    FROM_STRANGERS = "not at all; but others, whom the client never asked, send the same"


class ClientProtocol(Protocol):
    """What an assignment's `protocol.py` says about its client, as checks ask for it (`Seeded`).

    `typed` is always needed, all others if a check says so.  What is promised here holds for every seed.
    """

    def typed(self, number: int) -> Entry:
        """A short, plain line, different for every number from 0.

        No `shown` is part of another's, and none of the lines is the one that makes the client exit.
        """

    def typed_awkward(self) -> tuple[Entry, ...]:
        """Lines in UTF-8 that trip a client up: multi-byte characters, white space at either end, an empty line.

        No `shown` is part of another's, except for an empty one, and none of the lines makes the client exit.  Where
        messages are not text, they are unusual lines of other kinds.
        """

    def typed_sized(self, size_bytes: int) -> Entry:
        """A line whose reply has this many bytes, give or take 64, and in which a lost or moved piece shows.

        So no 64 bytes of what is shown occur twice.
        """

    def leaving(self) -> Entry:
        """The line that makes the client exit; `request` is empty if it is not sent."""

    def unasked(self) -> Entry:
        """What the server sends unasked: `reply` is sent, `shown` must be shown; nothing is typed.

        It is not part of the `shown` of any line of `typed`.
        """


class StreamProtocol(Protocol):
    """What an assignment's `protocol.py` says about its messages over TCP, as checks ask for it (`Seeded`).

    A check says which functions it needs (`says` in `@behaviour`); `exchange` is always needed, all others only if
    such a check is listed.  What is promised here holds for every seed.
    """

    def exchange(self, number: int) -> Exchange:
        """A short, plain exchange, different for every number from 0, unless its reply is recognised.

        It is right whatever came before it, and its reply demands the least.  Its request has two bytes or more, is not
        complete before its last one, and does not contain the request of `closing`; or it has none, where a server says
        all that it has to say to whoever connects.  The more two exchanges differ the more they find: in the beginnings
        of their requests, in their replies, and in length, a shorter one after a longer one.
        """

    def dialogue(self, number: int) -> Generator[Exchange, Values, None]:
        """Exchanges that belong together on one connection, different for every number: `seen = yield Exchange(…)`.

        Optional always; for a protocol with state.  It is right whatever other dialogues came before or are going on at
        the same time, and it ends.
        """

    def pipelined(self, count: int) -> tuple[Exchange, ...]:
        """So many exchanges whose requests may all be sent, on a new connection, before any of them is answered.

        Optional always: without state they are `exchange`'s.  With `dialogue` and without this, nothing is sent ahead.
        """

    def large(self, size_bytes: int) -> Exchange:
        """An exchange with a short request whose reply has at least this many bytes.  Optional always.

        It is right whatever came before it.  Without it, long messages come from `sized`.
        """

    def unfinished(self) -> Exchange:
        """The beginning of a message, and what must be replied when the client's FIN follows it.  Optional always.

        An empty reply is none.  Without this function, it is half of an `exchange`, and nothing.
        """

    def greeting(self) -> bytes | Reply:
        """What the server says first to each client, before it is asked for anything.  Always optional."""

    def opening(self, number: int) -> Exchange:
        """What each client must say first on a connection, before it may ask for anything, and the reply to that.

        Always optional.  Different for every number from 0.  All other exchanges are on connections where it was said.
        """

    def awkward(self) -> tuple[Exchange, ...]:
        """Exchanges whose bytes trip up text handling: a NUL with something after it, bytes that are not UTF-8."""

    def surprise(self) -> Exchange:
        """An exchange of random bytes."""

    def sized(self, size_bytes: int) -> Exchange:
        """An exchange whose request has this many bytes, or up to 64 fewer, and in which a lost or moved piece shows.

        So no 64 bytes of it occur twice.
        """

    def longest(self) -> Exchange:
        """The longest that the handout requires a server to answer, if it names a limit.  Optional always."""

    def closing(self) -> Exchange:
        """The one after whose reply the server closes the connection; no other message does that."""

    def unterminated(self) -> Exchange:
        """A last message without its line ending, and the reply that it must get when the client's FIN follows it."""

    def text(self) -> tuple[Exchange, ...]:
        """Messages in UTF-8 with characters of two, three and four bytes; each can be split inside one."""

    def invalid_text(self) -> tuple[bytes, ...]:
        """Messages that are not UTF-8; the replies, if any, are not looked at."""

    def line_endings(self) -> tuple[Exchange, ...]:
        """The same message with all the line endings that the handout allows."""

    def numbers(self) -> tuple[Exchange, ...]:
        """Numbers that change when their bytes are swapped, or their sign is lost."""

    def hostile_lengths(self) -> tuple[bytes, ...]:
        """Starts of messages that announce an impossible length."""


class DatagramProtocol(Protocol):
    """What an assignment's `protocol.py` says about its messages over UDP, as checks ask for it (`Seeded`).

    A request and a reply are one datagram each.  What is promised here holds for every seed.
    """

    #: The longest request that has a right answer.
    LARGEST_BYTES: int

    def exchange(self, number: int) -> Exchange:
        """A short, plain exchange, different for every number from 0; as in `StreamProtocol`."""

    def sized(self, size_bytes: int) -> Exchange:
        """An exchange whose request has exactly this many bytes, and in which a lost or moved piece shows."""

    def awkward(self) -> tuple[Exchange, ...]:
        """Exchanges whose bytes trip up text handling: a NUL with something after it, bytes that are not UTF-8."""

    def empty(self) -> Exchange:
        """The empty datagram and its reply."""

    def oversized(self) -> tuple[bytes, ...]:
        """Datagrams that have no correct reply because of their size, though UDP carries them."""

    def garbage(self) -> tuple[bytes, ...]:
        """Datagrams that are not a proper message; the replies, if any, are not looked at."""


class Seeded:
    """An assignment's messages in one run: each function of its `protocol.py`, called as checks call it.

    The author's functions take one argument more, the last: a source of randomness.  It is made from the run's seed,
    the check's name, the function's name and the other arguments, so that the same call gives the same, whatever was
    asked before, and `--only` plays a check with the inputs that it had in the whole grading.  Each check has inputs of
    its own: a server that answers a message only once fails the check about that, not all that come later.  What is
    not a function is passed through.
    """

    def __init__(self, protocol: object, seed: int, check: str = "") -> None:
        self._protocol = protocol
        self._seed = seed
        self._check = check
        self._said: dict[tuple[object, ...], object] = {}

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._protocol, name)
        return partial(self._say, name, member) if callable(member) else member

    def _say(self, name: str, function: Callable[..., object], *arguments: object) -> object:
        asked = (name, *arguments)
        if asked in self._said:
            return self._said[asked]
        said = function(*arguments, random.Random(f"{self._seed} {self._check} {name} {arguments}"))  # noqa: S311 — not secret
        if not isinstance(said, Generator):  # a dialogue begins anew each time
            self._said[asked] = said
        return said


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
