"""What did not come, as a fault: what was expected, what arrived, and where it went wrong."""

from __future__ import annotations

from dataclasses import replace

from grader.errors import Reason
from grader.protocol.exactly import Exactly, as_reply
from grader.protocol.reply import Decision, Incomplete, Mismatch, Reply
from grader.wire.faults import FaultError
from grader.wire.transcript import shown


def not_the_reply(
    reply: bytes | Reply, decision: Decision, received: bytes, *, reason: Reason, what: str, doing: str
) -> FaultError:
    """A fault about what has arrived in place of a reply, which has decided so about it."""
    reply = as_reply(reply)
    if isinstance(reply, Exactly):
        return FaultError(reason, what, reply.data, received, doing)
    fault = FaultError(reason, what, reply.words, received, doing)
    if isinstance(decision, Incomplete) and received:
        return replace(fault, lacking=decision.lacking)
    if isinstance(decision, Mismatch):
        what = f"{what}: {decision.problem}" if decision.problem else what
        here = decision.expected if isinstance(decision.expected, str) else shown(decision.expected)
        return replace(fault, what=what, at=decision.at, here=here if decision.expected else "")
    return fault
