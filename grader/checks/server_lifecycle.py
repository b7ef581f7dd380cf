"""Servers over TCP and UDP: how they start and how they stop."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from grader.catalogue import START_BY_HAND, behaviour
from grader.checks.ending import (
    must_end_quietly,
    must_refuse,
    must_refuse_in_words,
    one_connected,
    stop_anyhow,
)
from grader.errors import Reason
from grader.harness.listening import Server
from grader.harness.programs import leftovers
from grader.harness.stage import Stage
from grader.harness.stopping import interrupt
from grader.limits import SETTLE_S
from grader.protocol.script import StreamProtocol
from grader.wire.faults import FaultError
from grader.wire.program import Program
from grader.wire.waiting import NoProgressError

_NO_PORTS = ((), ("abc",), ("70000",), ("65536",), ("0",), ("-1",))


@behaviour(
    does="it is started on the given port; we wait until it has a LISTEN row or exits",
    proves="the row's inode belongs to the program",
    catches="a crash at the start, a different port (found, and used for the other checks), a loopback address only",
    hint=START_BY_HAND,
    hints={
        Reason.EXITED: "A server runs until it is stopped: once its socket is ready it serves clients in a loop.",
        Reason.WRONG_PORT: "Take the port from the program's first argument instead of a constant.",
        Reason.WRONG_ADDRESS: "Bind to all addresses of the machine, not to one of them{Python: : '' means all}{C: : "
        "INADDR_ANY means all}.",
        Reason.NOT_LISTENING: "A server calls socket and bind, and over TCP then listen and accept; find out which of "
        "them it never reaches.",
    },
)
def test_listens(server: Server, stage: Stage) -> None:
    """Listens on the port it is given"""
    if server.port != server.port_given:
        told = "it must listen on" if stage.server_spec.port else "it was given"
        what = f"{told} port {server.port_given}, but listens on port {server.port}"
        raise FaultError(Reason.WRONG_PORT, what)
    for row in (server.row, *(stage.listening.row_of(server, name) for name in server.further)):
        everywhere = row.local.host in {"0.0.0.0", "::"} and not row.v6_only  # noqa: S104 — compared, not bound
        if stage.server_spec.listen == "any" and not everywhere:
            what = f"it listens only on {row.local.host}, so no other machine can reach it"
            raise FaultError(Reason.WRONG_ADDRESS, what)


@behaviour(
    does="no argument, a word, and numbers that are not valid port numbers: 70000, 65536, 0, -1",
    proves="it listens when it is started with a port; with these it exited",
    catches="a traceback, a hang, exit status 0, nothing on stderr",
    hint="Check the arguments first: count them, read the port as a number from 1 to 65535, and otherwise print a "
    "usage message.",
)
def test_bad_arguments_reported(stage: Stage) -> None:
    """Prints a usage message when the port is missing or invalid"""
    stage.see_it_listen()
    for arguments in _NO_PORTS:
        program = stage.programs.start(*arguments)
        situation = f"it was started with {' '.join(arguments) or 'no argument'}"
        must_refuse_in_words(program, situation, Reason.ACCEPTED_BAD_ARGUMENTS)


@behaviour(
    does="we listen on the port, then it is started on that port",
    proves="it listens on a port that is free; our LISTEN row is there",
    catches="exit status 0, nothing on stderr, endless retries, a random port because nobody checks what bind returns",
    hint="When bind fails, say so on stderr{C:  (perror)} and exit with status 1. Over UDP don't set SO_REUSEADDR: it "
    "lets two servers share the port.",
)
def test_port_in_use_reported(stage: Stage) -> None:
    """Reports that its port is in use"""
    stage.see_it_listen()
    with stage.ports.held() as port:
        program = stage.programs.start_on(port)
        try:
            must_refuse(program, f"port {port} was in use", Reason.STILL_RUNNING)
        except FaultError as fault:
            raise replace(fault, what=fault.what + stage.listening.instead_of(program, port)) from None


@behaviour(
    does="Ctrl-C at its terminal while no client is connected",
    proves="SIGINT has been sent, by the terminal or else by kill(2)",
    catches="a bare except, threads that keep it alive, a handler that does nothing",
    hint="Let SIGINT stop it{Python:  (KeyboardInterrupt): no bare `except:` around accept, and daemon threads only}.",
)
def test_ctrl_c_stops(fresh_server: Server) -> None:
    """Exits on Ctrl-C"""
    interrupt(fresh_server.program)


@behaviour(
    does="Ctrl-C at its terminal, after one client was served; over TCP once more while one is connected that was "
    "answered; its stderr and how it exited",
    proves="it has exited; the connection was established (whether it exits then is another check's matter)",
    catches="a KeyboardInterrupt traceback, a system call's error, a crash while cleaning up",
    hint="On Ctrl-C leave the main loop and exit without an error.{Python:  Catch KeyboardInterrupt around the whole "
    "loop, including what is done for a client.}{C:  By default SIGINT ends a program silently; a handler makes the "
    "interrupted call fail with EINTR, which is not an error here.}",
)
def test_ends_quietly(fresh_server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Exits on Ctrl-C without a traceback"""
    program = fresh_server.program
    with stage.client(fresh_server) as client:
        client.ask(protocol.exchange(0))
    said_before = len(program.stderr.data)
    interrupt(program)
    must_end_quietly(program, said_before, " with no client connected" if stage.over_tcp else "")
    if stage.over_tcp:
        _must_end_quietly_with_one_connected(stage, protocol)


