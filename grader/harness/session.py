"""Clients: how this one is told where to connect, and one run of it with a scripted server.

Students' clients take host and port as arguments, ask for them, or always connect to one place; some take their
message as an argument too.  We find out which once, by starting the program and looking where it connects: arguments
and answers to its prompts name different ports.  From then on every check starts the program in that way.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from enum import StrEnum
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec

from grader.assignment import ClientSpec
from grader.errors import Reason
from grader.harness.stage import Stage
from grader.job import Command
from grader.limits import GIVE_UP_S, IDLE_CPU_SHARE, IDLE_WINDOW_S, READY_S, REPLY_S, SETTLE_S
from grader.link.settings import SERVER_ADDRESS, SERVER_NAME
from grader.model import EventKind
from grader.protocol.script import Answer, Entry
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError, NotStartedError
from grader.wire.kernel import Endpoint, TcpState
from grader.wire.keyboard import Keyboard, Rest
from grader.wire.program import Program
from grader.wire.stillness import Awaits
from grader.wire.tcp_server import Peer
from grader.wire.traces import shows_traceback
from grader.wire.waiting import NoProgressError, Why
from grader.wire.warden import Ending

HOST = "127.0.0.1"
#: Other names for the same machine: a client that always connects to HOST does not connect there.
OTHER_HOST = "127.0.0.2"
_LOOPBACKS = (HOST, "::1")
#: Host, port, a name to log in with, a message: no client has more prompts before it connects anywhere.
_MOST_PROMPTS = 4
_PROBE = b"hello"
#: What a client makes of a line is not many times longer than the line.
_MOST_SENT_BY_BYTE = 4
#: So many bytes of a reply are not in an output by accident.
_RECOGNIZED_BYTES = 8
#: How many unexpected bytes are shown.
_SHOWN_BYTES = 40


class Ask(StrEnum):
    """What a prompt asks for."""

    HOST = "host"
    PORT = "port"
    PLACE = "host:port"
    MESSAGE = "message"


#: Words of a prompt, in several languages, that say what it asks for; the first row that fits wins.
_ASKED: tuple[tuple[Ask, re.Pattern[str]], ...] = (
    (Ask.PLACE, re.compile(r"(?:host\w*|server|\bip|addr\w*)[)>\]]?:[(<\[]?port", re.IGNORECASE)),
    (Ask.MESSAGE, re.compile(r"messag|mensa|mesaj|nachricht|сообщ|消息|sentence", re.IGNORECASE)),
    (Ask.PORT, re.compile(r"\bport|puerto|porta\b|порт|端口", re.IGNORECASE)),
    (
        Ask.HOST,
        re.compile(r"host|server|\bip\b|addr|adres|sunucu|servidor|hôte|адрес|хост|сервер|主机|地址", re.IGNORECASE),
    ),
    (Ask.MESSAGE, re.compile(r"\btext\b|\bline\b|\bword\b|\bsend|\btype\b", re.IGNORECASE)),
)
#: Colours and the like (ECMA-48): the letters of such a sequence are not words.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
#: If no prompt says what it asks for: what may be meant, the most likely first.
_GUESSES: tuple[tuple[Ask, ...], ...] = ((Ask.HOST, Ask.PORT), (Ask.PORT,), (Ask.PORT, Ask.HOST), (Ask.HOST,))


class Manner(msgspec.Struct, frozen=True):
    """How a client is told where to connect.

    `run`: its command with {host}, {port} and {message} in it.  `asks`: what it asks for before the first message.
    `own_port`: where it connects whatever it is told.  `polls`: it looks at its standard input from time to time, and
    never waits for a line there.
    """

    run: tuple[str, ...]
    asks: tuple[Ask, ...] = ()
    own_port: int | None = None
    polls: bool = False

    @property
    def takes_message(self) -> bool:
        """Whether it takes its message as an argument."""
        return any("{message}" in word for word in self.run)


def asked_by(prompt: str, known: Collection[Ask] = ()) -> Ask | None:
    """What a prompt asks for, by its words, those of its last line first; None: they don't say.

    No client asks twice for the same thing: what is `known` already is ruled out.
    """
    prompt = _ESCAPES.sub("", prompt)
    lines = [line for line in prompt.splitlines() if line.strip()]
    for text in (*lines[-1:], prompt):
        for ask, words in _ASKED:
            if words.search(text):
                return Ask.MESSAGE if ask in known else ask
    return None


P = TypeVar("P", bound=Peer)


class Session(Generic[P]):
    """One run of a client, from start to exit, with a scripted server.  A context manager."""

    def __init__(
        self, stage: Stage, manner: Manner, told: Endpoint, server: P, *, terminal: bool = True, beside: bool = False
    ) -> None:
        self.server = server
        self.told = told
        self._stage = stage
        self._manner = manner
        self._terminal = terminal
        self._beside = beside
        self._program: Program | None = None
        self._keyboard: Keyboard | None = None
        self._told_all = False
        #: Where what it says about the last line begins, on standard output and on stderr.
        self._said_from = 0
        self.complained_from = 0
        if not manner.takes_message:
            self._start("")

    def _start(self, message: str) -> None:
        filling = {"host": self.told.host, "port": str(self.told.port), "message": message}
        self._program = self._stage.run_client(self._manner.run, filling, terminal=self._terminal, beside=self._beside)
        self._keyboard = Keyboard(self._program, polled=self._manner.polls)
        self.server.begin(self._program)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._program is not None:
            self._program.locate(error)
        self.server.close()

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

    # Typing

    def wait_prompt(self, deadline_s: float = READY_S) -> None:
        """Until it waits for a line; before the first, it is told what it asks for.

        Raises:
            FaultError: it does not.
        """
        __tracebackhide__ = True
        self._tell()
        try:
            self.keyboard.wait_prompt(deadline_s)
        except FaultError as fault:
            raise self._with_what_came(fault) from None

    def _with_what_came(self, fault: FaultError) -> FaultError:
        """The same fault, with what the server has received unexpectedly: that may explain it."""
        got = self.server.untold()
        if not got:
            return fault
        what = f"{fault.what}; the server has received {len(got)} byte{'s' * (len(got) > 1)} so far: {_words(got)}"
        return replace(fault, what=what)

    def _tell(self) -> None:
        """Answer what it asks before the first line, once."""
        __tracebackhide__ = True
        asks, self._told_all = () if self._told_all else self._manner.asks, True
        for ask in asks:
            self.keyboard.wait_prompt()
            self.answer_prompt(ask, self.told)

    def answer_prompt(self, ask: Ask, told: Endpoint) -> None:
        """Type what a prompt asks for."""
        __tracebackhide__ = True
        self.listen_from_here()
        self.keyboard.type(_answer_to(ask, told) + b"\n")

    def listen_from_here(self) -> None:
        """What it prints from now on is about what happens now."""
        self.program.catch_up()
        self._said_from = len(self.program.stdout.data)
        self.complained_from = len(self.program.stderr.data)

    def prompt(self) -> str:
        """What it has printed since something was last typed."""
        return (self.said + self.complaints).decode(errors="replace")

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
            self.listen_from_here()
        self.keyboard.type(line + b"\n")

    def enter_if_asked(self, line: bytes) -> None:
        """The same for a client that may exit before it reads anything."""
        __tracebackhide__ = True
        if self.begin_with(line):
            return
        with suppress(FaultError):
            self._tell()
            if self.keyboard.at_prompt():
                self.enter(line)

    def comes_before_first_line(self) -> bool:
        """Whether it connects as soon as it knows where; otherwise it waits for a line, or has exited."""
        if self._program is None:
            return False
        with suppress(FaultError):
            self._tell()
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
        self._tell()
        self.listen_from_here()
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
        rest = self.keyboard.wait_rest(deadline_s=REPLY_S)
        if rest and rest.why is Why.DEADLINE and REPLY_S < (runs_out_s := self.program.looks.timeout_s()) <= GIVE_UP_S:
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
        self.must_show(entry)

    # Its output

    @property
    def said(self) -> bytes:
        """What it has printed since the last line was typed."""
        return bytes(self.program.stdout.data[self._said_from :])

    @property
    def complaints(self) -> bytes:
        """The same on stderr, where Python's input() also prints its prompt at a terminal."""
        return bytes(self.program.stderr.data[self.complained_from :])

    def must_not_trail(self, entry: Entry, before: Entry) -> None:
        """After a shown reply there is nothing of the longer one that was shown before it.

        Raises:
            FaultError: there is.
        """
        __tracebackhide__ = True
        if not entry.shown:
            return
        behind = self.said.partition(entry.shown)[2].lstrip(b"\r\n")
        # A line ending, or the NUL in its place, covers one or two of the earlier bytes.
        for end in range(3):
            rest = before.shown[len(entry.shown) + end :]
            if len(rest) >= _RECOGNIZED_BYTES // 2 and behind.startswith(rest):
                what = f"after the reply {_words(entry.shown)} it printed the end of an earlier one: {_words(rest)}"
                raise FaultError(Reason.WRONG_SHOWN, what)

    def must_show(self, entry: Entry, *, besides: int = 0, read_before: int | None = None) -> None:
        """The reply is in its output before it waits for something again.

        At a terminal only what ends after the server's reply counts: an echo of what was typed, by the terminal or by
        the client itself, comes before it.  `besides`: how often the client prints the same without any reply;
        `read_before`: what it had read from its server (`read_bytes`) before that line, if that server is not ours.

        Raises:
            FaultError: it is not.
        """
        __tracebackhide__ = True
        # Who prints a reply piece by piece has printed all but its end before its last byte is answered.
        answered_at = self.server.answered_at - max(len(entry.shown) - 1, 0)
        start = max(self._said_from, answered_at if self._terminal else 0)

        def shown() -> bool | None:
            return (self._shows(entry.shown, start, besides) and self._has_read(entry, read_before)) or None

        try:
            self.program.wait(shown, [self.program.started.stdout], prints=True, hurried=True)
        except NoProgressError as stop:
            raise self._not_shown(entry, start, besides, stop) from None

    def read_bytes(self) -> int | None:
        """How much of what its server has sent it has read, as the kernel counts it; None: it has no connection."""
        port = self._manner.own_port or self.told.port
        rows = [row for row in self._stage.table.dump(TcpState.ESTABLISHED) if row.remote.port == port]
        return sum(row.bytes_received - row.receive_queue for row in rows) if rows else None

    def _has_read(self, entry: Entry, read_before: int | None) -> bool:
        """Whether the bytes of a reply have left its receive queue; if nobody can tell, they have.

        The client's own server may leave out a line ending.
        """
        read = None if read_before is None else self.read_bytes()
        return read is None or read_before is None or read - read_before >= min(len(entry.reply), len(entry.shown))

    def _shows(self, shown: bytes, start: int, besides: int = 0) -> bool:
        return _BYTES_LITERAL.sub(b"", self.program.stdout.data[start:]).count(shown) > besides

    def _not_shown(self, entry: Entry, start: int, besides: int, stop: NoProgressError) -> FaultError:
        __tracebackhide__ = True
        words = f"the reply {entry.shown[:80].decode(errors='replace')!r}"
        if otherwise := self._shown_otherwise(entry.shown, start):
            reason, how = otherwise
            return FaultError(reason, f"{words} {how}", doing=stop.doing)
        ending = self.program.ending()
        if ending is not None:
            what = f"the program exited, and {words} is not in its output"
            return FaultError(reason_of(ending), what, doing=self.program.doing())
        if self.keyboard.at_prompt() and self._comes_at_the_end(entry.shown, start, besides):
            what = f"{words} was printed only when the program exited: until then it was left in a buffer"
            return FaultError(Reason.NOT_FLUSHED, what, doing=stop.doing)
        if self._shows(entry.shown, self._said_from):
            what = f"{words} is not in its output: what looks like it was printed before the reply had arrived"
            return FaultError(Reason.NOT_SHOWN, what, doing=stop.doing)
        return FaultError(Reason.NOT_SHOWN, f"{words} is not in its output", doing=stop.doing)

    def _shown_otherwise(self, shown: bytes, start: int) -> tuple[Reason, str] | None:
        """How a reply was shown instead of unchanged, after the words "the reply ..."; None: not at all."""
        if _BYTES_LITERAL.search(self.program.stdout.data[start:]):
            return Reason.BYTES_SHOWN, "was shown as a bytes object: it was not decoded"
        if 0 < (part := self._part_shown(shown, start)) < len(shown):
            return Reason.NOT_SHOWN, f"was shown only in part: the first {part} of {len(shown)} bytes"
        if shown.strip() not in {shown, b""} and self._shows(shown.strip(), start):
            return Reason.NOT_SHOWN, "was shown without the white space at either end"
        if shown in self.complaints.splitlines():
            return Reason.NOT_SHOWN, "was printed on stderr"
        return None

    def _part_shown(self, shown: bytes, start: int) -> int:
        """How many bytes of its beginning were shown; 0 for so few that they may be anything."""
        output = self.program.stdout.data[start:]
        least = min(_RECOGNIZED_BYTES, len(shown) // 2 + 1)
        if shown[:least] not in output:
            return 0
        return bisect_left(range(len(shown)), 1, key=lambda last: int(shown[: last + 1] not in output))

    def _comes_at_the_end(self, shown: bytes, start: int, besides: int) -> bool:
        self.keyboard.end_input()
        with suppress(NoProgressError):
            self.program.wait_end()
        return self._shows(shown, start, besides)

    # Its end

    def must_end(self, situation: str) -> Ending:
        """It exits without being stopped.

        Raises:
            FaultError: it does not.
        """
        __tracebackhide__ = True

        def ended() -> bool | None:
            return self.program.ending() is not None or self.server.was_left() or None

        try:
            self.program.wait(ended, until_end=False, deadline_s=REPLY_S, hurried=True)
            if self.program.ending() is None:
                self.server.dismiss()
            return self.program.wait_end(REPLY_S)
        except NoProgressError as stop:
            fault = FaultError(Reason.STILL_RUNNING, f"it did not exit {situation}", doing=stop.doing)
            raise self._with_what_came(fault) from None

    def must_end_well(self, situation: str) -> None:
        """It exits without being stopped, with status 0 and without a traceback.

        Raises:
            FaultError: it does not.
        """
        __tracebackhide__ = True
        ending = self.must_end(situation)
        if shows_traceback(self.program.stderr.data):
            raise FaultError(Reason.TRACEBACK, f"it exited with a traceback {situation}")
        if ending.status < 0:
            raise FaultError(Reason.CRASHED, f"it crashed {situation}", doing=self.program.doing())
        if ending.status:
            what = f"it exited with status {ending.status} {situation}; 0 means success"
            raise FaultError(Reason.EXIT_STATUS, what)


#: How Python shows bytes that were not decoded.
_BYTES_LITERAL = re.compile(rb"\bb'(?:[^'\\\n]|\\.)*'|\bb\"(?:[^\"\\\n]|\\.)*\"")


def _words(data: bytes) -> str:
    """The beginning of some bytes, for a sentence."""
    return repr(data[:_SHOWN_BYTES].decode(errors="replace")) + ("…" if len(data) > _SHOWN_BYTES else "")


def _with_bytes_swapped(port: int) -> int:
    """Where a program connects that forgets htons."""
    return int.from_bytes(port.to_bytes(2, "little"), "big")


def _answer_to(ask: Ask, told: Endpoint) -> bytes:
    answers = {
        Ask.HOST: told.host,
        Ask.PORT: str(told.port),
        Ask.PLACE: f"{told.host}:{told.port}",
        Ask.MESSAGE: _PROBE.decode(),
    }
    return answers[ask].encode()


class Clients(Generic[P]):
    """Starts the submission's client, once it has found out how."""

    def __init__(
        self, stage: Stage, command: Command, default_port: int, make_peer: Callable[[list[Endpoint]], P]
    ) -> None:
        self._stage = stage
        self._command = command
        self._default_port = default_port
        self._make_peer = make_peer
        self._manner: Manner | None = None
        self._never_came: FaultError | None = None
        #: Whether it has asked anything, or has ended, in any manner that was tried.
        self._prompted = False
        self._ended = False
        #: Whether it only looks at its standard input from time to time; None: not known yet.
        self._polls: bool | None = None

    @property
    def manner(self) -> Manner:
        """How it is told where to connect.

        Raises:
            NotStartedError: it connects nowhere.
        """
        if self._manner is None and self._never_came is None:
            self._manner = self._find_manner(own_ports=True)
            if self._manner is None and self._ended:
                # A port where we listened may be one that it binds itself.
                self._manner = self._find_manner(own_ports=False)
            if self._manner is None:
                self._manner, self._never_came = self._try_once_more()
        if self._manner is None:
            assert self._never_came is not None  # noqa: S101 — one of both was found
            raise NotStartedError(self._never_came, "a client that reaches a server")
        return self._manner

    def start(self, *, host: str = HOST, terminal: bool = True) -> Session[P]:
        """A new run, told to connect to `host` and a free port; a server listens there and on the client's own port."""
        manner = self.manner
        told = self._new_place(host)
        server = self._make_peer(self.addresses(told, manner))
        if host == SERVER_NAME:
            words = f"in the sandbox's /etc/hosts {SERVER_NAME} stands for {SERVER_ADDRESS}"
            self._stage.transcript.add(EventKind.KERNEL, "grader", words)
        return Session(self._stage, manner, told, server, terminal=terminal)

    def start_beside(self, server: Endpoint) -> Session[P]:
        """A new run, told to connect to a program that is already running; nothing else listens."""
        return Session(self._stage, self.manner, server, self._make_peer([]), beside=True)

    @contextmanager
    def start_alone(self, hold: Callable[[list[Endpoint]], AbstractContextManager[None]]) -> Iterator[Session[P]]:
        """A new run, on pipes, told to connect where `hold` makes sure that nothing listens."""
        manner = self.manner
        told = self._new_place()
        with (
            hold(self.addresses(told, manner)),
            Session(self._stage, manner, told, self._make_peer([]), terminal=False) as session,
        ):
            yield session

    def _new_place(self, host: str = HOST) -> Endpoint:
        """Where a new run is told to connect; the run before, which may hold any port, is over."""
        self._stage.end_program()
        return Endpoint(host, self._stage.port())

    @property
    def spec(self) -> ClientSpec:
        """What the handout says about the client."""
        return self._stage.client_spec

    @property
    def hosts(self) -> dict[str, Collection[str]]:
        """What a client may be told, and the addresses that it may then connect to, any one of them."""
        names = {SERVER_NAME: (SERVER_ADDRESS,)} if self._stage.private_network else {"localhost": _LOOPBACKS}
        return {HOST: (HOST,), OTHER_HOST: (OTHER_HOST,), **names}

    def addresses(self, told: Endpoint, manner: Manner) -> list[Endpoint]:
        """Where it may connect."""
        ports = [told.port] if manner.own_port is None else [told.port, manner.own_port]
        hosts = dict.fromkeys((*_LOOPBACKS, *self.hosts.get(told.host, ())))
        return [Endpoint(host, port) for port in ports for host in hosts]

    # Finding out

    def _find_manner(self, *, own_ports: bool) -> Manner | None:
        run = self._command.run
        candidates = (self._default_port, *self._command.ports) if own_ports else ()
        own = [port for port in candidates if self._stage.can_hold(port)]
        if self._command.asks is not None:
            return self._try(Manner(run), tuple(Ask(ask) for ask in self._command.asks), own)
        bare = tuple(word for word in run if word not in {"{host}", "{port}"})
        with_message = () if Manner(run).takes_message else ((*run, "{message}"),)
        for words in dict.fromkeys((run, bare, *with_message)):
            if found := self._try(Manner(words), (), own):
                return found
        # A client that asks nothing has been told all there is to tell.
        guesses = _GUESSES if self._prompted else ()
        return next((found for guess in guesses if (found := self._try(Manner(bare), guess, own))), None)

    def _try_once_more(self) -> tuple[Manner | None, FaultError | None]:
        """What a client that connects nowhere does when it is started properly; perhaps it connects now."""
        told = self._new_place()
        swapped = _with_bytes_swapped(told.port)
        manner = Manner(self._command.run, own_port=swapped if self._stage.can_hold(swapped) else None)
        try:
            with Session(self._stage, manner, told, self._make_peer(self.addresses(told, manner))) as session:
                session.enter_if_asked(_PROBE)
                if session.server.wait_came().port == swapped:
                    what = f"it was given port {told.port}, but connected to port {swapped}: its two bytes are swapped"
                    return None, FaultError(Reason.OTHER_PORT, what)
        except FaultError as fault:
            return None, fault
        return Manner(self._command.run), None

    def _try(self, manner: Manner, guess: tuple[Ask, ...], own: Collection[int]) -> Manner | None:
        """Start it, answer its prompts by their words or else by the guess, and look where it connects.

        `own`: ports where it may connect whatever it is told.
        """
        as_argument, as_answer = (self._new_place() for _ in range(2))
        ports = dict.fromkeys((as_argument.port, as_answer.port, *own))
        server = self._make_peer([Endpoint(host, port) for port in ports for host in _LOOPBACKS])
        try:
            with Session(self._stage, manner, as_argument, server) as session:
                answered, rest = _look_where_it_goes(session, as_answer, guess)
                self._ended = self._ended or session.program.ending() is not None
                # A client that sent its message has shown how it reads.
                if self._polls is None and Ask.MESSAGE not in answered and not manner.takes_message:
                    self._polls = _polls(session, rest)
                came_to = session.server.came_to()
        except FaultError:
            return None
        self._prompted = self._prompted or bool(answered)
        if came_to is None:
            return None
        asks = () if came_to.port == as_argument.port else tuple(ask for ask in answered if ask is not Ask.MESSAGE)
        return Manner(manner.run, asks, came_to.port if came_to.port in own else None, bool(self._polls))


def _polls(session: Session[P], rest: Rest | None) -> bool:
    """Whether it never waits for a line, but reads one when it is typed.  `rest`: what it does, None: it connected."""
    rest = rest or session.keyboard.wait_rest(hurried=True)
    return rest is not None and rest.why is Why.DEADLINE and rest.what is Awaits.OTHER and session.keyboard.is_polled()


def _look_where_it_goes(
    session: Session[P], as_answer: Endpoint, guess: tuple[Ask, ...]
) -> tuple[list[Ask], Rest | None]:
    """What it was told at its prompts before it connected, and what it did instead; None: it connected to us."""
    session.begin_with(_PROBE)
    answered: list[Ask] = []
    while True:
        rest = session.keyboard.wait_rest(session.server.came_to, hurried=True)
        if rest is None or session.server.came_to() is not None:
            return answered, None
        if rest.what is Awaits.OTHER or len(answered) == _MOST_PROMPTS:
            return answered, rest
        guessed = guess[len(answered)] if len(answered) < len(guess) else None
        ask = guessed or asked_by(session.prompt(), answered) or Ask.MESSAGE
        session.answer_prompt(ask, as_answer)
        answered.append(ask)
