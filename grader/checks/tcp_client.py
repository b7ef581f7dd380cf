"""What TCP clients send, print and survive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.catalogue import behaviour
from grader.checks.client import GOES_ELSEWHERE_HINTS, THREADS_HINT, must_have_gone, serve
from grader.checks.steps import must_refuse_in_words
from grader.errors import Reason
from grader.harness.session import OTHER_HOST
from grader.limits import GIVE_UP_S, REPLY_S, SETTLE_S
from grader.link.settings import SERVER_NAME
from grader.protocol.script import Answer
from grader.wire.faults import UnprovedError
from grader.wire.names import must_be_unknown
from grader.wire.tcp_server import dead_port

if TYPE_CHECKING:
    from grader.harness.fixtures import TcpClients
    from grader.harness.session import Session
    from grader.protocol.script import ClientProtocol, Entry
    from grader.wire.tcp_server import ScriptedServer

_LONG_BYTES = 1 << 20
_NO_SUCH_HOST = "no-such-host.invalid"  # RFC 6761: no name ends so

_END = "the server had ended the connection"


@behaviour(
    does="a server listens on a free port; the client is told to go there, "
    f"by address ({OTHER_HOST}) and by name ({SERVER_NAME})",
    proves="the connection is accepted, on the address and port that were told",
    catches="an address or port that stands in the program, a name that must be an address or is not looked up",
    hint="Take host and port from the arguments (or from what it asks), and give them to connect as they are.",
    hints=GOES_ELSEWHERE_HINTS,
    says=("typed",),
)
def test_connects(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Connects to the host and port that it is told"""
    for host, addresses in tcp_clients.hosts.items():
        with tcp_clients.start(host=host) as session:
            if not session.comes_before_first_line():
                session.enter(script.typed(0).line)
            must_have_gone(session, session.server.connection.ours, addresses)


