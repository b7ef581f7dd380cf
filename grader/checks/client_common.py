"""Clients over TCP and UDP: where they connect, what they send and show, and how they exit."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from grader.catalogue import READ_WHY, behaviour
from grader.checks.ending import must_end_quietly
from grader.errors import Reason
from grader.harness.stopping import interrupt
from grader.limits import SETTLE_S
from grader.wire.faults import FaultError

if TYPE_CHECKING:
    from collections.abc import Collection

    from grader.harness.clients import Clients
    from grader.harness.session import Session
    from grader.harness.tasks import Tasks
    from grader.protocol.script import ClientProtocol, Entry
    from grader.wire.kernel import Endpoint

_LINES = 3
#: What others depend on, and can be judged without if plain lines are sent and shown.
_SENDS, _SHOWS = "client.sends_exactly", "client.prints_reply"
THREADS_HINT = (
    "A thread that receives must end too{Java: : close its socket, or make it a daemon thread}.{C:  close() doesn't "
    "wake up recv; use shutdown() on the socket.}{Python:  sys.exit() in a thread ends only that thread, and close() "
    "doesn't wake up recv; use shutdown() on the socket, or a daemon thread.}"
)
#: How a program learns of the end of its input.
_AT_THE_END = (
    "{Python:  (input raises EOFError, readline returns '')}{C:  (fgets returns NULL)}{Java:  (readLine returns null)}"
)
_LOOP_HINT = (
    "After each reply the client reads the next line, until its input ends: look at the loop around input.{C:  scanf "
    "leaves the line ending in the input, so an empty line is read next: use fgets.}"
)
GOES_ELSEWHERE_HINTS = {
    Reason.OTHER_PORT: "Take the port from the arguments instead of a constant in the program.{C:  Or were its two "
    "bytes sent in the machine's byte order? Then htons is missing.}",
    Reason.CRASHED: READ_WHY + "{C:  If it was given a name: inet_addr, inet_aton and inet_pton don't accept names; "
    "use getaddrinfo.}",
    Reason.OTHER_ADDRESS: "Take the address from the arguments instead of a constant in the program.{C:  Or was the "
    "name not looked up? inet_pton and inet_aton don't accept names, and leave 0.0.0.0 if you ignore what they return; "
    "use getaddrinfo.}",
    Reason.NOT_CONNECTED: "Start it by hand with the command above, with a server running, and read what it prints.",
}


def must_have_gone(session: Session[Any], went: Endpoint, addresses: Collection[str]) -> None:
    """It has connected to the port it was given, and to one of these addresses.

    Raises:
        FaultError: it has not.
    """
    __tracebackhide__ = True
    told = session.told
    if went.port != told.port:
        raise FaultError(Reason.OTHER_PORT, f"it was given port {told.port}, but connected to port {went.port}")
    if went.host not in addresses:
        stands_for = "" if told.host in addresses else f", which stands for {' or '.join(addresses)},"
        raise FaultError(Reason.OTHER_ADDRESS, f"it was given {told.host}{stands_for} but connected to {went.host}")


def lines(script: ClientProtocol) -> tuple[Entry, ...]:
    """Some plain lines."""
    return tuple(script.typed(number) for number in range(_LINES))


def serve(session: Session[Any], entry: Entry) -> None:
    """A line is typed, sent as it must be, and answered; what is shown is not looked at."""
    __tracebackhide__ = True
    session.enter(entry.line)
    session.server.expect(entry.request)
    session.server.answer(entry.reply)


def pour(session: Session[Any], entries: tuple[Entry, ...], last_end: bytes = b"") -> None:
    """All lines are written to its input together; each is sent and answered in turn.  `last_end`: after the last."""
    __tracebackhide__ = True
    session.feed(b"\n".join(entry.line for entry in entries) + last_end)
    for entry in entries:
        session.server.expect(entry.request)
        if entry is entries[-1]:
            # A client that exits at the end of its input, without its last reply, has had the time to.
            with suppress(FaultError):  # if it prints endlessly there, that is another check's business
                session.program.wait_rest(SETTLE_S)
        session.server.answer(entry.reply)


@behaviour(
    does="lines are typed one after the other at a terminal; then several are sent together through a pipe, and when "
    "they have been sent, a last one without a line ending",
    proves="the program waits for a line whenever one is typed; everything it has sent has arrived here",
    catches="bytes added or stripped, a line sent only in part, a lost last line, a message sent twice",
    hint="Compare what was typed with what was sent, byte by byte, and both with what the handout says about a line.",
    hints={
        Reason.NO_PROMPT: _LOOP_HINT,
        Reason.EXITED: _LOOP_HINT,
        Reason.INCOMPLETE_REQUEST: "Is the line ending missing?{Python:  input() removes it, readline keeps it.}{C:  "
        "fgets keeps it.}{Java:  readLine removes it.} A file's last line may not have one: send what the handout says "
        "in either case.",
        Reason.EXTRA_REQUEST: "At the end of input there is no line{C: : fgets returns NULL}{Python: : input() raises "
        "EOFError, readline returns ''}{Java: : readLine returns null}. If a line was sent again although its reply "
        "had come: look at how the reply is compared{C:  (a signed char, a length)}.",
        Reason.NO_REQUEST: "The line was typed, but nothing was sent: look at what the program waits for.{Python, C:  "
        "select and poll know nothing about lines that fgets or readline has read ahead: read whatever is there, and "
        "split it into lines yourself.}",
    },
    says=("typed", "typed_awkward"),
)
def test_sends_exactly(clients: Clients[Any], script: ClientProtocol) -> None:
    """Sends exactly what is typed"""
    with clients.start() as session:
        for entry in lines(script):
            serve(session, entry)
        clients.basics.hold(_SENDS)
        for entry in script.typed_awkward():
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
        with suppress(FaultError):  # if it prints endlessly at the end of input, that is another check's business
            session.program.wait_still()
        session.server.expect_nothing_more()
    clients.basics.all_held(_SENDS)


def _serve_unheard(session: Session[Any], entry: Entry) -> None:
    """A line is sent as it must be, and answered; whether it waits for the reply is another check's business."""
    __tracebackhide__ = True
    session.server.expect(entry.request)
    with suppress(FaultError):
        session.server.answer(entry.reply)


