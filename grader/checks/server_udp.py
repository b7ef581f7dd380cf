"""UDP servers: a datagram is a message, and nothing else is promised."""

from __future__ import annotations

from grader.catalogue import READ_WHY, behaviour
from grader.checks.ending import stop_anyhow
from grader.errors import Reason
from grader.harness.fixtures import ConnectUdp
from grader.harness.listening import Server
from grader.harness.stage import Stage
from grader.limits import SETTLE_S, UNREST_S
from grader.model import EventKind
from grader.protocol.script import DatagramProtocol
from grader.wire.faults import FaultError, UnprovedError

_SIZES = (1023, 1024, 1025, 2048, 9000)
_BURST = 50
_BURST_CLIENTS = 5
_VISITS = 3
#: What others depend on, and can be judged without if it fails with a client at another address only.
_SEVERAL = "server.several_clients"
#: An exchange that a check has not played yet when it asks whether another client is served.
_ANOTHER = 100

_ONE_DATAGRAM = (
    "Each recvfrom returns exactly one datagram, with the address it came from: send its reply to that address."
)
_OWN_BUFFER = (
    "If each is answered by a thread{Go:  or goroutine} of its own, give that a copy: the next datagram overwrites a "
    "buffer that is shared."
)


@behaviour(
    does="three datagrams, one after the other's reply",
    proves="each datagram has arrived at its socket",
    catches="a wrong or missing reply",
    hint="Try it by hand (nc -u localhost PORT) with the message above, and compare byte by byte.",
    hints={
        Reason.NO_REPLY: "Look at where it waits (above): it already has the datagram and must reply to it with "
        "sendto.",
        Reason.CRASHED: READ_WHY,
        Reason.WRONG_SOURCE: "Send the reply from the socket that received the datagram: call sendto on that one.",
    },
)
def test_answers(connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    """Answers a datagram"""
    with connect_udp() as client:
        for number in range(3):
            client.ask(protocol.exchange(number))


@behaviour(
    does="two clients ask in turn, then one at another address; each must receive its own reply, from the port that it "
    "asked",
    proves="the source of each reply is read",
    catches="the first client's address is remembered, replies to one address whoever asked, replies from another "
    "socket, a connected server socket",
    hint=_ONE_DATAGRAM,
)
def test_several_clients(stage: Stage, connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    """Answers the client that asked, and no other"""
    with connect_udp() as first, connect_udp() as second:
        for number, client in enumerate((first, second, first, second)):
            client.ask(protocol.exchange(number))
    stage.basics.hold(_SEVERAL)  # all other clients are at one address
    with connect_udp(elsewhere=True) as third:
        third.ask(protocol.exchange(4))
    stage.basics.all_held(_SEVERAL)


@behaviour(
    does="one datagram; after its reply everything that arrives until the program is still",
    proves="the program is still, or had the time allowed for a reply",
    catches="a second datagram for one request",
    hint="One sendto for each recvfrom: everything in a reply goes into one datagram.",
)
def test_one_reply_each(connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    """Sends one datagram for each one it receives"""
    with connect_udp() as client:
        client.ask(protocol.exchange(1))
        client.expect_nothing(Reason.EXTRA_REPLY, "another datagram came after the reply")


@behaviour(
    does="two datagrams while the program is frozen; it is thawed; two replies",
    proves="both wait in its socket's queue",
    catches="datagrams treated as a stream: two joined together, one thrown away",
    hint=_ONE_DATAGRAM,
    hints={Reason.WRONG_REPLY: f"{_ONE_DATAGRAM} {_OWN_BUFFER}"},
)
def test_boundaries(server: Server, stage: Stage, connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    """Answers two waiting datagrams one by one"""
    exchanges = protocol.exchange(0), protocol.exchange(1)
    with connect_udp() as client:
        with server.program.frozen():
            for exchange in exchanges:
                client.send(exchange.request)
            _must_wait(stage, server, [exchange.request for exchange in exchanges])
        client.expect_all([exchange.reply for exchange in exchanges])


@behaviour(
    does="datagrams with every byte value, with NUL, with spaces and line endings at the end, with text that is not "
    "UTF-8",
    proves="each datagram has arrived at its socket",
    catches="decoding to text, C string functions, strip()",
    says=("awkward",),
    hint="Work on the bytes from the network, not on text{Python: : no decode(), no strip()}{C: : no strlen(), no "
    "strcpy()}{Java: : no String}.",
)
def test_binary_bytes(connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    """Leaves all bytes unchanged"""
    with connect_udp() as client:
        for exchange in protocol.awkward():
            client.ask(exchange)


@behaviour(
    does="an empty datagram; then an ordinary one",
    proves="each datagram has arrived at its socket",
    catches="`if not data: break`",
    says=("empty",),
    hint="In UDP an empty datagram doesn't mean the end of anything: it is a datagram like any other."
    "{Python:  In older versions asyncio's transport.sendto(b'') sends nothing, without an error: send an empty reply "
    "through a socket of your own.}",
)
def test_empty_datagram(connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    """Answers an empty datagram"""
    with connect_udp() as client:
        client.ask(protocol.empty())
        client.ask(protocol.exchange(0))


@behaviour(
    does="datagrams of 1023, 1024, 1025, 2048, 9000 bytes and as long as the handout allows, and longer ones",
    proves="each datagram has arrived at its socket",
    catches="recvfrom(1024) truncates silently",
    says=("sized", "LARGEST_BYTES", "oversized"),
    hint="What doesn't fit in the size given to recvfrom is silently thrown away: give it 65536.",
)
def test_large_datagrams(server: Server, connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    """Answers datagrams of every size"""
    with connect_udp() as client:
        for size in (*(size for size in _SIZES if size < protocol.LARGEST_BYTES), protocol.LARGEST_BYTES):
            client.ask(protocol.sized(size))
        for datagram in protocol.oversized():
            client.send(datagram)
            client.wait_read()
        server.program.wait_rest(UNREST_S)  # a reply that finds its client gone is another check's business
    _serves_another(connect_udp, protocol)


@behaviour(
    does="datagrams that are not a proper message; then an ordinary one",
    proves="the program has read them",
    catches="an exception ends the loop",
    says=("garbage",),
    hint="Anyone can send anything: inside the loop, catch whatever goes wrong with a single datagram.",
)
def test_garbage_survived(server: Server, connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    """Survives datagrams that make no sense"""
    with connect_udp() as client:
        for datagram in protocol.garbage():
            client.send(datagram)
            client.wait_read()
            # So that we know which of several ends it: the last one.
            server.program.wait_rest(SETTLE_S)
            if server.program.ending():
                break
    _serves_another(connect_udp, protocol)


@behaviour(
    does="fifty datagrams from five clients while the program is frozen; it is thawed; fifty replies",
    proves="all wait in its socket's queue, and the kernel has dropped none",
    catches="datagrams read and not answered",
    hint="While you reply to one datagram others wait in the socket's queue: read them one by one, and reply to each.",
    hints={Reason.WRONG_REPLY: f"{_ONE_DATAGRAM} {_OWN_BUFFER}"},
)
def test_burst(server: Server, stage: Stage, connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    """Answers all datagrams that arrived while it was busy"""
    clients = [connect_udp() for _ in range(_BURST_CLIENTS)]
    exchanges = [protocol.exchange(number) for number in range(_BURST)]
    with server.program.frozen():
        for number, exchange in enumerate(exchanges):
            clients[number % _BURST_CLIENTS].send(exchange.request)
        _must_wait(stage, server, [exchange.request for exchange in exchanges])
    for turn, client in enumerate(clients):
        client.expect_all([exchange.reply for exchange in exchanges[turn::_BURST_CLIENTS]])


@behaviour(
    does="three clients that send and are gone before the program can reply; then a well-behaved client",
    proves="the datagrams wait in its queue when their senders' ports are closed",
    catches="a connected server socket, whose next call fails with ECONNREFUSED",
    hint="The reply to a client that is gone comes back as an error (ICMP port unreachable), which a connected socket "
    "reports as ECONNREFUSED: don't connect the server's socket, and don't let one client's error end the loop.",
)
def test_dead_client_survived(
    server: Server, stage: Stage, connect_udp: ConnectUdp, protocol: DatagramProtocol
) -> None:
    """Survives a client that is gone before its reply"""
    for number in range(_VISITS):
        request = protocol.exchange(number).request
        with server.program.frozen(), connect_udp() as client:
            client.send(request)
            _must_wait(stage, server, [request])
        client.wait_read()
        server.program.wait_rest(SETTLE_S)
        if server.program.ending():
            break
    _serves_another(connect_udp, protocol)


@behaviour(
    does="one client served, Ctrl-C, then the same command again immediately, and another client",
    proves="its first process has exited",
    catches="a lock or a pid file that is left behind",
    hint="Don't leave anything behind that keeps it from starting again: no pid file, no lock.",
)
def test_restart_after_ctrl_c(fresh_server: Server, stage: Stage, protocol: DatagramProtocol) -> None:
    """Can be restarted on the same port immediately"""
    with stage.peers.connect_udp(fresh_server) as client:
        client.ask(protocol.exchange(0))
    stop_anyhow(fresh_server.program)
    try:
        again = stage.launch_again(fresh_server)
    except FaultError as fault:
        what = f"when restarted immediately, it did not get its port: {fault.what}"
        raise FaultError(Reason.ADDRESS_IN_USE, what, doing=fault.doing) from None
    with stage.peers.connect_udp(again) as client:
        client.ask(protocol.exchange(1))


def _must_wait(stage: Stage, server: Server, datagrams: list[bytes]) -> None:
    """See that datagrams wait in the program's queue, or queues (SO_REUSEPORT), and none was dropped.

    Raises:
        FaultError: it accepts none from these clients, or has a shorter queue than a socket has by default.
        UnprovedError: this machine can't queue more.
    """
    __tracebackhide__ = True
    rows = [row for row in stage.table.dump_udp() if row.local.port == server.port]
    if server.program.ending():
        return  # the next request shows that
    waiting = sum(row.receive_queue for row in rows)
    dropped = sum(row.drops for row in rows) - server.row.drops
    if waiting and not dropped:
        words = (
            f"{len(datagrams)} datagrams wait in its queue ({waiting} bytes of the kernel's memory), none was dropped"
        )
        server.program.transcript.add(EventKind.KERNEL, "grader", words)
        return
    if not stage.peers.usual_queue_takes(datagrams):
        raise UnprovedError(f"this machine drops some of {len(datagrams)} datagrams that wait for a socket")
    what = f"of {len(datagrams)} datagrams that were sent to it, its queue has taken "
    what += f"{len(datagrams) - dropped}: it is shorter than usual" if dropped else "none"
    raise FaultError(Reason.NO_REPLY, what, doing=server.program.doing())


def _serves_another(connect_udp: ConnectUdp, protocol: DatagramProtocol) -> None:
    __tracebackhide__ = True
    with connect_udp() as client:
        client.ask(protocol.exchange(_ANOTHER))
