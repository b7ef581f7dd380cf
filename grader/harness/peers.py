"""Scripted peers: the clients that talk to the program in a check, and the servers that its client is told to use.

Clients are named by their turn, closed when the check ends, and remembered for as long as something of them may be left
on the program's side: a program that has not let go of one is not at rest.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Protocol, Self

from grader.assignment import ClientSpec
from grader.harness.greeting import Greeting
from grader.harness.listener import ScriptedListener
from grader.harness.listening import Server
from grader.job import Job
from grader.protocol.network import Network, Station
from grader.protocol.script import Exchange
from grader.wire.courier import BROADCAST, Courier, usual_queue_takes
from grader.wire.kernel import Endpoint, SocketTable
from grader.wire.network import ScriptedNetwork
from grader.wire.tcp import ScriptedClient
from grader.wire.tcp_server import ScriptedServer
from grader.wire.udp import UdpClient
from grader.wire.udp_server import ScriptedUdpServer

_CLIENT_NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Lingering(Protocol):
    """A peer of ours of whom something may be left on the program's side."""

    def gone(self) -> bool:
        """Whether nothing of it is left there."""


class Client(Lingering, Protocol):
    """A scripted client of either transport."""

    name: str

    def __enter__(self) -> Self:
        """Use it in a `with` block ..."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """... and it is closed at the end of the block."""

    def ask(self, exchange: Exchange) -> object:
        """Send a message and expect its reply."""

    def close(self) -> None:
        """Leave."""


class Peers:
    """The scripted peers of one grading.  `greeting`: what the server says first."""

    def __init__(self, job: Job, table: SocketTable, greeting: Greeting) -> None:
        self.greeting: Final = greeting
        self._over_tcp = job.assignment.transport == "tcp"
        self._table = table
        self._courier = Courier()
        self._least_wait_s = (job.assignment.client or ClientSpec()).least_wait_s
        self._clients: list[Client] = []
        self._listeners: list[ScriptedListener] = []
        #: Those of whom something may be left on the program's side.
        self._lingering: list[Lingering] = []

    def begin(self) -> None:
        """A check begins: its first client will be client A."""
        self._clients.clear()
        self._listeners.clear()
        self._lingering.clear()

    def finish(self) -> None:
        """The check has ended: close its clients, and what listens."""
        for client in self._clients:
            client.close()
        for listener in self._listeners:
            listener.close()
            self._lingering += listener.connections

    @property
    def count(self) -> int:
        """How many clients there were in this check so far."""
        return len(self._clients)

    def all_gone(self) -> bool:
        """Whether nothing of any client is left on the program's side."""
        self._lingering = [client for client in self._lingering if not client.gone()]
        return not self._lingering

    def client(self, server: Server) -> Client:
        """A new scripted client of the assignment's transport."""
        return self.connect(server) if self._over_tcp else self.connect_udp(server)

    def connect(self, server: Server, *, slow: bool = False, opens: bool = True) -> ScriptedClient:
        """A new scripted TCP client, named by its turn, that has received the server's greeting.

        `opens`: whether it introduces itself, where clients must.  A slow one reads nothing more than it must for that
        before it is told to.
        """
        __tracebackhide__ = True
        client = self.knock(server, slow=slow)
        if not slow or self.greeting.opens:
            self.greeting.hear(client)
        if opens:
            self.greeting.open(client)
        return client

    def knock(self, server: Server, *, slow: bool = False) -> ScriptedClient:
        """A client that has only connected; `greeting.hear` has it receive the greeting."""
        __tracebackhide__ = True
        client = self.connect_to(server, server.address, slow=slow)
        self.greeting.prepare(client)
        return client

    def connect_to(self, server: Server, address: Endpoint, *, slow: bool = False) -> ScriptedClient:
        """A client that has connected to one of the server's ports, whatever is said there first."""
        __tracebackhide__ = True
        client = ScriptedClient(server.program, self._table, address, self._next_name(), slow=slow)
        self._take(client)
        return client

    def connect_udp(self, server: Server, address: Endpoint | None = None, host: str = "127.0.0.1") -> UdpClient:
        """A new scripted UDP client, named by its turn, at this host.

        `address`: one of the server's ports; None: its main one.
        """
        theirs, name = address or server.address, self._next_name()
        client = UdpClient(server.program, self._table, self._courier, theirs, name, host=host)
        self._take(client)
        return client

    def _next_name(self) -> str:
        return client_name(self.count)

    def _take(self, client: Client) -> None:
        self._clients.append(client)
        self._lingering.append(client)

    def usual_queue_takes(self, datagrams: list[bytes]) -> bool:
        """Whether these datagrams may wait together in the queue of a socket that has the default size."""
        return usual_queue_takes(datagrams, self._table, self._courier)

    def await_server(self, address: Endpoint, name: str) -> ScriptedListener:
        """A port of ours to which a server of the submission is to connect; it is closed when the check ends."""
        listener = ScriptedListener(self._table, address, name)
        self._listeners.append(listener)
        return listener

    def listen(self, addresses: list[Endpoint]) -> ScriptedServer:
        """A scripted TCP server, which waits for a client."""
        return ScriptedServer(addresses, self._table)

    def await_datagrams(self, addresses: list[Endpoint]) -> ScriptedUdpServer:
        """A scripted UDP server, which waits for a client, and hears what is sent to everybody, too."""
        everybody = dict.fromkeys(Endpoint(BROADCAST, address.port) for address in addresses)
        return ScriptedUdpServer((*addresses, *everybody), self._table, self._courier, self._least_wait_s)

    def network(self, addresses: list[Endpoint], network: Network, far: Endpoint | Station) -> ScriptedNetwork:
        """A scripted network between a client, which is told one of these addresses, and a server or our own end."""
        return ScriptedNetwork(addresses, network, far, self._courier)


def client_name(number: int) -> str:
    """`client A` to `client Z`, then `client 27` and so on; from 0."""
    return f"client {_CLIENT_NAMES[number]}" if number < len(_CLIENT_NAMES) else f"client {number + 1}"
