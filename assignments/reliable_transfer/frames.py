"""Frames: what is in one, its checksum, and the frames of a whole file.  Pure."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Final, NamedTuple, Self

from grader import random_letters

START, DATA, END, ACK = range(1, 5)
KINDS: Final = {START: "START", DATA: "DATA", END: "END", ACK: "ACK"}
#: Transfer, number, kind and checksum, in network byte order.
HEADER: Final = struct.Struct("!IIHH")
#: What a DATA frame carries, except for the last one, which carries the rest.
PAYLOAD_BYTES: Final = 1024
#: Bytes from 0 to 15.  Of such payloads one in some thousand has a sum that must be folded twice (`large_sums`), and is
#: drawn anew: a program that folds once is to fail where that is tried, and not by chance elsewhere.
_SMALL: Final = bytes(value & 15 for value in range(256))
#: Frames of nearly nothing but 0xff have sums whose upper half is 0x1fe or more.  In smaller steps their lower half
#: goes through all of its values in so many frames, so for one of them both together have more than 16 bits.
_STEP: Final = 500
_LARGE_FRAMES: Final = 0x10000 // _STEP + 2


class Frame(NamedTuple):
    """What is in a frame, its checksum apart."""

    transfer: int
    number: int
    kind: int
    payload: bytes = b""

    @property
    def words(self) -> str:
        """It, for a student."""
        more = f", {len(self.payload)} bytes" if self.payload else ""
        return f"{KINDS.get(self.kind, f'kind {self.kind}')} {self.number} of transfer {self.transfer}{more}"


def encoded(frame: Frame) -> bytes:
    """A frame as it is sent."""
    bare = HEADER.pack(frame.transfer, frame.number, frame.kind, 0) + frame.payload
    return HEADER.pack(frame.transfer, frame.number, frame.kind, checksum(bare)) + frame.payload


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of bytes, among which the place of the checksum holds 0."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(word for (word,) in struct.iter_unpack("!H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def folds_twice(frame: Frame) -> bool:
    """Whether a program that adds the carry only once gets another checksum for it."""
    padded = encoded(frame) + b"\0" * (len(frame.payload) % 2)
    total: int = sum(word for (word,) in struct.iter_unpack("!H", padded))
    total -= HEADER.unpack_from(encoded(frame))[3]
    return (total & 0xFFFF) + (total >> 16) > 0xFFFF


def decoded(data: bytes) -> Frame | str:
    """The frame in a datagram, or in words why there is none."""
    if len(data) < HEADER.size:
        return f"it has {len(data)} bytes, and a frame has {HEADER.size} at least"
    transfer, number, kind, given = HEADER.unpack_from(data)
    frame = Frame(transfer, number, kind, data[HEADER.size :])
    right = HEADER.unpack_from(encoded(frame))[3]
    return frame if given == right else f"its checksum is {given:04x}, and should be {right:04x}"


def told(data: bytes) -> str:
    """A datagram in words."""
    frame = decoded(data)
    return f"no frame: {frame}" if isinstance(frame, str) else frame.words


def damaged(data: bytes, bit: int) -> bytes:
    """The same with one bit changed, counted from the first byte's highest."""
    changed = bytearray(data)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)


class File(NamedTuple):
    """A file, and what is sent of it in one transfer."""

    name: str
    content: bytes
    transfer: int

    @classmethod
    def drawn(cls, size_bytes: int, rng: random.Random) -> Self:
        """One with random bytes, of which no two pieces are the same, and every byte value if there is room for it.

        None of its frames has a sum that must be folded twice.
        """
        content = bytearray(rng.randbytes(size_bytes).translate(_SMALL))
        content[:256] = bytes(range(256))[:size_bytes]
        made = cls(f"{random_letters(rng, 8).decode()}.bin", bytes(content), rng.getrandbits(32))
        while any(map(folds_twice, made.frames)):
            made = made._replace(transfer=rng.getrandbits(32))
        return made

    @classmethod
    def large_sums(cls, rng: random.Random) -> Self:
        """One with a frame whose sum must be folded twice, whatever the number of the transfer is."""
        words = ((0xFFFF - number * (_STEP + 1)) % 0x10000 for number in range(_LARGE_FRAMES))
        content = b"".join(b"\xff" * (PAYLOAD_BYTES - 2) + word.to_bytes(2) for word in words)
        return cls(f"{random_letters(rng, 8).decode()}.bin", content, rng.getrandbits(32))

    @property
    def frames(self) -> tuple[Frame, ...]:
        """All of them, in order, by their numbers."""
        pieces = [self.content[at : at + PAYLOAD_BYTES] for at in range(0, len(self.content), PAYLOAD_BYTES)]
        return (
            Frame(self.transfer, 0, START, self.name.encode()),
            *(Frame(self.transfer, number, DATA, piece) for number, piece in enumerate(pieces, 1)),
            Frame(self.transfer, len(pieces) + 1, END),
        )

    def sent_as(self, transfer: int) -> File:
        """The same file in a transfer with another number."""
        return self._replace(transfer=transfer)


def ack(frame: Frame) -> bytes:
    """What acknowledges a frame."""
    return encoded(Frame(frame.transfer, frame.number, ACK))


def exchanged(sent: File, arriving: File) -> Callable[[bytes], bytes]:
    """What becomes of a frame in a network that lets the bytes of another file arrive, of the same size."""
    instead = {(one.number, one.payload): other for one, other in zip(sent.frames, arriving.frames, strict=True)}

    def rewritten(data: bytes) -> bytes:
        frame = decoded(data)
        if isinstance(frame, str) or frame.kind != DATA or (frame.number, frame.payload) not in instead:
            return data
        return encoded(frame._replace(payload=instead[frame.number, frame.payload].payload))

    return rewritten
