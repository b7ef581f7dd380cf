"""What a check may ask for, as pytest fixtures."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from grader.driver.stage import Server, Stage
from grader.wire.script import StreamProtocol
from grader.wire.tcp import ScriptedClient
from grader.wire.udp import UdpClient

Connect = Callable[[], ScriptedClient]
Correspond = Callable[[], UdpClient]


class Fixtures:
    """Registered with pytest as a plugin; the stage and the protocol are the driver's."""

    def __init__(self, stage: Stage, protocol: StreamProtocol, seed: int) -> None:
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
        return lambda: self._stage.connect(server)

    @pytest.fixture
    def correspond(self, server: Server) -> Correspond:
        """Opens a new scripted UDP client of the shared server; it is closed when the check ends."""
        return lambda: self._stage.correspond(server)

    @pytest.fixture
    def protocol(self) -> StreamProtocol:
        """The assignment's messages and their right answers."""
        return self._protocol

    @pytest.fixture
    def source(self, request: pytest.FixtureRequest) -> random.Random:
        """Randomness of this check's own, the same for the same seed."""
        return random.Random(f"{self._seed} {request.node.name}")  # noqa: S311 — repeatable, not secret
