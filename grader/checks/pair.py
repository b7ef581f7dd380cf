"""A submission's server and client together, and each with a correct partner."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grader.catalogue import behaviour
from grader.checks.client_common import lines
from grader.errors import Reason
from grader.limits import SETTLE_S
from grader.wire.faults import FaultError, NotStartedError

if TYPE_CHECKING:
    from grader.harness.clients import Clients
    from grader.harness.session import Session
    from grader.harness.stage import Stage
    from grader.protocol.script import ClientProtocol, DatagramProtocol, Entry, StreamProtocol

_BOTH = "your client with your server"


@behaviour(
    does="a line is typed into the client while nothing answers; then the server is started, and the client is told "
    "where it is; lines are typed",
    proves="the server listens; the client waits for a line when one is typed, and shows more than it does without a "
    "reply",
    catches="two programs that each work in their own way, but not with each other; a client that prints what it has "
    "sent",
    hint="Compare what the client sends with what the server waits for: line endings, prefixes, the end of a message.",
    hints={Reason.OTHER_PORT: "Make both use the same port: best of all, the one that each is given as an argument."},
    says=("typed", "typed_awkward"),
)
def test_works_together(clients: Clients[Any], stage: Stage, script: ClientProtocol) -> None:
    """The client shows the server's replies"""
    try:
        _play_both(clients, stage, script)
    except FaultError as fault:
        raise _told(fault, _BOTH) from None


def _play_both(clients: Clients[Any], stage: Stage, script: ClientProtocol) -> None:
    __tracebackhide__ = True
    own_port = clients.manner.own_port
    besides = _times_shown_unanswered(clients, script.typed(0))
    try:
        server = stage.launch(own_port)
    except FaultError as fault:
        raise NotStartedError(fault) from None
    if own_port is not None and server.port != own_port:
        what = f"the server listens on port {server.port}, but the client always connects to port {own_port}"
        raise FaultError(Reason.OTHER_PORT, what)
    with clients.start_beside(server.address) as session:
        plain = [(entry, besides) for entry in lines(script)]
        for entry, times in (*plain, *((entry, 0) for entry in clients.basics.unusual(script))):
            read_before = session.read_bytes() or 0
            session.enter(entry.line)
            session.output.must_show(entry, besides=times, read_before=read_before)
        _end_first(session)


def _end_first(session: Session[Any]) -> None:
    """The client leaves first: whoever closes first keeps the connection in TIME_WAIT, and with it its port."""
    session.program.kill()
    session.program.wait_end()


def _times_shown_unanswered(clients: Clients[Any], entry: Entry) -> int:
    """How often the client shows a reply that never comes: with a real server nobody sees what it has read by then.

    Many clients print the line that they send, and over an echo that looks like its reply.
    """
    with clients.start() as session:
        try:
            session.enter(entry.line)
            session.program.wait_rest(SETTLE_S)
        except FaultError:  # it may work with its own server
            return 0
        session.program.catch_up()
        _end_first(session)
        return session.output.said.count(entry.shown)


@behaviour(
    does="one message from a correct client instead of yours; one line to a correct server instead of yours",
    proves="what is sent and replied is what the handout says",
    catches="two programs that deviate from the handout in the same way: they work with each other and with nobody "
    "else",
    hint="Try the client with a classmate's server, or read byte by byte what the handout says about a message.",
    says=("typed",),
)
def test_works_with_others(
    clients: Clients[Any], stage: Stage, script: ClientProtocol, protocol: StreamProtocol | DatagramProtocol
) -> None:
    """The client works with a correct server, and the server with a correct client"""
    fit = _fit(clients, stage, script)
    try:
        _play_apart(clients, stage, script, protocol)
    except FaultError as fault:
        raise (_told(fault, "your two programs work with each other, but not with others") if fit else fault) from None


def _play_apart(
    clients: Clients[Any], stage: Stage, script: ClientProtocol, protocol: StreamProtocol | DatagramProtocol
) -> None:
    __tracebackhide__ = True
    try:
        with stage.client(stage.launch()) as client:
            client.ask(protocol.exchange(0))
    except FaultError as fault:
        raise _told(fault, "your server with a correct client") from None
    stage.end_program()  # both may always use the same port: our server needs it now
    try:
        with clients.start() as session:
            session.converse(script.typed(0), at_rest=True)
    except FaultError as fault:
        raise _told(fault, "your client with a correct server") from None


def _fit(clients: Clients[Any], stage: Stage, script: ClientProtocol) -> bool:
    """Whether they work together; both are stopped afterwards."""
    try:
        _play_both(clients, stage, script)
    except FaultError:
        return False
    finally:
        stage.end_program()
    return True


def _told(fault: FaultError, who: str) -> FaultError:
    return replace(fault, what=f"{who}: {fault.what}")
