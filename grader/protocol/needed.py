"""What some checks need of a protocol's messages that shows only when its functions are asked.  Pure.

A client that leaves its replies unread says nothing about a server whose replies are so short that none of them ever
waits.  A right server would fail such a check, so its author hears of it before a program is started.
"""

from __future__ import annotations

from grader.protocol.exactly import examples_of
from grader.protocol.script import Seeded, StreamProtocol
from grader.protocol.shapes import SIZES, Promise


def _sized_gets_much_back(protocol: StreamProtocol) -> bool:
    """As far as can be told before a server replies."""
    return all(
        2 * len(reply) >= len(exchange.request)
        for exchange in map(protocol.sized, SIZES)
        for reply in examples_of(exchange.reply)
    )


def _much_comes_back(protocol: StreamProtocol) -> bool:
    return hasattr(protocol, "large") or _sized_gets_much_back(protocol)


#: By need (`catalogue/needs.py`) what `sized` must give.
_PROMISES = {
    "much_back": Promise("replies half as long as their requests, or there must be a large", _much_comes_back),
    "both_long": Promise("replies half as long as their requests", _sized_gets_much_back),
}


def fault_for(protocol: object, need: str, seed: int = 1) -> str | None:
    """What a protocol lacks of what a check needs, as a sentence; None: nothing, or another need.

    `protocol`: one whose `sized`, if it has one, keeps its promises.
    """
    promise = _PROMISES.get(need)
    if promise is None or not hasattr(protocol, "sized") or promise.holds(Seeded(protocol, seed)):
        return None
    return f"sized of protocol.py must give {promise.words}"
