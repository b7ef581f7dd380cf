"""What is known to hold of a check that has failed: enough for the checks that depend on it.

A client that strips white space sends other bytes than were typed, and that costs it the check about that.  Plain lines
it sends right, and so most of what depends on that check can be judged all the same.  A check notes here that plain
lines went well, before it goes on to unusual ones; if it then fails, what depends on it is played without those.  What
fails then is not charged twice: the driver skips it (`driver/plugin.py`).  A UDP server that replies to one address
only is another case: nearly all clients are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model import part_of

if TYPE_CHECKING:
    from grader.protocol.script import ClientProtocol, Entry


class Basics:
    """For one grading: checks, by id, of which what others depend on held, and not all else."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    def hold(self, check: str) -> None:
        """What others depend on held; the rest of it may still fail."""
        self._held.add(check)

    def all_held(self, check: str) -> None:
        """So did the rest."""
        self._held.discard(check)

    def suffice(self, check: str) -> bool:
        """Whether what depends on a check that did not pass can be judged all the same."""
        return check in self._held

    def unusual(self, script: ClientProtocol, check: str = "") -> tuple[Entry, ...]:
        """Unusual lines, where no check before this one has failed with them."""
        others = {held for held in self._held - {check} if part_of(held) == "client"}
        return () if others else tuple(script.typed_awkward())
