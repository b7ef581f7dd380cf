"""Clients over TCP and UDP: where they go, what they send and show, and how they end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from grader.catalogue import READ_WHY, behaviour
from grader.checks.steps import interrupt, must_end_quietly
from grader.errors import Reason
from grader.limits import SETTLE_S
from grader.wire.faults import FaultError

if TYPE_CHECKING:
    from collections.abc import Collection

    from grader.harness.session import Clients, Session
    from grader.protocol.script import ClientProtocol, Entry
    from grader.wire.kernel import Endpoint

_LINES = 3
THREADS_HINT = (
    "Where a thread receives: {Python: sys.exit() in a thread ends that thread alone, and }close() wakes no recv; use "
    "shutdown() on the socket{Python, Java: , or a daemon thread}."
)
#: How a program hears of the end of its input.
_AT_THE_END = (
    "{Python:  (input raises EOFError, readline gives '')}{C:  (fgets gives NULL)}{Java:  (readLine gives null)}"
)
_LOOP_HINT = (
    "After each reply the client reads the next line, until its input ends: look at the loop around input."
    "{C:  scanf leaves the line end where it is, so that an empty line is read next: use fgets.}"
)
GOES_ELSEWHERE_HINTS = {
    Reason.OTHER_PORT: "Take the port from the arguments instead of a constant in the program.{C:  Or did its two "
    "bytes go out in the machine's order? Then htons is missing.}",
    Reason.CRASHED: READ_WHY + "{C:  If it was told a name: inet_addr, inet_aton and inet_pton take no names; use "
    "getaddrinfo.}",
    Reason.OTHER_ADDRESS: "Take the address from the arguments instead of a constant in the program.{C:  Or was the "
    "name not looked up? inet_pton and inet_aton take no names, and leave 0.0.0.0 if nobody asks what they returned; "
    "use getaddrinfo.}",
    Reason.NOT_CONNECTED: "Start it by hand as it was started above, beside a server, and read what it prints.",
}


def must_have_gone(session: Session[Any], went: Endpoint, addresses: Collection[str]) -> None:
    """It has come to the port that it was told, and to one of these addresses.

    Raises:
        FaultError: it has not.
    """
    __tracebackhide__ = True
    told = session.told
    if went.port != told.port:
        raise FaultError(Reason.OTHER_PORT, f"it was told port {told.port}, but went to port {went.port}")
    if went.host not in addresses:
        stands_for = "" if told.host in addresses else f", which stands for {' or '.join(addresses)},"
        raise FaultError(Reason.OTHER_ADDRESS, f"it was told {told.host}{stands_for} but went to {went.host}")


def lines(script: ClientProtocol) -> tuple[Entry, ...]:
    """Some plain lines."""
    return tuple(script.typed(number) for number in range(_LINES))


def serve(session: Session[Any], entry: Entry) -> None:
    """A line is typed and sent as it must be, and answered; what is shown is not looked at."""
    __tracebackhide__ = True
    session.enter(entry.line)
    session.server.expect(entry.request)
    session.server.answer(entry.reply)


def pour(session: Session[Any], entries: tuple[Entry, ...], last_end: bytes = b"") -> None:
    """All lines at once on its standard input; each is sent and answered in turn.  `last_end`: behind the last one."""
    __tracebackhide__ = True
    session.feed(b"\n".join(entry.line for entry in entries) + last_end)
    for entry in entries:
        session.server.expect(entry.request)
        if entry is entries[-1]:
            # One that leaves at the end of its input, without its last reply, has had the time to.
            with suppress(FaultError):  # what it prints without end there is another check's business
                session.program.wait_rest(SETTLE_S)
        session.server.answer(entry.reply)


@behaviour(
    does="lines are typed one after the other, at a terminal; then several come together down a pipe, and when they "
    "have been sent a last one without its end",
    proves="the program waits for a line when one is typed; all that it has sent is here",
    catches="bytes added or stripped, a part sent, a last line lost, a message sent twice",
    hint="Compare what was typed with what was sent, byte by byte, and both with what the handout says of a line.",
    hints={
        Reason.NO_PROMPT: _LOOP_HINT,
        Reason.EXITED: _LOOP_HINT,
        Reason.INCOMPLETE_REQUEST: "Is it the line end that is missing?{Python:  input() takes it off, readline keeps "
        "it.}{C:  fgets keeps it.}{Java:  readLine takes it off.} A file's last line may have none: send what the "
        "handout says, whichever it was.",
        Reason.EXTRA_REQUEST: "At the end of input there is no line{C: : fgets gives NULL}{Python: : input() raises "
        "EOFError, readline gives ''}{Java: : readLine gives null}. Where a line went out again though its reply had "
        "come: look at how the reply is compared{C:  (a signed char, a length)}.",
        Reason.NO_REQUEST: "The line was typed, but nothing was sent: look at what the program waits for.{Python, C:  "
        "select and poll know nothing of lines that fgets or readline has read ahead: read what is there, and split it "
        "yourself.}",
    },
    says=("typed", "typed_awkward"),
)
def test_sends_exactly(clients: Clients[Any], script: ClientProtocol) -> None:
    """Sends what is typed, exactly"""
    with clients.start() as session:
        for entry in (*lines(script), *script.typed_awkward()):
            serve(session, entry)
        session.wait_prompt()
        session.server.expect_nothing_more()
    with clients.start(terminal=False) as session:
        *together, last = (*script.typed_awkward(), *lines(script))
        session.feed(b"".join(entry.line + b"\n" for entry in together), at_end=False)
        for entry in together:
            _serve_unheard(session, entry)
        session.feed(last.line)
        _serve_unheard(session, last)
        with suppress(FaultError):  # what it prints without end at the end of input is another check's business
            session.program.wait_still()
        session.server.expect_nothing_more()


def _serve_unheard(session: Session[Any], entry: Entry) -> None:
    """A line is sent as it must be, and answered; whether it waits for the answer is another check's business."""
    __tracebackhide__ = True
    session.server.expect(entry.request)
    with suppress(FaultError):
        session.server.answer(entry.reply)


