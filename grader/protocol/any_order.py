"""Several replies on one connection, in whatever order a server sends them: `any_order([first, second])`.

What comes is cut into replies, one after the other: each ends where the first of the recognisers, all asked about the
same bytes, says that it is complete.  Which of them it is stays open until the end, since it may be right for several
("a number" and "the number 7"): with each reply that has come there must be a way to give all of them one that they
are, each its own (a bipartite matching, `datagrams.py`).  So no right order is refused, however much the replies are
alike, as long as none begins like the whole of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from grader.protocol.datagrams import give
from grader.protocol.exactly import Exactly, as_reply, examples_of
from grader.protocol.nothing import Nothing
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch, Reply

#: Of replies that are named one by one.
_NAMED: Final = 3


class AnyOrder(msgspec.Struct, frozen=True):
    """All of these, each as often as it is there, in any order; made by `any_order`."""

    replies: tuple[Reply, ...]
    words: str

    @property
    def examples(self) -> tuple[bytes, ...]:
        """The last one first, as far as each has an example (`rehearsal.py`)."""
        each = [examples_of(reply)[:1] for reply in reversed(self.replies)]
        return (b"".join(data for (data,) in each),) if all(each) else ()

    def begin(self) -> _Arriving:
        return _Arriving(self.replies)


def any_order(replies: Iterable[bytes | Reply]) -> AnyOrder:
    """Replies to requests that were sent together, where the server may answer a later one first.

    None of them may begin with the whole of another.  What has no reply (`nothing`, no bytes) is left out.

    Raises:
        ValueError: none is left.
    """
    each = tuple(as_reply(reply) for reply in replies if reply != b"" and not isinstance(reply, Nothing))
    if not each:
        raise ValueError("any_order needs a reply")
    return AnyOrder(each, _listed(each, "in any order: ") if len(each) > 1 else each[0].words)


def _listed(replies: Sequence[Reply], before: str) -> str:
    words = "; ".join(reply.words for reply in replies[:_NAMED])
    more = len(replies) - _NAMED
    return f"{before}{words}{f'; and {more} more' if more > 0 else ''}"


class _Arriving:
    """One reply after the other; only the bytes of the one that is arriving are asked about."""

    def __init__(self, replies: tuple[Reply, ...]) -> None:
        self._replies = replies
        #: The numbers of replies that are the same, with the first of them.
        self._same: dict[int, list[int]] = _alike(replies)
        #: For each reply that has come the numbers of those that it may be; and which of these is which of them.
        self._fits: list[list[int]] = []
        self._owners: dict[int, int] = {}
        #: Bytes of those that have come, and how much of all was seen.
        self._before_bytes = 0
        self._seen_bytes = 0
        self._begin_next()

    def _begin_next(self) -> None:
        self._current = bytearray()
        self._seen_bytes = self._before_bytes
        self._matchings = {number: self._replies[number].begin() for number in self._same}
        self._refused: dict[int, Mismatch] = {}

    def match(self, received: bytearray, *, ended: bool) -> Decision:
        while True:
            self._current += received[self._seen_bytes :]
            self._seen_bytes = len(received)
            decision = self._arriving(ended=ended)
            if not isinstance(decision, Complete):
                return decision
            self._before_bytes += decision.length
            if len(self._fits) == len(self._replies):
                return Complete(self._before_bytes)
            self._begin_next()
            if len(received) == self._before_bytes:
                return Incomplete(self._lacking())

    def _arriving(self, *, ended: bool) -> Decision:
        """What the next reply is: complete where the first of the recognisers says so, refused if all have."""
        lengths: dict[int, int] = {}
        needed: list[int] = []
        for number, matching in [*self._matchings.items()]:
            match matching.match(self._current, ended=ended):
                case Complete(length=length):
                    lengths[number] = length
                case Incomplete(needed=more):
                    needed.append(more)
                case Mismatch() as refused:
                    self._refused[number] = refused
                    del self._matchings[number]
        if lengths:
            length = min(lengths.values())
            return self._come(length, [number for number, each in lengths.items() if each == length])
        return Incomplete(self._lacking(), min(needed)) if needed else self._refusal()

    def _come(self, length: int, fitting: list[int]) -> Decision:
        """A reply of that length has come, and these recognisers take it: one of what it may be must be free."""
        self._fits.append([each for number in fitting for each in self._same[number]])
        if give(len(self._fits) - 1, self._fits, self._owners):
            return Complete(length)
        problem = f"{self._which(len(self._fits))} answers what has been answered already"
        return Mismatch(self._before_bytes, "", problem)

    def _refusal(self) -> Mismatch:
        """Told by the only one that was awaited; else by the one that took most of it, if it says at which byte."""
        awaited = [number for number, same in self._same.items() if not self._owners.keys() >= {*same}]
        if len(awaited) == 1:
            return self._shifted(self._refused[awaited[0]])
        farthest = max((self._refused[number] for number in awaited), key=lambda refused: refused.at or 0)
        if farthest.at and not farthest.problem:
            return self._shifted(farthest)
        problem = f"{self._which(len(self._fits) + 1)} is none of those that were still to come"
        return Mismatch(self._before_bytes, "", problem)

    def _shifted(self, refused: Mismatch) -> Mismatch:
        at = self._before_bytes + (refused.at or 0)
        problem = f"{refused.problem} (in {self._which(len(self._fits) + 1)})" if refused.problem else ""
        return Mismatch(at, refused.expected, problem)

    def _which(self, number: int) -> str:
        return f"reply {number} of {len(self._replies)}"

    def _lacking(self) -> str:
        to_come = [reply for number, reply in enumerate(self._replies) if number not in self._owners]
        return _listed(to_come, f"{len(to_come)} of {len(self._replies)} replies: ")


def _alike(replies: tuple[Reply, ...]) -> dict[int, list[int]]:
    """The numbers of those that are the same, by the first: exact bytes are if they are equal."""
    first: dict[object, int] = {}
    same: dict[int, list[int]] = {}
    for number, reply in enumerate(replies):
        known = first.setdefault(reply if isinstance(reply, Exactly) else id(reply), number)
        same.setdefault(known, []).append(number)
    return same
