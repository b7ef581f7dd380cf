"""What a program has done to be at fault, where that can't be seen any more when it is known.

Then its check is played once more with a program that is followed, and the place where it does that is told
(`sandbox/tracer.py`; the words for deeds are those of `sandbox/deeds.py`).  Pure.
"""

from __future__ import annotations

from typing import Final

from grader.errors import Reason
from grader.wire.faults import FaultError
from grader.wire.process import FROM_ITS_TRACE

#: By the reason, wherever it is now ...
_DEEDS: Final = {
    **dict.fromkeys((Reason.WRONG_PORT, Reason.WRONG_ADDRESS), "bind"),
    **dict.fromkeys((Reason.OTHER_PORT, Reason.OTHER_ADDRESS), "connect"),
    **dict.fromkeys((Reason.CLOSED_EARLY, Reason.RESET), "close"),
    **dict.fromkeys((Reason.NOT_SHOWN, Reason.WRONG_SHOWN, Reason.BYTES_SHOWN), "print"),
}
#: ... and if where it is now says nothing; one that is stuck half-way through its reply is still there.
_DEEDS_LONG_AGO: Final = dict.fromkeys(
    (Reason.WRONG_REPLY, Reason.EXTRA_REPLY, Reason.EARLY_REPLY, Reason.WRONG_REQUEST, Reason.EXTRA_REQUEST), "send"
)
#: What may be known by where it exited.
_BY_EXITING: Final = frozenset(
    {
        *(Reason.EXITED, Reason.CRASHED, Reason.GAVE_UP_EARLY, Reason.NOT_LISTENING, Reason.NOT_CONNECTED),
        *(Reason.ADDRESS_IN_USE, Reason.REFUSED, Reason.EXIT_STATUS, Reason.SILENT, Reason.NOISY),
    }
)
#: What a tracer can read the stack of at any moment; what builds programs, builds such ones.
FOLLOWED: Final = frozenset({"Python", "C", "C++", "Rust", "make", "CMake", "cargo"})
#: What a client notices of a child process that has crashed.
CLIENT_IS_LOST: Final = frozenset({Reason.RESET, Reason.CLOSED_EARLY})


def deed_of(error: FaultError, *, exited: bool) -> str:
    """What a program has done that is at fault for this and has not crashed; empty if nothing is to be found out."""
    if error.places and (error.reason not in _DEEDS or error.places[0].how == FROM_ITS_TRACE):
        return ""
    if exited and error.reason in _BY_EXITING:
        return "exit"
    return {**_DEEDS, **_DEEDS_LONG_AGO}.get(error.reason, "")


def deed_shown_again(deed: str, before: FaultError, again: FaultError) -> bool:
    """Whether the place of the second fault is where that was done which is behind the first one."""
    same = again.reason is before.reason or {again.reason, before.reason} <= CLIENT_IS_LOST
    return bool(again.places) and (same or deed == "crash")
