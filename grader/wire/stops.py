"""What is known of how a submission's program takes being stopped and looked at, from one of its runs to the next."""

from __future__ import annotations


class Stops:
    """For all programs of one role."""

    def __init__(self, *, ended_of_it: bool = False) -> None:
        self._ended_of_it = ended_of_it
        self._peeks = False

    @property
    def ended_of_it(self) -> bool:
        """Whether one of its runs has ended because it was stopped and continued; two that do are no coincidence."""
        return self._ended_of_it

    def note_ended_of_it(self) -> None:
        """One has."""
        self._ended_of_it = True

    @property
    def peeks(self) -> bool:
        """Whether it was caught looking at bytes without taking them: where it leaves some, it most likely does so."""
        return self._peeks

    def note_peek(self) -> None:
        """It was."""
        self._peeks = True
