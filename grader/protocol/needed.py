"""What some checks need of a protocol's messages that shows only when its functions are asked.  Pure.

A client that leaves its replies unread says nothing about a server whose replies are so short that none of them ever
waits; and where a server says all that it has to say to whoever connects, no request can come in pieces, and nobody
stays connected.  A right server would fail such a check, so its author hears of it before a program is started.
"""

from __future__ import annotations

from grader.protocol.exactly import examples_of
from grader.protocol.script import Seeded, StreamProtocol
from grader.protocol.shapes import SIZES, Promise

#: Checks of TCP servers that need no request, so that the server may speak unasked and then close the connection.
_WITHOUT_REQUESTS = frozenset(
    {
        *("listens", "bad_arguments_reported", "port_in_use_reported", "ctrl_c_stops", "leaves_nothing_running"),
        *("answers", "closes_when_done", "sequential_clients", "connect_and_leave", "reset_before_accept"),
        *("backlog_burst", "port_reuse_after_ctrl_c", "no_fd_leak", "no_thread_leak", "no_zombies", "no_busy_loop"),
    }
)


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


def speaks_unasked(protocol: object, seed: int = 1) -> bool:
    """Whether its exchanges have no requests; `protocol`: one whose `exchange` keeps its promises."""
    return not Seeded(protocol, seed).exchange(0).request


def fault_unasked(check: str) -> str | None:
    """Why a check of the catalogue can't be asked of a server that speaks unasked, as a sentence; None: it can."""
    if check.removeprefix("server.") in _WITHOUT_REQUESTS or not check.startswith("server."):
        return None
    return f"check {check} needs requests, but those of exchange are empty"
