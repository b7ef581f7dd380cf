"""What a client says in a check, whatever an assignment's protocol is like.  Pure.

A protocol without state says only exchanges; then a dialogue is one of them, or several in a row.  One with state says
its dialogues itself: generators, since what is asked next may depend on what was answered.  They begin anew each time
that they are asked for.  What can be sent before anything was answered is another question (`pipelined`), and so is
what makes the server send much (`large`, or else `sized`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from types import GeneratorType

from grader.protocol.reply import Values
from grader.protocol.script import Exchange, StreamProtocol

#: Gives exchanges one after the other, and is told what was captured in each reply.
Turns = Generator[Exchange, Values, None]


@dataclass(frozen=True)
class Dialogue:
    """Exchanges on one connection.  `has_state`: what is right may depend on what was answered before."""

    turns: Turns
    has_state: bool = False


def has_state(protocol: StreamProtocol) -> bool:
    """Whether a protocol says its dialogues itself."""
    return hasattr(protocol, "dialogue")


def in_turn(exchanges: Iterable[Exchange]) -> Dialogue:
    """These exchanges, one after the other's reply."""
    return Dialogue(_each(exchanges))


def _each(exchanges: Iterable[Exchange]) -> Turns:
    yield from exchanges


def go_on(turns: Turns, seen: Values) -> Exchange | None:
    """The next exchange, told what was captured in the last reply; None: there is none.

    What is yielded from a list can't be told anything, and needs nothing.
    """
    asked: object = turns
    while isinstance(asked, GeneratorType) and asked.gi_yieldfrom is not None:
        asked = asked.gi_yieldfrom
    try:
        return turns.send(seen) if hasattr(asked, "send") else next(turns)
    except StopIteration:
        return None


def dialogue_of(protocol: StreamProtocol, number: int) -> Dialogue:
    """The dialogue of this number; without state, the exchange."""
    if has_state(protocol):
        return Dialogue(protocol.dialogue(number), has_state=True)
    return in_turn([protocol.exchange(number)])


def dialogues_of(protocol: StreamProtocol, count: int) -> list[Dialogue]:
    """So many dialogues, each for a connection of its own; without state, one of so many exchanges."""
    if has_state(protocol):
        return [dialogue_of(protocol, number) for number in range(count)]
    return [in_turn([protocol.exchange(number) for number in range(count)])]


def can_pipeline(protocol: StreamProtocol) -> bool:
    """Whether requests may be sent before those before them were answered."""
    return hasattr(protocol, "pipelined") or not has_state(protocol)


def together(protocol: StreamProtocol, count: int) -> tuple[Exchange, ...]:
    """So many exchanges whose requests may be sent before any was answered, on a new connection."""
    if hasattr(protocol, "pipelined"):
        return tuple(protocol.pipelined(count))
    return tuple(protocol.exchange(number) for number in range(count))


def with_much_to_send(
    protocol: StreamProtocol, size_bytes: int, message_bytes: int, *, alone: bool
) -> tuple[Exchange, ...]:
    """Exchanges that make a server send so many bytes: one with a `large` reply, or requests that are long themselves.

    `message_bytes`: how long each of these is; `alone`: there may only be one.
    """
    if hasattr(protocol, "large"):
        return (protocol.large(size_bytes),)
    if alone:
        return (protocol.sized(size_bytes),)
    exchange = protocol.sized(message_bytes)
    return (exchange,) * (size_bytes // len(exchange.request))