def _must_end_quietly_with_one_connected(stage: Stage, protocol: StreamProtocol) -> None:
    __tracebackhide__ = True
    server = stage.launch()
    program = server.program
    try:
        with one_connected(stage, server, protocol):
            said_before = len(program.stderr.data)
            interrupt(program)
    except FaultError:  # whether it ends then is another check's matter
        return
    must_end_quietly(program, said_before, " with a client connected")


@behaviour(
    does="SIGTERM while a client that has asked something is connected; then the processes that are left",
    proves="it is not the first process of its namespace, so the default action applies, and it has no terminal, whose "
    "session would end with it and take its child processes along; its first process has exited",
    catches="SIGTERM ignored or swallowed, child processes that keep serving",
    hint="SIGTERM ends a program that does nothing about it. A handler for it must make the main loop end.",
    hints={
        Reason.LEFT_RUNNING: "kill PID reaches only that process, not its child processes as Ctrl-C does: a handler "
        "for SIGTERM must stop them too{C:  (kill)}{Python:  (terminate())}.",
    },
)
def test_sigterm_stops(stage: Stage, protocol: StreamProtocol) -> None:
    """Exits on SIGTERM"""
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
            raise FaultError(Reason.STILL_RUNNING, "it did not exit after SIGTERM", doing=stop.doing) from None
        _must_leave_nothing(stage, program)


@behaviour(
    does="Ctrl-C; then the processes that are left",
    proves="its first process has exited",
    catches="daemons, child processes that keep running",
    hint="Processes that it starts must exit with it: keep them in its terminal's process group, and reap child "
    "processes.",
)
def test_leaves_nothing_running(fresh_server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Leaves nothing running when it has exited"""
    program = fresh_server.program
    with stage.client(fresh_server) as client:
        client.ask(protocol.exchange(0))
    stop_anyhow(program)
    _must_leave_nothing(stage, program)


def _must_leave_nothing(stage: Stage, program: Program) -> None:
    """None of its processes is still running after it has exited."""
    __tracebackhide__ = True
    if left := leftovers(program):
        what = f"the program has exited, but {len(left)} of its processes are still running: {', '.join(left)}"
        raise FaultError(Reason.LEFT_RUNNING, what, doing=program.doing(program.remaining()))
