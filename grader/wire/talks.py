"""Our conversations with one program, as far as waiting for it needs to know them.

A conversation is *open* until our end is closed; then it is *leaving* until the kernel says that its end has arrived.
A verdict about a program must wait for both kinds: what arrives later wakes it later.
"""

from __future__ import annotations

from typing import Protocol

from grader.wire.diagnosis import Conversation
from grader.wire.kernel import SocketRow


class Talk(Protocol):
    """Our end of a conversation, as far as waiting needs to know it."""

    name: str

    def row(self) -> SocketRow | None:
        """The program's side of the connection, if it has one of its own."""

    def delivered(self) -> bool:
        """Whether nothing is on its way: what we sent has arrived there, and what it sent has arrived here."""

    def traffic(self) -> tuple[int, ...]:
        """How much it has read from us, and how much of what it sent we have received, in bytes."""


class Carrier(Protocol):
    """Something of ours between this program and another, which is at work only while one of them is waited for."""

    def carry(self) -> bool:
        """Pass on what has come; whether anything had."""

    def watched(self) -> tuple[int, ...]:
        """The descriptors on which something comes."""


class Talks:
    """All of one program's."""

    def __init__(self) -> None:
        self._carriers: list[Carrier] = []
        self._open: list[Talk] = []
        self._leaving: list[Talk] = []
        self._met = 0

    @property
    def open(self) -> tuple[Talk, ...]:
        """Those that our end has not left, in the order in which they began."""
        return tuple(self._open)

    @property
    def met(self) -> int:
        """How many there were, those that have ended included."""
        return self._met

    def meet(self, talk: Talk) -> None:
        """One begins."""
        self._open.append(talk)
        self._met += 1

    def attend(self, carrier: Carrier) -> None:
        """From now on this carries whenever the program is waited for."""
        self._carriers.append(carrier)

    def dismiss(self, carrier: Carrier) -> None:
        """It carries no more."""
        self._carriers.remove(carrier)

    def carry(self) -> None:
        """Have everything passed on that has come."""
        for carrier in self._carriers:
            carrier.carry()

    def watched(self) -> tuple[int, ...]:
        """The descriptors on which something comes that is to be passed on."""
        return tuple(descriptor for carrier in self._carriers for descriptor in carrier.watched())

    def leave(self, talk: Talk) -> None:
        """Our end of its connection was closed or reset; that is on its way now."""
        if talk in self._open:
            self._open.remove(talk)
            self._leaving.append(talk)

    def forget(self, talk: Talk) -> None:
        """Our end is gone, and nothing tells the program so."""
        if talk in self._open:
            self._open.remove(talk)

    def conversations(self) -> tuple[Conversation, ...]:
        """Our name for each, and the program's side of it."""
        return tuple(Conversation(talk.name, talk.row()) for talk in (*self._open, *self._leaving))

    def nothing_on_its_way(self) -> bool:
        """Whether everything we sent has arrived there, the ends of closed connections included, and its bytes here.

        For a verdict this must hold before we look at the program (what arrives later wakes it later) and afterwards
        (what it sent before it fell asleep is here).
        """
        self._leaving = [talk for talk in self._leaving if not talk.delivered()]
        return not self._leaving and all(talk.delivered() for talk in self._open)

    def stuck(self) -> tuple[str, int] | None:
        """One that something is on its way to while bytes wait to be read there: its name, and how many they are."""
        for talk in (*self._leaving, *self._open):
            if not talk.delivered() and (row := talk.row()) is not None and row.receive_queue > 0:
                return talk.name, row.receive_queue
        return None

    def has_unread(self) -> bool:
        """Whether the program has not read everything that has come to it over connections that are open."""
        return any((row := talk.row()) is not None and row.receive_queue > 0 for talk in self._open)

    def traffic(self) -> tuple[int, ...]:
        """How much the program has read and written, in bytes: numbers for each open one."""
        return tuple(number for talk in self._open for number in talk.traffic())

    def accepted(self) -> int:
        """How many of our connections the program has accepted."""
        return sum((row := talk.row()) is not None and row.inode != 0 for talk in self._open)
