"""What is known to hold of a check that has failed: enough for the checks that depend on it.

A client that strips white space sends other bytes than were typed, and that costs it the check about that.  Plain lines
it sends right, and so most of what depends on that check can be judged all the same.  A check notes here that plain
lines went well, before it goes on to unusual ones; if it then fails, what depends on it is played without those.  What
fails then is not charged twice: the driver skips it (`driver/plugin.py`).  A UDP server that replies to one address
only is another case: nearly all clients are there; and so is one over TCP that answers the first message of each
connection and closes it, as the servers of many textbooks do.

A client that reads until its server hangs up, though it was told where the reply ends, is a third.  Nothing proves that
this is all that it does wrong.  So the first check that depends on it is played with a server that hangs up, and if
that fails all others are skipped.
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
        #: Those of which that is only a guess.
        self._guessed: set[str] = set()
        #: Whether our server hangs up when it has said everything, even where the protocol doesn't ask for it.
        self.hangs_up = False

    def hold(self, check: str) -> None:
        """What others depend on held; the rest of it may still fail."""
        self._held.add(check)

    def may_hold_if_hung_up(self, check: str) -> None:
        """What others depend on may hold if our server hangs up, as it does from now on."""
        self._held.add(check)
        self._guessed.add(check)
        self.hangs_up = True

    def tried(self, check: str, *, well: bool) -> None:
        """Another check, which depends on this one that did not pass, was played all the same, and passed or failed."""
        if check in self._guessed:
            self._guessed.discard(check)
            if not well:
                self._held.discard(check)

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