@behaviour(
    does="lines are typed and answered, at a terminal and through a pipe; then its standard output is read",
    proves="at the terminal it rests before it is answered; afterwards it waits for the next line, or has exited, and "
    "everything it has printed has arrived here",
    catches="a reply that stays in a buffer, b'...' instead of text, a reply that is never printed, the sent line "
    "printed instead of the reply",
    hint="Print each reply as text on standard output before the next line is read, and flush it{Python: : "
    "print(..., flush=True)}{C: : fflush(stdout)}{Java: : System.out.flush()}.",
    hints={
        Reason.EXITED: "It exited before the reply had arrived: at the end of its input it must wait for the replies "
        "still to come.",
        Reason.NOT_SHOWN: "Print each reply whole and unchanged before the next line is read.{Python:  strip() removes "
        "white space that belongs to it, rstrip('\\n') only the line ending.}{Java:  trim() removes white space that "
        "belongs to it.}",
        Reason.BYTES_SHOWN: "What comes from the network is bytes: decode them before printing{Python:  "
        "(reply.decode())}.",
        Reason.NOT_FLUSHED: "Flush standard output after each reply{Python: : print(..., flush=True)}{C: : "
        "fflush(stdout)}{Java: : System.out.flush()}.",
        Reason.WRONG_SHOWN: "Print as many bytes as were received, and nothing that follows them in the buffer.{C:  "
        "recv doesn't add a NUL: use printf with %.*s or fwrite, or add the NUL yourself.}",
    },
    says=("typed", "typed_awkward"),
)
def test_prints_reply(clients: Clients[Any], script: ClientProtocol) -> None:
    """Shows each reply before it waits for the next line"""
    unusual = clients.basics.unusual(script, _SHOWS)
    with clients.start() as session:
        before = script.typed(0)
        for entry in lines(script):
            before = _show(session, entry, before)
        clients.basics.hold(_SHOWS)
        for entry in unusual:
            before = _show(session, entry, before)
    entries = (*unusual, *lines(script))
    # Down a pipe it only matters that it was printed in the end: most runtimes flush line by line at a terminal only,
    # and nobody waits there for a reply before the next line is typed.
    with clients.start(terminal=False) as session:
        pour(session, entries, last_end=b"" if unusual else b"\n")
        for entry in entries:
            session.output.must_show(entry)
    clients.basics.all_held(_SHOWS)


