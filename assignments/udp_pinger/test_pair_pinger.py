"""The client pings the server."""

from __future__ import annotations

from protocol import LOSES, pings

from grader import Answer, Stage, UdpClients, behaviour


@behaviour(
    does="your client sends six pings to your server",
    proves="the client's output has a time for each ping but the fifth",
    catches="two programs that each work in their own way, but not with each other",
    hint="Compare what the client sends with what the server takes for a ping.",
)
def test_pings_together(udp_clients: UdpClients, stage: Stage) -> None:
    """The client and the server work together"""
    hows = [Answer.NOTHING if number % LOSES == 0 else Answer.WHOLE for number in range(1, LOSES + 2)]
    server = stage.launch(udp_clients.manner.own_port)
    udp_clients.play_with(server.address, pings(*hows))