@behaviour(
    does="the reply comes byte by byte, each read before the next is sent, also inside characters of UTF-8",
    proves="gate on the client's socket: each byte was read alone",
    catches="one recv taken for the whole reply, decoding piece by piece",
    hint="One recv may bring any part of the reply: read on until its end is there, then decode.",
    hints={Reason.CRASHED: "Decode the reply when all of it is there: a piece may end inside a character."},
    says=("typed", "typed_awkward"),
)
def test_reply_in_fragments(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Puts a reply together that arrives in single bytes"""
    with tcp_clients.start() as session:
        for entry in (script.typed(0), *script.typed_awkward(), script.typed(1)):
            session.converse(entry, Answer.IN_BYTES)


@behaviour(
    does="the reply and the next one arrive together, before the next line is typed",
    proves="both came in one segment",
    catches="what came behind the reply is thrown away, or taken for a part of it",
    hint="What recv brings behind the end of a reply belongs to the next one: keep it.",
    hints={Reason.NO_PROMPT: "It waits for a reply that has come already, together with the one before: keep it."},
    says=("typed",),
)
def test_replies_coalesced(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Keeps what has arrived behind a reply for the next one"""
    first, second = script.typed(0), script.typed(1)
    with tcp_clients.start() as session:
        session.enter(first.line)
        session.server.expect(first.request)
        session.server.answer(first.reply + second.reply, Answer.TOGETHER)
        session.must_show(first)
        session.enter(second.line, forget=False)
        session.server.expect(second.request)
        session.must_show(second)
        session.wait_prompt()


@behaviour(
    does=f"a line whose reply has {_LONG_BYTES} bytes, down a pipe",
    proves="all of it was sent; the program has ended or waits",
    catches="recv(1024) taken for the reply, quadratic time",
    hint="A reply may be longer than any buffer: read on until its end is there.",
    hints={
        Reason.NO_PROMPT: "A line may be longer than its buffer, too: {C: fgets gives it in pieces. }All of it "
        "belongs to one line: no reply comes before its line end was sent.",
    },
    says=("typed", "typed_sized"),
)
def test_long_reply(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Shows a long reply whole"""
    entry = script.typed_sized(_LONG_BYTES)
    with tcp_clients.start(terminal=False) as session:
        session.feed(entry.line + b"\n")
        session.server.expect(entry.request)
        session.server.answer(entry.reply)
        session.must_show(entry)


@behaviour(
    does="it is told a port where nobody listens, and a line if it waits for one",
    proves="we hold the port, and nobody listens there",
    catches="a traceback, exit status 0, silence, retrying for ever",
    hint="When connect fails, say so on standard error in one line, and end with exit status 1.",
    says=("typed",),
)
def test_refused_reported(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Says that nobody listens where it was told to go"""
    with tcp_clients.start_alone(dead_port) as session:
        session.enter_if_asked(script.typed(0).line)
        _must_say(session, "nobody listened on the port it was told", said_before=0)


@behaviour(
    does=f"it is told to go to {_NO_SUCH_HOST}",
    proves="looking the name up has just failed beside the program, within half a second",
    catches="a traceback of gaierror, exit status 0, silence",
    hint="A host name may not exist{Python:  (socket.gaierror)}{C:  (getaddrinfo)}{Java:  (UnknownHostException)}: "
    "say so on standard error, and end with status 1.",
    says=("typed",),
)
def test_unknown_host_reported(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Says that there is no such host"""
    if why := must_be_unknown(_NO_SUCH_HOST):
        raise UnprovedError(why)
    with tcp_clients.start(host=_NO_SUCH_HOST, terminal=False) as session:
        session.enter_if_asked(script.typed(0).line)
        _must_say(session, f"there is no host {_NO_SUCH_HOST}", said_before=0)


def _must_say(session: Session[ScriptedServer], situation: str, said_before: int) -> None:
    """It says on standard error what is wrong, and ends.

    `said_before`: bytes that stood there before.  At a terminal that is where Python's input() prints its prompt.
    """
    __tracebackhide__ = True
    must_refuse_in_words(session.program, situation, said_before=said_before, deadline_s=REPLY_S)


def _must_notice(clients: TcpClients, entry: Entry, how: Answer, situation: str) -> None:
    __tracebackhide__ = True
    with clients.start() as session:
        session.enter(entry.line)
        session.server.expect(entry.request)
        # A prompt that is on its way to standard error is no message.
        session.program.wait_rest(SETTLE_S)
        session.listen_from_here()
        session.server.answer(entry.reply, how)
        _must_say(session, situation, said_before=session.complained_from)


@behaviour(
    does="the server ends the connection (FIN) instead of answering; once more after half of the reply, and once while "
    "the client waits for a line, which is typed then",
    proves="the FIN is sent after the client has read what came before it",
    catches="an endless loop on an empty recv, a hang, a traceback, half a reply taken for all",
    hint="recv returns nothing (b'', 0) when the server has ended the connection: say so on standard error, and end "
    "with status 1.",
    hints={
        Reason.STILL_RUNNING: f"recv returns nothing (b'', 0) when the server has ended it. {THREADS_HINT}",
        Reason.CRASHED: "Writing to a connection that is gone fails: say so on standard error, and exit with status "
        "1.{C:  SIGPIPE ends a program without a word: send with MSG_NOSIGNAL, or ignore the signal, and look at what "
        "send returns.}",
    },
    says=("typed",),
)
def test_server_closes_early(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Notices that the server ends the connection before its reply"""
    _must_notice(tcp_clients, script.typed(0), Answer.CLOSE, f"{_END} instead of answering")
    _must_notice(tcp_clients, script.typed(1), Answer.HALF_THEN_CLOSE, f"{_END} after half of its reply")
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        session.wait_prompt()
        session.server.dismiss()
        # One that has noticed it already was judged above.
        if session.keyboard.at_prompt():
            session.enter(script.typed(1).line)
            _must_say(session, f"{_END} before the next line was typed", said_before=session.complained_from)


@behaviour(
    does="the server resets the connection instead of answering; once more after half of the reply",
    proves="the RST is sent after the client has read what came before it",
    catches="a traceback of ConnectionResetError, a hang, exit status 0",
    hint="recv and send may fail{Python:  (ConnectionResetError)}{C:  (ECONNRESET)}: say so on standard error, and "
    "end with status 1.",
    says=("typed",),
)
def test_server_resets(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Notices that the server resets the connection"""
    _must_notice(tcp_clients, script.typed(0), Answer.RESET, "the server had reset the connection")
    situation = "the server had reset the connection after half of its reply"
    _must_notice(tcp_clients, script.typed(1), Answer.HALF_THEN_RESET, situation)


@behaviour(
    does="a line is typed, and the server says nothing until the client rests",
    proves="the client is still, or waits on a timer of its own, as the kernel shows it",
    catches="a prompt without a reply, a busy loop, or no timeout where the handout asks for one",
    hint="Wait for the reply to this line before the next line is read.",
    hints={
        Reason.NO_TIMEOUT: "Set a timeout on the socket{Python:  (settimeout)}{C:  (SO_RCVTIMEO)}{Java:  "
        "(setSoTimeout)}, and say so when it runs out.",
        Reason.GAVE_UP_EARLY: "Wait for the reply to this line before the next line is read; no timeout may end that."
        "{Python:  create_connection(..., timeout=5) leaves its timeout on the socket; settimeout(None) takes it off.}",
        Reason.BUSY_LOOP: "It asks again and again whether something has come: let recv wait for it (a blocking "
        "socket), or poll and select.",
    },
    says=("typed",),
)
def test_silent_server(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Waits for a server that takes its time"""
    entry = script.typed(0)
    with tcp_clients.start() as session:
        serve(session, script.typed(1))
        session.enter(entry.line)
        session.server.expect(entry.request)
        if tcp_clients.spec.silent == "gives_up":
            session.must_give_up(GIVE_UP_S)
            return
        session.must_wait("for a reply that had not come yet")
        session.server.answer(entry.reply)
        session.must_show(entry)


@behaviour(
    does="the server says something while the client waits for a line",
    proves="the client reads its standard input, or waits for several things at once",
    catches="blocked in input(): what the server says is shown only after the next line",
    hint="Wait for the keyboard and the socket at once: a thread that receives, or select over both.",
    says=("typed", "unasked"),
)
def test_unasked_message_shown(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Shows what the server says by itself, while it waits for a line"""
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        session.wait_prompt()
        session.server.answer(script.unasked().reply)
        session.must_show(script.unasked())
        session.converse(script.typed(1))


@behaviour(
    does="lines are answered, then its input ends",
    proves="its FIN, and nothing after the last line, has arrived",
    catches="a reset instead of an end (SO_LINGER, unread bytes), bytes after the last line",
    hint="Close the socket (close, or a with block) before the program ends; don't set SO_LINGER.",
    says=("typed",),
)
def test_closes_its_socket(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Closes its connection at its end"""
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        session.wait_prompt()
        session.keyboard.end_input()
        session.server.connection.expect_end()
        session.must_end_well("at the end of its input")
