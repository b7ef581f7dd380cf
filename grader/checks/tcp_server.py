"""TCP servers: the catalogue's behaviours, each written once; an assignment's `protocol.py` says what the messages are.

A check asks for the shared server and leaves it as it was, or for a fresh one and may end it.
"""

from __future__ import annotations

import random
import signal

from grader.checks import behaviour
from grader.driver.fixtures import Connect
from grader.driver.stage import Server, Stage
from grader.errors import Reason
from grader.limits import IDLE_CPU_SHARE, IDLE_WINDOW_S, SETTLE_S
from grader.model import EventKind
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import TcpState
from grader.wire.program import NoProgressError, Program, reason_of
from grader.wire.script import Exchange, StreamProtocol
from grader.wire.stillness import Snapshot
from grader.wire.tcp import ScriptedClient

_SEQUENTIAL_CLIENTS = 50
_LEAK_CONNECTIONS = 200
#: A server may open a few files for good (a log, an event queue) while it serves; one a connection is a leak.
_LEAK_TOLERATED = 20
_LONG_BYTES = 1 << 20
_COALESCED = 5
_VISITS = 3

_KEEP_A_BUFFER = (
    "TCP is a stream of bytes: one recv returns whatever has arrived, a part of a message or several. "
    "Keep a buffer for each connection, append what recv returns, and take complete messages out of it."
)


@behaviour(
    does="start it on the port given; wait for its LISTEN row or its end",
    proves="the row's inode belongs to the program",
    catches="crash at start, another port (found, and used for the other checks), a loopback address only",
    hint="Start it by hand, as it was started above, and read what it prints.",
    hints={
        Reason.CRASHED: "Read what it printed (above): the last line names the cause.",
        Reason.EXITED: "A server runs until it is stopped: after listen it accepts clients in a loop.",
        Reason.WRONG_PORT: "Take the port from the program's first argument instead of a constant.",
        Reason.WRONG_ADDRESS: "Bind to '' (Python) or INADDR_ANY (C): every address of the machine, not one of them.",
        Reason.NOT_LISTENING: "A server calls socket, bind, listen, then accept; look which of them it never reaches.",
    },
)
def test_listens(server: Server, stage: Stage) -> None:
    """Listens on the port it is given"""
    if server.port != server.port_given:
        what = f"it was told port {server.port_given}, but listens on port {server.port}"
        raise FaultError(Reason.WRONG_PORT, what)
    everywhere = server.row.local.host in {"0.0.0.0", "::"} and not server.row.v6_only  # noqa: S104 — compared, not bound
    if stage.asks_for_any_address and not everywhere:
        what = f"it listens on {server.row.local.host} only, so that no other machine can reach it"
        raise FaultError(Reason.WRONG_ADDRESS, what)


@behaviour(
    does="three messages, each whole, one after the other's answer",
    proves="nothing to prove: the baseline",
    catches="a wrong or missing answer",
    hint="Try it by hand (nc localhost PORT) with the message above, and compare byte by byte.",
    hints={
        Reason.NO_REPLY: "See where it waits (above): it has the whole message already and must answer it.",
        Reason.CRASHED: "Read the error that it printed (above): the last line names the cause.",
    },
)
def test_answers(connect: Connect, protocol: StreamProtocol) -> None:
    """Answers a message"""
    with connect() as client:
        for number in range(3):
            _ask(client, protocol.exchange(number))


@behaviour(
    does="messages byte by byte, each byte read before the next is sent",
    proves="one step of bytes_received per byte, and an empty receive queue after it",
    catches="one recv taken for one message",
    hint=_KEEP_A_BUFFER,
)
def test_fragments_every_byte(connect: Connect, protocol: StreamProtocol) -> None:
    """Answers a message that arrives one byte at a time"""
    with connect() as client:
        for number in range(3):
            exchange = protocol.exchange(number)
            client.send(exchange.request, pieces=1)
            client.expect(exchange.reply)


