"""What TCP clients send, print and survive."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from grader.catalogue import RECV_GIVES_NOTHING, behaviour
from grader.checks.client_common import GOES_ELSEWHERE_HINTS, THREADS_HINT, must_have_gone, serve
from grader.checks.ending import must_refuse_in_words
from grader.errors import Reason
from grader.harness.clients import OTHER_HOST
from grader.limits import SETTLE_S
from grader.link.settings import SERVER_NAME
from grader.protocol.script import Answer
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.names import must_be_unknown
from grader.wire.tcp_server import dead_port

if TYPE_CHECKING:
    from grader.harness.fixtures import TcpClients
    from grader.harness.session import Session
    from grader.harness.tasks import Task, Tasks
    from grader.protocol.script import ClientProtocol
    from grader.wire.tcp_server import ScriptedServer

_LONG_BYTES = 1 << 20
_NO_SUCH_HOST = "no-such-host.invalid"  # RFC 6761: no name ends like this

_END = "the server had closed the connection"


@behaviour(
    does=f"a server listens on a free port; the client is told to connect to it, by address ({OTHER_HOST}) and by name "
    f"({SERVER_NAME})",
    proves="the connection is accepted on the given address and port",
    catches="a hard-coded address or port, a program that accepts only names or only addresses",
    hint="Take host and port from the arguments (or from what it asks for), and pass them to connect unchanged.",
    hints=GOES_ELSEWHERE_HINTS,
    says=("typed",),
    visits=("visit",),
)
def test_connects(tcp_clients: TcpClients, tasks: Tasks) -> None:
    """Connects to the host and port it is given"""
    task = tasks.plain(0)
    for host, addresses in tcp_clients.hosts.items():
        with tcp_clients.start(task, host=host) as session:
            if not session.comes_before_first_line():
                task.begin(session)
            must_have_gone(session, session.server.connection.ours, addresses)


@behaviour(
    does="the reply arrives byte by byte, each read before the next is sent, even inside UTF-8 characters",
    proves="gate on the client's socket: each byte was read by itself",
    catches="assuming that one recv returns the whole reply, decoding piece by piece",
    hint="One recv may return any part of the reply: keep reading until its end has arrived, then decode.",
    hints={
        Reason.CRASHED: "Decode the reply only when all of it has arrived: a piece may end in the middle of a "
        "character."
    },
    says=("typed", "typed_awkward"),
    visits=("visit",),
)
def test_reply_in_fragments(tcp_clients: TcpClients, tasks: Tasks) -> None:
    """Puts together a reply that arrives one byte at a time"""

    def in_bytes(session: Session[ScriptedServer], task: Task) -> None:
        __tracebackhide__ = True
        session.server.answer(task.ask(session, Answer.IN_BYTES), Answer.IN_BYTES)
        task.must_succeed(session)

    tcp_clients.each((tasks.plain(0), *tasks.awkward(), tasks.plain(1)), in_bytes)


@behaviour(
    does="the reply and the next one arrive together, before the next line is typed",
    proves="both arrived in one segment",
    catches="what arrives after the reply is thrown away, or taken as part of it",
    hint="What recv returns beyond the end of a reply belongs to the next one: keep it.",
    hints={Reason.NO_PROMPT: "It waits for a reply that has already arrived, together with the previous one: keep it."},
    says=("typed",),
    visits=("visit_in_turns",),
)
def test_replies_coalesced(tcp_clients: TcpClients, script: ClientProtocol, tasks: Tasks) -> None:
    """Keeps what has arrived after a reply for the next one"""
    if not tasks.typed:
        visit = tasks.in_turns()
        with tcp_clients.start(visit) as session:
            visit.ask_with_last_answer(session)
            visit.must_succeed(session)
        return
    first, second = script.typed(0), script.typed(1)
    with tcp_clients.start() as session:
        session.enter(first.line)
        session.server.expect(first.request)
        session.server.answer(first.reply + second.reply, Answer.TOGETHER)
        session.output.must_show(first)
        session.enter(second.line, forget=False)
        session.server.expect(second.request)
        session.output.must_show(second)
        session.wait_prompt()


@behaviour(
    does=f"a line whose reply has {_LONG_BYTES} bytes, through a pipe",
    proves="all of it was sent; the program has exited or waits",
    catches="assuming that recv(1024) returns the whole reply, quadratic time",
    hint="A reply may be longer than any buffer: keep reading until its end has arrived.",
    hints={
        Reason.NO_PROMPT: "A line may be longer than its buffer, too: {C: fgets returns it in pieces. }All of it "
        "belongs to one line: no reply comes before its line ending was sent.",
    },
    says=("typed", "typed_sized"),
    visits=("visit_sized",),
)
def test_long_reply(tcp_clients: TcpClients, script: ClientProtocol, tasks: Tasks) -> None:
    """Shows a long reply completely"""
    if not tasks.typed:
        visit = tasks.sized(_LONG_BYTES)
        with tcp_clients.start(visit, terminal=False) as session:
            session.server.answer(visit.ask(session))
            visit.must_succeed(session)
        return
    entry = script.typed_sized(_LONG_BYTES)
    with tcp_clients.start(terminal=False) as session:
        session.feed(entry.line + b"\n")
        session.server.expect(entry.request)
        session.server.answer(entry.reply)
        session.output.must_show(entry)


@behaviour(
    does="it is given a port where nothing listens, and a line if it waits for one",
    proves="we hold the port, and nothing listens there",
    catches="a traceback, exit status 0, no message, endless retries",
    hint="When connect fails, say so on stderr in one line, and exit with status 1.",
    says=("typed",),
    visits=("visit",),
)
def test_refused_reported(tcp_clients: TcpClients, tasks: Tasks) -> None:
    """Reports that the connection was refused"""
    task = tasks.plain(0)
    with tcp_clients.start_alone(dead_port, task) as session:
        task.begin_if_asked(session)
        _must_say(session, "nothing was listening on the port it was given", said_before=0)


@behaviour(
    does=f"it is told to connect to {_NO_SUCH_HOST}",
    proves="looking up the name has just failed beside the program, within half a second",
    catches="a gaierror traceback, exit status 0, no message",
    hint="A host name may not exist{Python:  (socket.gaierror)}{C:  (getaddrinfo)}{Java:  (UnknownHostException)}: say "
    "so on stderr, and exit with status 1.",
    says=("typed",),
    visits=("visit",),
)
def test_unknown_host_reported(tcp_clients: TcpClients, tasks: Tasks) -> None:
    """Reports that there is no such host"""
    if why := must_be_unknown(_NO_SUCH_HOST):
        raise UnprovedError(why)
    task = tasks.plain(0)
    with tcp_clients.start(task, host=_NO_SUCH_HOST, terminal=False) as session:
        task.begin_if_asked(session)
        _must_say(session, f"there is no host {_NO_SUCH_HOST}", said_before=0)


def _must_say(session: Session[ScriptedServer], situation: str, said_before: int) -> None:
    """It says on stderr what is wrong, and exits.

    `said_before`: bytes printed there before.  At a terminal that is where Python's input() prints its prompt.
    """
    __tracebackhide__ = True
    must_refuse_in_words(session.program, situation, said_before=said_before, deadline_s=session.program.limits.reply_s)


def _must_notice(clients: TcpClients, task: Task, how: Answer, situation: str) -> None:
    __tracebackhide__ = True
    with clients.start(task) as session:
        reply = task.ask(session)
        # A prompt that is on its way to stderr is not a message.
        session.program.wait_rest(SETTLE_S)
        session.output.listen_from_here()
        session.server.answer(reply, how)
        _must_say(session, situation, said_before=session.output.complained_from)


@behaviour(
    does="the server closes the connection (FIN) instead of replying; again after half of the reply, and again while "
    "the client waits for a line, which is typed afterwards",
    proves="the FIN is sent after the client has read what came before it",
    catches="an endless loop on an empty recv, a hang, a traceback, half a reply taken as the whole",
    hint=f"{RECV_GIVES_NOTHING} when the server has closed the connection: say so on stderr, and exit with status 1.",
    hints={
        Reason.STILL_RUNNING: f"{RECV_GIVES_NOTHING} when the server has closed the connection. {THREADS_HINT}",
        Reason.CRASHED: "Writing to a connection that is gone fails: say so on stderr, and exit with status 1.{C:  "
        "SIGPIPE ends a program without a message: send with MSG_NOSIGNAL, or ignore the signal, and check what send "
        "returns.}",
    },
    says=("typed",),
    visits=("visit",),
)
def test_server_closes_early(tcp_clients: TcpClients, script: ClientProtocol, tasks: Tasks) -> None:
    """Notices that the server closes the connection before its reply"""
    _must_notice(tcp_clients, tasks.plain(0), Answer.CLOSE, f"{_END} instead of replying")
    _must_notice(tcp_clients, tasks.plain(1), Answer.HALF_THEN_CLOSE, f"{_END} after half of its reply")
    if not tasks.typed:
        return
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        session.wait_prompt()
        session.output.listen_from_here()
        said_before = session.output.complained_from
        session.server.dismiss()
        # A client that has already noticed it was judged above; one whose other thread is about to may exit before
        # the line is typed.
        if session.keyboard.at_prompt():
            with suppress(FaultError):
                session.enter(script.typed(1).line)
            _must_say(session, f"{_END} before the next line was typed", said_before=said_before)


@behaviour(
    does="the server resets the connection instead of replying; again after half of the reply",
    proves="the RST is sent after the client has read what came before it",
    catches="a ConnectionResetError traceback, a hang, exit status 0",
    hint="recv and send may fail{Python:  (ConnectionResetError)}{C:  (ECONNRESET)}: say so on stderr, and exit with "
    "status 1.",
    says=("typed",),
    visits=("visit",),
)
def test_server_resets(tcp_clients: TcpClients, tasks: Tasks) -> None:
    """Notices that the server resets the connection"""
    _must_notice(tcp_clients, tasks.plain(0), Answer.RESET, "the server had reset the connection")
    situation = "the server had reset the connection after half of its reply"
    _must_notice(tcp_clients, tasks.plain(1), Answer.HALF_THEN_RESET, situation)


@behaviour(
    does="a line is typed, and the server says nothing until the client rests",
    proves="the kernel shows that the client is still, or waits on a timer of its own",
    catches="a prompt without a reply, a busy loop, or no timeout although the handout asks for one",
    hint="Wait for the reply to this line before you read the next one.",
    hints={
        Reason.NO_TIMEOUT: "Set a timeout on the socket{Python:  (settimeout)}{C:  (SO_RCVTIMEO)}{Java:  "
        "(setSoTimeout)}, and say so when it runs out.",
        Reason.GAVE_UP_EARLY: "Wait for the reply to this line before you read the next one; no timeout may cut that "
        "short.{Python:  create_connection(..., timeout=5) leaves its timeout on the socket; settimeout(None) removes "
        "it.}",
        Reason.BUSY_LOOP: "It keeps asking whether something has arrived: let recv wait for it (a blocking socket), or "
        "use poll or select.",
    },
    says=("typed",),
    visits=("visit",),
)
def test_silent_server(tcp_clients: TcpClients, script: ClientProtocol, tasks: Tasks) -> None:
    """Waits for a server that takes its time"""
    task = tasks.plain(0)
    with tcp_clients.start(task) as session:
        if tasks.typed:
            serve(session, script.typed(1))
        reply = task.ask(session)
        if tcp_clients.spec.silent == "gives_up":
            session.must_give_up(session.program.limits.give_up_s)
            return
        session.must_wait("for a reply that had not come yet")
        session.server.answer(reply)
        task.must_succeed(session)


@behaviour(
    does="the server says something while the client waits for a line",
    proves="the client reads its standard input, or waits for several things at the same time",
    catches="blocked in input(): what the server says is shown only after the next line",
    hint="Wait for the keyboard and the socket at the same time: a thread that receives, or select on both.",
    says=("typed", "unasked"),
)
def test_unasked_message_shown(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Shows what the server sends unasked, while it waits for a line"""
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        session.wait_prompt()
        session.server.answer(script.unasked().reply)
        session.output.must_show(script.unasked())
        session.converse(script.typed(1))


@behaviour(
    does="lines are answered, then its input ends",
    proves="its FIN has arrived, and nothing else after the last line",
    catches="a reset instead of a FIN (SO_LINGER, unread bytes), bytes after the last line",
    hint="Close the socket (close, or a with block) before the program exits; don't set SO_LINGER.",
    says=("typed",),
    visits=("visit",),
)
def test_closes_its_socket(tcp_clients: TcpClients, tasks: Tasks) -> None:
    """Closes its connection when it exits"""
    task = tasks.plain(0)
    with tcp_clients.start(task) as session:
        session.server.answer(task.ask(session))
        task.take_leave(session)
        session.server.connection.expect_end()
        task.must_have_left(session)
