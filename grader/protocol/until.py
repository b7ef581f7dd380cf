r"""Everything up to a delimiter: `until(b"\r\n.\r\n")`, `until(b"\n", judge=...)`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from grader.limits import REPLY_BYTES
from grader.protocol.judged import Judge, judge_nothing, verdict
from grader.protocol.reply import Decision, Incomplete, Mismatch, quoted


class Until(msgspec.Struct, frozen=True):
    """Any bytes that end with this delimiter, if a function finds nothing wrong with them; made by `until`."""

    delimiter: bytes
    judge: Judge
    at_most: int
    words: str
    examples: tuple[bytes, ...] = ()
    wrong: tuple[bytes, ...] = ()

    def begin(self) -> _UpTo:
        return _UpTo(self)


def until(
    delimiter: bytes,
    *,
    judge: Judge = judge_nothing,
    at_most: int = REPLY_BYTES,
    words: str = "",
    examples: Iterable[bytes] = (),
    wrong: Iterable[bytes] = (),
) -> Until:
    """A reply that ends with the first `delimiter`; its value `data` is what comes before it.

    `judge`: what is wrong with what comes before it, as in `judged`, whose values are the reply's, too.  `at_most`: how
    many bytes it may have, its delimiter included.  `words`: what it is, for a student.  `examples`, `wrong`: right
    ones and wrong ones, without the delimiter, with which `grader lint` tries the judge.

    Raises:
        ValueError: the delimiter is empty.
    """
    if not delimiter:
        raise ValueError("until needs a delimiter")
    right = (*examples,) if judge is not judge_nothing else (*examples, b"")

    def ended(data: Iterable[bytes]) -> tuple[bytes, ...]:
        return tuple(part + delimiter for part in data)

    words = words or f"anything up to {quoted(delimiter)}"
    return Until(delimiter, judge, at_most, words, ended(right), ended(wrong))


class _UpTo:
    """What was searched is not searched again, except for the beginning of a delimiter at its end."""

    def __init__(self, until_: Until) -> None:
        self._until = until_
        self._searched = 0

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — a FIN changes nothing
        delimiter, at_most = self._until.delimiter, self._until.at_most
        at = received.find(delimiter, self._searched, at_most)
        if at >= 0:
            data = bytes(received[:at])
            return verdict(self._until.judge, data, at + len(delimiter), {"data": data})
        if len(received) > at_most:
            problem = f"there is no {quoted(delimiter)} in the first {at_most} bytes"
            return Mismatch(at_most, delimiter, problem)
        self._searched = max(0, len(received) - len(delimiter) + 1)
        return Incomplete(f"{quoted(delimiter)} at its end", 1)
