"""So many bytes, whatever they are."""

from __future__ import annotations

import msgspec

from grader.protocol.reply import Complete, Decision, Incomplete


class Counted(msgspec.Struct, frozen=True):
    """A reply of `size` bytes, one at least; its value `data` is all of them."""

    size: int

    @property
    def words(self) -> str:
        return f"{self.size} byte{'s' * (self.size != 1)}"

    def begin(self) -> Counted:
        return self

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — a FIN changes nothing
        lacking = self.size - len(received)
        if lacking > 0:
            return Incomplete(f"the last {Counted(lacking).words}", lacking)
        return Complete(self.size, {"data": bytes(received[: self.size])})
