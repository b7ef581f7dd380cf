"""TCP servers: many clients, clients that leave, and stopping while they are connected."""

from __future__ import annotations

from grader.catalogue import RECV_GIVES_NOTHING, behaviour
from grader.checks.crowds import serves_another, until_enough
from grader.checks.ending import one_connected, stop_anyhow, wait_time_wait
from grader.errors import Reason
from grader.harness.fixtures import Begin, Connect
from grader.harness.listening import Server
from grader.harness.part import Part, in_lockstep
from grader.harness.stage import Stage
from grader.harness.stopping import interrupt
from grader.limits import SETTLE_S
from grader.model import EventKind
from grader.protocol.dialogues import dialogue_of
from grader.protocol.script import Exchange, StreamProtocol
from grader.wire.faults import FaultError
from grader.wire.tcp import ScriptedClient

_SEQUENTIAL_CLIENTS = 50
_CONCURRENT_CLIENTS = 50
_VISITS = 3

_ONE_AT_A_TIME = (
    "While the server waits in recv for one client it serves no other: use a thread or a process for each client, or "
    "select, poll or epoll on all of them."
)


@behaviour(
    does="fifty clients one after another, each with a different message",
    proves="nothing to prove",
    catches="serving one client and exiting",
    hint="accept belongs in a loop: after one client has left, accept the next.",
)
def test_sequential_clients(begin: Begin, protocol: StreamProtocol) -> None:
    """Serves one client after another"""
    for number in until_enough(_SEQUENTIAL_CLIENTS):
        with begin(dialogue_of(protocol, number)) as part:
            part.play()


@behaviour(
    does="fifty clients connected together, served in the reverse order of connecting, each with different bytes",
    proves="all connections are established and accepted",
    catches="one client at a time, hidden by the backlog",
    hint=_ONE_AT_A_TIME,
    hints={
        Reason.CLOSED_EARLY: "It accepts them and immediately closes some: look for a table or a pool of fixed size."
    },
)
def test_concurrent_clients(server: Server, begin: Begin, protocol: StreamProtocol) -> None:
    """Serves many clients at the same time"""
    _hold_and_serve(server, begin, protocol, _CONCURRENT_CLIENTS)


@behaviour(
    does="a client that connects and says nothing; then another is served",
    proves="the silent client's connection is accepted",
    catches="accept and recv in one loop",
    hint=_ONE_AT_A_TIME,
)
def test_idle_client_blocks_no_one(connect: Connect, protocol: StreamProtocol) -> None:
    """Serves others while one client is silent"""
    with connect(opens=False) as silent:
        silent.wait_accepted()
        serves_another(connect, protocol)


@behaviour(
    does="two clients, each with a message in two pieces, alternating",
    proves="each piece was read before the next is sent",
    catches="one buffer for all clients",
    hint="What has come from one client must not be mixed with another's: use a buffer for each connection.",
)
def test_interleaved_fragments(begin: Begin, protocol: StreamProtocol) -> None:
    """Keeps the messages of different clients apart"""
    with begin(dialogue_of(protocol, 0)) as first, begin(dialogue_of(protocol, 1)) as second:
        while going := [part for part in (first, second) if part.due is not None]:
            for part in going:
                part.turn(_first_half)
            for part in going:
                _second_half(part)
                part.hear()


def _first_half(client: ScriptedClient, request: bytes) -> None:
    __tracebackhide__ = True
    half = len(request) // 2
    client.send(request[:half], pieces=half or None)


