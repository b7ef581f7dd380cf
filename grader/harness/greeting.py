"""What comes first on every connection: what a server says unasked, and what a client must say before it may ask.

We find out once, with the first client that connects.  A server that says something other than it should fails one
check for that, `greets` or `extra_reply_bytes`; for all others, what it really says first is left out of what their
clients receive, so one wrong word does not cost every check.

Where a client must introduce itself (`opening` of `protocol.py`), each does so as soon as it has heard the greeting; no
two say the same, since a server may take the second for the first one that has come back.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.errors import Reason
from grader.limits import GREETING_BYTES, GREETING_S
from grader.protocol.reply import Reply
from grader.protocol.script import Exchange
from grader.wire.faults import FaultError
from grader.wire.tcp import ScriptedClient

#: Reasons that mean just a wrong or missing greeting; a server that crashes or hangs up has another fault.
_ONLY_THE_WORDS = frozenset({Reason.WRONG_REPLY, Reason.NO_REPLY, Reason.INCOMPLETE_REPLY})


class Greeting:
    """The greeting of one grading's server.

    `required`: what it has to say, or a recogniser for that; possibly nothing.  `judged`: whether the
    assignment has a check that fails for anything else; without one, every client just requires it.
    `opening`: for each client, numbered from 0, what it says then, and the reply to that.
    """

    def __init__(
        self,
        required: bytes | Reply = b"",
        *,
        judged: bool = False,
        opening: Callable[[int], Exchange] | None = None,
    ) -> None:
        self.required = required
        self.opens = opening is not None
        self._opening = opening
        self._opened = 0
        self._judged = judged
        self._instead: bytes | None = None
        self._fault: FaultError | None = None

    @property
    def expected(self) -> bytes | Reply:
        """What each client receives before its first reply, once what is left out has been left out."""
        return b"" if self._fault else self.required

    @property
    def unread(self) -> Exchange:
        """What a slow client has not read when it sends its first request, as an exchange without a request."""
        return Exchange(b"", b"" if self.opens else self.expected)

    def first(self) -> list[Exchange]:
        """What a client that has heard nothing yet may send before its first request, and hears before its reply."""
        return [Exchange(b"", self.expected), *self._next_opening()]

    def open(self, client: ScriptedClient) -> None:
        """A client that has heard the greeting introduces itself, where it must.

        Raises:
            FaultError: it does not get its reply.
        """
        __tracebackhide__ = True
        for exchange in self._next_opening():
            client.ask(exchange)

    def _next_opening(self) -> list[Exchange]:
        if self._opening is None:
            return []
        self._opened += 1
        return [self._opening(self._opened - 1)]

    def prepare(self, client: ScriptedClient) -> None:
        """Have the client leave out what the server says instead of its greeting, if that is known."""
        if self._instead:
            client.leave_out(self._instead)

    def hear(self, client: ScriptedClient) -> None:
        """A client that has just connected receives the greeting.

        Raises:
            FaultError: it receives a different one, or none, and there is no check to judge that.
        """
        __tracebackhide__ = True
        if not self._judged or self._instead is not None:
            if self.expected:
                client.expect(self.expected)
            elif self._instead:
                client.wait_left_out()  # a server that has not greeted it may not know it yet
        elif self.required:
            self._hear_first(client)
        else:
            said = client.take_unasked(GREETING_S, GREETING_BYTES)
            what = f"{client.name} received something before it had sent a request"
            self._note(FaultError(Reason.EXTRA_REPLY, what, b"", said) if said else None, said)

    def _hear_first(self, client: ScriptedClient) -> None:
        __tracebackhide__ = True
        try:
            client.expect(self.required)
        except FaultError as fault:
            if fault.reason not in _ONLY_THE_WORDS:
                raise
            self._note(fault, client.take_unasked(GREETING_S, GREETING_BYTES))
        else:
            self._note(None, b"")

    def _note(self, fault: FaultError | None, said: bytes | None) -> None:
        self._fault, self._instead = fault, said

    def hear_again(self, fault: FaultError) -> None:
        """If that is what was wrong with it, the next client hears it as if it were the first."""
        if fault is self._fault:
            self._note(None, None)

    def must_be_right(self) -> None:
        """Fail a server whose greeting was not what it should be.

        Raises:
            FaultError: what was wrong with it.
        """
        __tracebackhide__ = True
        if self._fault is not None:
            raise self._fault.with_traceback(None)