@behaviour(
    does="five messages in one segment",
    proves="one segment, or all bytes in the queue of the frozen program",
    catches="everything after the first message is dropped",
    hint=_KEEP_A_BUFFER + " Loop until no complete message is left in the buffer, then recv again.",
)
def test_coalesced(connect: Connect, protocol: StreamProtocol) -> None:
    """Answers every message when several arrive at once"""
    exchanges = [protocol.exchange(number) for number in range(_COALESCED)]
    with connect() as client:
        client.send_as_one_read(b"".join(exchange.request for exchange in exchanges))
        client.expect(b"".join(exchange.reply for exchange in exchanges))


@behaviour(
    does="a whole message and half of the next in one segment; then the other half",
    proves="one segment; the rest is sent after the first answer, when all before it was read",
    catches="the leftover of a recv is thrown away",
    hint=_KEEP_A_BUFFER + " What is left after the last complete message is the beginning of the next one: keep it.",
)
def test_message_and_a_half(connect: Connect, protocol: StreamProtocol) -> None:
    """Keeps the beginning of a message that arrives behind another"""
    first, second = protocol.exchange(0), protocol.exchange(1)
    half = len(second.request) // 2
    with connect() as client:
        client.send_as_one_read(first.request + second.request[:half])
        client.expect(first.reply)
        client.wait_read()
        client.send(second.request[half:])
        client.expect(second.reply)


@behaviour(
    does="half a message; silence is awaited; then the other half; then half a message and the client's end",
    proves="the half was read, and the program is still or had the time of a reply; the end came with the half",
    catches="an answer before the message is complete, or when it never will be",
    hint="A message is complete when its end has arrived, not when recv returns. " + _KEEP_A_BUFFER,
)
def test_unfinished_message_gets_no_answer(connect: Connect, protocol: StreamProtocol) -> None:
    """Does not answer a message before it is complete"""
    exchange = protocol.exchange(2)
    half = len(exchange.request) // 2
    with connect() as client:
        client.send(exchange.request[:half], pieces=half)
        client.expect_nothing(Reason.EARLY_REPLY, "it answered although the message was not complete")
        client.send(exchange.request[half:])
        client.expect(exchange.reply)
        client.send_and_half_close(exchange.request[:half])
        client.expect_no_reply(Reason.EARLY_REPLY, "it answered although the connection ended before the message did")


@behaviour(
    does="one message; after its answer everything that comes until the program is still",
    proves="the program is still, or had the time of a reply",
    catches="a second reply, an added line end, a greeting at the end",
    hint="Send exactly the reply: no line end added to one that is there, no prompt, no NUL at the end of a C string.",
)
def test_extra_reply_bytes(connect: Connect, protocol: StreamProtocol) -> None:
    """Sends nothing but the reply"""
    exchange = protocol.exchange(1)
    with connect() as client:
        _ask(client, exchange)
        client.expect_nothing(Reason.EXTRA_REPLY, "more came after the complete reply")


@behaviour(
    does="messages of every byte value, of NUL, of text that is not UTF-8",
    proves="nothing to prove",
    catches="decoding to text, C string functions, strip()",
    hint="Work on bytes, not on text: no decode(), no strip(), no strlen() on what came from the network.",
)
def test_binary_bytes(connect: Connect, protocol: StreamProtocol, source: random.Random) -> None:
    """Leaves every other byte as it is"""
    with connect() as client:
        for exchange in (*protocol.awkward(), protocol.surprise(source)):
            _ask(client, exchange)


@behaviour(
    does="a message of one mebibyte",
    proves="nothing to prove",
    catches="a fixed buffer, truncation, time that grows with the square of the length",
    hint="Don't limit a message to your buffer's size: let it grow. Search only the bytes that are new for the end.",
    hints={Reason.NO_REPLY: "It got the whole message. If it is still busy, its time grows too fast with the length."},
)
def test_long_message(connect: Connect, protocol: StreamProtocol) -> None:
    """Answers a message of 1 MiB"""
    with connect() as client:
        _ask(client, protocol.long(_LONG_BYTES))


