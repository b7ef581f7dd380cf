"""Exactly these bytes: the reply that an `Exchange` means by plain bytes."""

from __future__ import annotations

import msgspec

from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch, Reply


class Exactly(msgspec.Struct, frozen=True):
    """The next bytes are these; more may follow them."""

    data: bytes

    @property
    def words(self) -> str:
        """The bytes as a Python literal without its prefix, as reports show them."""
        return repr(self.data)[1:]

    @property
    def examples(self) -> tuple[bytes, ...]:
        """See `rehearsal.py`."""
        return (self.data,)

    def begin(self) -> _Matching:
        """One time that they are awaited."""
        return _Matching(self.data)


class _Matching:
    """Each byte is compared once, however small the pieces in which they come."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._same = 0

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — a FIN changes nothing
        data, end = self._data, min(len(received), len(self._data))
        if received[self._same : end] != data[self._same : end]:
            at = next(at for at in range(self._same, end) if received[at] != data[at])
            return Mismatch(at, data[at:])
        self._same = end
        if end == len(data):
            return Complete(end)
        return Incomplete(f"the last {len(data) - end} of {len(data)} bytes", len(data) - end)


def examples_of(reply: bytes | Reply) -> tuple[bytes, ...]:
    """Replies that are right, as far as they are known without a program; none: they are not."""
    return tuple(getattr(as_reply(reply), "examples", ()))


def as_reply(reply: bytes | Reply) -> Reply:
    """A reply as a recogniser: plain bytes mean exactly these."""
    return Exactly(reply) if isinstance(reply, bytes) else reply
