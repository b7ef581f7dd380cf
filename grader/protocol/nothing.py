"""Nothing at all: the reply to what must not be answered."""

from __future__ import annotations

from typing import Final

import msgspec

from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch

_NOTHING: Final = Incomplete("nothing", at_rest=Complete(0))


class Nothing(msgspec.Struct, frozen=True):
    """No byte comes before the program has come to rest, or the connection has ended; over UDP no datagram."""

    words: str = "nothing"

    def begin(self) -> Nothing:
        return self

    def match(self, received: bytearray, *, ended: bool) -> Decision:  # noqa: ARG002 — a FIN changes nothing
        return Mismatch(0, "", "nothing may come back") if received else _NOTHING


#: The one of its kind: `Exchange(b"...", nothing)`.
nothing: Final = Nothing()