def _show(session: Session[Any], entry: Entry, before: Entry) -> Entry:
    """A line is typed, and its reply is shown before the next prompt; it is the one before the next."""
    __tracebackhide__ = True
    session.converse(entry, at_rest=True)
    session.wait_prompt()
    session.output.must_not_trail(entry, before)
    return entry


@behaviour(
    does="Ctrl-D at its prompt, after one line was answered; then lines through a pipe until it ends",
    proves="the program waits for a line at that moment",
    catches="an EOFError traceback, an endless loop at the end of input, a hang, a non-zero exit status",
    hint=f"At the end of input{_AT_THE_END} do what the handout says, close the socket and exit with status 0.",
    hints={
        Reason.STILL_RUNNING: f"Detect the end of input{_AT_THE_END}. {THREADS_HINT}",
        Reason.EXTRA_REQUEST: "Something was sent at the end of input, where there is no line: leave the loop "
        f"there{_AT_THE_END}.{{C:  feof becomes true only after a read has reached the end: check what fgets or "
        "getline returns instead.}",
    },
    says=("typed",),
)
def test_eof_ends_it(clients: Clients[Any], script: ClientProtocol) -> None:
    """Exits at the end of its input"""
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
    does="one line is answered, then the line that makes the client exit is typed at its prompt",
    proves="the program waits for a line at that moment",
    catches="a quit word that is sent like any other line, a hang, a non-zero exit status",
    hint="Compare the line, without its line ending, with the word; then close the socket and exit with status 0.",
    hints={Reason.STILL_RUNNING: f"Compare the line, without its line ending, with the word. {THREADS_HINT}"},
    says=("typed", "leaving"),
)
def test_quit_ends_it(clients: Clients[Any], script: ClientProtocol) -> None:
    """Exits when it is told to"""
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
    does="Ctrl-C at its prompt, after one line was answered; once more while it waits for the reply to a line",
    proves="the program waits for a line at that moment, or its line has arrived here and is not answered; the "
    "terminal has sent the signal",
    catches="a KeyboardInterrupt traceback, a hang, a handler that does nothing",
    hint="At Ctrl-C close the socket and exit.{Python:  Catch KeyboardInterrupt around the whole conversation, not "
    "only around input: it may come while recv waits.}{C:  SIGINT does that by default if there is no handler for it.}",
    hints={
        Reason.STILL_RUNNING: "A handler for SIGINT must end the program; if it returns, reading continues.{Python:  "
        "asyncio.run waits for a thread that is in input().} " + THREADS_HINT,
    },
    says=("typed",),
    visits=("visit",),
)
def test_ctrl_c_ends_it(clients: Clients[Any], script: ClientProtocol, tasks: Tasks) -> None:
    """Exits on Ctrl-C without a traceback"""
    if tasks.typed:
        with clients.start() as session:
            session.converse(script.typed(0))
            session.wait_prompt()
            _must_end_at_ctrl_c(session, " at its prompt")
    task = tasks.plain(1)
    with clients.start(task) as session:
        task.ask(session)
        _must_end_at_ctrl_c(session, f" with a {'line' if tasks.typed else 'request'} unanswered")


def _must_end_at_ctrl_c(session: Session[Any], situation: str) -> None:
    __tracebackhide__ = True
    program = session.program
    program.wait_rest(SETTLE_S)  # one that gives up the reply by itself, while we were kept from a CPU, says so before
    with suppress(FaultError):  # a flood is another check's matter
        program.catch_up()
    said_before = len(program.stderr.data)
    interrupt(program, situation)
    must_end_quietly(program, said_before, situation)
