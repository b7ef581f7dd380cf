"""What a program has done to be at fault, where that can't be seen any more when it is known.

Then its check is played once more with a program that is followed, and the place where it does that is told
(`sandbox/tracer.py`; the words for deeds are those of `sandbox/deeds.py`).  Pure.
"""

from __future__ import annotations

from typing import Final

from grader.errors import Reason
from grader.link.places import CALLED_FROM, FOR_ANYBODY
from grader.wire.faults import FaultError, Place
from grader.wire.process import FROM_ITS_TRACE, MOST_PLACES

#: By the reason, wherever it is now ...
_DEEDS: Final = {
    **dict.fromkeys((Reason.WRONG_PORT, Reason.WRONG_ADDRESS), "bind"),
    **dict.fromkeys((Reason.OTHER_PORT, Reason.OTHER_ADDRESS), "connect"),
    **dict.fromkeys((Reason.CLOSED_EARLY, Reason.RESET), "close"),
    **dict.fromkeys((Reason.NOT_SHOWN, Reason.WRONG_SHOWN, Reason.BYTES_SHOWN), "print"),
    **dict.fromkeys((Reason.EXTRA_REPLY, Reason.EARLY_REPLY, Reason.WRONG_REQUEST, Reason.EXTRA_REQUEST), "send"),
    Reason.SHOWN_ON_STDERR: "complain",
}
#: ... and if where it is now says little: nowhere, or in a function that only reads for others.
_DEEDS_LONG_AGO: Final = {Reason.WRONG_REPLY: "send"}
#: ... and if it waits for whatever comes next: what it has read last, somebody else of it has dealt with.
_DEEDS_AT_THE_DOOR: Final = dict.fromkeys((Reason.NO_REPLY, Reason.INCOMPLETE_REPLY, Reason.NOT_HEARD), "receive")
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
    how = error.places[0].how if error.places else None
    if how == FROM_ITS_TRACE or error.left_unread:  # it is where it should not be: it has not come to do anything wrong
        return ""
    if exited and error.reason in _BY_EXITING and how is None:
        return "exit"
    if how == FOR_ANYBODY and error.reason in _DEEDS_AT_THE_DOOR:
        return _DEEDS_AT_THE_DOOR[error.reason]
    if (how is None or how.startswith(CALLED_FROM)) and error.reason in _DEEDS_LONG_AGO:
        return _DEEDS_LONG_AGO[error.reason]
    return _DEEDS.get(error.reason, "")


def places_of(deed: str, before: FaultError, again: FaultError) -> tuple[Place, ...]:
    """Where it did that; and where it has gone on to be, if it may be still at what it sent something for."""
    done, now = again.places or (), before.places or ()
    return (*done, *now)[:MOST_PLACES] if deed == "send" else done


def deed_shown_again(deed: str, before: FaultError, again: FaultError) -> bool:
    """Whether the place of the second fault is where that was done which is behind the first one."""
    same = again.reason is before.reason or {again.reason, before.reason} <= CLIENT_IS_LOST
    return bool(again.places) and (same or deed == "crash")
