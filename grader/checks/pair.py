"""A submission's server and client together, and each with a right one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grader.catalogue import behaviour
from grader.checks.client import lines
from grader.errors import Reason
from grader.limits import SETTLE_S
from grader.wire.faults import FaultError, NotStartedError

if TYPE_CHECKING:
    from grader.harness.session import Clients, Session
    from grader.harness.stage import Stage
    from grader.protocol.script import ClientProtocol, DatagramProtocol, Entry, StreamProtocol

_BOTH = "your client with your server"


@behaviour(
    does="a line is typed into the client while nobody answers; then the server is started, and the client is told "
    "where it is; lines are typed",
    proves="the server listens; the client waits for a line when one is typed, and shows more than without an answer",
    catches="two programs of which each is right in its own way, but not in the other's; a client that prints what it "
    "has sent",
    hint="Compare what the client sends with what the server waits for: line ends, prefixes, the end of a message.",
    hints={Reason.OTHER_PORT: "Let both use the same port: best the one that each is given as an argument."},
    says=("typed", "typed_awkward"),
)
def test_works_together(clients: Clients[Any], stage: Stage, script: ClientProtocol) -> None:
    """The client shows what the server answers"""
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
        what = f"the server listens on port {server.port}, but the client goes to port {own_port} whatever it is told"
        raise FaultError(Reason.OTHER_PORT, what)
    with clients.start_beside(server.address) as session:
        plain = [(entry, besides) for entry in lines(script)]
        for entry, times in (*plain, *((entry, 0) for entry in script.typed_awkward())):
            read_before = session.read_bytes() or 0
            session.enter(entry.line)
            session.must_show(entry, besides=times, read_before=read_before)
        _end_first(session)


def _end_first(session: Session[Any]) -> None:
    """The client leaves before its server: whoever does keeps the connection in TIME_WAIT, and with it its port."""
    session.program.kill()
    session.program.wait_end()


def _times_shown_unanswered(clients: Clients[Any], entry: Entry) -> int:
    """How often the client shows a reply that never comes: with a real server nobody sees what it has read by then.

    Many a client prints the line that it sends, and over an echo that looks like its reply.
    """
    with clients.start() as session:
        try:
            session.enter(entry.line)
            session.program.wait_rest(SETTLE_S)
        except FaultError:  # it may do better with its own server
            return 0
        session.program.catch_up()
        _end_first(session)
        return session.said.count(entry.shown)


@behaviour(
    does="one message with a right client in the client's place; one line with a right server in the server's",
    proves="what is sent and answered is what the handout says",
    catches="two programs that depart from the handout in the same way: they fit each other and nobody else",
    hint="Let the client talk to a classmate's server, or read byte by byte what the handout says of a message.",
    says=("typed",),
)
def test_works_with_others(
    clients: Clients[Any], stage: Stage, script: ClientProtocol, protocol: StreamProtocol | DatagramProtocol
) -> None:
    """The client works with a right server, and the server with a right client"""
    fit = _fit(clients, stage, script)
    try:
        _play_apart(clients, stage, script, protocol)
    except FaultError as fault:
        raise (_told(fault, "your two programs fit each other, but not others") if fit else fault) from None


def _play_apart(
    clients: Clients[Any], stage: Stage, script: ClientProtocol, protocol: StreamProtocol | DatagramProtocol
) -> None:
    __tracebackhide__ = True
    try:
        with stage.client(stage.launch()) as client:
            client.ask(protocol.exchange(0))
    except FaultError as fault:
        raise _told(fault, "your server with a right client") from None
    stage.end_program()  # both may know one port only: our server needs it now
    try:
        with clients.start() as session:
            session.converse(script.typed(0), at_rest=True)
    except FaultError as fault:
        raise _told(fault, "your client with a right server") from None


def _fit(clients: Clients[Any], stage: Stage, script: ClientProtocol) -> bool:
    """Whether they work together; neither of them is left."""
    try:
        _play_both(clients, stage, script)
    except FaultError:
        return False
    finally:
        stage.end_program()
    return True


def _told(fault: FaultError, who: str) -> FaultError:
    return replace(fault, what=f"{who}: {fault.what}")
