"""What is said: exchanges, what an assignment tells about its messages, and cutting them into pieces.  Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Protocol

import msgspec


class Exchange(msgspec.Struct, frozen=True):
    """Bytes to send and the bytes that must come back, exactly.

    `heard`: what every other connected client must get of it (broadcast).
    """

    request: bytes
    reply: bytes
    heard: bytes = b""


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
