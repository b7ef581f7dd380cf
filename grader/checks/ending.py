"""How a program exits, and what it leaves: asked to by Ctrl-C, or because it can't do what it is told."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from grader.errors import Reason
from grader.harness.stopping import interrupt, kill
from grader.model import EventKind
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import TcpState
from grader.wire.program import Program
from grader.wire.time_wait import leave_time_wait
from grader.wire.traces import shows_traceback
from grader.wire.waiting import NoProgressError

if TYPE_CHECKING:
    from grader.harness.listening import Server
    from grader.harness.stage import Stage
    from grader.protocol.script import StreamProtocol
    from grader.wire.tcp import ScriptedClient
    from grader.wire.warden import Ending

_ENDING_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGKILL})
#: How a line ends that comes from perror(3) or Python's OSError.
_SYSTEM_ERRORS = tuple(f"{before} {os.strerror(code)}" for code in errno.errorcode for before in (":", "]"))


def stop_anyhow(program: Program) -> None:
    """Its exit on Ctrl-C, or else by SIGKILL: for checks about what comes afterwards."""
    try:
        interrupt(program)
    except FaultError:
        kill(program)


@contextmanager
def one_connected(stage: Stage, server: Server, protocol: StreamProtocol) -> Iterator[ScriptedClient]:
    """A client that stays connected: one that was answered, or a silent one if the server closes such a connection.

    Raises:
        FaultError: the server closes that one too.
    """
    __tracebackhide__ = True
    if not stage.one_request:
        with stage.connect(server) as client:
            client.ask(protocol.exchange(0))
            if client.established():
                yield client
                return
    with stage.connect(server) as silent:
        silent.wait_accepted()
        if not silent.established():
            what = "it closes every connection unasked, so no client is connected at Ctrl-C"
            raise FaultError(Reason.CLOSED_EARLY, what, doing=server.program.doing())
        yield silent


def must_end_quietly(program: Program, said_before: int, situation: str = "") -> None:
    """After Ctrl-C nothing on stderr looks like an error, and no signal but Ctrl-C's has ended it.

    What its other processes print until they have exited counts too.  `said_before`: bytes on stderr before.
    `situation`: when Ctrl-C was pressed, after those words.
    """
    __tracebackhide__ = True
    situation = f"after Ctrl-C{situation}"
    ending = program.wait_end()
    with suppress(NoProgressError):  # whether any are left is another check's matter
        most_s = program.limits.exit_s
        program.wait(lambda: None if program.remaining() else True, until_end=False, deadline_s=most_s, hurried=True)
    program.catch_up()
    said = program.stderr.data[said_before:]
    if shows_traceback(said):
        raise FaultError(Reason.TRACEBACK, f"{situation} it exited with a traceback")
    if any(line.endswith(_SYSTEM_ERRORS) for line in said.decode(errors="replace").splitlines()):
        raise FaultError(Reason.NOISY, f"{situation} it exited with an error message")
    if ending.status < 0 and -ending.status not in _ENDING_SIGNALS:
        raise FaultError(Reason.CRASHED, f"{situation} it crashed", doing=program.doing())


def must_refuse(
    program: Program, situation: str, ran_on: Reason, said_before: int = 0, deadline_s: float | None = None
) -> None:
    """It exits without being stopped, with a non-zero status and a message on stderr.

    `ran_on`: the fault of one that does not.  `said_before`: bytes on stderr before.
    """
    __tracebackhide__ = True
    try:
        ending = program.wait_end(deadline_s)
    except NoProgressError as stop:
        raise FaultError(ran_on, f"{situation}; it did not exit", doing=stop.doing) from None
    if ending.status < 0 and not _asked_to_end(ending):
        raise FaultError(Reason.CRASHED, f"{situation}; it crashed", doing=program.doing())
    if ending.status == 0:
        raise FaultError(Reason.EXIT_STATUS, f"{situation}; it exited with status 0, which means success")
    if not program.stderr.data[said_before:].strip():
        raise FaultError(Reason.SILENT, f"{situation}; it exited without printing anything on stderr")


def _asked_to_end(ending: Ending) -> bool:
    """Whether it was ended by a signal that one process sends to end another, and that we have not sent.

    When a client forks, the child process that receives often ends its parent that way.
    """
    return -ending.status in _ENDING_SIGNALS and not ending.out_of_memory


def must_refuse_in_words(
    program: Program,
    situation: str,
    ran_on: Reason = Reason.STILL_RUNNING,
    said_before: int = 0,
    deadline_s: float | None = None,
) -> None:
    """The same, and the message is not a traceback."""
    __tracebackhide__ = True
    must_refuse(program, situation, ran_on, said_before, deadline_s)
    if shows_traceback(program.stderr.data) or shows_traceback(program.stdout.data):
        raise FaultError(Reason.TRACEBACK, f"{situation}; it exited with a traceback")


def wait_time_wait(stage: Stage, server: Server) -> None:
    """See that the kernel holds the port for a connection that was closed there first: by the server, or else by us.

    Raises:
        UnprovedError: it does not.
    """

    def held() -> bool | None:
        rows = stage.table.dump(TcpState.TIME_WAIT)
        # At the address that clients reach: one at another (127.0.0.2) keeps nobody from this one.
        return True if any(row.local == server.address for row in rows) else None

    whose = "a connection"
    try:
        server.program.wait(held, hurried=True)
    except NoProgressError:
        stage.end_program()  # what it has left running may hold the port
        whose = "it left no connection behind, so one of ours"
        try:
            leave_time_wait(server.row.local, server.address, v6_only=server.row.v6_only)
        except OSError as error:
            raise UnprovedError(f"nothing could listen on port {server.port} again: {error.strerror}") from None
        if not held():
            raise UnprovedError(
                "no connection in TIME_WAIT was left behind, so a restart would prove nothing"
            ) from None
    words = f"{whose} in TIME_WAIT holds port {server.port}"
    stage.transcript.add(EventKind.KERNEL, "grader", words)
