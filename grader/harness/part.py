"""One client's part in a dialogue, taken turn by turn, so that several clients can go through theirs in lockstep.

The part opens its connections itself.  It has one from the beginning; another one follows where the next request can't
go on it: if a server closes after each reply (one request per connection), or if a reply has said that it will.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self

from grader.errors import Reason
from grader.limits import DIALOGUE_EXCHANGES
from grader.protocol.dialogues import Dialogue, go_on
from grader.protocol.exactly import as_reply
from grader.protocol.script import Exchange
from grader.wire.faults import FaultError
from grader.wire.tcp import ScriptedClient

#: How a request is sent: whole, in pieces, together with a FIN ...
Send = Callable[[ScriptedClient, bytes], None]


class Part:
    """A context manager: its connection is closed at the end, whatever happened.

    `due`: the exchange whose turn it is; None: the dialogue is over.
    """

    def __init__(self, connect: Callable[[], ScriptedClient], dialogue: Dialogue, *, one_request: bool) -> None:
        self._connect = connect
        self._turns, self._has_state = dialogue.turns, dialogue.has_state
        self._one_request = one_request
        self._heard = 0
        self._used = False
        self.client = connect()
        self.due: Exchange | None = next(self._turns, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.__exit__(kind, error, trace)

    def reach(self) -> None:
        """Have a connection on which the next request can be sent."""
        __tracebackhide__ = True
        if self._used and (self._one_request or self.client.ends):
            self.client.close()
            self.client = self._connect()
            self._used = False

    def turn(self, send: Send = ScriptedClient.send) -> None:
        """Send the request whose turn it is."""
        __tracebackhide__ = True
        if self.due is not None:
            self.reach()
            self.client.want(self.due.reply)
            if self.due.request:
                send(self.client, self.due.request)

    def hear(self) -> None:
        """Expect its reply; then it is the next one's turn.

        Raises:
            FaultError: another one comes, or none; it tells what was answered before.  Or the dialogue never ends.
        """
        __tracebackhide__ = True
        if self.due is None:
            return
        try:
            seen = self.client.expect_answer(self.due)
        except FaultError as fault:
            raise replace(fault, answered=self.client.name if self._has_state and self._heard else "") from None
        self._heard += 1
        self._used = True
        last, self.due = self.due, go_on(self._turns, seen)
        if self._has_state and self.due is not None and self._heard >= DIALOGUE_EXCHANGES:
            raise self._endless(last)

    def _endless(self, last: Exchange) -> FaultError:
        words = as_reply(last.reply).words
        what = f"{self.client.name} asked {self._heard} times, and the replies never bring the dialogue to its end"
        return FaultError(Reason.WRONG_REPLY, f"{what}; the last one was to be {words}", answered=self.client.name)

    def play(self, send: Send = ScriptedClient.send) -> None:
        """The whole dialogue, or what is left of it."""
        __tracebackhide__ = True
        while self.due is not None:
            self.turn(send)
            self.hear()


def in_lockstep(parts: Iterable[Part], send: Send = ScriptedClient.send) -> None:
    """Step by step: each sends its next request and hears the reply, then the next step, until all dialogues are over.

    So what the server keeps of one is asked for while it serves the others.
    """
    __tracebackhide__ = True
    going = list(parts)
    while going:
        for part in going:
            part.turn(send)
            part.hear()
        going = [part for part in going if part.due is not None]
