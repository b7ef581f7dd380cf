"""What may come back: recognisers of replies.  Bytes in, decisions out; no socket, no clock.

A reply is recognised, not compared: `begin` gives a `Matching` for each time that the reply is awaited, and `match` is
asked with everything that was received since the reply's first byte, whenever more of it has come.  Every recogniser
keeps these laws, which `laws.py` tries on each of ours and, by one import, on an author's own:

1. it is `Incomplete` until the reply's last byte has come, and then decides;
2. the decision, and the byte at which it falls, are the same in whatever pieces the bytes came;
3. it decides after a bounded number of bytes, or a program that sends without end chooses its own verdict;
4. its work grows linearly with the bytes, however small the pieces;
5. it is never asked again once it has decided;
6. `ended` means that the peer has closed its side (a FIN); a reset never completes a reply.

What is `Incomplete` although it has ended was cut short, except that `at_rest`, where there is one, is what it is: then
nothing more can come.  A datagram is matched by itself and has ended.  So "nothing" takes no datagram, not even an
empty one: there `at_rest` is no way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

import msgspec

#: What was captured in a reply, by the names of its fields.
Values = Mapping[str, Any]
NO_VALUES: Final[Values] = {}


class Complete(msgspec.Struct, frozen=True):
    """So many bytes are the reply; what comes behind them belongs to the next one.

    `ends`: the connection ends with it, as an HTTP reply says that has `Connection: close`.
    """

    length: int
    values: Values = NO_VALUES
    ends: bool = False


class Incomplete(msgspec.Struct, frozen=True):
    """The reply may still come.

    `lacking`: in words for a student, behind "lacking: ".  `needed`: how many bytes more are needed at the least, if
    that is known; it only says how much to read.  `at_rest`: what the reply is if the program comes to rest without
    sending anything more, as "nothing" is.
    """

    lacking: str
    needed: int = 0
    at_rest: Complete | None = None


class Mismatch(msgspec.Struct, frozen=True):
    """What has come can't be the reply, whatever follows.

    `at`: the byte where it went wrong; None where it is judged as a whole.  `expected`: what was expected there, as
    bytes or in words; empty if the problem says it all.  `problem`: a sentence for the student; empty if the first
    differing byte says it all.
    """

    at: int | None
    expected: bytes | str
    problem: str = ""


Decision = Incomplete | Complete | Mismatch


class Matching(Protocol):
    """One reply being received."""

    def match(self, received: bytearray, *, ended: bool) -> Decision:
        """What `received`, everything since the reply's first byte, says so far; it is not to be changed or kept."""


@runtime_checkable
class Reply(Protocol):
    """A recogniser of what may come back.

    `words`: what it is, for a student, behind "expected: ": "a line 'OK tries=<n>'".
    """

    @property
    def words(self) -> str: ...

    def begin(self) -> Matching:
        """A matching for one time that this reply is awaited; a reply without state of its own returns itself."""


def quoted(data: bytes | bytearray) -> str:
    """Bytes as a student reads them: printable ASCII as itself, the rest escaped."""
    return repr(bytes(data))[1:]


def either(words: Iterable[str]) -> str:
    """'a', 'a or b', 'a, b or c'."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
