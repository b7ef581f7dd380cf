"""What a program does that a fault may show: which system calls these are, and how a place is called where it did so.

A program that is at fault for something that it has done is elsewhere when that is noticed: it has closed the wrong
connection long ago, and waits for the next client.  So its check is played once more, and the last call of that kind is
looked at when it is made (`tracer.py`).  Pure, but for what a descriptor leads to.  Standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, Literal, get_args

from grader.sandbox.ptrace import Call

#: What a program is looked at for besides crashes, which always count: how it exits, or what it does last of that kind.
Deed = Literal["crash", "exit", "bind", "connect", "close", "send", "receive", "print", "complain"]
DEEDS: Final[tuple[Deed, ...]] = get_args(Deed)

#: What calls are, and their numbers on x86_64 and aarch64; None: it has none.
_CALLS: Final[Mapping[str, tuple[str, int, int | None]]] = {
    "bind": ("bind", 49, 200),
    "connect": ("connect", 42, 203),
    "close": ("close", 3, 57),
    "shutdown": ("close", 48, 210),
    "sendto": ("send", 44, 206),
    "sendmsg": ("send", 46, 211),
    "sendmmsg": ("send", 307, 269),
    "write": ("send", 1, 64),
    "writev": ("send", 20, 66),
    "read": ("receive", 0, 63),
    "recvfrom": ("receive", 45, 207),
    "recvmsg": ("receive", 47, 212),
    "accept": ("wait", 43, 202),
    "accept4": ("wait", 288, 242),
    "poll": ("wait", 7, None),
    "ppoll": ("wait", 271, 73),
    "select": ("wait", 23, None),
    "pselect6": ("wait", 270, 72),
    "epoll_wait": ("wait", 232, None),
    "epoll_pwait": ("wait", 281, 22),
    "exit_group": ("exit", 231, 94),
    "exit": ("ends", 60, 93),
}
_AT: Final = {"x86_64": 1, "aarch64": 2}.get(os.uname().machine, 1)
_KINDS: Final = {call[_AT]: call[0] for call in _CALLS.values()}
#: Calls of any file: what they are depends on the descriptor.
_OF_ANY_FILE: Final = frozenset(_CALLS[name][_AT] for name in ("read", "write", "writev", "close"))
#: What writing to them is called.  What goes to stderr, such as a prompt, counts only if nothing else was printed.
_OUTPUT: Final = {1: "print", 2: "complain"}
#: What reading what is typed is called.
INPUT: Final = "input"

#: What a place is called where a program did so.
WORDS: Final = {
    "bind": "where it bound its socket",
    "connect": "where it connected",
    "close": "where it last closed a socket",
    "send": "where it last sent something",
    "receive": "where it last received something",
    "print": "where it last printed something on stdout",
    "complain": "where it last printed something on stderr",
    "exit": "where it exited",
}
#: ... and what was called last before that, which may be what led to it; or if main returned, which is no call.
BEFORE: Final[Mapping[Deed, str]] = {
    "close": "its last network call before it closed the socket",
    "exit": "its last network call before it exited",
}
#: ... or where a client read what was typed.
_BEFORE_INPUT: Final = "where it last read its input"
#: What may have led to it.
_MAY_LEAD: Final = frozenset({"bind", "connect", "send", "receive", "wait", INPUT})


def kind_of(call: Call, tid: int) -> str:
    """What a thread's call is: a key of `WORDS`, "wait", `INPUT`, "ends" (the thread alone), or empty: any other."""
    kind = _KINDS.get(call.number, "")
    if call.number not in _OF_ANY_FILE or _is_socket(tid, call.arguments[0]):
        return kind
    if kind == "send":
        return _OUTPUT.get(call.arguments[0], "")
    return INPUT if kind == "receive" and call.arguments[0] == 0 else ""


def may_lead(deed: Deed, kind: str, before: str | None) -> str:
    """What a call of that kind is called that may have led to what it did next; empty if it has not.

    `before`: what the one before is called.  That input has ended is why a client exits, but not why it does so too
    early: what it did on the network says more.
    """
    if deed not in BEFORE or kind not in _MAY_LEAD:
        return ""
    if kind != INPUT:
        return BEFORE[deed]
    return _BEFORE_INPUT if deed == "close" or before in {None, _BEFORE_INPUT} else ""


def is_done(deed: Deed, kind: str, last: str | None) -> bool:
    """Whether a call of that kind does the deed, or counts as it; `last`: what the last one is called that did."""
    return kind == deed or (kind == "complain" and deed == "print" and last in {None, WORDS["complain"]})


def _is_socket(tid: int, descriptor: int) -> bool:
    try:
        return os.readlink(f"/proc/{tid}/fd/{descriptor}").startswith("socket:")
    except OSError:
        return False
