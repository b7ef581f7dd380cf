"""Servers over TCP and UDP: how they start and how they end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from grader.catalogue import behaviour
from grader.checks.steps import interrupt, must_end_quietly, must_refuse, must_refuse_in_words, stop_anyhow
from grader.errors import Reason
from grader.harness.stage import Server, Stage
from grader.limits import SETTLE_S
from grader.protocol.script import StreamProtocol
from grader.wire.faults import FaultError
from grader.wire.program import NoProgressError, Program

_NO_PORTS = ((), ("abc",), ("70000",), ("65536",), ("0",), ("-1",))


@behaviour(
    does="start it on the port given; wait for its LISTEN row or its end",
    proves="the row's inode belongs to the program",
    catches="crash at start, another port (found, and used for the other checks), a loopback address only",
    hint="Start it by hand, as it was started above, and read what it prints.",
    hints={
        Reason.EXITED: "A server runs until it is stopped: when its socket is ready it serves its clients in a loop.",
        Reason.WRONG_PORT: "Take the port from the program's first argument instead of a constant.",
        Reason.WRONG_ADDRESS: "Bind to every address of the machine, not to one of them{Python: : '' stands for that}"
        "{C: : INADDR_ANY stands for that}.",
        Reason.NOT_LISTENING: "A server calls socket and bind, and over TCP then listen and accept; look which of them "
        "it never reaches.",
    },
)
def test_listens(server: Server, stage: Stage) -> None:
    """Listens on the port it is given"""
    if server.port != server.port_given:
        what = f"it was told port {server.port_given}, but listens on port {server.port}"
        raise FaultError(Reason.WRONG_PORT, what)
    everywhere = server.row.local.host in {"0.0.0.0", "::"} and not server.row.v6_only  # noqa: S104 — compared, not bound
    if stage.server_spec.listen == "any" and not everywhere:
        what = f"it listens on {server.row.local.host} only, so that no other machine can reach it"
        raise FaultError(Reason.WRONG_ADDRESS, what)


@behaviour(
    does="no argument, a word, and numbers that are no port: 70000, 65536, 0, -1",
    proves="it listens when it is started with a port; with these it ended by itself",
    catches="a traceback, a hang, exit status 0, silence on standard error",
    hint="Check the arguments first: count them, read the port as a number from 1 to 65535, else print how it is used.",
)
def test_bad_arguments_reported(stage: Stage) -> None:
    """Says how it is used when the port is missing or wrong"""
    stage.see_it_listen()
    for arguments in _NO_PORTS:
        program = stage.start(*arguments)
        situation = f"it was started with {' '.join(arguments) or 'no argument'}"
        must_refuse_in_words(program, situation, Reason.ACCEPTED_BAD_ARGUMENTS)


@behaviour(
    does="we listen on the port, then it is started there",
    proves="it listens on a port that is free; our LISTEN row stands",
    catches="exit status 0, silence, retrying for ever, any other port where nobody looks at what bind returns",
    hint="When bind fails, say so on standard error{C:  (perror)} and exit with status 1. "
    "Over UDP don't set SO_REUSEADDR: it lets two servers share the port.",
)
def test_port_in_use_reported(stage: Stage) -> None:
    """Says that its port is in use"""
    stage.see_it_listen()
    with stage.port_held() as port:
        program = stage.start_on(port)
        try:
            must_refuse(program, f"port {port} was in use", Reason.STILL_RUNNING)
        except FaultError as fault:
            raise replace(fault, what=fault.what + stage.instead_of(program, port)) from None


@behaviour(
    does="Ctrl-C at its terminal while no client is connected",
    proves="SIGINT has been sent, by the terminal or else by kill(2)",
    catches="a bare except, threads that keep it alive, a handler that does nothing",
    hint="Let SIGINT end it{Python:  (KeyboardInterrupt): no bare `except:` around accept, and threads as daemons}.",
)
def test_ctrl_c_stops(fresh_server: Server) -> None:
    """Ends at Ctrl-C"""
    interrupt(fresh_server.program)


@behaviour(
    does="Ctrl-C at its terminal, after one client was served; its standard error and how it ended",
    proves="it has ended",
    catches="the traceback of a KeyboardInterrupt, a system call's error, a crash while cleaning up",
    hint="At Ctrl-C leave the main loop and exit without an error.{Python:  Catch KeyboardInterrupt around the loop.}"
    "{C:  SIGINT ends a program in silence, and a handler makes the call that it interrupts fail with EINTR, which is "
    "no error here.}",
)
def test_ends_quietly(fresh_server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Ends at Ctrl-C without a traceback"""
    with stage.client(fresh_server) as client:
        client.ask(protocol.exchange(0))
    said_before = len(fresh_server.program.stderr.data)
    interrupt(fresh_server.program)
    must_end_quietly(fresh_server.program, said_before)


@behaviour(
    does="SIGTERM while a client is connected that has asked; then the processes that are left",
    proves="it is not the first process of its namespace, so that the default action holds, and has no terminal, whose "
    "session would end with it and take its children along; its first process has ended",
    catches="SIGTERM ignored or swallowed, child processes that go on serving",
    hint="SIGTERM ends a program that does nothing about it. A handler for it must make the main loop end.",
    hints={
        Reason.LEFT_RUNNING: "kill PID reaches that process alone, not its children as Ctrl-C does: a handler for "
        "SIGTERM must end them too{C:  (kill)}{Python:  (terminate())}.",
    },
)
def test_sigterm_stops(stage: Stage, protocol: StreamProtocol) -> None:
    """Ends when it is asked to by SIGTERM"""
    server = stage.launch(terminal=False)
    program = server.program
    with stage.client(server) as client:
        with suppress(FaultError):  # whether it is answered is another check's matter
            client.ask(protocol.exchange(0))
        program.wait_rest(SETTLE_S)
        program.terminate()
        try:
            program.wait_end()
        except NoProgressError as stop:
            raise FaultError(Reason.STILL_RUNNING, "it did not end after SIGTERM", doing=stop.doing) from None
        _must_leave_nothing(stage, program)


@behaviour(
    does="Ctrl-C; then the processes that are left",
    proves="its first process has ended",
    catches="daemons, children that live on",
    hint="Processes that it starts must end with it: don't leave its terminal's process group, and reap children.",
)
def test_leaves_nothing_running(fresh_server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Leaves nothing running when it has ended"""
    program = fresh_server.program
    with stage.client(fresh_server) as client:
        client.ask(protocol.exchange(0))
    stop_anyhow(program)
    _must_leave_nothing(stage, program)


def _must_leave_nothing(stage: Stage, program: Program) -> None:
    """None of its processes runs on after its end."""
    __tracebackhide__ = True
    if left := stage.leftovers(program):
        what = f"the program has ended, but {len(left)} of its processes run on: {', '.join(left)}"
        raise FaultError(Reason.LEFT_RUNNING, what, doing=program.doing(program.remaining()))
