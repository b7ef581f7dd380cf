"""What a scripted network does with the datagrams between a client and a server.  Pure.

A real network loses, doubles, damages and delays datagrams by chance; this one does it by a script, so that each run
does the same and a report can say what became of each datagram.  A script must not depend on how often a program sends
again, which depends on its timers and the machine.  So it is told which datagram this is (`Passing`): of those that
differ, the how many-th in its direction, and the how many-th copy of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple, cast

import msgspec

from grader.model import Role
from grader.protocol.describing import Describe, no_words


class Fate(Enum):
    """What becomes of a datagram, in words."""

    PASSED = "passed on"
    LOST = "lost"
    TWICE = "passed on twice"
    CHANGED = "passed on with one bit changed"
    LATE = "held back until another one has passed"


#: Who says in a transcript what has become of each datagram.
THE_NETWORK: Final = "the network"


class OnItsWay(NamedTuple):
    """A datagram in a transcript: whom it is for, what it is if that is known, and what has become of it.

    `fate`: in words; empty: it is being delivered.
    """

    to: Role
    what: str
    fate: str

    def __str__(self) -> str:
        what = f": {self.what}" if self.what else ""
        return f"for the {self.to}{what}; {self.fate}" if self.fate else f"to the {self.to}{what}"


_ON_ITS_WAY: Final = re.compile(r"(?:to|(for)) the (server|client)(?:: (.*?))?(?(1); ([^;]*))", re.DOTALL)


def on_its_way(text: str) -> OnItsWay | None:
    """What such words mean; None if they are others."""
    found = _ON_ITS_WAY.fullmatch(text)
    return OnItsWay(cast("Role", found[2]), found[3] or "", found[4] or "") if found else None


class Passing(msgspec.Struct, frozen=True):
    """A datagram on its way.

    `to`: whom it is for.  `number`: how many others were sent there before it, copies not counted.  `copy`: how many
    times the same bytes were sent there before.
    """

    to: Role
    data: bytes
    number: int
    copy: int


#: What becomes of a datagram.
Script = Callable[[Passing], Fate]

#: What becomes of one datagram's copies, one after the other; the others are passed on.
Fates = Fate | Sequence[Fate]


def fates(to_server: Mapping[int, Fates] | None = None, to_client: Mapping[int, Fates] | None = None) -> Script:
    """A script: for each direction what becomes of datagrams, by their numbers from 0; all others are passed on.

    A single fate is that of the first copy: `fates(to_server={2: Fate.LOST})` loses the third datagram, and passes it
    on when it is sent again.
    """
    tables = {"server": to_server or {}, "client": to_client or {}}

    def fate(passing: Passing) -> Fate:
        found = tables[passing.to].get(passing.number, ())
        each = (found,) if isinstance(found, Fate) else tuple(found)
        return each[passing.copy] if passing.copy < len(each) else Fate.PASSED

    return fate


def unchanged(data: bytes) -> bytes:
    """What most networks do to a datagram that they deliver."""
    return data


class Network(msgspec.Struct, frozen=True):
    """A network.  `script`: what it does.  `words`: what a datagram is, for a transcript.

    `rewritten`: what becomes of a datagram that is delivered to the server.  Both programs of a submission run in one
    place, where they could exchange everything but by the network; what is put in here can't have come another way.
    """

    script: Script = fates()
    words: Describe = no_words
    rewritten: Callable[[bytes], bytes] = unchanged


#: Our own end of a network: takes a datagram, and when it came (time(2)); gives what it answers, or raises a fault.
Station = Callable[[bytes, float], Iterable[bytes]]


class Line:
    """One direction of a network: datagrams in, and what comes out at its other end."""

    def __init__(self, to: Role, script: Script) -> None:
        self._to: Final[Role] = to
        self._script = script
        #: Each datagram's number, and how many copies of it there were.
        self._met: dict[bytes, tuple[int, int]] = {}
        self._held: list[bytes] = []

    @property
    def held(self) -> int:
        """How many are held back."""
        return len(self._held)

    def take(self, data: bytes) -> tuple[Fate, tuple[bytes, ...]]:
        """A datagram comes: its fate, and what is delivered now, one after the other."""
        number, copies = self._met.get(data, (len(self._met), 0))
        self._met[data] = number, copies + 1
        fate = self._script(Passing(self._to, data, number, copies))
        if fate is Fate.LATE:
            self._held.append(data)
        delivered = _DELIVERED[fate](data)
        return fate, (*delivered, *(self._released(data) if delivered else ()))

    def _released(self, passed: bytes) -> tuple[bytes, ...]:
        """What was held back until another datagram than itself has passed."""
        free = tuple(data for data in self._held if data != passed)
        self._held = [data for data in self._held if data == passed]
        return free


def changed(data: bytes) -> bytes:
    """The same with one bit changed in its middle; what has no bit gets a byte."""
    if not data:
        return b"\0"
    middle = len(data) // 2
    return data[:middle] + bytes((data[middle] ^ 1,)) + data[middle + 1 :]


_DELIVERED: Final[Mapping[Fate, Callable[[bytes], tuple[bytes, ...]]]] = {
    Fate.PASSED: lambda data: (data,),
    Fate.LOST: lambda _: (),
    Fate.TWICE: lambda data: (data, data),
    Fate.CHANGED: lambda data: (changed(data),),
    Fate.LATE: lambda _: (),
}
