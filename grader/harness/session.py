"""One run of a client, from start to exit, with a scripted server and somebody who types.

How it works.  A client has two others to deal with: our *server*, which hears what it sends and answers, and our
*keyboard*, which types a line when the kernel shows that the client waits for one.  A turn goes round in a circle: the
client waits for a line; the line is typed; what it sends arrives at the server, which compares it; the server answers;
the client shows the answer (`output`); and it waits again.  Nothing here sleeps, and nobody waits for a prompt's text:
each step ends when the kernel shows that it has happened, or that it can't happen any more.

- A client that asks where to connect is told so before the first line (`tell_where`), in the manner that was found out.
- One that takes its message as an argument can't be started before there is one: such a run begins with its first line,
  and its end of input comes after it.
- What the server has received although nobody waited for it often explains why a prompt does not come, so that is told
  with such a fault.
- One that acts by itself (`tasks.VisitTask`) is started with all it needs, and nobody types: its turns are between it
  and the server alone, and then it exits.
- An exit is waited for while the server still holds the connection: a client that has closed its side is let go then,
  as any server would.

Why it can't be simpler.  A script of "expect" and "send", as other graders have it, needs prompts with known words, and
a time after which a reply is taken to be missing.  Students' prompts have any words or none, and time proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from grader.errors import Reason
from grader.harness.manner import Ask, Manner, answer_to
from grader.harness.output import ClientOutput, in_words
from grader.harness.stage import Stage
from grader.limits import IDLE_CPU_SHARE, IDLE_WINDOW_S, SETTLE_S
from grader.model import EventKind
from grader.protocol.script import Answer, Entry
from grader.protocol.visit import NO_VISIT, Turn, Visit
from grader.wire.faults import FaultError
from grader.wire.kernel import Endpoint, SocketRow, TcpState
from grader.wire.keyboard import Keyboard
from grader.wire.program import Program
from grader.wire.stillness import Awaits
from grader.wire.tcp_server import Peer, ScriptedServer
from grader.wire.traces import shows_traceback
from grader.wire.waiting import NoProgressError, Why
from grader.wire.warden import Ending

#: What a client makes of a line is not many times longer than the line.
_MOST_SENT_BY_BYTE = 4

#: What is told to a client that exits with another status than it must.
_REQUIRED: Final[Mapping[int | None, str]] = {0: "0 means success", None: "a failure needs another status than 0"}

P = TypeVar("P", bound=Peer)


class Session(Generic[P]):
    """One run of a client, from start to exit, with a scripted server.  A context manager."""

    def __init__(
        self,
        stage: Stage,
        manner: Manner,
        told: Endpoint,
        server: P,
        *,
        visit: Visit = NO_VISIT,
        terminal: bool = True,
        beside: bool = False,
        stream: ScriptedServer | None = None,
    ) -> None:
        self.server = server
        #: Where it goes on over TCP, if it is about UDP and does that in this visit.
        self._stream = stream
        self.told = told
        self._stage = stage
        self._manner = manner
        self._visit = visit
        self._terminal = terminal
        self._beside = beside
        self._program: Program | None = None
        self._keyboard: Keyboard | None = None
        self._output: ClientOutput | None = None
        self._told_all = False
        if not manner.takes_message:
            with ExitStack() as if_it_fails:
                if_it_fails.callback(self._close_servers)
                self._start("")
                if_it_fails.pop_all()

    def _start(self, message: str) -> None:
        filling = {"host": self.told.host, "port": str(self.told.port), "message": message}
        self._program = self._stage.programs.start_client(
            self._manner.run, filling, self._visit, terminal=self._terminal, beside=self._beside
        )
        self._keyboard = Keyboard(self._program, polled=self._manner.polls)
        self._output = ClientOutput(
            self._program, self._keyboard, self.server, self.read_bytes, self._has_unread, terminal=self._terminal
        )
        for peer in self._peers:
            peer.begin(self._program)

    @property
    def _peers(self) -> tuple[Peer, ...]:
        return (self.server, self._stream) if self._stream else (self.server,)

    def _close_servers(self) -> None:
        for peer in self._peers:
            peer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._program is not None:
            self._program.locate(error)
        self._close_servers()

    @property
    def program(self) -> Program:
        """The client."""
        assert self._program is not None  # noqa: S101 — one that takes its message is started with the first line
        return self._program

    @property
    def keyboard(self) -> Keyboard:
        """What types into it."""
        assert self._keyboard is not None  # noqa: S101 — as above
        return self._keyboard

    @property
    def output(self) -> ClientOutput:
        """What it prints."""
        assert self._output is not None  # noqa: S101 — as above
        return self._output

    # Typing

    def wait_prompt(self, deadline_s: float | None = None) -> None:
        """Until it waits for a line; before the first, it is told what it asks for.

        Raises:
            FaultError: it does not.
        """
        __tracebackhide__ = True
        self.tell_where()
        try:
            self.keyboard.wait_prompt(deadline_s)
        except FaultError as fault:
            raise self._with_what_came(fault) from None

    def _with_what_came(self, fault: FaultError) -> FaultError:
        """The same fault, with what the server has received unexpectedly: that may explain it."""
        got = b"".join(peer.untold() for peer in self._peers)
        if not got:
            return fault
        what = f"{fault.what}; the server has received {len(got)} byte{'s' * (len(got) > 1)} so far: {in_words(got)}"
        return replace(fault, what=what)

    def tell_where(self) -> None:
        """Answer what it asks before the first line, once."""
        __tracebackhide__ = True
        asks, self._told_all = () if self._told_all else self._manner.asks, True
        for ask in asks:
            self.keyboard.wait_prompt()
            self.answer_prompt(ask, self.told)

    def answer_prompt(self, ask: Ask, told: Endpoint) -> None:
        """Type what a prompt asks for."""
        __tracebackhide__ = True
        self.output.listen_from_here()
        self.keyboard.type(answer_to(ask, told) + b"\n")

    def enter(self, line: bytes, *, forget: bool = True) -> None:
        """Type a line when it waits for one; what it prints from now on is about this line, unless told otherwise.

        Raises:
            FaultError: it does not wait for one.
        """
        __tracebackhide__ = True
        if self.begin_with(line):
            return
        self.wait_prompt()
        if forget:
            self.output.listen_from_here()
        self.keyboard.type(line + b"\n")

    def enter_if_asked(self, line: bytes) -> None:
        """The same for a client that may exit before it reads anything."""
        __tracebackhide__ = True
        if self.begin_with(line):
            return
        with suppress(FaultError):
            self.tell_where()
            if self.keyboard.at_prompt():
                self.enter(line)

    def comes_before_first_line(self) -> bool:
        """Whether it connects as soon as it knows where; otherwise it waits for a line, or has exited."""
        if self._program is None:
            return False
        with suppress(FaultError):
            self.tell_where()
        return self.keyboard.wait_rest(self.server.came_to) is None

    def begin_with(self, line: bytes) -> bool:
        """Start a client that takes its message as an argument, with this one; False: it is already running."""
        if self._program is not None:
            return False
        self._start(line.decode())
        return True

    def feed(self, text: bytes, *, at_end: bool = True) -> None:
        """Give it all of this on its standard input, prompt or not, and with `at_end` the end of input after it.

        What it sends in the meantime is read: a client may send a long line piece by piece, as it reads it.
        """
        __tracebackhide__ = True
        if self.begin_with(text.partition(b"\n")[0]):
            self.keyboard.end_input()
            return
        self.tell_where()
        self.output.listen_from_here()
        try:
            self.keyboard.type(text, lambda: self.server.take(_MOST_SENT_BY_BYTE * len(text)))
        except FaultError as fault:
            raise self._with_what_came(fault) from None
        if at_end:
            self.keyboard.end_input()

    # Waiting for a reply that does not come

    def must_wait(self, situation: str) -> None:
        """It waits, and not for the next line.

        Raises:
            FaultError: it does not wait.
        """
        __tracebackhide__ = True
        limits = self.program.limits
        rest = self.keyboard.wait_rest(deadline_s=limits.reply_s)
        if rest and rest.why is Why.DEADLINE:
            runs_out_s = self.program.looks.timeout_s()
            if limits.reply_s < runs_out_s <= limits.give_up_s:
                rest = self.keyboard.wait_rest(deadline_s=runs_out_s + SETTLE_S)
        if rest is None or rest.why is Why.ENDED or rest.what is Awaits.INPUT:
            what = "exited" if self.program.ending() else "reads the next line"
            doing = rest.doing if rest else ""
            raise FaultError(Reason.GAVE_UP_EARLY, f"it {what} instead of waiting {situation}", doing=doing)
        share = self.program.cpu_share(IDLE_WINDOW_S) if rest.why is Why.DEADLINE else None
        if share is not None and share > IDLE_CPU_SHARE:
            what = f"it uses CPU time ({share:.0%} of a CPU) while it waits {situation}"
            raise FaultError(Reason.BUSY_LOOP, what, doing=self.program.doing())
        self.program.transcript.add(EventKind.KERNEL, self.program.name, rest.doing)

    def must_give_up(self, deadline_s: float) -> None:
        """Its own timer ends the waiting: it reads the next line, or has exited.

        Raises:
            FaultError: it waits without a timer, or too long.
        """
        __tracebackhide__ = True
        if self.program.wait_rest(SETTLE_S):
            self.program.transcript.add(EventKind.KERNEL, self.program.name, self.program.doing())
        rest = self.keyboard.wait_rest(deadline_s=deadline_s, hurried=True)
        if rest is None or rest.why is Why.ENDED or rest.what is not Awaits.OTHER:
            return
        what = "it waits for its reply without a timeout, so forever"
        if rest.why is Why.DEADLINE:
            what = f"it does not give up on its reply within {deadline_s:.0f} s"
        raise FaultError(Reason.NO_TIMEOUT, what, doing=rest.doing)

    # Whole turns

    def converse(self, entry: Entry, how: Answer = Answer.WHOLE, *, at_rest: bool = False) -> None:
        """A line is typed, the client sends it, the server replies, and the client shows the reply.

        `at_rest`: the server replies only when the client has come to rest, so that nothing that it prints on its own,
        like the line that it has sent, can come after the reply.
        """
        __tracebackhide__ = True
        self.enter(entry.line)
        self.server.expect(entry.request)
        if at_rest:
            self.program.wait_rest(SETTLE_S)
        self.server.answer(entry.reply, how)
        self.output.must_show(entry)

    def read_bytes(self) -> int | None:
        """How much of what its server has sent it has read, as the kernel counts it; None: it has no connection."""
        rows = self._connections()
        return sum(row.bytes_received - row.receive_queue for row in rows) if rows else None

    def _has_unread(self) -> bool:
        return any(row.receive_queue for row in self._connections())

    def _connections(self) -> list[SocketRow]:
        """Its side of those to its server."""
        port = self._manner.own_port or self.told.port
        return [row for row in self._stage.table.dump(TcpState.ESTABLISHED) if row.remote.port == port]

    # Turns of a visit

    def peer_in(self, turn: Turn) -> Peer:
        """Who hears and says something in this turn."""
        return self._stream if turn.over and self._stream else self.server

    def expect_nothing_more(self) -> None:
        """Nothing has arrived besides what was expected, over either transport (FaultError: something has)."""
        __tracebackhide__ = True
        for peer in self._peers:
            peer.expect_nothing_more()

    @property
    def hangs_up(self) -> bool:
        """Whether the server hangs up even where it need not, since this client waits for that (`Basics`)."""
        return self._stage.basics.hangs_up

    def hang_up(self) -> None:
        """The server has said all that it will say, on its connection if there is one."""
        (self._stream or self.server).hang_up()

    # Its end

    def must_end(self, situation: str, deadline_s: float | None = None) -> Ending:
        """It exits without being stopped.

        Raises:
            FaultError: it does not.
        """
        __tracebackhide__ = True

        def ended() -> bool | None:
            return self.program.ending() is not None or any(peer.was_left() for peer in self._peers) or None

        try:
            self.program.wait(
                ended, until_end=False, deadline_s=deadline_s or self.program.limits.reply_s, hurried=True
            )
            if self.program.ending() is None:
                for peer in self._peers:
                    if peer.was_left():
                        peer.dismiss()
            return self.program.wait_end(self.program.limits.reply_s)
        except NoProgressError as stop:
            fault = FaultError(Reason.STILL_RUNNING, f"it did not exit {situation}", doing=stop.doing)
            raise self._with_what_came(fault) from None

    def must_end_well(self, situation: str, status: int | None = 0, deadline_s: float | None = None) -> None:
        """It exits without being stopped, with this status and without a traceback.

        `status`: None: any but 0, and something is on its stderr.

        Raises:
            FaultError: it does not.
        """
        __tracebackhide__ = True
        ending = self.must_end(situation, deadline_s)
        if shows_traceback(self.program.stderr.data):
            raise FaultError(Reason.TRACEBACK, f"it exited with a traceback {situation}")
        if ending.status < 0:
            raise FaultError(Reason.CRASHED, f"it crashed {situation}", doing=self.program.doing())
        if (ending.status == 0) if status is None else (ending.status != status):
            required = _REQUIRED.get(status, f"status {status} is required")
            raise FaultError(Reason.EXIT_STATUS, f"it exited with status {ending.status} {situation}; {required}")
        if status is None and not self.program.stderr.data.strip():
            raise FaultError(Reason.SILENT, f"it failed as it must {situation}, but said nothing about it on stderr")

    def written(self, name: str, most_bytes: int) -> bytes:
        """A file that it has written into its folder.

        Raises:
            NoFileError: there is none, or it is larger.
        """
        return self._stage.programs.written(name, most_bytes)