@behaviour(
    does="lines are typed and answered, at a terminal and down a pipe; then its standard output is read",
    proves="at the terminal it rests before it is answered; then it waits for the next line, or has ended, and all "
    "that it has printed is here",
    catches="a reply that stays in a buffer, b'...' instead of text, a reply that is never printed, the line that was "
    "sent printed instead",
    hint="Print each reply as text on standard output before the next line is read, and flush it{Python: : "
    "print(..., flush=True)}{C: : fflush(stdout)}{Java: : System.out.flush()}.",
    hints={
        Reason.EXITED: "It left before the reply was there: at the end of its input it must wait for what is to come.",
        Reason.NOT_SHOWN: "Print each reply whole, as it came, before the next line is read.{Python:  strip() takes "
        "white space that belongs to it, rstrip('\\n') only the line end.}{Java:  trim() takes white space that "
        "belongs to it.}",
        Reason.BYTES_SHOWN: "What comes from the network is bytes: decode them before they are printed{Python:  "
        "(reply.decode())}.",
        Reason.NOT_FLUSHED: "Flush standard output after each reply{Python: : print(..., flush=True)}{C: : "
        "fflush(stdout)}{Java: : System.out.flush()}.",
        Reason.WRONG_SHOWN: "Print as many bytes as were received, and nothing that stands behind them in the "
        "buffer.{C:  recv puts no NUL there: use printf with %.*s or fwrite, or put the NUL there yourself.}",
    },
    says=("typed", "typed_awkward"),
)
def test_prints_reply(clients: Clients[Any], script: ClientProtocol) -> None:
    """Shows each reply before it waits for the next line"""
    with clients.start() as session:
        before = script.typed(0)
        for entry in (*lines(script), *script.typed_awkward()):
            session.converse(entry, at_rest=True)
            session.wait_prompt()
            session.must_not_trail(entry, before)
            before = entry
    entries = (*script.typed_awkward(), *lines(script))
    with clients.start(terminal=False) as session:
        pour(session, entries)
        for entry in entries:
            session.must_show(entry)


@behaviour(
    does="Ctrl-D at its prompt, after one line was answered; then lines down a pipe, and its end",
    proves="the program waits for a line at that moment",
    catches="a traceback of EOFError, an endless loop at the end of input, a hang, an exit status that is not 0",
    hint=f"At the end of input{_AT_THE_END} do what the handout says, close the socket and exit with status 0.",
    hints={
        Reason.STILL_RUNNING: f"Find the end of input{_AT_THE_END}. {THREADS_HINT}",
        Reason.EXTRA_REQUEST: "Something was sent at the end of input, where there is no line: leave the loop there"
        f"{_AT_THE_END}.{{C:  feof is true only after a read has met the end: look at what fgets or getline returns, "
        "and not at feof.}",
    },
    says=("typed",),
)
def test_eof_ends_it(clients: Clients[Any], script: ClientProtocol) -> None:
    """Ends at the end of its input"""
    with clients.start() as session:
        session.converse(script.typed(0))
        session.wait_prompt()
        session.keyboard.end_input()
        session.must_end_well("at Ctrl-D")
        session.server.expect_nothing_more()
    with clients.start(terminal=False) as session:
        pour(session, lines(script), last_end=b"\n")
        session.must_end_well("at the end of its input")
        session.server.expect_nothing_more()


@behaviour(
    does="one line is answered, then the line that ends the client is typed at its prompt",
    proves="the program waits for a line at that moment",
    catches="a quit word that is sent like any other, a hang, an exit status that is not 0",
    hint="Compare the line, without its end, with the word; then close the socket and end with status 0.",
    hints={Reason.STILL_RUNNING: f"Compare the line, without its end, with the word. {THREADS_HINT}"},
    says=("typed", "leaving"),
)
def test_quit_ends_it(clients: Clients[Any], script: ClientProtocol) -> None:
    """Ends when it is told to"""
    leaving = script.leaving()
    with clients.start() as session:
        session.converse(script.typed(0))
        session.enter(leaving.line)
        if leaving.request:
            session.server.expect(leaving.request)
            session.server.answer(leaving.reply)
            session.server.dismiss()
        session.must_end_well(f"after the line {leaving.line.decode()!r}")
        if not leaving.request:
            session.server.expect_nothing_more()


@behaviour(
    does="Ctrl-C at its prompt, after one line was answered",
    proves="the program waits for a line at that moment; the terminal has sent the signal",
    catches="a traceback of KeyboardInterrupt, a hang, a handler that does nothing",
    hint="At Ctrl-C close the socket and exit.{Python:  Catch KeyboardInterrupt where EOFError is caught.}{C:  SIGINT "
    "does that by itself where there is no handler for it.}",
    hints={
        Reason.STILL_RUNNING: "A handler for SIGINT must end the program; if it returns, reading goes on.{Python:  "
        "asyncio.run waits for a thread that is in input().} " + THREADS_HINT,
    },
    says=("typed",),
)
def test_ctrl_c_ends_it(clients: Clients[Any], script: ClientProtocol) -> None:
    """Ends at Ctrl-C without a traceback"""
    with clients.start() as session:
        session.converse(script.typed(0))
        session.wait_prompt()
        said_before = len(session.program.stderr.data)
        interrupt(session.program)
        must_end_quietly(session.program, said_before)
