"""How a program ended, as a reason and in words.  Pure; the numbers are the kernel's (`Ending` of `warden.py`)."""

from __future__ import annotations

from grader.errors import Reason
from grader.wire.warden import Ending

_SIGNAL_NAMES = {
    2: "SIGINT, the signal of Ctrl-C",
    4: "SIGILL, an illegal instruction",
    6: "SIGABRT, an abort",
    7: "SIGBUS, a bad memory access",
    8: "SIGFPE, a division by zero",
    9: "SIGKILL",
    11: "SIGSEGV, a bad memory access",
    13: "SIGPIPE, writing to a connection that was gone",
    15: "SIGTERM",
    25: "SIGXFSZ, writing too large a file",
}
#: Those that end a program for what it has done itself.
CRASHES = frozenset({4, 6, 7, 8, 11, 13})


def reason_of(ending: Ending) -> Reason:
    """What it is called when a program exits without being asked."""
    if ending.out_of_memory:
        return Reason.OUT_OF_MEMORY
    return Reason.CRASHED if ending.status else Reason.EXITED


def describe_ending(ending: Ending) -> str:
    """How a program ended, in words."""
    if ending.out_of_memory and ending.status == -9:
        return "it was killed because it used more memory than allowed"
    if ending.status >= 0:
        return f"it exited with status {ending.status}"
    return f"it was ended by signal {_SIGNAL_NAMES.get(-ending.status, str(-ending.status))}"
