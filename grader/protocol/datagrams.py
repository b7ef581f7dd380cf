"""Replies that are one datagram each: what one datagram is, and which of several is which reply.  Pure.

A datagram is matched as a whole: all of it has come, it has ended, and a reply that is only its beginning is not it.
That no datagram comes, and that an empty one comes, are two things: only replies that are complete at rest (`nothing`)
take the first, and only those that take no bytes as a whole reply take the second.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.protocol.exactly import as_reply
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch, Reply


def decide_datagram(reply: bytes | Reply, datagram: bytes) -> Decision:
    """What a datagram is: `Complete` if all of it is this reply, `Incomplete` if it is cut short."""
    return decide_whole(reply, datagram, "the datagram")


def decide_whole(reply: bytes | Reply, data: bytes, what: str) -> Decision:
    """The same of whatever has an end: a datagram, a file, all that a program prints.  `what`: that, in words."""
    decision = as_reply(reply).begin().match(bytearray(data), ended=True)
    if isinstance(decision, Complete) and decision.length < len(data):
        more = len(data) - decision.length
        problem = f"{what} has {more} byte{'s' * (more > 1)} more"
        return Mismatch(decision.length, f"the end of {what}", problem)
    return decision


def silence(reply: bytes | Reply) -> Complete | None:
    """What this reply is if no datagram comes; None: one must come."""
    decision = as_reply(reply).begin().match(bytearray(), ended=False)
    return decision.at_rest if isinstance(decision, Incomplete) else None


def pair(replies: Sequence[bytes | Reply], datagrams: Sequence[bytes]) -> list[int | None]:
    """For each reply the number of a datagram that it is, so that as many as possible have one, each its own.

    A datagram may be several of the replies (two times within a second), so taking the first that fits may leave
    nothing for another one: then those that have one look for another (a bipartite matching by augmenting paths).
    """
    fits = [
        [number for number, data in enumerate(datagrams) if isinstance(decide_datagram(reply, data), Complete)]
        for reply in replies
    ]
    owners: dict[int, int] = {}
    for reply in range(len(replies)):
        give(reply, fits, owners)
    found: list[int | None] = [None] * len(replies)
    for datagram, owner in owners.items():
        found[owner] = datagram
    return found


def give(reply: int, fits: Sequence[Sequence[int]], owners: dict[int, int]) -> bool:
    """Give a reply a datagram, if need be by giving other replies other ones (breadth first); whether that could be.

    `fits`: for each reply the datagrams that it may have.  `owners`: for each datagram that is given whose it is.
    """
    came_by: dict[int, int] = {}
    asking = [reply]
    for asker in asking:
        for datagram in fits[asker]:
            if datagram in came_by:
                continue
            came_by[datagram] = asker
            if datagram in owners:
                asking.append(owners[datagram])
                continue
            _hand_over(datagram, came_by, owners, reply)
            return True
    return False


def _hand_over(datagram: int, came_by: dict[int, int], owners: dict[int, int], reply: int) -> None:
    """Each reply on the way to a free datagram takes it, and gives up its own to the one before it."""
    while True:
        asker = came_by[datagram]
        before = next((number for number, owner in owners.items() if owner == asker), None)
        owners[datagram] = asker
        if asker == reply or before is None:
            return
        datagram = before
