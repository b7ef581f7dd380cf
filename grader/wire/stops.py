"""What is known of how a submission's program keeps situations from being proved, from one of its runs to the next."""

from __future__ import annotations

from grader.wire.faults import UnprovedError


class Stops:
    """For all programs of one role."""

    def __init__(self, *, ended_of_it: bool = False) -> None:
        self._ended_of_it = ended_of_it
        self._leaves_unread = False
        self._unproved: UnprovedError | None = None

    def begin_check(self) -> None:
        """What was not proved was another check's."""
        self._unproved = None

    @property
    def ended_of_it(self) -> bool:
        """Whether one of its runs has ended because it was stopped and continued; two that do are no coincidence."""
        return self._ended_of_it

    def note_ended_of_it(self) -> None:
        """One has."""
        self._ended_of_it = True

    @property
    def leaves_unread(self) -> bool:
        """Whether it never rests and leaves bytes where they are, as looking at them with MSG_PEEK does."""
        return self._leaves_unread

    @property
    def unproved(self) -> UnprovedError | None:
        """What its right answers in this check don't prove."""
        return self._unproved

    def note_unread(self) -> None:
        """It has left bytes where they are without coming to rest: nobody sees whether it has looked at them."""
        self._leaves_unread = True
        self._unproved = UnprovedError(
            "it is not known whether the program has seen each piece before the next one arrived: it leaves bytes in "
            "its socket, as recv with MSG_PEEK does, and never sleeps there until more arrive"
        )
