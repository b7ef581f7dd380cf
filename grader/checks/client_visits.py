"""Clients that act by themselves, over TCP and UDP: what they send, and what comes of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from grader.catalogue import behaviour
from grader.errors import Reason
from grader.wire.faults import FaultError
from grader.wire.tcp_server import ScriptedServer

if TYPE_CHECKING:
    from grader.harness.clients import Clients
    from grader.harness.session import Session
    from grader.harness.tasks import Task, Tasks

_VISITS = 3
#: What others depend on, and can often be judged without if the client waits for the end of the connection.
_REPORTS = "client.reports_result"


def _visits(tasks: Tasks) -> tuple[Task, ...]:
    return tuple(tasks.plain(number) for number in range(_VISITS))


@behaviour(
    does="the client is started several times, with different arguments and files; the server answers as the handout "
    "says",
    proves="everything that it has sent until it exits, or rests, has arrived here",
    catches="bytes added, swapped or left out, a length that is wrong, a request that is sent only in part or twice",
    hint="Compare what was sent with what the handout requires, byte by byte from the mark on.",
    hints={
        Reason.INCOMPLETE_REQUEST: "Send all of it before you wait for the reply.{C:  send may take only a part of the "
        "bytes: go on with the rest.}{Python:  send may take only a part of the bytes; sendall takes all.}",
        Reason.NO_REQUEST: "It connects, but it sends nothing: look at what it waits for.{C:  Or what it printed into "
        "a stream was never flushed.}",
    },
    visits=("visit",),
)
def test_sends_request(clients: Clients[Any], tasks: Tasks) -> None:
    """Sends what it must, and nothing else"""

    def sends(session: Session[Any], task: Task) -> None:
        __tracebackhide__ = True
        session.server.answer(task.ask(session))
        with suppress(FaultError):  # what it does with the answer is another check's business
            task.must_succeed(session)
        session.server.expect_nothing_more()

    clients.each(_visits(tasks), sends)


@behaviour(
    does="the client is started several times, with different arguments and files; the server answers as the handout "
    "says",
    proves="the program has exited, and everything that it has printed and written has arrived here",
    catches="nothing printed, the wrong result, a file that is incomplete or not closed, a wrong exit status, waiting "
    "for an end that has come already",
    hint="Print and write what the handout requires, close the file, and exit with the status required.",
    hints={
        Reason.STILL_RUNNING: "It has all it needs: stop receiving where the reply ends, which the protocol says, and "
        "exit.",
        Reason.EXIT_STATUS: "The exit status says whether it went well{Python: : sys.exit(1) for a failure}{C: : what "
        "main returns}{Java: : System.exit(1) for a failure}.",
        Reason.NOT_WRITTEN: "Write the bytes as they were received, all of them, and close the file{Python: : open it "
        'with "wb"}{C: : fwrite with the length that recv has returned}.',
    },
    visits=("visit",),
)
def test_reports_result(clients: Clients[Any], tasks: Tasks) -> None:
    """Prints, writes and returns what it must"""

    def reports(session: Session[Any], task: Task) -> None:
        __tracebackhide__ = True
        session.server.answer(task.ask(session))
        try:
            task.must_succeed(session)
        except FaultError as fault:
            if fault.reason is Reason.STILL_RUNNING and isinstance(session.server, ScriptedServer):
                clients.basics.may_hold_if_hung_up(_REPORTS)
            raise

    clients.each(_visits(tasks), reports)
