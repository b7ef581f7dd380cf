"""A frame with its length in front: `frame("!I", judge=...)`."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import msgspec

from grader.limits import REPLY_BYTES
from grader.protocol.judged import Judge, judge_nothing, verdict
from grader.protocol.reply import Decision, Incomplete, Mismatch


class Frame(msgspec.Struct, frozen=True):
    """A length and so many bytes; made by `frame`."""

    length: struct.Struct
    counts_itself: bool
    judge: Judge
    at_most: int
    words: str
    examples: tuple[bytes, ...] = ()
    wrong: tuple[bytes, ...] = ()

    def begin(self) -> _Framed:
        return _Framed(self)


def frame(
    length: str = "!I",
    *,
    counts_itself: bool = False,
    judge: Judge = judge_nothing,
    at_most: int = REPLY_BYTES,
    words: str = "",
    examples: Iterable[bytes] = (),
    wrong: Iterable[bytes] = (),
) -> Frame:
    """A reply whose first bytes say how many there are.

    `length`: one whole number as `struct` writes it, its byte order first (`!I`: four bytes, network byte order).
    `counts_itself`: whether it includes its own bytes.  `judge`: what is wrong with the bytes behind it, as in
    `judged`.  `at_most`: how many bytes may be behind it.  `words`: what it is, for a student.
    `examples`, `wrong`: right payloads and wrong ones, with which `grader lint` tries the judge.  Its values are
    `length` as it was sent, `payload`, and what the judge gives.

    Raises:
        ValueError: `length` is not one whole number.
    """
    try:
        form = struct.Struct(length)
        whole = all(isinstance(number, int) for number in form.unpack(bytes(form.size)))
    except struct.error as error:
        raise ValueError(f"the length of a frame, {length!r}, is not understood: {error}") from None
    if not whole or len(form.unpack(bytes(form.size))) != 1:
        raise ValueError(f"the length of a frame, {length!r}, is not one whole number")
    words = words or f"a length of {_bytes(form.size)} and so many bytes"

    def framed(payloads: Iterable[bytes]) -> tuple[bytes, ...]:
        own = form.size if counts_itself else 0
        return tuple(form.pack(own + len(payload)) + payload for payload in payloads)

    right = (*examples,) if judge is not judge_nothing else (*examples, b"1")
    return Frame(form, counts_itself, judge, at_most, words, framed(right), framed(wrong))


def _bytes(count: int) -> str:
    return f"{count} byte{'s' * (count != 1)}"


class _Framed:
    """First the length, then what it says; the bytes behind it are looked at when the last of them has come."""

    def __init__(self, frame_: Frame) -> None:
        self._frame = frame_
        self._whole = 0

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — a FIN changes nothing
        head = self._frame.length.size
        if len(received) < head:
            lacking = head - len(received)
            return Incomplete(
                f"{_bytes(lacking)} of the length" if received else "the length, and so many bytes", lacking
            )
        if not self._whole:
            said = self._said(received)
            behind = said - head if self._frame.counts_itself else said
            if fault := self._impossible(said, behind):
                return Mismatch(0, "", fault)
            self._whole = head + behind
        lacking = self._whole - len(received)
        if lacking > 0:
            return Incomplete(f"{_bytes(lacking)} of the {self._whole - head} that its length says", lacking)
        payload = bytes(received[head : self._whole])
        values = {"length": self._said(received), "payload": payload}
        return verdict(self._frame.judge, payload, self._whole, values)

    def _said(self, received: bytearray) -> int:
        return int(self._frame.length.unpack(received[: self._frame.length.size])[0])

    def _impossible(self, said: int, behind: int) -> str:
        """What is wrong with a length, in a sentence; empty: nothing."""
        if behind < 0:
            counted = (
                f", though it counts its own {_bytes(self._frame.length.size)}" if self._frame.counts_itself else ""
            )
            return f"its length says {said}{counted}"
        if behind > self._frame.at_most:
            return f"its length says {said} bytes, and no reply here has more than {self._frame.at_most}"
        return ""
