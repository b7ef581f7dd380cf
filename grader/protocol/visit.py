"""Visits: what a client does that acts by itself, from start to exit, and what our server says meanwhile.  Pure.

A client that is typed into goes line by line (`script.Entry`).  One that is given all it needs when it is started, as
`client HOST PORT FILE`, makes a visit: it connects, some turns follow, it prints or writes what came of them, and it
exits.  Each turn is what the server hears and what it says then; a server that speaks first hears nothing before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, Protocol

import msgspec

from grader.protocol.reply import Reply, Values
from grader.protocol.script import Answer


class OtherServer(msgspec.Struct, frozen=True):
    """What another server says over UDP, at this address of the machine (127.0.0.2, say), from the same port."""

    host: str
    reply: bytes


Words = bytes | tuple[bytes | OtherServer, ...]
#: What the server says: these bytes, or one after the other (datagrams over UDP); or what follows from all that was
#: captured in what it has heard so far.
Says = Words | Callable[[Values], Words]
#: What the server hears: exactly these bytes, or what is recognised; or what follows from all that was captured before,
#: such as the number that the client has chosen for everything it sends.
Hears = bytes | Reply | Callable[[Values], bytes | Reply]


class Turn(msgspec.Struct, frozen=True):
    """What the server hears, and what it says then.

    `hears`: exactly these bytes, or what a `Reply` recognises: header lines in any order, a random id; or a function
    that gives either from what was captured in the turns before.  Over UDP it is one datagram.  `nothing` is heard once
    the client rests without having sent anything; over TCP empty bytes are not waited for: the server speaks first.
    `says`: nothing, if empty; of several parts only the last is said in the way that `how` tells, if it is the server's
    own.  `how`: when, how often, or from whom.  `over`: "tcp" where the client goes on over TCP though the assignment
    is about UDP: all such turns are on one connection, to the port that it has sent its datagrams to.
    """

    hears: Hears
    says: Says = b""
    how: Answer = Answer.WHOLE
    over: Literal["tcp"] | None = None


class Visit(msgspec.Struct, frozen=True):
    """One run of a client.  Without a turn it must not come to the server at all.

    `fill`: what stands for further placeholders in its arguments, such as {file}; it may hold the usual ones.  `files`:
    laid in its folder before it starts, by path there.  `shown`: what must be on its standard output at the end, among
    whatever else it prints; or what all of that must be.  `complaint`: what must be on its stderr, likewise.  `status`:
    its exit status; None: it must fail, which is any but 0 and a message on stderr.  `written`: what must be in files
    of its folder at the end, by path there; None: there must not be such a file.  `hangs_up`: whether the server closes
    the connection after its last words, as HTTP/1.0 does.
    """

    turns: tuple[Turn, ...]
    fill: Mapping[str, str] = {}
    files: Mapping[str, bytes] = {}
    shown: bytes | Reply = b""
    complaint: bytes = b""
    status: int | None = 0
    written: Mapping[str, bytes | Reply | None] = {}
    hangs_up: bool = False


NO_VISIT: Final = Visit(())


def heard_in(turn: Turn, heard: Iterable[Values]) -> bytes | Reply:
    """What the server hears in this turn; `heard`: what was captured in each turn before it.

    Raises:
        TypeError: the author's function gives something else.
    """
    hears = turn.hears(_together(heard)) if callable(turn.hears) else turn.hears
    if not isinstance(hears, bytes | Reply):
        raise TypeError(f"hears must give bytes or a reply, not {hears!r}")
    return hears


def said(turn: Turn, heard: Iterable[Values]) -> tuple[bytes | OtherServer, ...]:
    """What the server says in this turn; `heard`: what was captured in each turn so far, this one's last.

    Raises:
        TypeError: the author's function gives something other than bytes.
    """
    words = turn.says(_together(heard)) if callable(turn.says) else turn.says
    each = words if isinstance(words, tuple) else (words,) if words else ()
    if not all(isinstance(part, bytes | OtherServer) for part in each):
        raise TypeError(f"says must give bytes or a tuple of bytes, not {words!r}")
    return each


def own_words(parts: Iterable[bytes | OtherServer]) -> bytes:
    """What the client's own server says of all this."""
    return b"".join(part for part in parts if isinstance(part, bytes))


def outline(visit: Visit) -> tuple[object, ...]:
    """What of a visit can be compared: of recognisers their words, of functions nothing."""
    turns = [
        (
            None if callable(turn.hears) else _told(turn.hears),
            None if callable(turn.says) else turn.says,
            turn.how,
            turn.over,
        )
        for turn in visit.turns
    ]
    written = {path: _told(content) for path, content in visit.written.items()}
    shown = _told(visit.shown), visit.complaint, visit.status
    return turns, visit.fill, visit.files, shown, written, visit.hangs_up


def _told(content: bytes | Reply | None) -> bytes | str | None:
    return content.words if isinstance(content, Reply) else content


def _together(heard: Iterable[Values]) -> Values:
    values: dict[str, Any] = {}
    for captured in heard:
        values.update(captured)
    return values


class VisitProtocol(Protocol):
    """What an assignment's `protocol.py` says about a client that acts by itself, as checks ask for it (`Seeded`).

    `visit` is always needed, the others if a check says so.  What is promised here holds for every seed.
    """

    def visit(self, number: int) -> Visit:
        """A plain visit, different for every number from 0.

        In its last turn the server says something, two bytes or more, without all of which the client must fail.
        """

    def visit_sized(self, size_bytes: int) -> Visit:
        """One in whose last turn the server says this many bytes, or up to 64 more or fewer."""

    def visit_in_turns(self) -> Visit:
        """One of two turns or more, whose last answer may come together with the one before, before it is asked for."""
