"""Bytes that a function judges, as a whole: a datagram, or everything up to the end of the connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from grader.limits import REPLY_BYTES
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch

#: An author's judgement: a sentence for the student about what is wrong; or None, or what was captured, if nothing is.
Judge = Callable[[bytes], str | Mapping[str, Any] | None]


class Judged(msgspec.Struct, frozen=True):
    """All bytes up to the end, if a function finds nothing wrong with them; made by `judged`."""

    judge: Judge
    words: str
    at_most: int
    examples: tuple[bytes, ...] = ()
    wrong: tuple[bytes, ...] = ()

    def begin(self) -> Judged:
        return self

    def match(self, received: bytearray, *, ended: bool) -> Decision:
        if len(received) > self.at_most:
            return Mismatch(self.at_most, "", f"it is longer than the {self.at_most} bytes that it may have")
        if not ended:
            return Incomplete("the end of the connection" if received else self.words)
        data = bytes(received)
        return verdict(self.judge, data, len(data), {"data": data})


def judged(
    judge: Judge, words: str, *, at_most: int = REPLY_BYTES, examples: Iterable[bytes] = (), wrong: Iterable[bytes] = ()
) -> Judged:
    """A reply that `judge` finds nothing wrong with: a whole datagram, or all that comes before the connection's end.

    `judge`: takes all of the bytes.  It returns a sentence for the student about what is wrong ("the time is 3 hours
    fast"); None if nothing is; or a mapping of what it has captured, which is then among the reply's values with
    `data`, the bytes.  `words`: what it is, for a student, behind "expected: ".  `at_most`: how many bytes it may have.
    `examples`, `wrong`: right replies and wrong ones, with which `grader lint` tries the judge.
    """
    return Judged(judge, words, at_most, tuple(examples), tuple(wrong))


def judge_nothing(data: bytes) -> None:
    """Finds nothing wrong with any bytes."""


def verdict(judge: Judge, data: bytes, length: int, values: Mapping[str, Any]) -> Complete | Mismatch:
    """What a judge's finding about `data` says about a reply of `length` bytes which has these values besides."""
    found = judge(data)
    if isinstance(found, str):
        return Mismatch(None, "", found)
    return Complete(length, {**values, **(found or {})})