def _second_half(part: Part) -> None:
    __tracebackhide__ = True
    if part.due is not None:
        request = part.due.request
        part.client.send(request[len(request) // 2 :], pieces=max(1, len(request)))


@behaviour(
    does="three clients that connect and leave without sending a byte; then a well-behaved one",
    proves="their ends have arrived",
    catches="recv() == b'' taken for a message: a crash or an endless loop",
    hint=f"{RECV_GIVES_NOTHING} when the client has left: leave the loop, close the socket, serve the next client.",
)
def test_connect_and_leave(connect: Connect, server: Server, protocol: StreamProtocol) -> None:
    """Survives a client that leaves without sending anything"""
    for _ in range(_VISITS):
        with connect(opens=False):
            pass
        server.program.wait_delivered()
    serves_another(connect, protocol)


@behaviour(
    does="a client that resets its connection after part of a message, and one that closes it; a well-behaved one "
    "after each",
    proves="the part was read before the client left, and its end has arrived",
    catches="ConnectionResetError ends the server, one client's unfinished part is put before the next one's message",
    hint="recv can fail{Python:  (ConnectionResetError)}{C:  (-1 with ECONNRESET)}{JavaScript:  (an 'error' event on "
    "the socket, which ends the program if there is no listener for it)}: that is the end of this client, not of the "
    "server.",
    hints={
        Reason.WRONG_REPLY: "What a client left unfinished must be dropped with it: use a buffer for each connection."
    },
)
def test_reset_mid_request(connect: Connect, server: Server, protocol: StreamProtocol) -> None:
    """Survives a client that leaves in the middle of a message"""
    request = protocol.exchange(0).request
    half = len(request) // 2
    for leave in (ScriptedClient.reset, ScriptedClient.close):
        with connect() as client:
            client.send(request[:half], pieces=half)
            leave(client)
        server.program.wait_delivered()
        server.program.wait_rest(SETTLE_S)  # so that the next client can't receive what this one's end still causes
        serves_another(connect, protocol)


@behaviour(
    does="while the program is frozen a client connects and resets its connection; the program is thawed; then a "
    "well-behaved client",
    proves="the connection was in the accept queue when it was reset",
    catches="the error from accept, or from the first recv, ends the server",
    hint="A client may be gone before it is accepted: then recv fails immediately (ECONNRESET), and accept may fail "
    "too (ECONNABORTED). Either is the end of this client, not of the server.",
)
def test_reset_before_accept(connect: Connect, server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Survives a client that left before it was accepted"""
    program = server.program
    with program.frozen():
        others = stage.listening.accept_queue(server)
        with stage.peers.knock(server) as client:
            queued = stage.listening.queued(server, others + 1)
            if not queued:  # a listener may leave a client out until it has sent something (TCP_DEFER_ACCEPT)
                client.send(protocol.exchange(0).request[:1])
                queued = stage.listening.queued(server, others + 1)
            client.reset()
        if not queued:
            what = "a client that has connected and sent a byte does not show up in its accept queue"
            raise FaultError(Reason.NOT_ACCEPTED, what)
    program.wait_delivered()
    serves_another(connect, protocol)


@behaviour(
    does="the program is frozen, as many clients connect as the handout says, it is thawed; all are served",
    proves="all of them are in its accept queue",
    catches="listen with a backlog of 0 or 1",
    hint="The argument of listen is how many clients may wait while the server is busy; give it at least what the "
    "handout says{Python:  (listen() without an argument; in socketserver it is "
    "request_queue_size, which is 5)}{C:  (SOMAXCONN)}.",
)
def test_backlog_burst(server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Lets several clients wait while it is busy"""
    wanted = stage.server_spec.backlog
    exchanges = [protocol.exchange(number) for number in range(wanted)]
    asked: list[list[Exchange]] = []
    with server.program.frozen():
        others = stage.listening.accept_queue(server)
        try:
            clients = [stage.peers.knock(server) for _ in range(wanted)]
        except FaultError:
            raise _short_queue(stage, server, others, wanted) from None
        if not stage.listening.queued(server, others + wanted):
            # A listener may leave clients out until they have sent something (TCP_DEFER_ACCEPT).
            asked = [[*stage.greeting.first(), exchange] for exchange in exchanges]
            for client, each in zip(clients, asked, strict=True):
                client.send(b"".join(exchange.request for exchange in each))
            if not stage.listening.queued(server, others + wanted):
                raise _short_queue(stage, server, others, wanted)
    server.program.wait_rest(SETTLE_S)  # by then it has accepted as many as it ever will, and not one per request
    for number, client in enumerate(clients):
        if asked:
            client.expect_each(asked[number])
        else:
            stage.greeting.hear(client)
            stage.greeting.open(client)
            client.ask(exchanges[number])
        client.close()


def _short_queue(stage: Stage, server: Server, others: int, wanted: int) -> FaultError:
    waiting = stage.listening.accept_queue(server) - others
    what = f"only {waiting} of {wanted} clients could wait: it listens with a backlog of {server.row.send_queue}"
    if others:
        what += f", and {others} of its own connections wait there"
    return FaultError(Reason.BACKLOG, what)


@behaviour(
    does="as many clients as the handout says, connected together and served in the reverse order of connecting",
    proves="all connections are established and accepted at the same time",
    catches="a table or pool of fixed size, the limit of select, one thread too many",
    hint="Look for a fixed number in your program: a table of clients, a pool of workers, FD_SETSIZE of select, or a "
    "limit of open files that it sets itself.",
)
def test_many_clients(server: Server, begin: Begin, stage: Stage, protocol: StreamProtocol) -> None:
    """Holds as many clients as required"""
    _hold_and_serve(server, begin, protocol, stage.server_spec.clients)


@behaviour(
    does="Ctrl-C while one client is connected and has received its reply",
    proves="the connection is established",
    catches="waiting for the client's thread before exiting",
    hint="Nothing that waits for the client may keep the server running: let SIGINT{Python:  (KeyboardInterrupt)} "
    "through{Python, Java: , and make threads daemons}.",
    hints={Reason.NOT_CLOSED: "A process that it started still holds the connection: it must exit with the server."},
)
def test_ctrl_c_with_client_connected(fresh_server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Exits on Ctrl-C even while a client is connected"""
    with one_connected(stage, fresh_server, protocol) as client:
        interrupt(fresh_server.program)
        client.expect_end_or_reset()


@behaviour(
    does="one client connected and answered, Ctrl-C, then the same command again immediately",
    proves="a TIME_WAIT row with the server's port, its own or else ours",
    catches="SO_REUSEADDR not set",
    hint="Set SO_REUSEADDR on the listening socket before bind: otherwise the old connection holds the port for a "
    "minute.",
)
def test_port_reuse_after_ctrl_c(fresh_server: Server, stage: Stage, protocol: StreamProtocol) -> None:
    """Can be restarted on the same port immediately"""
    program = fresh_server.program
    with stage.connect(fresh_server) as client:
        client.ask(protocol.exchange(0))
        stop_anyhow(program)
        client.expect_end_or_reset()
    wait_time_wait(stage, fresh_server)
    try:
        stage.launch_again(fresh_server)
    except FaultError as fault:
        what = f"when restarted immediately, it did not get its port: {fault.what}"
        raise FaultError(Reason.ADDRESS_IN_USE, what, doing=fault.doing) from None


def _hold_and_serve(server: Server, begin: Begin, protocol: StreamProtocol, count: int) -> None:
    __tracebackhide__ = True
    transcript = server.program.transcript
    mark = transcript.mark()
    parts = []
    for number in range(count):
        part = begin(dialogue_of(protocol, number))
        part.client.wait_accepted()
        parts.append(part)
    lost = sum(not part.client.established() for part in parts)
    if lost:
        what = f"of {count} connected clients it has disconnected {lost}"
        raise FaultError(Reason.CLOSED_EARLY, what, doing=server.program.doing())
    transcript.add(EventKind.KERNEL, "grader", f"all {count} connections are established and accepted")
    in_lockstep(reversed(parts))
    for part in parts:
        part.client.close()
    transcript.rewind(mark)
    transcript.add(EventKind.NOTE, "grader", f"{count} clients were established at the same time, and all were served")
