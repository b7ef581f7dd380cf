"""What is said: exchanges, what an assignment tells about its messages, and cutting them into pieces.  Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Protocol

import msgspec


class Exchange(msgspec.Struct, frozen=True):
    """Bytes to send and the bytes that must come back, exactly."""

    request: bytes
    reply: bytes


class StreamProtocol(Protocol):
    """What an assignment's `protocol.py` says of its messages over TCP.  A module with these functions is one.

    Every request is one complete message; no proper prefix of it may be answered.
    """

    def exchange(self, number: int) -> Exchange:
        """A short, plain exchange, different for every number from 0."""

    def awkward(self) -> tuple[Exchange, ...]:
        """Fixed exchanges whose bytes trip text handling: NUL, high bytes, every byte value."""

    def long(self, size_bytes: int) -> Exchange:
        """One message of at least this many bytes."""

    def surprise(self, source: random.Random) -> Exchange:
        """A random exchange; the same source state gives the same one."""


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