@behaviour(
    does="a message and the client's FIN in one segment; then everything until the end",
    proves="the FIN is received before the message can be read",
    catches="closing at the end of input without answering what was asked before it",
    hint="recv returns b'' (0 in C) only after all bytes before it: answer those first, then close.",
    hints={Reason.NOT_CLOSED: "When recv returns b'' (0 in C) the client will send no more: close its socket."},
)
def test_half_close(connect: Connect, protocol: StreamProtocol) -> None:
    """Answers what was asked before the client ended its side, then closes"""
    exchange = protocol.exchange(0)
    with connect() as client:
        client.send_and_half_close(exchange.request)
        client.expect(exchange.reply)
        client.expect_end()


@behaviour(
    does="fifty clients one after another, each with a message of its own",
    proves="nothing to prove",
    catches="serving one client and ending",
    hint="accept belongs in a loop: after one client has gone, accept the next.",
)
def test_sequential_clients(connect: Connect, protocol: StreamProtocol) -> None:
    """Serves one client after another"""
    for number in range(_SEQUENTIAL_CLIENTS):
        with connect() as client:
            _ask(client, protocol.exchange(number))


@behaviour(
    does="three clients that connect and leave without a byte; then a good one",
    proves="their ends have arrived",
    catches="recv() == b'' taken for a message: a crash or an endless loop",
    hint="recv returns b'' (0 in C) when the client has gone: leave the loop, close the socket, serve the next.",
)
def test_connect_and_leave(connect: Connect, server: Server, protocol: StreamProtocol) -> None:
    """Goes on when a client leaves without a word"""
    for _ in range(_VISITS):
        with connect():
            pass
        server.program.wait_delivered()
    _serves_another(connect, protocol)


