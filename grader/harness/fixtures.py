"""What a check may ask for, as pytest fixtures."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar, cast

import pytest

from grader.harness.clients import Clients
from grader.harness.listener import ScriptedListener
from grader.harness.listening import Server
from grader.harness.part import Part
from grader.harness.stage import Stage
from grader.harness.tasks import Tasks
from grader.protocol.dialogues import Dialogue
from grader.protocol.script import ClientProtocol, Seeded, StreamProtocol
from grader.wire.kernel import Endpoint
from grader.wire.tcp import ScriptedClient
from grader.wire.tcp_server import Peer, ScriptedServer
from grader.wire.udp import UdpClient
from grader.wire.udp_server import ScriptedUdpServer

P = TypeVar("P", bound=Peer)


class Connect(Protocol):
    """Connects a new scripted client to the shared server, which is closed when the check ends."""

    def __call__(self, port: str = "", *, opens: bool = True) -> ScriptedClient:
        """`port`: the name of one of several ports; without one the main port, whose greeting is received first.

        `opens`: whether it introduces itself then, where clients must.
        """


class ConnectUdp(Protocol):
    """Opens a new scripted UDP client of the shared server, which is closed when the check ends."""

    def __call__(self, port: str = "", *, broadcast: bool = False, elsewhere: bool = False) -> UdpClient:
        """`port`: the name of one of several ports; without one the main port.

        `broadcast`: it asks everybody.  `elsewhere`: its address is 127.0.0.2, not 127.0.0.1.
        """


class Launch(Protocol):
    """Starts a server of the submission for this check alone, beside whatever else runs."""

    def __call__(self, arguments: tuple[str, ...] | None = None, port: int | None = None) -> Server:
        """`arguments`: other ones than usual, with the placeholders of the assignment.  `port`: one that is in use.

        Raises:
            FaultError: it does not listen.
        """


class Listen(Protocol):
    """Opens a port of ours to which a server of the submission is to connect; it is closed when the check ends."""

    def __call__(self, name: str) -> ScriptedListener:
        """`name`: whose port it is, for reports: "the tracker"."""


Begin = Callable[[Dialogue], Part]
TcpClients = Clients[ScriptedServer]
UdpClients = Clients[ScriptedUdpServer]


class Fixtures:
    """Registered with pytest as a plugin; the stage and the author's `protocol.py` are the driver's."""

    def __init__(self, stage: Stage, protocol: object, seed: int) -> None:
        self._stage = stage
        self._protocol = protocol
        self._seed = seed

    @pytest.fixture
    def stage(self) -> Stage:
        """Starts programs by hand: for checks about starting and ending."""
        return self._stage

    @pytest.fixture
    def server(self) -> Server:
        """The running server, shared with other checks; a check must leave it as it was."""
        return self._stage.shared()

    @pytest.fixture
    def fresh_server(self) -> Server:
        """A server started for this check alone, which may end it."""
        return self._stage.launch()

    @pytest.fixture
    def connect(self, server: Server) -> Connect:
        """Connects a new scripted client to the shared server; it is closed when the check ends."""
        return lambda port="", *, opens=True: self._stage.connect(server, port, opens=opens)

    @pytest.fixture
    def begin(self, server: Server) -> Begin:
        """Begins a dialogue with the shared server, on a new connection; that is closed when the check ends."""
        return lambda dialogue: self._stage.begin_dialogue(server, dialogue)

    @pytest.fixture
    def connect_udp(self, server: Server) -> ConnectUdp:
        """Opens a new scripted UDP client of the shared server; it is closed when the check ends."""
        return partial(self._stage.connect_udp, server)

    @pytest.fixture
    def launch(self) -> Launch:
        """Starts another server, perhaps with other arguments, beside those that run; it ends with the check."""
        return self._stage.launch_beside

    @pytest.fixture
    def listen(self) -> Listen:
        """Opens a port of ours to which a server of the submission is to connect: a tracker's, another peer's."""
        return self._stage.listen

    @pytest.fixture
    def protocol(self, request: pytest.FixtureRequest) -> StreamProtocol:
        """The assignment's messages and their correct replies, drawn for this check."""
        return cast("StreamProtocol", Seeded(self._protocol, self._seed, request.node.name))

    @pytest.fixture
    def script(self, protocol: StreamProtocol) -> ClientProtocol:
        """The lines that are typed into a client, and what follows from them."""
        return cast("ClientProtocol", protocol)

    @pytest.fixture
    def tasks(self, protocol: StreamProtocol) -> Tasks:
        """What a client is made to do, be it typed into or acting by itself."""
        return Tasks(protocol, self._stage.basics)

    @pytest.fixture(scope="session")
    def tcp_clients(self) -> TcpClients:
        """Starts the submission's client with a scripted TCP server."""
        return self._clients(self._stage.peers.listen)

    @pytest.fixture(scope="session")
    def udp_clients(self) -> UdpClients:
        """Starts the submission's client with a scripted UDP server."""
        return self._clients(self._stage.peers.await_datagrams)

    @pytest.fixture(scope="session")
    def clients(self, request: pytest.FixtureRequest) -> Clients[Any]:
        """Starts the submission's client with a scripted server of the assignment's transport."""
        return cast("Clients[Any]", request.getfixturevalue("tcp_clients" if self._stage.over_tcp else "udp_clients"))

    def _clients(self, make_peer: Callable[[list[Endpoint]], P]) -> Clients[P]:
        stage, usual = self._stage, Tasks(Seeded(self._protocol, self._seed)).usual
        return Clients(stage, stage.client_command, stage.server_spec.usual_port, make_peer, usual=usual)

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> random.Random:
        """Random numbers for this check only, the same for the same seed."""
        return random.Random(f"{self._seed} {request.node.name}")  # noqa: S311 — repeatable, not secret


#: pytest's own fixtures, as far as the driver loads its plugins.
_PYTESTS = frozenset({"request", "pytestconfig", "monkeypatch", "tmp_path", "tmp_path_factory"})
_FIXTURE = type(pytest.fixture(lambda: None))


def is_fixture(member: object) -> bool:
    """Whether a module's or a class's member is a fixture."""
    return isinstance(member, _FIXTURE)


#: Everything that a check may ask for, besides what its own file has.
FIXTURES = _PYTESTS | {name for name, member in vars(Fixtures).items() if is_fixture(member)}