@behaviour(
    does="a client that resets its connection after a part of a message; then a good one",
    proves="the part was read before the reset was sent, and the reset has arrived",
    catches="ConnectionResetError ends the server",
    hint="recv can fail (ConnectionResetError, -1 with ECONNRESET): that ends this client, not the server.",
)
def test_reset_mid_request(connect: Connect, server: Server, protocol: StreamProtocol) -> None:
    """Goes on when a client resets its connection in the middle of a message"""
    request = protocol.exchange(0).request
    with connect() as client:
        client.send(request[: len(request) // 2], pieces=len(request) // 2)
        client.reset()
    server.program.wait_delivered()
    _serves_another(connect, protocol)


@behaviour(
    does="Ctrl-C at its terminal while no client is connected",
    proves="the terminal has sent the signal",
    catches="a bare except, threads that keep it alive, a handler that does nothing",
    hint="Let KeyboardInterrupt (SIGINT) end it: no bare `except:` around accept, and threads as daemons.",
)
def test_ctrl_c_stops(fresh_server: Server) -> None:
    """Ends at Ctrl-C"""
    _interrupt(fresh_server.program)


@behaviour(
    does="Ctrl-C while one client is connected and has got its answer",
    proves="the connection is established",
    catches="waiting for the client's thread before ending",
    hint="Nothing that waits for the client may keep the server alive: let KeyboardInterrupt (SIGINT) through, "
    "and make threads daemons.",
    hints={Reason.NOT_CLOSED: "A process it has started still holds the connection: it must end with the server."},
)
def test_ctrl_c_with_client_connected(fresh_server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Ends at Ctrl-C although a client is connected"""
    with stage.connect(fresh_server) as client:
        _ask(client, protocol.exchange(0))
        if not client.established():
            raise UnprovedError("the connection was not open when Ctrl-C was to be typed")
        _interrupt(fresh_server.program)
        client.expect_end_or_reset()


@behaviour(
    does="one client connected and answered, Ctrl-C, then the same command again at once",
    proves="a TIME_WAIT row with the server's port",
    catches="SO_REUSEADDR not set",
    hint="Set SO_REUSEADDR on the listening socket before bind: the old connection holds the port for a minute else.",
)
def test_port_reuse_after_ctrl_c(fresh_server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Can be started again on the same port at once"""
    program = fresh_server.program
    with stage.connect(fresh_server) as client:
        _ask(client, protocol.exchange(0))
        _stop_anyhow(program)
        client.expect_end_or_reset()
    _wait_time_wait(stage, fresh_server)
    try:
        stage.launch_again(fresh_server)
    except FaultError as fault:
        what = "started again at once, it could not bind the port: " + fault.what
        raise FaultError(Reason.ADDRESS_IN_USE, what, doing=fault.doing) from None


@behaviour(
    does="we listen on the port, then it is started there",
    proves="our LISTEN row stands",
    catches="exit status 0, silence, retrying for ever",
    hint="When bind fails, say so on standard error (perror in C) and end with exit status 1.",
)
def test_port_in_use_reported(stage: Stage) -> None:
    """Says that its port is in use"""
    with stage.port_held() as port:
        program = stage.start_on(port)
        _must_refuse(program, f"port {port} was in use", Reason.STILL_RUNNING)


@behaviour(
    does="no argument, a word, and 70000 in place of the port",
    proves="it ended by itself",
    catches="a traceback, a hang, exit status 0, silence on standard error",
    hint="Check the arguments first: count them, read the port as a number from 1 to 65535, else print how it is used.",
    listens=False,
)
def test_bad_arguments_reported(stage: Stage) -> None:
    """Says how it is used when the port is missing or wrong"""
    for arguments in ((), ("abc",), ("70000",)):
        program = stage.start(*arguments)
        situation = f"it was started with {' '.join(arguments) or 'no argument'}"
        _must_refuse(program, situation, Reason.ACCEPTED_BAD_ARGUMENTS)
        if b"Traceback (most recent call last)" in program.stderr.data:
            raise FaultError(Reason.TRACEBACK, f"{situation}; it ended with a traceback")


@behaviour(
    does="two hundred clients one after another; its open files before and after",
    proves="the ends of all connections have arrived",
    catches="a missing close",
    hint="Close a client's socket when it has gone, on every way out (with, finally; in C after the loop).",
)
def test_no_fd_leak(connect: Connect, server: Server, protocol: StreamProtocol, stage: Stage) -> None:
    """Closes its sockets"""
    program = server.program
    with connect() as client:
        _ask(client, protocol.exchange(0))
    before = _open_files(_at_rest(program))
    for number in range(_LEAK_CONNECTIONS):
        with connect() as client:
            _ask(client, protocol.exchange(number))
    program.wait_delivered()
    snapshot = _at_rest(program)
    grown = _open_files(snapshot) - before
    waiting = sum(row.local.port == server.port for row in stage.table.dump(TcpState.CLOSE_WAIT))
    words = (
        f"after {_LEAK_CONNECTIONS} clients have left it has {grown} more files open, {waiting} of them in CLOSE_WAIT"
    )
    program.transcript.add(EventKind.KERNEL, "program", words)
    if max(grown, waiting) > _LEAK_TOLERATED:
        raise FaultError(Reason.FD_LEAK, words, doing=program.doing(snapshot))


@behaviour(
    does="its CPU time while nothing is asked: with a silent client connected, and after it has left",
    proves="it is at rest, or its scheduler counters are read",
    catches="spinning at the end of input, polling without waiting",
    hint="recv at the end of input returns at once, every time: leave the loop. Never poll without a timeout.",
)
def test_no_busy_loop(connect: Connect, server: Server, protocol: StreamProtocol) -> None:
    """Uses no CPU time while nothing is asked"""
    with connect() as client:
        _ask(client, protocol.exchange(0))
        _must_rest(server.program, "with a silent client connected")
    _must_rest(server.program, "after its client had left")


@behaviour(
    does="Ctrl-C; then the processes that are left",
    proves="its first process has ended",
    catches="daemons, children that live on",
    hint="Processes that it starts must end with it: don't leave its terminal's process group, and reap children.",
)
def test_leaves_nothing_running(fresh_server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Leaves nothing running when it has ended"""
    program = fresh_server.program
    with stage.connect(fresh_server) as client:
        _ask(client, protocol.exchange(0))
    _stop_anyhow(program)
    left = stage.leftovers(program)
    if left:
        what = f"the program has ended, but {len(left)} of its processes run on: {', '.join(left)}"
        raise FaultError(Reason.LEFT_RUNNING, what, doing=program.doing(program.remaining()))


def _ask(client: ScriptedClient, exchange: Exchange) -> None:
    __tracebackhide__ = True
    client.send(exchange.request)
    client.expect(exchange.reply)


def _serves_another(connect: Connect, protocol: StreamProtocol) -> None:
    __tracebackhide__ = True
    with connect() as client:
        _ask(client, protocol.exchange(1))


def _interrupt(program: Program) -> None:
    """Ctrl-C, and its end.

    Raises:
        FaultError: it goes on.
    """
    __tracebackhide__ = True
    program.wait_rest(SETTLE_S)  # some still start their workers when they listen already
    ignores = any(process.ignored_signals >> (signal.SIGINT - 1) & 1 for process in program.snapshot(files=False))
    program.press_ctrl_c()
    try:
        program.wait_end()
    except NoProgressError as stop:
        how = " (it ignores SIGINT)" if ignores else ""
        raise FaultError(Reason.STILL_RUNNING, f"it did not end after Ctrl-C{how}", doing=stop.doing) from None


def _stop_anyhow(program: Program) -> None:
    """Its end by Ctrl-C, or else by SIGKILL: for checks about what comes after."""
    try:
        _interrupt(program)
    except FaultError:
        program.kill()
        program.wait_end()


def _wait_time_wait(stage: Stage, server: Server) -> None:
    """See that the kernel holds the port for a connection that the server closed first."""

    def held() -> bool | None:
        rows = stage.table.dump(TcpState.TIME_WAIT)
        return True if any(row.local.port == server.port for row in rows) else None

    try:
        server.program.wait(held)
    except NoProgressError:
        raise UnprovedError(
            "no connection in TIME_WAIT was left behind, so nothing is shown by starting again"
        ) from None
    server.program.transcript.add(EventKind.KERNEL, "grader", f"a connection in TIME_WAIT holds port {server.port}")


def _must_refuse(program: Program, situation: str, ran_on: Reason) -> None:
    """It ends by itself, with an exit status other than 0 and words on standard error."""
    __tracebackhide__ = True
    try:
        ending = program.wait_end()
    except NoProgressError as stop:
        raise FaultError(ran_on, f"{situation}; it did not end", doing=stop.doing) from None
    if ending.status < 0:
        raise FaultError(Reason.CRASHED, f"{situation}; it crashed", doing=program.doing())
    if ending.status == 0:
        raise FaultError(Reason.EXIT_STATUS, f"{situation}; it ended with exit status 0, which means success")
    if not program.stderr.data.strip():
        raise FaultError(Reason.SILENT, f"{situation}; it ended without a word on standard error")


def _at_rest(program: Program) -> Snapshot:
    """Its facts once it is at rest, or has had time enough to be.

    Raises:
        FaultError: it has ended.
    """
    __tracebackhide__ = True
    program.wait_rest(SETTLE_S)
    if ending := program.ending():
        raise FaultError(reason_of(ending), "the program ended", doing=program.doing())
    return program.snapshot()


def _open_files(snapshot: Snapshot) -> int:
    return sum(len(process.files) for process in snapshot if process.alive)


def _must_rest(program: Program, when: str) -> None:
    __tracebackhide__ = True
    share = program.cpu_share(IDLE_WINDOW_S)
    if share is not None and share > IDLE_CPU_SHARE:
        what = f"{when} it used {share:.0%} of a CPU although nothing was asked"
        raise FaultError(Reason.BUSY_LOOP, what, doing=program.doing())
